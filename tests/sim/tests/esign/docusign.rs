//! DocuSign: tokens, envelopes, their end, and what is refused.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use sim::esign::{Docusign, DocusignCredentials};

use super::world::{ADA, Answer, BO, DAY, HOUR, MINUTE, SECOND, START_MS, World, agreement, empty, events};

const STRANGER: &str = include_str!("../../fixtures/esign/docusign-stranger.pem");
const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn assertion(pem: &str, claims: &Value) -> String {
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_der(&STANDARD.decode(lines).unwrap()).unwrap();
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(credentials: &DocusignCredentials, now_ms: i64) -> Value {
    let now = now_ms / 1_000;
    json!({"iss": credentials.integration_key, "sub": credentials.user_id, "aud": "account-d.docusign.com",
           "iat": now, "exp": now + 600, "scope": "signature impersonation"})
}

struct Client {
    world: World,
    docusign: Docusign,
    bearer: String,
    base: String,
}

impl Client {
    async fn start() -> Self {
        let world = World::start().await;
        let docusign = world.esign.docusign();
        let mut client = Self { world, docusign, bearer: String::new(), base: String::new() };
        let credentials = client.docusign.credentials();
        let jwt = assertion(&credentials.private_key, &claims(&credentials, START_MS));
        let token = client.token(&jwt).await.expect(200).json();
        client.bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let info =
            client.world.get(&format!("{}/oauth/userinfo", credentials.oauth_url), &client.bearer).await;
        let info = info.expect(200).json();
        let accounts = info["accounts"].as_array().unwrap();
        let ours = accounts.iter().find(|it| it["account_id"] == credentials.account_id.as_str()).unwrap();
        let base = ours["base_uri"].as_str().unwrap();
        client.base = format!("{base}/restapi/v2.1/accounts/{}", credentials.account_id);
        client
    }

    async fn token(&self, jwt: &str) -> Answer {
        let url = format!("{}/oauth/token", self.docusign.credentials().oauth_url);
        self.world.form(&url, &[("grant_type", JWT), ("assertion", jwt)]).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.world.get(&format!("{}{path}", self.base), &self.bearer).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.world.post(&format!("{}{path}", self.base), &self.bearer, body).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.world.call(Method::PUT, &format!("{}{path}", self.base), &self.bearer, Some(&body)).await
    }

    async fn send(&self, template: &str) -> String {
        let sent = self.post("/envelopes", from_template(template)).await.expect(201).json();
        sent["envelopeId"].as_str().unwrap().to_owned()
    }
}

fn from_template(template: &str) -> Value {
    json!({
        "templateId": template, "status": "sent", "emailSubject": "Please sign: Service agreement",
        "emailBlurb": "Kind regards", "transactionId": "ctr_01",
        "templateRoles": [
            {"roleName": "Client", "name": "Ada Client", "email": ADA, "routingOrder": "1",
             "tabs": {"textTabs": [{"tabLabel": "Amount", "value": "100"}]}},
            {"roleName": "Provider", "name": "Bo Provider", "email": BO, "routingOrder": "2"}],
        "customFields": {"textCustomFields": [
            {"name": "contract_id", "value": "ctr_01", "show": "false", "required": "false"}]},
        "notification": {"useAccountDefaults": "false",
            "reminders": {"reminderEnabled": "true", "reminderDelay": "3", "reminderFrequency": "2"},
            "expirations": {"expireEnabled": "true", "expireAfter": "30", "expireWarn": "5"}},
        "eventNotification": {"url": "https://hooks.example/docusign", "deliveryMode": "SIM", "includeHMAC": "true",
            "requireAcknowledgment": "true", "loggingEnabled": "true",
            "eventData": {"version": "restv2.1", "format": "json", "includeData": ["recipients", "custom_fields"]}}
    })
}

fn document(bytes: &[u8]) -> Value {
    json!({
        "status": "sent", "emailSubject": "Please sign",
        "documents": [{"documentId": "1", "name": "agreement.pdf", "fileExtension": "pdf",
                       "documentBase64": STANDARD.encode(bytes)}],
        "recipients": {"signers": [{"recipientId": "1", "routingOrder": "1", "name": "Ada Client", "email": ADA,
            "tabs": {"signHereTabs": [{"anchorString": "/sig1/", "anchorUnits": "pixels"}]}}],
            "carbonCopies": [{"recipientId": "2", "routingOrder": "2", "name": "Copy", "email": "copy@x.example"}]}
    })
}

#[tokio::test]
async fn an_envelope_from_a_template_lives_from_sent_to_completed() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;

    let sent =
        client.get(&format!("/envelopes/{id}?include=recipients,custom_fields")).await.expect(200).json();
    client.world.later(MINUTE);
    client.docusign.view(&id, ADA).unwrap();
    let early = client.docusign.sign(&id, BO);
    client.docusign.sign(&id, ADA).unwrap();
    client.docusign.sign(&id, BO).unwrap();
    let done = client.get(&format!("/envelopes/{id}?include=recipients")).await.expect(200).json();
    let file = client.get(&format!("/envelopes/{id}/documents/combined")).await.expect(200);

    assert_eq!(sent["status"], "sent");
    assert_eq!(sent["sentDateTime"], "2026-11-02T10:15:30.0000000Z");
    assert_eq!(sent["customFields"]["textCustomFields"][0]["value"], "ctr_01");
    assert_eq!(sent["recipients"]["signers"][1]["status"], "created");
    assert!(early.is_err(), "it was not the second signer's turn");
    assert_eq!(done["status"], "completed");
    assert_eq!(done["recipients"]["signers"][1]["status"], "completed");
    assert!(
        file.bytes.starts_with(b"%PDF-1.4") && file.header("content-disposition").contains("combined.pdf")
    );
    assert_eq!(
        events(&client.docusign.take_deliveries()),
        [
            "envelope-sent",
            "recipient-sent",
            "recipient-delivered",
            "recipient-completed",
            "recipient-sent",
            "recipient-delivered",
            "envelope-delivered",
            "recipient-completed",
            "envelope-completed"
        ]
    );
    client.world.assert_clean();
}

