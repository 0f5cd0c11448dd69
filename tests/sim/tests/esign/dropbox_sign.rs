//! Dropbox Sign: requests, their late effects, files, and what is refused.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sim::esign::DropboxSign;

use super::world::{ADA, Answer, BO, DAY, HOUR, MINUTE, SECOND, START_MS, World, agreement, events};

struct Client {
    world: World,
    sign: DropboxSign,
    basic: String,
    base: String,
}

impl Client {
    async fn start() -> Self {
        let world = World::start().await;
        let sign = world.esign.dropbox_sign();
        sign.subscribe("https://hooks.example/dropbox-sign");
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:", sign.credentials().api_key)));
        let base = format!("{}/v3", sign.url());
        Self { world, sign, basic, base }
    }

    async fn get(&self, path: &str) -> Answer {
        self.world.get(&format!("{}{path}", self.base), &self.basic).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.world.post(&format!("{}{path}", self.base), &self.basic, body).await
    }

    async fn bare(&self, path: &str) -> Answer {
        self.world.call(http::Method::POST, &format!("{}{path}", self.base), &self.basic, None).await
    }

    /// A request that has gone out.
    async fn send(&self) -> String {
        let template = self.sign.template(agreement());
        let sent = self
            .post("/signature_request/send_with_template", from_template(&template))
            .await
            .expect(200)
            .json();
        self.world.later(SECOND);
        sent["signature_request"]["signature_request_id"].as_str().unwrap().to_owned()
    }
}

fn from_template(template: &str) -> Value {
    json!({
        "template_ids": [template], "title": "Service agreement", "subject": "Please sign: Service agreement",
        "message": "Kind regards",
        "signers": [{"role": "Client", "name": "Ada Client", "email_address": ADA},
                    {"role": "Provider", "name": "Bo Provider", "email_address": BO}],
        "custom_fields": [{"name": "Amount", "value": "100"}],
        "metadata": {"contract_id": "ctr_01"},
        "expires_at": START_MS / 1_000 + 30 * 86_400, "allow_decline": true, "test_mode": true
    })
}

fn from_link() -> Value {
    json!({
        "title": "Service agreement", "file_urls": ["https://bucket.example/agreement.pdf?sig=x"],
        "signers": [{"name": "Ada Client", "email_address": ADA, "order": 0},
                    {"name": "Bo Provider", "email_address": BO, "order": 1}],
        "metadata": {"contract_id": "ctr_01"}, "allow_decline": true, "test_mode": true
    })
}

#[tokio::test]
async fn a_request_lives_from_sent_to_its_file() {
    let client = Client::start().await;
    let id = client.send().await;

    let sent = client.get(&format!("/signature_request/{id}")).await.expect(200).json();
    client.sign.view(&id, ADA).unwrap();
    client.sign.sign(&id, ADA).unwrap();
    client.sign.sign(&id, BO).unwrap();
    let early = client.get(&format!("/signature_request/files/{id}?file_type=pdf")).await.expect(409).json();
    client.world.later(30 * SECOND);
    let file = client.get(&format!("/signature_request/files/{id}?file_type=pdf")).await.expect(200);
    let link = client.get(&format!("/signature_request/files_as_file_url/{id}")).await.expect(200).json();
    let linked = client.world.get(link["file_url"].as_str().unwrap(), "none").await.expect(200);
    let data = client.get(&format!("/signature_request/files_as_data_uri/{id}")).await.expect(200).json();
    client.world.later(6 * MINUTE);
    client.world.get(link["file_url"].as_str().unwrap(), "none").await.expect(403);

    let request = &sent["signature_request"];
    assert_eq!(request["expires_at"], START_MS / 1_000 + 30 * 86_400 - 930, "floored to the hour");
    assert_eq!(request["signatures"][1]["status_code"], "awaiting_signature");
    assert_eq!(early["error"]["error_name"], "conflict");
    assert_eq!(file.bytes, linked.bytes);
    assert!(data["data_uri"].as_str().unwrap().starts_with("data:application/pdf;base64,JVBERi0"));
    assert_eq!(
        events(&client.sign.take_deliveries()),
        [
            "signature_request_sent",
            "signature_request_viewed",
            "signature_request_signed",
            "signature_request_viewed",
            "signature_request_signed",
            "signature_request_all_signed",
            "signature_request_downloadable"
        ]
    );
    client.world.assert_clean();
}

