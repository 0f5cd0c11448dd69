//! Contracts: their object, their notes, and their files.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::sample;
use super::street::{Reply, Seen, Street, client};
use crate::domain::connection::SchemaState;
use crate::domain::contract::record;
use crate::domain::draft::{Change, Value};
use crate::domain::grant::Secret;
use crate::domain::id::CrmId;
use crate::domain::schema::Object;
use crate::twenty::{At, NewNote, Place, Tie, TwentyError, Wanted};

const PDF: &[u8] = b"%PDF-1.4 a contract of forty-five bytes.....\n";

fn id(number: u128) -> CrmId {
    CrmId(uuid::Uuid::from_u128(number))
}

fn body(sample: &Json) -> Json {
    sample["response"]["body"].clone()
}

/// Answers an upload as it was recorded, at an address of the street's own.
async fn uploads(put: impl Fn() -> u16 + Send + 'static) -> Street {
    let address = Arc::new(OnceLock::<String>::new());
    let known = Arc::clone(&address);
    let street = Street::open(move |seen: &Seen| {
        if seen.call.starts_with("PUT ") {
            return Reply { status: put(), body: Vec::new() };
        }
        let query = seen.body["query"].as_str().unwrap_or_default();
        if query.contains("createFileUpload") {
            let mut answer = body(&sample!("file-upload-create"));
            answer["data"]["createFileUpload"]["uploadUrl"] = json!(known.get().unwrap());
            return Reply::json(200, &answer);
        }
        if query.contains("completeFileUpload") {
            return Reply::json(200, &body(&sample!("file-upload-complete")));
        }
        if seen.call.starts_with("POST /rest/attachments") {
            return Reply::json(201, &body(&sample!("attachment-create")));
        }
        let field = |id: &str, kind: &str| json!({"id": id, "name": "file", "type": kind});
        let object = |name: &str, field: Json| json!({"node": {"id": name, "nameSingular": name, "fieldsList": [field]}});
        let edges = [
            object("person", field("f-other", "FILES")),
            object("attachment", field("b1b9879e-6f19-452a-b305-090094c6238f", "FILES")),
        ];
        Reply::json(200, &json!({"data": {"objects": {"edges": edges, "pageInfo": {"hasNextPage": false}}}}))
    })
    .await;
    address.set(format!("{}file-upload/615fcae2?token=leave", street.server)).unwrap();
    street
}

#[tokio::test]
async fn a_file_goes_up_as_recorded_and_our_key_does_not_go_with_it() {
    let street = uploads(|| 204).await;
    let person = "4d533b49-fee9-4586-beb1-b6f9758e557c".parse().unwrap();

    let file = street.twenty.upload(street.at(), "agreement.pdf", Bytes::from_static(PDF)).await.unwrap();
    street.twenty.attach(street.at(), id(7), &file, Place::Person(person)).await.unwrap();

    let seen = street.seen();
    let [_, create, put, complete, attach] = &seen[..] else { panic!("{:?}", street.calls()) };
    let recorded =
        |name: &str, sample: Json| (name.to_owned(), sample["request"]["body"]["variables"].clone());
    let sent = |seen: &Seen| seen.body["variables"].clone();
    assert_eq!(("create".to_owned(), sent(create)), recorded("create", sample!("file-upload-create")));
    assert_eq!(
        ("complete".to_owned(), sent(complete)),
        recorded("complete", sample!("file-upload-complete"))
    );
    assert_eq!((put.call.as_str(), &put.authorization), ("PUT /file-upload/615fcae2?token=leave", &None));
    let mut expected = sample!("attachment-create")["request"]["body"].clone();
    expected["id"] = json!(id(7));
    assert_eq!(attach.body, expected);
    assert_eq!(attach.call, "POST /rest/attachments?upsert=true");
}

#[tokio::test]
async fn an_address_whose_time_ran_out_is_no_refusal_of_the_file_and_is_never_told() {
    for (status, is_for_good) in [(403, false), (503, false), (413, true)] {
        let street = uploads(move || status).await;

        let error = street.twenty.upload(street.at(), "a.pdf", Bytes::from_static(PDF)).await.unwrap_err();

        assert_eq!(matches!(error, TwentyError::Rejected { .. }), is_for_good, "{error}");
        assert!(!format!("{error:?}").contains("leave"), "{error:?}");
    }
}