#[tokio::test]
async fn every_read_fits_the_description() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;
    client.docusign.subscribe("https://hooks.example/account");

    for path in [
        format!("/envelopes/{id}/recipients"),
        format!("/envelopes/{id}/documents"),
        format!("/envelopes/{id}/notification"),
        format!("/envelopes/{id}/custom_fields"),
        format!("/envelopes/{id}/audit_events"),
        "/envelopes?from_date=2026-11-01T00:00:00Z&include=recipients".to_owned(),
        "/envelopes?transaction_ids=ctr_01".to_owned(),
        "/templates?count=1&search_text=service&order_by=name".to_owned(),
        format!("/templates/{template}"),
        format!("/templates/{template}/recipients"),
        "/connect".to_owned(),
        "/connect/failures".to_owned(),
        "/connect/logs".to_owned(),
    ] {
        client.get(&path).await.expect(200);
    }
    let view = json!({"returnUrl": "https://x.example", "authenticationMethod": "none", "userName": "Ada Client",
                      "email": ADA, "clientUserId": "1"});
    client.post(&format!("/envelopes/{id}/views/recipient"), view).await.expect(201);

    client.world.assert_clean();
}

#[tokio::test]
async fn an_envelope_is_found_by_our_own_ids() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;

    let by_transaction = client.get("/envelopes?transaction_ids=ctr_01").await.expect(200).json();
    client.world.later(8 * DAY);
    client.docusign.revoke_tokens();
    client.get("/templates").await.expect(401);
    let client = renewed(client).await;
    let forgotten = client.get("/envelopes?transaction_ids=ctr_01").await.expect(200).json();
    let by_field = client
        .get("/envelopes?from_date=2026-11-01T00:00:00Z&custom_field=contract_id%3Dctr_01")
        .await
        .expect(200)
        .json();
    let nothing = client.get("/envelopes").await.expect(400).json();

    assert_eq!(by_transaction["envelopeTransactionStatuses"][0]["envelopeId"], id.as_str());
    assert_eq!(forgotten["envelopeTransactionStatuses"], json!([]));
    assert_eq!(by_field["envelopes"][0]["envelopeId"], id.as_str());
    assert_eq!(nothing["errorCode"], "INVALID_REQUEST_PARAMETER");
}