#[tokio::test]
async fn every_read_fits_the_description() {
    let client = Client::start().await;
    let id = client.send().await;
    let client_id = client.sign.credentials().client_id;

    for path in [
        format!("/signature_request/{id}"),
        "/signature_request/list?page=1&page_size=100&query=complete:false".to_owned(),
        "/template/list?page=1&page_size=100".to_owned(),
        "/account".to_owned(),
        format!("/api_app/{client_id}"),
        "/api_app/list".to_owned(),
    ] {
        client.get(&path).await.expect(200);
    }
    let list = client.get("/signature_request/list?page_size=100").await.expect(200).json();

    assert_eq!(list["signature_requests"][0]["metadata"]["contract_id"], "ctr_01");
    assert_eq!(list["list_info"]["num_results"], 1);
    client.world.assert_clean();
}

#[tokio::test]
async fn a_form_says_the_same_as_json_and_is_held_to_the_same_closed_body() {
    let client = Client::start().await;
    let url = format!("{}/signature_request/send", client.base);
    let fields = [
        ("title", "Service agreement"),
        ("signers[0][name]", "Ada Client"),
        ("signers[0][email_address]", ADA),
        ("signers[0][order]", "0"),
        ("signers[1][name]", "Bo Provider"),
        ("signers[1][email_address]", BO),
        ("signers[1][order]", "1"),
        ("cc_email_addresses[0]", "copy@x.example"),
        ("metadata[contract_id]", "ctr_01"),
        ("test_mode", "true"),
    ];
    let misspelled = [&fields[..], &[("expire_at", "1")]].concat();

    let sent = client
        .world
        .upload(&url, &client.basic, ("files[0]", b"%PDF-1.4 x"), &fields)
        .await
        .expect(200)
        .json();
    client.world.assert_clean();
    client.world.upload(&url, &client.basic, ("files[0]", b"%PDF-1.4 x"), &misspelled).await.expect(400);

    let request = &sent["signature_request"];
    assert_eq!(request["signatures"][1]["order"], 1);
    assert_eq!(request["metadata"], json!({"contract_id": "ctr_01"}));
    assert_eq!(client.sign.contracts()[0].files, [("agreement.pdf".to_owned(), 10)]);
    assert_eq!(client.sign.violations().len(), 1);
}

#[tokio::test]
async fn cancelling_takes_a_while_and_the_last_signature_before_it_wins() {
    let client = Client::start().await;
    let lost = client.send().await;
    let won = client.send().await;

    let answer = client.bare(&format!("/signature_request/cancel/{lost}")).await.expect(200);
    client.bare(&format!("/signature_request/cancel/{won}")).await.expect(200);
    client.sign.sign_all(&won).unwrap();
    client.get(&format!("/signature_request/{lost}")).await.expect(200);
    client.world.later(5 * SECOND);
    client.get(&format!("/signature_request/{lost}")).await.expect(404);
    client.world.esign.switch(|switches| switches.cancelled_answers = 410);
    let gone = client.get(&format!("/signature_request/{lost}")).await.expect(410).json();
    let complete = client.get(&format!("/signature_request/{won}")).await.expect(200).json();
    let refused = client.bare(&format!("/signature_request/cancel/{won}")).await.expect(400).json();

    assert!(answer.bytes.is_empty());
    assert_eq!(gone["error"]["error_name"], "deleted");
    assert_eq!(complete["signature_request"]["is_complete"], true);
    assert_eq!(refused["error"]["error_name"], "signature_request_cancel_failed");
    let cancelled: Vec<_> = client
        .sign
        .take_deliveries()
        .into_iter()
        .filter(|it| it.event == "signature_request_canceled")
        .collect();
    assert_eq!(cancelled.len(), 1);
    assert_eq!(cancelled[0].contract, lost);
}

