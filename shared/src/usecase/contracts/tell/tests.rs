//! Telling, against stand-ins of Twenty, the table and the bucket. Nobody connected Whop here.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use sim::aws::{Aws as Amazon, Ports};
use sim::fault::{Call, Fault, Faults};
use sim::twenty::{Twenty as Server, Workspace};

use super::*;
use crate::aws::{Aws, AwsSettings, Endpoints};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::contract::{Change, Observed, Overall, SignerSeen, SignerState, State};
use crate::domain::grant::Secret;
use crate::usecase::connect_twenty::connect_twenty;
use crate::usecase::contracts::document::hash;

const MORNING: i64 = 1_795_420_800_000;
const PDF: &[u8] = b"%PDF-1.7 signed by everybody";

struct Street {
    app: &'static App,
    faults: Faults,
    server: Server,
    crm: Workspace,
    tenant: WorkspaceId,
    id: ContractId,
    _amazon: Amazon,
}

fn variable(name: &str, amazon: &Amazon) -> Option<String> {
    let value = match name {
        "PUBLIC_URL" => "https://bridge.example.com",
        "SEAL_KEYS_SECRET" => "seal",
        "SESSION_KEY_SECRET" => "session",
        "TABLE_NAME"
        | "SYNC_QUEUE_URL"
        | "SYNC_DEAD_LETTER_URL"
        | "AI_QUEUE_URL"
        | "AI_DEAD_LETTER_URL"
        | "CONTRACT_QUEUE_URL"
        | "CONTRACT_DEAD_LETTER_URL"
        | "FILES_BUCKET"
        | "AWS_ACCESS_KEY_ID"
        | "AWS_SECRET_ACCESS_KEY" => "bridge",
        "AWS_REGION" => "us-east-1",
        "AWS_ENDPOINT_URL_DYNAMODB" => return Some(amazon.dynamodb.url()),
        "AWS_ENDPOINT_URL_SECRETS_MANAGER" => return Some(amazon.secrets.url()),
        "AWS_ENDPOINT_URL_S3" => return Some(amazon.s3.url()),
        "ALLOW_PRIVATE_ADDRESSES" => "true",
        _ => return None,
    };
    Some(value.to_owned())
}

async fn create_table(url: &str) {
    let settings = AwsSettings {
        region: "us-east-1".to_owned(),
        access_key_id: "bridge".to_owned(),
        secret_access_key: Secret::new("bridge"),
        session_token: None,
        endpoints: Endpoints { dynamodb: Some(url.to_owned()), ..Endpoints::default() },
        ca_bundle: None,
    };
    let client = Aws::new(settings).unwrap().dynamodb();
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let attribute = |name: &str| {
        let text = AttributeDefinition::builder().attribute_type(ScalarAttributeType::S);
        text.attribute_name(name).build().unwrap()
    };
    client
        .create_table()
        .table_name("bridge")
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(["pk", "sk"].map(attribute).to_vec()))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .send()
        .await
        .unwrap();
}