async fn renewed(mut client: Client) -> Client {
    let credentials = client.docusign.credentials();
    let jwt = assertion(&credentials.private_key, &claims(&credentials, client.world.clock.now_ms()));
    let token = client.token(&jwt).await.expect(200).json();
    client.bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    client
}

#[tokio::test]
async fn an_assertion_has_to_be_right_in_every_part() {
    let client = Client::start().await;
    let credentials = client.docusign.credentials();
    let good = claims(&credentials, START_MS);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        assertion(&credentials.private_key, &claims)
    };
    let now = START_MS / 1_000;

    for (jwt, error, description) in [
        (assertion(STRANGER, &good), "invalid_grant", "no_valid_keys_or_signatures"),
        ("a.b.c".to_owned(), "invalid_grant", "no_valid_keys_or_signatures"),
        (with("aud", json!("account.docusign.com")), "invalid_grant", "issuer_not_found"),
        (with("aud", json!("https://account-d.docusign.com")), "invalid_grant", "issuer_not_found"),
        (with("iss", json!("nobody")), "invalid_grant", "issuer_not_found"),
        (with("sub", json!("ada@client.example")), "invalid_grant", "user_not_found"),
        (with("exp", json!(now + 3_601)), "invalid_grant", "no_valid_keys_or_signatures"),
        (with("exp", json!(now - 600)), "invalid_grant", "no_valid_keys_or_signatures"),
    ] {
        let refused = client.token(&jwt).await.expect(400).json();
        assert_eq!(refused, json!({"error": error, "error_description": description}));
    }
    client.world.esign.switch(|switches| switches.consent = false);
    let refused = client.token(&assertion(&credentials.private_key, &good)).await.expect(400).json();
    assert_eq!(refused, json!({"error": "consent_required"}));
}

#[tokio::test]
async fn a_token_ends_after_an_hour() {
    let client = Client::start().await;
    client.get("/templates").await.expect(200);

    client.world.later(HOUR);
    let refused = client.get("/templates").await.expect(401).json();

    assert_eq!(refused["errorCode"], "AUTHORIZATION_INVALID_TOKEN");
    assert_eq!(client.docusign.grants(), 1);
}

#[tokio::test]
async fn a_document_is_sent_and_its_anchors_are_looked_for() {
    let client = Client::start().await;

    let sent =
        client.post("/envelopes", document(b"%PDF-1.4 sign at /sig1/ please")).await.expect(201).json();
    let lost = client.post("/envelopes", document(b"%PDF-1.4 no place")).await.expect(400).json();
    let huge = client.post("/envelopes", document(&vec![b'x'; 26 * 1024 * 1024])).await.expect(400).json();

    assert_eq!(sent["status"], "sent");
    assert_eq!(lost["errorCode"], "ANCHOR_TAB_STRING_NOT_FOUND");
    assert_eq!(huge["errorCode"], "INVALID_REQUEST_BODY");
    assert_eq!(client.docusign.contracts().len(), 1);
}

#[tokio::test]
async fn bad_input_is_refused_and_makes_no_envelope() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let with = |pointer: &str, value: Value| {
        let mut body = from_template(&template);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };

    for (body, code) in [
        (with("/templateId", json!("nothing")), "TEMPLATE_ID_INVALID"),
        (with("/emailSubject", json!("x".repeat(101))), "INVALID_REQUEST_PARAMETER"),
        (with("/templateRoles/0/email", json!("nobody")), "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT"),
        (with("/templateRoles/0/roleName", json!("client")), "INVALID_REQUEST_BODY"),
        (with("/templateRoles/0/routingOrder", json!("0")), "INVALID_REQUEST_PARAMETER"),
        (with("/notification/expirations/expireAfter", json!("1000")), "INVALID_REQUEST_PARAMETER"),
        (with("/customFields/textCustomFields/0/value", json!("x".repeat(101))), "INVALID_REQUEST_PARAMETER"),
        (with("/status", json!("voided")), "ENVELOPE_INVALID_STATUS"),
    ] {
        let refused = client.post("/envelopes", body).await.expect(400).json();
        assert_eq!(refused["errorCode"], code, "{refused}");
    }
    assert!(client.docusign.contracts().is_empty());
    client.world.assert_clean();
}