#[tokio::test]
async fn bad_input_is_refused_with_its_place() {
    let client = Client::start().await;
    let template = client.sign.template(agreement());
    let days = |days: i64| json!(START_MS / 1_000 + days * 86_400);
    let cases = [
        ("/expires_at", days(0), "expires_at"),
        ("/expires_at", days(91), "expires_at"),
        ("/signers/0/role", json!("client"), "signers[0][role]"),
        ("/signers/0/email_address", json!("nobody"), "signers[0][email_address]"),
        ("/subject", json!("x".repeat(256)), "subject"),
        ("/custom_fields/0/name", json!("Other"), "custom_fields[0][name]"),
        ("/metadata/contract_id", json!("x".repeat(1_001)), "metadata[contract_id]"),
    ];

    for (pointer, value, place) in cases {
        let mut body = from_template(&template);
        *body.pointer_mut(pointer).unwrap() = value;
        let refused = client.post("/signature_request/send_with_template", body).await.expect(400).json();
        assert_eq!(refused["error"]["error_name"], "bad_request");
        assert_eq!(refused["error"]["error_path"], place, "{refused}");
    }
    client.post("/signature_request/send_with_template", from_template("nothing")).await.expect(404);
    assert!(client.sign.contracts().is_empty());
}

#[tokio::test]
async fn a_document_needs_a_file_distinct_signers_and_an_order_without_gaps() {
    let client = Client::start().await;
    let with = |pointer: &str, value: Value| {
        let mut body = from_link();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };

    for body in [
        with("/file_urls", json!([])),
        with("/file_urls/0", json!("agreement.pdf")),
        with("/signers/1/order", json!(2)),
        with("/signers/0/order", json!(1)),
        with("/signers/1", json!({"name": "Ada Client", "email_address": ADA, "order": 1})),
        with("/signers", json!([])),
    ] {
        client.post("/signature_request/send", body).await.expect(400);
    }
    client.post("/signature_request/send", from_link()).await.expect(200);
    let twin = client.post("/signature_request/send", from_link()).await.expect(409).json();
    client.world.later(SECOND);
    client.post("/signature_request/send", from_link()).await.expect(200);

    assert_eq!(twin["error"]["error_name"], "conflict");
    assert_eq!(client.sign.contracts().len(), 2);
}

#[tokio::test]
async fn whoever_was_not_allowed_to_decline_cannot() {
    let client = Client::start().await;
    let mut body = from_link();
    body["allow_decline"] = json!(false);
    client.post("/signature_request/send", body).await.expect(200);
    client.world.later(SECOND);
    let silent = client.sign.contracts()[0].id.clone();
    let allowed = client.send().await;

    let refused = client.sign.decline(&silent, ADA, "Wrong terms");
    client.sign.decline(&allowed, ADA, "Wrong terms").unwrap();
    let shown = client.get(&format!("/signature_request/{allowed}")).await.expect(200).json();

    assert!(refused.is_err());
    assert_eq!(shown["signature_request"]["is_declined"], true);
    assert_eq!(shown["signature_request"]["signatures"][0]["decline_reason"], "Wrong terms");
}

#[tokio::test]
async fn reminders_keep_an_hour_and_a_bounced_address_is_repaired_under_a_new_id() {
    let client = Client::start().await;
    let id = client.send().await;
    let remind = format!("/signature_request/remind/{id}");
    client.post(&remind, json!({"email_address": ADA})).await.expect(200);
    let soon = client.post(&remind, json!({"email_address": ADA})).await.expect(400).json();
    client.post(&remind, json!({"email_address": BO})).await.expect(400);
    client.world.later(HOUR);
    client.post(&remind, json!({"email_address": ADA})).await.expect(200);

    client.sign.bounce(&id, ADA).unwrap();
    let bounced = client.get(&format!("/signature_request/{id}")).await.expect(200).json();
    let old = bounced["signature_request"]["signatures"][0]["signature_id"].clone();
    let update = json!({"signature_id": old, "email_address": "ada@new.example"});
    let repaired = client.post(&format!("/signature_request/update/{id}"), update).await.expect(200).json();

    assert_eq!(soon["error"]["error_name"], "invalid_reminder");
    assert_eq!(bounced["signature_request"]["signatures"][0]["status_code"], "error_invalid_email");
    let signature = &repaired["signature_request"]["signatures"][0];
    assert_eq!(signature["signer_email_address"], "ada@new.example");
    assert_ne!(signature["signature_id"], old);
    client.world.assert_clean();
}

