//! PandaDoc: documents on their way to drafts, numbers for states, files that are not ready.

use http::Method;
use serde_json::{Value, json};
use sim::esign::Pandadoc;

use super::world::{ADA, Answer, BO, DAY, MINUTE, SECOND, World, agreement, empty, events};

struct Client {
    world: World,
    panda: Pandadoc,
    key: String,
    template: String,
}

impl Client {
    async fn start() -> Self {
        let world = World::start().await;
        let panda = world.esign.pandadoc();
        panda.subscribe("https://hooks.example/pandadoc?tenant=1");
        let template = panda.template(agreement());
        let key = format!("API-Key {}", panda.credentials().api_key);
        Self { world, panda, key, template }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.world.call(method, &format!("{}{path}", self.panda.url()), &self.key, body.as_ref()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn create(&self) -> String {
        let made = self.post("/public/v1/documents", from_template(&self.template)).await.expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn draft(&self) -> String {
        let id = self.create().await;
        self.world.later(4 * SECOND);
        id
    }

    async fn send(&self) -> String {
        let id = self.draft().await;
        self.post(&format!("/public/v1/documents/{id}/send"), empty()).await.expect(200);
        id
    }

    async fn set(&self, id: &str, status: i64) -> Answer {
        self.call(
            Method::PATCH,
            &format!("/public/v1/documents/{id}/status"),
            Some(json!({"status": status})),
        )
        .await
    }
}

fn from_template(template: &str) -> Value {
    json!({
        "name": "Service agreement", "template_uuid": template,
        "recipients": [
            {"email": ADA, "first_name": "Ada", "last_name": "Client", "role": "Client", "signing_order": 1},
            {"email": BO, "first_name": "Bo", "last_name": "Provider", "role": "Provider", "signing_order": 2}],
        "tokens": [{"name": "Contract.Id", "value": "ctr_01"}],
        "fields": {"Amount": {"value": "100"}},
        "metadata": {"contract_id": "ctr_01"}, "tags": ["contracts"]
    })
}

#[tokio::test]
async fn a_document_becomes_a_draft_is_set_sent_signed_and_sealed() {
    let client = Client::start().await;
    let id = client.create().await;
    let at = format!("/public/v1/documents/{id}");
    let settings = format!("/public/v2/documents/{id}/settings");

    let early = client.post(&format!("{at}/send"), empty()).await.expect(409).json();
    client.world.later(4 * SECOND);
    client.call(Method::PATCH, &settings, Some(json!({"expires_in": 30}))).await.expect(200);
    let reminders = json!({"enabled": true, "delivery_method": "email", "initial_delay_days": 3,
                           "is_recurring": true, "recurrence_frequency_days": 2});
    client.call(Method::PATCH, &format!("{at}/auto-reminders"), Some(reminders.clone())).await.expect(200);
    let sent = client
        .post(&format!("{at}/send"), json!({"subject": "Please sign", "message": "Kind regards"}))
        .await;
    let sent = sent.expect(200).json();
    client.panda.view(&id, ADA).unwrap();
    client.panda.sign_all(&id).unwrap();
    let waiting = client.get(&format!("{at}/download-protected")).await.expect(202);
    client.world.later(30 * SECOND);
    let file = client.get(&format!("{at}/download-protected")).await.expect(200);
    let details = client.get(&format!("{at}/details")).await.expect(200).json();

    assert_eq!(early["status"], "document.uploaded");
    assert_eq!(sent["status"], "document.sent");
    assert_eq!(sent["expiration_date"], "2026-12-02T10:15:34.000000Z");
    assert_eq!(client.get(&settings).await.expect(200).json()["expires_in"], 30);
    assert_eq!(client.get(&format!("{at}/auto-reminders")).await.expect(200).json(), reminders);
    assert_eq!((waiting.header("retry-after"), waiting.bytes.len()), ("30", 0));
    assert!(file.bytes.starts_with(b"%PDF"));
    assert_eq!(details["status"], "document.completed");
    assert_eq!(details["metadata"]["contract_id"], "ctr_01");
    assert_eq!(details["recipients"][0]["has_completed"], true);
    assert_eq!(
        events(&client.panda.take_deliveries()),
        [
            "document_state_changed",
            "document_state_changed",
            "document_state_changed",
            "recipient_completed",
            "recipient_completed+document_state_changed",
            "document_completed_pdf_ready"
        ]
    );
    client.world.assert_clean();
}

#[tokio::test]
async fn every_read_fits_the_description() {
    let client = Client::start().await;
    let id = client.send().await;
    let template = &client.template;

    for path in [
        format!("/public/v1/documents/{id}"),
        format!("/public/v1/documents/{id}/details"),
        format!("/public/v1/documents/{id}/auto-reminders"),
        format!("/public/v1/documents/{id}/auto-reminders/status"),
        format!("/public/v2/documents/{id}/audit-trail"),
        "/public/v1/documents?metadata_contract_id=ctr_01&count=10&status=1".to_owned(),
        "/public/v1/templates?count=100&page=1".to_owned(),
        format!("/public/v1/templates/{template}"),
        format!("/public/v1/templates/{template}/details"),
        "/public/v1/members/current".to_owned(),
        "/public/v1/webhook-subscriptions".to_owned(),
        "/public/v1/webhook-events?count=50&page=1".to_owned(),
    ] {
        client.get(&path).await.expect(200);
    }
    client
        .post(&format!("/public/v1/documents/{id}/session"), json!({"recipient": ADA, "lifetime": 900}))
        .await
        .expect(201);
    let found = client.get("/public/v1/documents?metadata_contract_id=ctr_01").await.expect(200).json();
    let other = client.get("/public/v1/documents?metadata_contract_id=ctr_02").await.expect(200).json();

    assert_eq!(found["results"][0]["id"], id.as_str());
    assert_eq!(other["results"], json!([]));
    client.world.assert_clean();
}

/// Brings a document into a state by the moves that lead there.
async fn into(client: &Client, state: &str) -> String {
    let id = if state == "draft" { client.draft().await } else { client.send().await };
    match state {
        "draft" | "sent" => {}
        "viewed" => client.panda.view(&id, ADA).unwrap(),
        "completed" => client.panda.sign_all(&id).unwrap(),
        "declined" => client.panda.decline(&id, ADA, "Wrong terms").unwrap(),
        "expired" => client.panda.expire(&id).unwrap(),
        "paid" => {
            client.panda.expire(&id).unwrap();
            drop(client.set(&id, 10).await.expect(204));
        }
        other => panic!("{other}"),
    }
    id
}

#[tokio::test]
async fn a_state_changes_by_hand_only_as_the_table_says() {
    let client = Client::start().await;

    for (from, allowed) in [
        ("draft", &[2, 10, 12][..]),
        ("paid", &[]),
        ("sent", &[2, 11, 12]),
        ("viewed", &[2, 11, 12]),
        ("completed", &[12]),
        ("expired", &[2, 10, 12]),
        ("declined", &[2, 10]),
    ] {
        for to in [2, 10, 11, 12] {
            let id = into(&client, from).await;
            let answer = client.set(&id, to).await;
            let expected = if allowed.contains(&to) { 204 } else { 409 };
            assert_eq!(answer.status, expected, "{from} to {to}");
            client.world.later(MINUTE);
        }
    }
    client.world.assert_clean();
    client.set("nothing", 2).await.expect(404);
    let id = client.draft().await;
    client.set(&id, 5).await.expect(400);
    assert_eq!(client.panda.violations().len(), 1);
}

#[tokio::test]
async fn sending_twice_and_editing_what_is_locked_are_refused() {
    let client = Client::start().await;
    let id = client.draft().await;
    let send = format!("/public/v1/documents/{id}/send");

    client.panda.lock(&id, true);
    let locked = client.post(&send, empty()).await.expect(423).json();
    client.panda.lock(&id, false);
    client.post(&send, empty()).await.expect(200);
    let twice = client.post(&send, empty()).await.expect(409).json();
    client.call(Method::DELETE, &format!("/public/v1/documents/{id}"), None).await.expect(204);
    client.get(&format!("/public/v1/documents/{id}")).await.expect(404);

    assert_eq!(locked["type"], "document_locked");
    assert_eq!(twice["status"], "document.sent");
    client.world.assert_clean();
}

#[tokio::test]
async fn approval_asks_for_a_second_send() {
    let client = Client::start().await;
    client.world.esign.switch(|switches| switches.approval = true);
    let id = client.draft().await;
    let send = format!("/public/v1/documents/{id}/send");

    let first = client.post(&send, empty()).await.expect(200).json();
    client.post(&send, empty()).await.expect(409);
    assert!(client.panda.approve(&id));
    let second = client.post(&send, empty()).await.expect(200).json();

    assert_eq!(first["status"], "document.waiting_approval");
    assert_eq!(second["status"], "document.sent");
}

#[tokio::test]
async fn a_document_that_cannot_be_made_ends_in_error() {
    let client = Client::start().await;
    client.world.esign.switch(|switches| switches.draft_fails = true);

    let id = client.draft().await;

    let shown = client.get(&format!("/public/v1/documents/{id}")).await.expect(200).json();
    assert_eq!(shown["status"], "document.error");
    assert_eq!(events(&client.panda.take_deliveries()), ["document_creation_failed+document_state_changed"]);
}

#[tokio::test]
async fn bad_input_is_refused_and_makes_no_document() {
    let client = Client::start().await;
    let cases = [
        ("/template_uuid", json!("nothing")),
        ("/recipients/0/email", json!("nobody")),
        ("/recipients/0/role", json!("client")),
        ("/recipients/1/role", json!("Client")),
        ("/recipients/1/email", json!(ADA)),
        ("/recipients/0/signing_order", json!(0)),
        ("/recipients", json!([])),
        ("/fields", json!({"Other": {"value": "1"}})),
    ];

    for (pointer, value) in cases {
        let mut body = from_template(&client.template);
        *body.pointer_mut(pointer).unwrap() = value;
        let refused = client.post("/public/v1/documents", body).await.expect(400).json();
        assert_eq!(refused["type"], "validation_error", "{refused}");
    }
    let mut misspelled = from_template(&client.template);
    misspelled["subjct"] = json!("x");
    client.post("/public/v1/documents", misspelled).await.expect(400);

    assert!(client.panda.contracts().is_empty());
    assert_eq!(client.panda.violations().len(), 1);
}

#[tokio::test]
async fn bytes_are_uploaded_as_a_form_and_large_ones_refused() {
    let client = Client::start().await;
    let url = format!("{}/public/v1/documents?upload", client.panda.url());
    let data = json!({"name": "Agreement", "parse_form_fields": false,
                      "recipients": [{"email": ADA, "first_name": "Ada", "last_name": "Client", "role": "Client"}],
                      "metadata": {"contract_id": "ctr_01"}});
    let mut wrong = data.clone();
    wrong["nme"] = json!("x");
    let huge = [b"%PDF".as_slice(), &vec![b' '; 50 * 1024 * 1024]].concat();

    let made =
        client.world.upload(&url, &client.key, ("file", b"%PDF-1.4 x"), &[("data", &data.to_string())]).await;
    let made = made.expect(201).json();
    client
        .world
        .upload(&url, &client.key, ("file", b"hello"), &[("data", &data.to_string())])
        .await
        .expect(400);
    client.world.upload(&url, &client.key, ("file", &huge), &[("data", &data.to_string())]).await.expect(413);
    client.world.assert_clean();
    client
        .world
        .upload(&url, &client.key, ("file", b"%PDF-1.4 x"), &[("data", &wrong.to_string())])
        .await
        .expect(400);

    assert_eq!(made["status"], "document.uploaded");
    assert_eq!(client.panda.contracts().len(), 1);
    assert_eq!(client.panda.violations().len(), 1);
}

#[tokio::test]
async fn the_sandbox_has_its_own_rules() {
    let mut client = Client::start().await;
    client.key = format!("API-Key {}", client.panda.credentials().sandbox_key);
    let outside =
        client.post("/public/v1/documents", from_template(&client.template)).await.expect(403).json();
    let mut inside = from_template(&client.template);
    inside["recipients"][0]["email"] = json!("ada@sender.example");
    inside["recipients"][1]["email"] = json!("bo@sender.example");
    let made = client.post("/public/v1/documents", inside).await.expect(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    client.world.later(4 * SECOND);
    client.post(&format!("/public/v1/documents/{id}/send"), empty()).await.expect(200);
    client.panda.sign_all(&id).unwrap();
    client.world.later(30 * SECOND);

    client.get(&format!("/public/v1/documents/{id}/download-protected")).await.expect(401);
    client.get(&format!("/public/v1/documents/{id}/download")).await.expect(200);
    for _ in 0..10 {
        client.get("/public/v1/members/current").await.expect(200);
    }
    let spent = client.get("/public/v1/members/current").await.expect(429).json();

    assert_eq!(outside["type"], "permissions_error");
    assert_eq!(made["name"], "[DEV] Service agreement");
    assert_eq!(spent["type"], "throttled");
    assert!(spent["detail"].as_str().unwrap().contains("Expected available in 60 seconds"));
    client.world.assert_clean();
}

#[tokio::test]
async fn reminders_fail_for_each_recipient_inside_a_good_answer() {
    let client = Client::start().await;
    let id = client.send().await;
    let signers = client.panda.contract(&id).unwrap().signers;
    let path = format!("/public/v1/documents/{id}/send-reminder");
    let body = json!({"reminders": [{"recipient_id": signers[0].id}, {"recipient_id": signers[1].id}]});

    let first = client.post(&path, body.clone()).await.expect(200).json();
    let again = client.post(&path, body).await.expect(200).json();

    assert_eq!(first["result"][0]["email"]["status"], "sent");
    assert_eq!(first["result"][1]["email"]["status"], "error");
    assert_eq!(again["result"][0]["email"]["status"], "error");
    client.world.assert_clean();
}

#[tokio::test]
async fn a_document_expires_by_itself() {
    let client = Client::start().await;
    let id = client.send().await;

    client.world.later(60 * DAY);
    let shown = client.get(&format!("/public/v1/documents/{id}")).await.expect(200).json();

    assert_eq!(shown["status"], "document.voided");
    assert!(client.panda.sign(&id, ADA).is_err());
}

#[tokio::test]
async fn a_code_is_exchanged_once_for_a_token_that_opens_the_api() {
    let client = Client::start().await;
    let credentials = client.panda.credentials();
    let url = format!("{}/oauth2/access_token", client.panda.url());
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", credentials.client_id.as_str()),
        ("client_secret", credentials.client_secret.as_str()),
        ("code", credentials.code.as_str()),
        ("scope", "read+write"),
    ];

    let token = client.world.form(&url, &fields).await.expect(200).json();
    client.world.form(&url, &fields).await.expect(400);
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let member = format!("{}/public/v1/members/current", client.panda.url());

    client.world.get(&member, &bearer).await.expect(200);
    client.world.get(&member, "Bearer nothing").await.expect(401);
    assert_eq!(token["expires_in"], 31_535_999);
}

#[tokio::test]
async fn a_subscription_is_made_rotated_switched_off_and_removed() {
    let client = Client::start().await;
    let path = "/public/v1/webhook-subscriptions";
    let body = json!({"name": "States", "url": "https://hooks.example/states", "active": true,
                      "triggers": ["document_state_changed"], "payload": []});
    let made = client.post(path, body).await.expect(201).json();
    let at = format!("{path}/{}", made["uuid"].as_str().unwrap());
    client.draft().await;

    let told = client.panda.take_deliveries();
    let key = client.call(Method::PATCH, &format!("{at}/shared-key"), None).await.expect(200).json();
    let off = client.call(Method::PATCH, &at, Some(json!({"active": false}))).await.expect(200).json();
    client.draft().await;
    let quiet = client.panda.take_deliveries();
    client.call(Method::DELETE, &at, None).await.expect(204);
    client.get(&at).await.expect(404);

    let ours: Vec<_> = told.iter().filter(|it| it.url.starts_with("https://hooks.example/states")).collect();
    let event: Value = serde_json::from_slice(&ours[0].body).unwrap();
    assert_eq!((told.len(), ours.len(), quiet.len()), (2, 1, 1));
    assert!(event[0]["data"].get("metadata").is_none(), "nobody asked for it");
    assert_ne!(key["shared_key"], made["shared_key"]);
    assert_eq!(off["status"], "INACTIVE");
    client.world.assert_clean();
}

#[tokio::test]
async fn a_document_goes_back_to_draft_and_loses_its_signatures() {
    let client = Client::start().await;
    let id = client.send().await;
    client.panda.sign(&id, ADA).unwrap();

    let back =
        client.call(Method::POST, &format!("/public/v1/documents/{id}/draft"), None).await.expect(200).json();
    client.post(&format!("/public/v1/documents/{id}/send"), empty()).await.expect(200);

    let signers = client.panda.contract(&id).unwrap().signers;
    assert_eq!(back["status"], "document.draft");
    assert_eq!((signers[0].status, signers[1].status), ("sent", "waiting"));
    client.world.assert_clean();
}