#[tokio::test]
async fn a_misspelled_field_and_a_number_are_violations() {
    let client = Client::start().await;
    let mut misspelled = from_template("any");
    misspelled["emailSubjct"] = json!("x");
    let mut number = from_template("any");
    number["templateRoles"][0]["routingOrder"] = json!(1);

    client.post("/envelopes", misspelled).await.expect(400);
    client.post("/envelopes", number).await.expect(400);
    client.get("/envelopes?form_date=2026-11-01").await.expect(400);
    client.get("/envelope").await.expect(404);

    assert_eq!(client.docusign.violations().len(), 4);
    client.docusign.forget_violations();
    client.world.assert_clean();
}

#[tokio::test]
async fn only_an_open_envelope_can_be_voided() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let void = json!({"status": "voided", "voidedReason": "Changed my mind"});
    let open = client.send(&template).await;
    let signed = client.send(&template).await;
    client.docusign.sign_all(&signed).unwrap();
    let mut draft = from_template(&template);
    draft["status"] = json!("created");
    let draft =
        client.post("/envelopes", draft).await.expect(201).json()["envelopeId"].as_str().unwrap().to_owned();

    client.put(&format!("/envelopes/{open}"), json!({"status": "voided"})).await.expect(400);
    client.put(&format!("/envelopes/{open}"), void.clone()).await.expect(200);
    for id in [&open, &signed, &draft] {
        let refused = client.put(&format!("/envelopes/{id}"), void.clone()).await.expect(400).json();
        assert_eq!(refused["errorCode"], "ENVELOPE_CANNOT_VOID_INVALID_STATE");
    }
    client.put(&format!("/envelopes/{draft}"), json!({"status": "sent"})).await.expect(200);

    let states: Vec<String> = client.docusign.contracts().into_iter().map(|it| it.status).collect();
    assert_eq!(states, ["voided", "completed", "sent"]);
    assert!(client.docusign.sign(&open, ADA).is_err());
    client.world.assert_clean();
}

#[tokio::test]
async fn an_envelope_expires_by_itself_and_says_why() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;
    let notification = client.get(&format!("/envelopes/{id}/notification")).await.expect(200).json();

    client.world.later(30 * DAY);
    let client = renewed(client).await;
    let over = client.get(&format!("/envelopes/{id}")).await.expect(200).json();

    assert_eq!(notification["expirations"]["expireAfter"], "30");
    assert_eq!(notification["reminders"]["reminderDelay"], "3");
    assert_eq!(over["status"], "voided");
    assert_eq!(over["voidedReason"], "Envelope has expired.");
    assert_eq!(over["voidedDateTime"], "2026-12-02T10:15:30.0000000Z");
    assert_eq!(client.docusign.contract(&id).unwrap().reminded, 14, "after 3 days and every 2 up to the end");
}

#[tokio::test]
async fn limits_are_told_in_headers_and_refused_as_the_switch_says() {
    let client = Client::start().await;
    client.world.esign.switch(|switches| switches.rate_limit = Some(1));

    let first = client.get("/templates").await.expect(200);
    let spent = client.get("/templates").await.expect(429);
    client.world.esign.switch(|switches| switches.limits_answer_400 = true);
    let old = client.get("/templates").await.expect(400).json();
    client.world.later(HOUR - 15 * MINUTE - 30 * SECOND);
    let client = renewed(client).await;
    client.get("/templates").await.expect(200);

    assert_eq!(first.header("x-ratelimit-remaining"), "0");
    assert_eq!(spent.json()["errorCode"], "HOURLY_APIINVOCATION_LIMIT_EXCEEDED");
    assert_eq!(spent.header("x-ratelimit-reset"), "1793617200");
    assert_eq!(old["errorCode"], "HOURLY_APIINVOCATION_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn reading_an_envelope_twice_within_a_quarter_of_an_hour_is_noticed() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;
    client.get(&format!("/envelopes/{id}")).await.expect(200);

    client.get(&format!("/envelopes/{id}")).await.expect(200);
    client.world.esign.switch(|switches| switches.refuse_polling = true);
    let refused = client.get(&format!("/envelopes/{id}")).await.expect(429).json();

    assert_eq!(client.docusign.flaws().len(), 2);
    assert_eq!(refused["errorCode"], "Hourly_Envelope_Polling_Limit_Exceeded");
}

#[tokio::test]
async fn a_reminder_goes_to_those_whose_turn_it_is() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;

    client.put(&format!("/envelopes/{id}?resend_envelope=true"), empty()).await.expect(200);

    assert_eq!(client.docusign.contract(&id).unwrap().reminded, 1);
    client.world.assert_clean();
}