impl Street {
    /// A workspace with a contract that was sent to two signers, about a person and an opportunity.
    async fn open() -> Self {
        let (clock, faults) = (sim::clock::Clock::stepped(MORNING), Faults::default());
        let amazon = Amazon::start(&clock, &faults, Ports::default()).await;
        amazon.secrets.put("seal", r#"{"1":"a-sealing-key-of-at-least-32-characters"}"#);
        amazon.secrets.put("session", "a-session-key-of-at-least-32-characters");
        amazon.s3.create_bucket("bridge");
        amazon.s3.admit("bridge", "bridge", None);
        create_table(&amazon.dynamodb.url()).await;
        let server = Server::start(clock.clone(), &faults, 0).await;
        let crm = server.create_workspace("Harbor Lights");
        let config = Config::from_vars(|name| variable(name, &amazon)).unwrap();
        let app = App::forever(config, clock.cell().map_or(Clock::System, Clock::Stepped)).unwrap();
        let key = Secret::new(crm.api_key.clone());
        let tenant = connect_twenty(app, &server.url(), &key).await.unwrap().workspace.id;
        let person = server.create_as_human(&crm, "people", &json!({"name": {"firstName": "Ada"}}));
        let deal = server.create_as_human(&crm, "opportunities", &json!({"name": "Club"}));
        let id: ContractId = "ctr_1".parse().unwrap();
        let signer = |place: u32, role: &str| json!({"name": "Ada Lovelace", "email": format!("ada{place}@client.example"), "role": role, "order": place});
        let contract: Contract = serde_json::from_value(json!({
            "id": id, "workspace": tenant, "provider": "docusign", "title": "NDA", "subject": "NDA",
            "source": {"source": "template", "template": "t1"},
            "signers": [signer(1, "Client"), signer(2, "Director")],
            "person": person, "opportunity": deal,
            "cause": {"cause": "person", "by": "session"},
            "requested_at": MORNING, "dispatch": {"dispatch": "sent", "at": MORNING},
        }))
        .unwrap();
        app.store().insert_contract(&contract, app.clock().now()).await.unwrap();
        let street = Self { app, faults, server, crm, tenant, id, _amazon: amazon };
        street.observe(Overall::Sent, &[]).await;
        street
    }

    async fn contract(&self) -> Contract {
        self.app.store().find_contract(self.tenant, &self.id).await.unwrap().unwrap()
    }

    async fn put(&self, contract: Contract) {
        self.app.store().put_contract(contract, self.app.clock().now()).await.unwrap().unwrap();
    }

    async fn observe(&self, overall: Overall, signed: &[u32]) {
        let now = self.app.clock().now();
        let signers = signed.iter().map(|place| {
            let email = Some(format!("ada{place}@client.example"));
            let seen = SignerSeen::new(None, email, Some(SignerState::Signed));
            SignerSeen { signed_at: Some(now), ..seen }
        });
        let observed = Observed { signers: signers.collect(), ..Observed::overall(now, overall) };
        let Change::Move { next, .. } = self.contract().await.on(&observed) else { panic!("it moves") };
        self.put(*next).await;
    }

    async fn complete(&self) {
        self.observe(Overall::Completed { at: None }, &[1, 2]).await;
        let file = SignedFile {
            key: "contracts/w/ctr_1/signed.pdf".to_owned(),
            bytes: PDF.len() as u64,
            sha256: hash(PDF),
            kept_at: self.app.clock().now(),
        };
        let files = self.app.files().unwrap();
        let bytes = Bytes::from_static(PDF);
        files.put(&file.key, bytes, "application/pdf", self.app.clock().now()).await.unwrap();
        self.put(Contract { signed_file: Some(file), ..self.contract().await }).await;
    }

    async fn tell(&self) -> Result<()> {
        let deadline = self.app.clock().now() + Duration::from_mins(1);
        tell_crm(self.app, self.tenant, &self.id, deadline).await
    }

    fn records(&self, plural: &str) -> Vec<Json> {
        self.server.records(&self.crm, plural)
    }

    /// What hangs on a record: titles of notes.
    fn notes_of(&self, column: &str, id: CrmId) -> Vec<String> {
        let notes = self.records("notes");
        let ties = self.records("noteTargets").into_iter().filter(|tie| tie[column] == json!(id));
        let title = |tie: Json| {
            let note = notes.iter().find(|note| note["id"] == tie["noteId"]).unwrap();
            note["title"].as_str().unwrap().to_owned()
        };
        let mut titles: Vec<String> = ties.map(title).collect();
        titles.sort();
        titles
    }

    fn assert_understood(&self) {
        assert_eq!(self.server.calls_not_understood(), Vec::<String>::new());
    }
}

const SENT: &str = "Contract “NDA” was sent";
const COMPLETED: &str = "Contract “NDA” was completed";
const PARTLY: &str = "Contract “NDA” was signed in part";

#[tokio::test]
async fn a_contract_stands_in_the_crm_with_its_dates_and_a_note_for_every_state() {
    let street = Street::open().await;

    street.tell().await.unwrap();
    street.observe(Overall::PartiallySigned, &[1]).await;
    street.tell().await.unwrap();

    let contract = street.contract().await;
    let [record] = &street.records("contracts")[..] else { panic!("one contract") };
    assert_eq!(record["state"], "PARTIALLY_SIGNED");
    assert_eq!(record["provider"], "DOCUSIGN");
    assert_eq!((&record["signedCount"], &record["signerCount"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&record["personId"], &record["opportunityId"]),
        (&json!(contract.person), &json!(contract.opportunity))
    );
    assert_eq!(record["sentAt"], contract.life.sent_at.unwrap().to_string());
    assert_eq!((&record["name"], &record["bridgeContractId"]), (&json!("NDA"), &json!("ctr_1")));
    for (column, id) in [("targetPersonId", contract.person), ("targetOpportunityId", contract.opportunity)] {
        assert_eq!(street.notes_of(column, id.unwrap()), [SENT, PARTLY]);
    }
    assert_eq!(contract.told.noted, [State::Sent, State::PartiallySigned]);
    assert!(contract.owed().is_empty(), "{:?}", contract.owed());
    street.assert_understood();
}

#[tokio::test]
async fn the_signed_file_hangs_on_the_person_once() {
    let street = Street::open().await;
    street.complete().await;

    street.tell().await.unwrap();
    street.put(Contract { told: Told::default(), ..street.contract().await }).await;
    street.tell().await.unwrap();

    let contract = street.contract().await;
    let [attachment] = &street.records("attachments")[..] else { panic!("one attachment") };
    assert_eq!(attachment["targetPersonId"], json!(contract.person));
    assert_eq!(attachment["name"], "NDA (signed).pdf");
    let file = attachment["file"][0]["fileId"].as_str().unwrap();
    assert_eq!(street.server.uploaded(file).as_deref(), Some(PDF));
    assert_eq!(street.records("contracts").len(), 1);
    assert_eq!(street.records("notes").len(), 3, "sent, signed in part, completed; none of them twice");
    assert!(contract.is_settled(), "{:?}", contract.owed());
    street.assert_understood();
}

#[tokio::test]
async fn what_is_told_already_is_not_told_again() {
    let street = Street::open().await;
    street.tell().await.unwrap();
    street.faults.forget_calls();

    street.tell().await.unwrap();

    assert_eq!(street.faults.count_of("twenty"), 0);
}

#[tokio::test]
async fn a_crash_anywhere_leaves_nothing_double_and_nothing_out() {
    for cut in 0.. {
        let street = Street::open().await;
        street.tell().await.unwrap();
        street.complete().await;
        let mut left = cut;
        street.faults.plan(move |call: &Call| {
            left -= i32::from(call.service == "twenty");
            match (call.service, left) {
                ("twenty", -1) => Fault::CutAfter,
                _ => Fault::Pass,
            }
        });

        let first = street.tell().await;
        street.faults.clear();
        street.tell().await.unwrap();

        assert_eq!(street.records("contracts").len(), 1, "cut {cut}");
        assert_eq!(street.records("notes").len(), 3, "cut {cut}");
        assert_eq!(street.records("noteTargets").len(), 6, "cut {cut}");
        assert_eq!(street.records("attachments").len(), 1, "cut {cut}");
        assert!(street.contract().await.is_settled(), "cut {cut}");
        if first.is_ok() {
            assert!(cut > 6, "every call was cut once: {cut}");
            return;
        }
    }
}

#[tokio::test]
async fn a_person_who_was_deleted_for_good_is_left_out_and_the_rest_is_told() {
    let street = Street::open().await;
    let (person, deal) =
        (street.contract().await.person.unwrap(), street.contract().await.opportunity.unwrap());
    street.server.destroy_as_human(&street.crm, "people", &person.to_string());
    street.complete().await;

    street.tell().await.unwrap();

    let [record] = &street.records("contracts")[..] else { panic!("one contract") };
    assert_eq!((&record["personId"], &record["opportunityId"]), (&Json::Null, &json!(deal)));
    assert_eq!(street.notes_of("targetOpportunityId", deal), [COMPLETED, SENT, PARTLY]);
    assert_eq!(street.records("attachments")[0]["targetOpportunityId"], json!(deal));
    assert!(street.contract().await.is_settled());
    street.assert_understood();
}

#[tokio::test]
async fn a_record_that_somebody_deleted_stays_deleted() {
    let street = Street::open().await;
    street.tell().await.unwrap();
    let record = street.contract().await.told.record.unwrap();
    street.server.soft_delete_as_human(&street.crm, "contracts", &record.to_string());
    street.complete().await;

    street.tell().await.unwrap();

    assert!(street.records("contracts")[0]["deletedAt"].is_string());
    assert_eq!(street.records("contracts")[0]["state"], "SENT");
    assert_eq!(street.records("notes").len(), 3);
    assert!(street.contract().await.is_settled());
}

#[tokio::test]
async fn an_object_of_somebody_elses_is_not_touched_and_stands_as_a_problem() {
    let street = Street::open().await;
    let (url, key) = (street.server.url(), street.crm.api_key.clone());
    let object = json!({"nameSingular": "contract", "namePlural": "contracts", "labelSingular": "Contract",
        "labelPlural": "Contracts", "icon": "IconFile"});
    let made = post(&format!("{url}/rest/metadata/objects"), &key, &object).await;
    assert_eq!(made, 201);

    street.tell().await.unwrap();

    let workspace = street.app.store().find_workspace(street.tenant).await.unwrap().unwrap();
    let [problem] = &workspace.schema.all_problems()[..] else { panic!("{:?}", workspace.schema) };
    assert!(problem.starts_with("Twenty has an object contract that is not ours"), "{problem}");
    assert_eq!(street.records("contracts").len(), 0);
    assert_eq!(street.records("notes").len(), 1, "notes are written all the same");
    assert_eq!(street.contract().await.owed(), [Owed::Tell], "the schedule tries again");
}

async fn post(url: &str, key: &str, body: &Json) -> u16 {
    let http = crate::http::Http::new(crate::http::Addresses::PrivateToo).unwrap();
    let key = Secret::new(key);
    let mut call = crate::http::Outgoing::new(http::Method::POST, url.parse().unwrap(), Some(&key));
    call.body = crate::http::Body::Json(body.to_string().into_bytes());
    http.send(call).await.unwrap().status
}
