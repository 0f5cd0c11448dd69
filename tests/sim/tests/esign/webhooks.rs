//! Deliveries: what is signed, when it is tried again, and who is given up.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use sim::esign::{Delivery, HELLO, signing};
use sim::fault::Fault;
use sim::serve::{Served, serve};

use super::world::{ADA, DAY, HOUR, MINUTE, SECOND, World, agreement, empty};

/// A receiver that answers what a test wants, and keeps what it heard.
struct Receiver {
    served: Served,
    answers: Arc<Mutex<(u16, String)>>,
    heard: Arc<Mutex<Vec<(Uri, HeaderMap, Bytes)>>>,
}

impl Receiver {
    async fn start() -> Self {
        let answers = Arc::new(Mutex::new((200, HELLO.to_owned())));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (say, keep) = (Arc::clone(&answers), Arc::clone(&heard));
        let router = Router::new().route(
            "/hook",
            post(move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
                keep.lock().unwrap().push((uri, headers, body));
                let (status, text) = say.lock().unwrap().clone();
                (StatusCode::from_u16(status).unwrap(), text)
            }),
        );
        Self { served: serve(router, 0).await.unwrap(), answers, heard }
    }

    fn url(&self) -> String {
        format!("{}/hook", self.served.url())
    }

    fn answer(&self, status: u16, text: &str) {
        *self.answers.lock().unwrap() = (status, text.to_owned());
    }

    fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    fn last(&self) -> (Uri, HeaderMap, Bytes) {
        self.heard.lock().unwrap().last().unwrap().clone()
    }
}

async fn start() -> (World, Receiver) {
    let world = World::start().await;
    world.esign.switch(|switches| switches.delivery = Delivery::Send);
    (world, Receiver::start().await)
}

/// A PandaDoc document, whose draft is one event.
async fn pandadoc(world: &World, template: &str) -> String {
    let panda = world.esign.pandadoc();
    let body = json!({"template_uuid": template, "metadata": {"contract_id": "ctr_01"}, "recipients": [
        {"email": ADA, "first_name": "Ada", "last_name": "Client", "role": "Client"},
        {"email": "bo@provider.example", "role": "Provider"}]});
    let key = format!("API-Key {}", panda.credentials().api_key);
    let made =
        world.post(&format!("{}/public/v1/documents", panda.url()), &key, body).await.expect(201).json();
    world.later(4 * SECOND);
    made["id"].as_str().unwrap().to_owned()
}

/// A Dropbox Sign request, whose sending is one event.
async fn dropbox_sign(world: &World, number: usize) {
    use base64::Engine;
    let sign = world.esign.dropbox_sign();
    let key = base64::engine::general_purpose::STANDARD.encode(format!("{}:", sign.credentials().api_key));
    let body = json!({"title": format!("Agreement {number}"), "file_urls": ["https://x.example/a.pdf"],
                      "signers": [{"name": "Ada", "email_address": ADA}], "test_mode": true,
                      "metadata": {"contract_id": "ctr_01"}});
    let url = format!("{}/v3/signature_request/send", sign.url());
    world.post(&url, &format!("Basic {key}"), body).await.expect(200);
    world.later(SECOND);
}

#[tokio::test]
async fn pandadoc_signs_in_the_query_and_keeps_the_id_of_a_repeat() {
    let (world, receiver) = start().await;
    let panda = world.esign.pandadoc();
    let key = panda.subscribe(&format!("{}?tenant=1", receiver.url()));
    let template = panda.template(agreement());
    receiver.answer(500, "");
    pandadoc(&world, &template).await;

    assert_eq!(world.esign.deliver_due().await, 1);
    let (uri, first, body) = receiver.last();
    receiver.answer(200, "");
    assert_eq!(world.esign.deliver_due().await, 0);
    world.later(MINUTE);
    assert_eq!(world.esign.deliver_due().await, 1);
    let (_, second, again) = receiver.last();

    let id = "x-pandadoc-webhook-event-id";
    assert_eq!(uri.query().unwrap(), format!("tenant=1&signature={}", signing::pandadoc(&key, &body)));
    assert_eq!((first[id].clone(), body), (second[id].clone(), again));
    assert_eq!(panda.pending_deliveries(), 0);
}