#[tokio::test]
async fn notes_are_tied_to_people_and_opportunities_in_the_columns_a_real_server_has() {
    let street = Street::open(|_: &Seen| Reply::json(201, &json!({"data": {}}))).await;
    let ties = [
        Tie { id: id(2), note: id(1), place: Place::Person(id(3)) },
        Tie { id: id(4), note: id(1), place: Place::Opportunity(id(5)) },
    ];

    street.twenty.put_notes(street.at(), &[NewNote { id: id(1), title: "T", text: "*x*" }]).await.unwrap();
    street.twenty.tie_notes(street.at(), &ties).await.unwrap();

    let seen = street.seen();
    assert_eq!(seen[0].body, json!([{"id": id(1), "title": "T", "bodyV2": {"markdown": "*x*"}}]));
    assert_eq!(
        seen[1].body,
        json!([
            {"id": id(2), "noteId": id(1), "targetPersonId": id(3)},
            {"id": id(4), "noteId": id(1), "targetOpportunityId": id(5)},
        ])
    );
    for (tie, recorded) in seen[1]
        .body
        .as_array()
        .unwrap()
        .iter()
        .zip([sample!("note-target-person"), sample!("note-target-opportunity")])
    {
        let fields = recorded["request"]["body"].as_object().unwrap();
        assert!(fields.keys().all(|name| tie.get(name).is_some()), "{tie}");
    }
}

/// The same calls, understood by a server that reads them.
#[tokio::test]
async fn a_server_takes_a_contract_with_everything_that_hangs_on_it() {
    let clock = sim::clock::Clock::stepped(1_795_420_800_000);
    let server = sim::twenty::Twenty::start(clock, &sim::fault::Faults::default(), 0).await;
    let workspace = server.create_workspace("Harbor Lights");
    let (url, key) = (server.url().parse().unwrap(), Secret::new(workspace.api_key.clone()));
    let (at, twenty) = (At { server: &url, key: &key }, client());
    let person = server.create_as_human(&workspace, "people", &json!({"name": {"firstName": "Ada"}}));
    let known = SchemaState { version: 2, ..SchemaState::default() };

    let ensured = twenty.ensure_schema(at, Wanted::Contracts, &known, || true).await.unwrap();
    let again = twenty.ensure_schema(at, Wanted::Contracts, &ensured.state, || true).await.unwrap();
    let change = Change {
        object: Object::Contract,
        id: id(1),
        key: "ctr_1".to_owned(),
        fields: [
            ("state", Value::Choice("PARTIALLY_SIGNED".to_owned())),
            ("sentAt", Value::Time(crate::domain::time::Timestamp::from_millis(1_795_420_800_000))),
            ("person", Value::Related(person.parse().unwrap())),
            ("opportunity", Value::Empty),
        ]
        .into(),
    };
    let written = twenty.upsert(at, Object::Contract, &[change]).await.unwrap();
    let file = twenty.upload(at, "a.pdf", Bytes::from_static(PDF)).await.unwrap();
    let place = Place::Person(person.parse().unwrap());
    for _ in 0..2 {
        twenty.attach(at, id(2), &file, place).await.unwrap();
    }

    assert!(ensured.complete && again == ensured, "{:?}", ensured.state);
    assert_eq!((ensured.state.contracts, ensured.state.version), (record::VERSION, 2));
    assert_eq!(ensured.state.options["contract.state"].len(), 9);
    assert_eq!(written[0].id.as_ref().unwrap(), &id(1));
    assert_eq!(server.records(&workspace, "contracts")[0]["personId"], json!(person));
    assert_eq!(server.count(&workspace, "attachments"), 1);
    assert!(twenty.is_there(at, Object::Contract, id(1)).await.unwrap());
    assert!(!twenty.is_there(at, Object::Contract, id(9)).await.unwrap());
    assert!(twenty.has_attachment(at, id(2)).await.unwrap());
    assert_eq!(server.calls_not_understood(), Vec::<String>::new());
}