#[tokio::test]
async fn an_account_configuration_is_made_changed_and_removed_and_failures_are_put_back() {
    let client = Client::start().await;
    let configuration = json!({
        "configurationType": "custom", "name": "Contracts", "urlToPublishTo": "https://hooks.example/docusign",
        "allUsers": "true", "allowEnvelopePublish": "true", "events": ["envelope-completed"],
        "deliveryMode": "SIM", "includeHMAC": "true", "requiresAcknowledgement": "true",
        "eventData": {"version": "restv2.1", "format": "json", "includeData": ["recipients"]}
    });
    let made = client.post("/connect", configuration.clone()).await.expect(201).json();
    let id = made["connectId"].as_str().unwrap().to_owned();
    let mut changed = configuration;
    changed["connectId"] = json!(id);
    changed["events"] = json!(["envelope-sent", "envelope-completed"]);
    client.put("/connect", changed).await.expect(200);
    let template = client.docusign.template(agreement());
    let envelope = client.docusign.put_envelope(&template, &[("Ada", ADA), ("Bo", BO)]);
    client.docusign.sign_all(&envelope).unwrap();

    let told = events(&client.docusign.take_deliveries());
    client.get(&format!("/connect/{id}")).await.expect(200);
    let retry = client.put("/connect/envelopes/retry_queue", json!({"envelopeIds": [envelope]})).await;
    let retry = retry.expect(200).json();
    let url = format!("{}/connect/{id}", client.base);
    client.world.call(Method::DELETE, &url, &client.bearer, None).await.expect(200);
    client.get(&format!("/connect/{id}")).await.expect(404);

    assert_eq!(told, ["envelope-sent", "envelope-completed"]);
    assert_eq!(retry["retryQueue"][0]["envelopeId"], envelope.as_str());
    client.world.assert_clean();
}

#[tokio::test]
async fn an_archive_and_a_bounced_address_are_answered() {
    let client = Client::start().await;
    let template = client.docusign.template(agreement());
    let id = client.send(&template).await;
    client.docusign.bounce(&id, ADA).unwrap();
    let bounced = client.get(&format!("/envelopes/{id}/recipients")).await.expect(200).json();
    let correction =
        json!({"signers": [{"recipientId": "1", "name": "Ada Client", "email": "ada@new.example"}]});
    client.put(&format!("/envelopes/{id}/recipients"), correction).await.expect(200);
    let before = client.get(&format!("/envelopes/{id}/documents/1")).await.expect(200);
    client.docusign.sign_all(&id).unwrap();

    let archive = client.get(&format!("/envelopes/{id}/documents/archive")).await.expect(200);
    let after = client.get(&format!("/envelopes/{id}/documents/1")).await.expect(200);
    client.get(&format!("/envelopes/{id}/documents/9")).await.expect(404);

    assert_eq!(bounced["signers"][0]["status"], "autoresponded");
    assert!(archive.bytes.starts_with(b"PK\x03\x04"));
    assert_ne!(before.bytes, after.bytes, "signatures are in the file");
    assert_eq!(client.docusign.contract(&id).unwrap().signers[0].email, "ada@new.example");
}

#[tokio::test]
async fn an_administrator_consents_and_a_code_becomes_a_token() {
    let client = Client::start().await;
    client.world.esign.switch(|switches| switches.consent = false);
    let credentials = client.docusign.credentials();
    let url = format!(
        "{}/oauth/auth?response_type=code&scope=signature%20impersonation&client_id={}&redirect_uri={}&state=s1",
        credentials.oauth_url, credentials.integration_key, "https://app.example/back"
    );

    let back = client.world.get(&url, "none").await.expect(302);
    let jwt = assertion(&credentials.private_key, &claims(&credentials, START_MS));
    client.token(&jwt).await.expect(200);

    let location = back.header("location");
    assert!(location.starts_with("https://app.example/back?code=") && location.ends_with("&state=s1"));
}