#[tokio::test]
async fn pandadoc_gives_up_at_once_after_410_and_after_seven_bad_days() {
    for (status, days) in [(410, 0), (500, 8)] {
        let (world, receiver) = start().await;
        let panda = world.esign.pandadoc();
        panda.subscribe(&receiver.url());
        let template = panda.template(agreement());
        receiver.answer(status, "");
        pandadoc(&world, &template).await;

        world.esign.deliver_due().await;
        let at_once = panda.hooks_active();
        for _ in 0..days * 24 {
            world.later(HOUR);
            world.esign.deliver_due().await;
        }

        assert_eq!(at_once, status != 410);
        assert!(!panda.hooks_active());
        assert_eq!(panda.mails().len(), 1);
    }
}

#[tokio::test]
async fn dropbox_sign_wants_its_words_climbs_its_ladder_and_clears_the_address_after_ten() {
    let (world, receiver) = start().await;
    let sign = world.esign.dropbox_sign();
    sign.subscribe(&receiver.url());
    receiver.answer(200, "ok");
    dropbox_sign(&world, 1).await;

    let mut waits = vec![world.esign.deliver_due().await];
    for minutes in [5, 15, 45, 135, 405, 1_215] {
        world.later(minutes * MINUTE - 1);
        assert_eq!(world.esign.deliver_due().await, 0, "{minutes} minutes are not over");
        world.later(1);
        waits.push(world.esign.deliver_due().await);
    }
    assert_eq!(waits, [1; 7]);
    assert_eq!(sign.pending_deliveries(), 0, "six retries are all");
    for number in 2..=4 {
        assert!(sign.callback_url().is_some());
        dropbox_sign(&world, number).await;
        world.esign.deliver_due().await;
    }

    assert_eq!(receiver.count(), 10);
    assert_eq!(sign.callback_url(), None);
    assert_eq!(sign.mails().len(), 1);
}

#[tokio::test]
async fn a_dropbox_sign_callback_is_a_form_with_both_signatures() {
    let (world, receiver) = start().await;
    let sign = world.esign.dropbox_sign();
    let key = sign.subscribe(&receiver.url());
    dropbox_sign(&world, 1).await;

    world.esign.deliver_due().await;

    let (_, headers, body) = receiver.last();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let json = body.split("\r\n\r\n").nth(1).unwrap().split("\r\n--").next().unwrap();
    let event: Value = serde_json::from_str(json).unwrap();
    let (time, kind) =
        (event["event"]["event_time"].as_str().unwrap(), event["event"]["event_type"].as_str().unwrap());
    assert_eq!(event["event"]["event_hash"], signing::dropbox_sign_event(&key, time, kind));
    assert_eq!(headers["content-sha256"], signing::dropbox_sign_content(&key, json.as_bytes(), false));
    assert!(headers["content-type"].to_str().unwrap().starts_with("multipart/form-data; boundary="));
    assert_eq!(event["event"]["event_metadata"]["reported_for_app_id"], Value::Null);
}

#[tokio::test]
async fn the_form_of_a_sample_is_written_byte_for_byte() {
    let folder = format!("{}/fixtures/esign/webhooks/dropbox-sign", env!("CARGO_MANIFEST_DIR"));
    let sample = std::fs::read_to_string(format!("{folder}/signature_request_signed.multipart")).unwrap();
    let json = std::fs::read_to_string(format!("{folder}/signature_request_signed.json")).unwrap();

    assert_eq!(signing::dropbox_sign_form(&json), sample);
}

#[tokio::test]
async fn docusign_keeps_order_behind_a_failed_message_and_signs_with_every_key() {
    let (world, receiver) = start().await;
    let docusign = world.esign.docusign();
    docusign.set_hmac_keys(&["one", "two"]);
    docusign.subscribe(&receiver.url());
    let template = docusign.template(agreement());
    let id = docusign.put_envelope(&template, &[("Ada", ADA), ("Bo", "bo@provider.example")]);
    receiver.answer(500, "");

    assert_eq!(world.esign.deliver_due().await, 1, "the second message waits behind the first");
    docusign.sign(&id, ADA).unwrap();
    assert_eq!(world.esign.deliver_due().await, 0);
    receiver.answer(200, "");
    world.later(DAY);
    assert_eq!(world.esign.deliver_due().await, 5);

    let heard = receiver.heard.lock().unwrap();
    let told: Vec<Value> = heard.iter().map(|(_, _, body)| serde_json::from_slice(body).unwrap()).collect();
    let names: Vec<&str> = told.iter().map(|it| it["event"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "envelope-sent",
            "envelope-sent",
            "recipient-sent",
            "recipient-delivered",
            "recipient-completed",
            "recipient-sent"
        ]
    );
    assert_eq!((told[0]["retryCount"].clone(), told[1]["retryCount"].clone()), (json!(0), json!(1)));
    for (_, headers, body) in heard.iter() {
        assert_eq!(headers["x-docusign-signature-1"], signing::docusign("one", body));
        assert_eq!(headers["x-docusign-signature-2"], signing::docusign("two", body));
    }
}