#[tokio::test]
async fn an_expired_request_refuses_everything_but_a_look() {
    let client = Client::start().await;
    let id = client.send().await;

    client.world.later(30 * DAY);
    let shown = client.get(&format!("/signature_request/{id}")).await.expect(200).json();
    let cancel = client.bare(&format!("/signature_request/cancel/{id}")).await.expect(400).json();
    client.get(&format!("/signature_request/files/{id}")).await.expect(403);

    assert_eq!(shown["signature_request"]["signatures"][0]["status_code"], "expired");
    assert_eq!(cancel["error"]["error_name"], "signature_request_expired");
    assert!(events(&client.sign.take_deliveries()).contains(&"signature_request_expired".to_owned()));
}

#[tokio::test]
async fn broken_files_a_missing_plan_a_wrong_key_and_a_spent_limit_are_told() {
    let client = Client::start().await;
    client.world.esign.switch(|switches| switches.files_break = true);
    let broken = client.send().await;
    let shown = client.get(&format!("/signature_request/{broken}")).await.expect(200).json();
    client.world.esign.switch(|switches| switches.paid = false);
    let mut paid = from_link();
    paid["test_mode"] = json!(false);
    client.post("/signature_request/send", paid).await.expect(402);
    client.world.get(&format!("{}/account", client.base), "Basic bm9ib2R5Og==").await.expect(401);

    for _ in 0..9 {
        client.post("/signature_request/send", json!({"test_mode": true})).await.expect(400);
    }
    let spent = client.post("/signature_request/send", json!({"test_mode": true})).await.expect(429);

    assert_eq!(shown["signature_request"]["has_error"], true);
    assert_eq!(shown["signature_request"]["signatures"][0]["status_code"], "error_file");
    assert_eq!(spent.json()["error"]["error_name"], "exceeded_rate");
    assert_eq!((spent.header("x-ratelimit-limit"), spent.header("x-ratelimit-remaining")), ("10", "0"));
}

#[tokio::test]
async fn callbacks_are_set_by_the_api_and_the_app_comes_first() {
    let client = Client::start().await;
    let app = client.sign.credentials().client_id;
    let put = async |path: String, url: &str| {
        let url = json!({"callback_url": url});
        client
            .world
            .call(http::Method::PUT, &format!("{}{path}", client.base), &client.basic, Some(&url))
            .await
    };
    put("/account".to_owned(), "https://hooks.example/account").await.expect(200);
    put(format!("/api_app/{app}"), "https://hooks.example/app").await.expect(200);
    put("/account".to_owned(), "http://hooks.example/plain").await.expect(400);
    let mut of_app = from_link();
    of_app["client_id"] = json!(app);
    client.post("/signature_request/send", of_app).await.expect(200);
    client.post("/signature_request/send", from_link()).await.expect(200);
    client.world.later(SECOND);
    client.sign.callback_test();

    let basket = client.sign.take_deliveries();

    let urls: Vec<&str> = basket.iter().map(|it| it.url.as_str()).collect();
    assert_eq!(
        urls,
        ["https://hooks.example/app", "https://hooks.example/account", "https://hooks.example/account"]
    );
    assert_eq!(basket[2].event, "callback_test");
    assert!(String::from_utf8_lossy(&basket[0].body).contains(&format!("\"reported_for_app_id\":\"{app}\"")));
    assert_eq!(client.sign.callback_url().as_deref(), Some("https://hooks.example/account"));
    client.world.assert_clean();
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_old_one_still_opens() {
    let client = Client::start().await;
    let old = client.sign.credentials().api_key;

    let new = client.sign.rotate_key();
    client.get("/account").await.expect(200);
    client.sign.callback_test();
    let body = String::from_utf8(client.sign.take_deliveries()[0].body.to_vec()).unwrap();

    let time = (START_MS / 1_000).to_string();
    assert!(body.contains(&sim::esign::signing::dropbox_sign_event(&new, &time, "callback_test")));
    assert!(!body.contains(&sim::esign::signing::dropbox_sign_event(&old, &time, "callback_test")));
}