#[tokio::test]
async fn lost_deliveries_are_lost_and_collected_ones_can_be_repeated() {
    let (world, receiver) = start().await;
    let panda = world.esign.pandadoc();
    panda.subscribe(&receiver.url());
    let template = panda.template(agreement());
    world.esign.switch(|switches| switches.delivery = Delivery::Lose);
    pandadoc(&world, &template).await;
    assert_eq!(world.esign.deliver_due().await, 0);
    world.esign.switch(|switches| switches.delivery = Delivery::Collect);
    let id = pandadoc(&world, &template).await;

    let basket = panda.take_deliveries();
    let first = panda.deliver(&basket[0]).await;
    let second = panda.deliver(&basket[0]).await;

    assert_eq!((basket.len(), basket[0].contract.as_str()), (1, id.as_str()));
    assert_eq!((first.0, second.0, receiver.count()), (200, 200, 2));
}

fn sample(file: &str) -> Value {
    let path = format!("{}/fixtures/esign/webhooks/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every field of `sample` is in `ours`, at every depth where both have objects; lists by their first entries.
fn assert_covers(ours: &Value, sample: &Value, at: &str) {
    match (ours, sample) {
        (Value::Object(ours), Value::Object(sample)) => {
            for (name, value) in sample {
                let found = ours.get(name).unwrap_or_else(|| panic!("{at}.{name} is missing"));
                assert_covers(found, value, &format!("{at}.{name}"));
            }
        }
        (Value::Array(ours), Value::Array(sample)) => {
            if let (Some(ours), Some(sample)) = (ours.first(), sample.first()) {
                assert_covers(ours, sample, &format!("{at}[0]"));
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn deliveries_have_every_field_of_the_composed_samples() {
    let (world, receiver) = start().await;
    let (docusign, sign, panda) =
        (world.esign.docusign(), world.esign.dropbox_sign(), world.esign.pandadoc());
    world.esign.switch(|switches| switches.delivery = Delivery::Collect);
    for url in [
        docusign.subscribe(&receiver.url()),
        sign.subscribe(&receiver.url()),
        panda.subscribe(&receiver.url()),
    ] {
        assert!(!url.is_empty());
    }
    let template = docusign.template(agreement());
    let id = docusign.put_envelope(&template, &[("Ada", ADA), ("Bo", "bo@provider.example")]);
    docusign.sign(&id, ADA).unwrap();
    docusign.decline(&id, "bo@provider.example", "Wrong terms").unwrap();
    dropbox_sign(&world, 1).await;
    let template = panda.template(agreement());
    pandadoc(&world, &template).await;

    let told = docusign.take_deliveries();
    let ours = |event: &str| -> Value {
        let found = told.iter().rfind(|it| it.event == event).unwrap();
        serde_json::from_slice(&found.body).unwrap()
    };
    let mut expected = sample("docusign/recipient-completed.json");
    for optional in ["/data/envelopeSummary/sender", "/data/envelopeSummary/customFields"] {
        *expected.pointer_mut(optional).unwrap() = json!({});
    }
    assert_covers(&ours("recipient-completed"), &expected, "docusign");
    assert_covers(&ours("recipient-declined")["data"]["recipientId"], &json!("2"), "docusign");
    let form = String::from_utf8(sign.take_deliveries()[0].body.to_vec()).unwrap();
    let json = form.split("\r\n\r\n").nth(1).unwrap().split("\r\n--").next().unwrap();
    let sent: Value = serde_json::from_str(json).unwrap();
    let mut expected = sample("dropbox-sign/signature_request_signed-account-callback.json");
    expected["signature_request"].as_object_mut().unwrap().remove("client_id");
    assert_covers(&sent, &expected, "dropbox sign");
    let draft: Value = serde_json::from_slice(&panda.take_deliveries()[0].body).unwrap();
    assert_covers(&draft, &sample("pandadoc/document_state_changed-draft.json"), "pandadoc");
}

#[tokio::test]
async fn misfortune_falls_on_the_provider_it_was_planned_for() {
    let world = World::start().await;
    let panda = world.esign.pandadoc();
    let key = format!("API-Key {}", panda.credentials().api_key);
    let template = panda.template(agreement());
    world.faults.plan(|call| {
        let hit = call.service == "pandadoc" && call.operation == "POST /public/v1/documents";
        if hit { Fault::Twice } else { Fault::Pass }
    });

    let body = json!({"template_uuid": template, "recipients": [
        {"email": ADA, "role": "Client"}, {"email": "bo@provider.example", "role": "Provider"}]});
    world.post(&format!("{}/public/v1/documents", panda.url()), &key, body).await.expect(201);

    assert_eq!(panda.contracts().len(), 2);
    assert_eq!(world.faults.calls()[0].operation, "POST /public/v1/documents");
}

#[tokio::test]
async fn the_console_lets_people_act_for_signers() {
    let world = World::start().await;
    let docusign = world.esign.docusign();
    let template = docusign.template(agreement());
    let id = docusign.put_envelope(&template, &[("Ada <b>", ADA), ("Bo", "bo@provider.example")]);
    let console = format!("{}/console", world.esign.url());

    let before = String::from_utf8(world.get(&console, "none").await.expect(200).bytes).unwrap();
    world.form(&format!("{console}/docusign/sign"), &[("id", &id), ("email", ADA)]).await.expect(303);
    world
        .form(&format!("{console}/docusign/decline"), &[("id", &id), ("email", "bo@provider.example")])
        .await
        .expect(303);

    assert!(before.contains("Ada &lt;b&gt;") && before.contains("/console/docusign/expire"));
    assert_eq!(docusign.contract(&id).unwrap().status, "declined");
    assert_eq!(empty(), json!({}));
}

#[tokio::test]
async fn the_console_shows_the_keys_and_takes_the_address_of_webhooks() {
    let world = World::start().await;
    let (docusign, panda) = (world.esign.docusign(), world.esign.pandadoc());
    let template = docusign.template(agreement());
    panda.subscribe("https://old.example/pandadoc");
    let console = format!("{}/console", world.esign.url());

    for provider in ["docusign", "pandadoc", "pandadoc"] {
        let form = [("url", "https://hooks.example/new")];
        world.form(&format!("{console}/{provider}/address"), &form).await.expect(303);
    }
    docusign.put_envelope(&template, &[("Ada", ADA), ("Bo", "bo@provider.example")]);

    let page =
        String::from_utf8(world.get(&format!("{console}/keys"), "none").await.expect(200).bytes).unwrap();
    assert!(page.contains(&docusign.credentials().integration_key) && page.contains(&template));
    assert!(page.contains(&panda.credentials().api_key) && page.contains("Shared key of the webhook"));
    assert_eq!(page.matches("https://hooks.example/new").count(), 2);
    assert!(!page.contains("https://old.example/pandadoc"), "the new address took its place");
    assert_eq!(docusign.take_deliveries()[0].url, "https://hooks.example/new");
}

#[tokio::test]
async fn a_cut_line_leaves_the_effect_and_a_held_cancel_loses_to_the_last_signature() {
    let world = World::start().await;
    let panda = world.esign.pandadoc();
    let key = format!("API-Key {}", panda.credentials().api_key);
    let template = panda.template(agreement());
    let url = format!("{}/public/v1/documents", panda.url());
    world
        .faults
        .plan(|call| if call.operation.ends_with("/documents") { Fault::CutAfter } else { Fault::Pass });
    let body = json!({"template_uuid": template, "recipients": [
        {"email": ADA, "role": "Client"}, {"email": "bo@provider.example", "role": "Provider"}]});
    let client = sim::serve::plain_client().build().unwrap();
    let lost =
        async { client.post(&url).header("authorization", &key).json(&body).send().await?.bytes().await };
    assert!(lost.await.is_err(), "the answer never came");
    let id = panda.contracts()[0].id.clone();
    world.later(4 * SECOND);
    world.post(&format!("{url}/{id}/send"), &key, empty()).await.expect(200);

    let gate = sim::fault::Gate::default();
    let held = gate.clone();
    world.faults.plan(move |call| {
        if call.operation.starts_with("PATCH") { Fault::HoldBefore(held.clone()) } else { Fault::Pass }
    });
    let cancel = json!({"status": 11});
    let status = format!("{url}/{id}/status");
    let signing = async {
        gate.reached().await;
        panda.sign_all(&id).unwrap();
        gate.open();
    };
    let (answer, ()) = tokio::join!(world.call(http::Method::PATCH, &status, &key, Some(&cancel)), signing);

    assert_eq!(answer.expect(409).json()["status"], "document.completed");
    assert_eq!(panda.contracts().len(), 1);
}
