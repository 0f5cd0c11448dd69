//! `ensure_schema` against a small workspace that keeps its data model in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use super::sample;
use super::street::{Reply, Seen, Street};
use crate::domain::connection::SchemaState;
use crate::domain::contract::record;
use crate::domain::schema::{FIELDS, Object, VERSION};
use crate::domain::settings::Settings;
use crate::twenty::schema::Ensured;
use crate::twenty::{TwentyError, Wanted};

/// A data model, in the form GraphQL shows it.
struct Workspace {
    objects: Vec<Json>,
    made: usize,
}

fn field(name: &str, kind: &str) -> Json {
    json!({"id": format!("f-{name}"), "name": name, "type": kind, "isUnique": false, "isActive": true,
           "options": null, "relation": null})
}

impl Workspace {
    fn fresh() -> Self {
        let stage =
            &sample!("metadata-rest-add-stage-option-on-standard-field")["request"]["body"]["options"];
        let mut stages = field("stage", "SELECT");
        stages["options"] = stage.as_array().unwrap()[..5].into();
        let person = [field("name", "FULL_NAME"), field("emails", "EMAILS"), field("phones", "PHONES")];
        let contact = relation(field("pointOfContact", "RELATION"), "person");
        let deal = [
            field("name", "TEXT"),
            stages,
            field("amount", "CURRENCY"),
            field("closeDate", "DATE_TIME"),
            contact,
        ];
        let object = |name: &str, fields: Json| json!({"id": name, "nameSingular": name, "isActive": true, "fieldsList": fields});
        Self {
            objects: vec![
                object("person", json!(person)),
                object("opportunity", json!(deal)),
                object("task", json!([field("title", "TEXT")])),
            ],
            made: 0,
        }
    }

    fn fields(&mut self, object: &str) -> &mut Vec<Json> {
        let found = self.objects.iter_mut().find(|it| it["id"] == object).unwrap();
        found["fieldsList"].as_array_mut().unwrap()
    }

    fn answer(&mut self, seen: &Seen) -> Reply {
        let path: Vec<&str> = seen.call.split(['/', ' ']).collect();
        match path[..] {
            ["POST", "", "metadata"] => {
                let edges: Vec<Json> = self.objects.iter().map(|it| json!({"node": it})).collect();
                Reply::json(
                    200,
                    &json!({"data": {"objects": {"edges": edges, "pageInfo": {"hasNextPage": false}}}}),
                )
            }
            ["POST", "", "rest", "metadata", "objects"] => self.make_object(&seen.body),
            ["PATCH", "", "rest", "metadata", "objects", id] => {
                let object = self.objects.iter_mut().find(|it| it["id"] == id).unwrap();
                object["isActive"] = seen.body["isActive"].clone();
                let mut shown = object.clone();
                shown.as_object_mut().unwrap().remove("fieldsList");
                Reply::json(200, &shown)
            }
            ["POST", "", "rest", "metadata", "fields"] => self.make_field(&seen.body),
            ["PATCH", "", "rest", "metadata", "fields", id] => {
                let mut all = self.objects.iter_mut().flat_map(|it| it["fieldsList"].as_array_mut().unwrap());
                let field = all.find(|it| it["id"] == id).unwrap();
                field.as_object_mut().unwrap().extend(seen.body.as_object().unwrap().clone());
                let mut shown = field.clone();
                shown.as_object_mut().unwrap().remove("relation");
                Reply::json(200, &shown)
            }
            _ => panic!("unexpected call {}", seen.call),
        }
    }

    fn make_object(&mut self, body: &Json) -> Reply {
        let name = body["nameSingular"].as_str().unwrap();
        let own = field("name", "TEXT");
        self.objects.push(json!({"id": name, "nameSingular": name, "isActive": true, "fieldsList": [own]}));
        Reply::json(201, &json!({"id": name, "nameSingular": name, "isActive": true, "fields": [own]}))
    }

    fn make_field(&mut self, body: &Json) -> Reply {
        let (object, name) = (body["objectMetadataId"].as_str().unwrap(), body["name"].as_str().unwrap());
        if self.fields(object).iter().any(|it| it["name"] == name) {
            return name_taken();
        }
        let mut made = field(name, body["type"].as_str().unwrap());
        self.made += 1;
        made["id"] = json!(format!("f-{object}-{name}"));
        made["isUnique"] = json!(body["isUnique"] == true);
        made["options"] = body["options"].clone();
        let answer = Reply::json(201, &made);
        if let Some(target) = body["relationCreationPayload"]["targetObjectMetadataId"].as_str() {
            made = relation(made, target);
        }
        self.fields(object).push(made);
        answer
    }
}

fn relation(mut field: Json, target: &str) -> Json {
    field["relation"] = json!({"type": "MANY_TO_ONE", "targetObjectMetadata": {"nameSingular": target}});
    field
}

fn name_taken() -> Reply {
    let recorded = sample!("metadata-rest-create-field-duplicate-name");
    Reply::json(400, &recorded["response"]["body"])
}

/// A workspace on the street; `trouble` may answer in its place, and change it.
async fn street(
    mut workspace: Workspace,
    mut trouble: impl FnMut(&Seen, &mut Workspace) -> Option<Reply> + Send + 'static,
) -> Street {
    Street::open(move |seen: &Seen| trouble(seen, &mut workspace).unwrap_or_else(|| workspace.answer(seen)))
        .await
}

async fn calm(workspace: Workspace) -> Street {
    street(workspace, |_, _| None).await
}

async fn ensure(street: &Street) -> Result<Ensured, TwentyError> {
    let stages = Settings::default().every_stage();
    street
        .twenty
        .ensure_schema(street.at(), Wanted::Mirror { stages: &stages }, &SchemaState::default(), || true)
        .await
}

fn ours() -> usize {
    FIELDS.iter().filter(|field| !field.standard).count()
}

#[tokio::test]
async fn a_fresh_workspace_gets_every_object_field_and_stage_and_nothing_the_second_time() {
    let street = calm(Workspace::fresh()).await;

    let first = ensure(&street).await.unwrap();
    let calls = street.calls().len();
    let second = ensure(&street).await.unwrap();

    assert!(first.complete && first.state.problems.is_empty(), "{:?}", first.state.problems);
    assert_eq!(first.state.version, VERSION);
    // One look, two objects, our fields, the stage.
    assert_eq!(calls, 1 + 2 + ours() + 1);
    assert_eq!(street.calls().len(), calls + 1);
    assert_eq!(second, first);
    let stages = &first.state.options["opportunity.stage"];
    assert!(
        stages.starts_with(&["NEW".to_owned(), "SCREENING".to_owned()])
            && stages.contains(&"CHURNED".to_owned())
    );
    assert!(first.state.options["person.whopAccess"].contains(&"NO_ACCESS".to_owned()));
}

#[tokio::test]
async fn fields_are_made_in_the_shapes_a_real_server_took() {
    let street = calm(Workspace::fresh()).await;

    ensure(&street).await.unwrap();

    let seen = street.seen();
    let sent = |name: &str| &seen.iter().find(|it| it.body["name"] == name).unwrap().body;
    let key = sent("whopMemberId");
    assert_eq!(
        (&key["type"], &key["isUnique"], &key["isNullable"]),
        (&json!("TEXT"), &json!(true), &json!(true))
    );
    assert_eq!(
        sent("activeMembers")["settings"],
        sample!("metadata-rest-create-field-number")["request"]["body"]["settings"]
    );
    let recorded =
        &sample!("metadata-rest-create-field-relation")["request"]["body"]["relationCreationPayload"];
    let made = &sent("opportunity")["relationCreationPayload"];
    let names = |it: &Json| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(made), names(recorded));
    assert_eq!(made["targetObjectMetadataId"], "opportunity");
    assert_eq!(sent("opportunity").get("isNullable"), None);
    assert_eq!(
        sent("whopAccess")["options"][2],
        json!({"value": "NO_ACCESS", "label": "No access", "color": "sky", "position": 2})
    );
}

#[tokio::test]
async fn a_half_made_workspace_is_completed_and_keeps_what_others_put_there() {
    let mut workspace = Workspace::fresh();
    let mut hidden = field("whopUsername", "TEXT");
    hidden["isActive"] = json!(false);
    let mut status = field("whopStatus", "SELECT");
    status["options"] =
        json!([{"id": "o1", "value": "VIP", "label": "Very important", "color": "pink", "position": 7}]);
    workspace.fields("person").extend([hidden, status, field("whopMemberId", "TEXT")]);
    let street = calm(workspace).await;

    let ensured = ensure(&street).await.unwrap();

    assert_eq!(ensured.state.version, VERSION, "{:?}", ensured.state.problems);
    assert_eq!(ensured.state.options["person.whopStatus"], ["VIP", "JOINED", "LEFT"]);
    let seen = street.seen();
    let patched = |id: &str| &seen.iter().find(|it| it.call.ends_with(&format!("fields/{id}"))).unwrap().body;
    assert_eq!(patched("f-whopUsername"), &json!({"isActive": true}));
    assert_eq!(patched("f-whopMemberId"), &json!({"isUnique": true}));
    assert_eq!(patched("f-whopStatus")["options"][0]["label"], "Very important");
    assert_eq!(patched("f-whopStatus")["options"][0]["id"], "o1");
    assert_eq!(patched("f-whopStatus")["options"][1]["position"], 8);
}

#[tokio::test]
async fn a_field_of_another_type_or_target_is_a_problem_and_the_rest_is_made() {
    let mut workspace = Workspace::fresh();
    workspace.fields("person").push(field("whopStatus", "TEXT"));
    workspace.fields("opportunity").push(relation(field("whopProduct", "RELATION"), "company"));
    let street = calm(workspace).await;

    let ensured = ensure(&street).await.unwrap();

    assert!(ensured.complete);
    assert_eq!(ensured.state.version, 0);
    let mend = "rename or delete that field in Twenty → Settings → Data model, then sync again";
    assert_eq!(
        ensured.state.problems,
        [
            format!("person.whopStatus exists with type TEXT; {mend}"),
            format!("opportunity.whopProduct exists as a MANY_TO_ONE relation to company; {mend}"),
        ]
    );
    assert_eq!(street.calls().len(), 1 + 2 + ours() - 2 + 1);
}

#[tokio::test]
async fn values_that_repeat_are_a_problem_in_words() {
    let mut workspace = Workspace::fresh();
    workspace.fields("person").push(field("whopMemberId", "TEXT"));
    let street = street(workspace, |seen, _| {
        let recorded = sample!("metadata-rest-make-unique-with-duplicates");
        (seen.body == json!({"isUnique": true})).then(|| Reply::json(500, &recorded["response"]["body"]))
    })
    .await;

    let ensured = ensure(&street).await.unwrap();

    assert!(ensured.complete && ensured.state.version == 0);
    let [problem] = &ensured.state.problems[..] else { panic!("{:?}", ensured.state.problems) };
    assert!(problem.starts_with("person.whopMemberId cannot be made unique: several records"), "{problem}");
}

#[tokio::test]
async fn a_field_that_somebody_else_makes_at_the_same_moment_is_taken_as_it_is() {
    let mut raced = false;
    let street = street(Workspace::fresh(), move |seen, workspace| {
        (seen.body["name"] == "whopUsername" && !std::mem::replace(&mut raced, true)).then(|| {
            workspace.make_field(&seen.body);
            name_taken()
        })
    })
    .await;

    let ensured = ensure(&street).await.unwrap();

    assert_eq!(ensured.state.version, VERSION, "{:?}", ensured.state.problems);
    let made = street.seen().iter().filter(|it| it.body["name"] == "whopUsername").count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_name_that_stays_taken_is_reported_and_not_tried_for_ever() {
    let street =
        street(Workspace::fresh(), |seen, _| (seen.body["name"] == "whopUsername").then(name_taken)).await;

    let ensured = ensure(&street).await.unwrap();

    assert!(ensured.complete && ensured.state.version == 0);
    let [problem] = &ensured.state.problems[..] else { panic!("{:?}", ensured.state.problems) };
    assert!(problem.starts_with("Twenty does not make person.whopUsername"), "{problem}");
}

#[tokio::test]
async fn when_time_runs_out_it_stops_and_goes_on_at_the_next_visit() {
    let street = calm(Workspace::fresh()).await;
    let stages = Settings::default().every_stage();
    let (mut visits, mut known) = (0, SchemaState { creates_companies: true, ..SchemaState::default() });

    loop {
        visits += 1;
        let left = Arc::new(AtomicUsize::new(11));
        let time_left = move || left.fetch_sub(1, Ordering::SeqCst) > 1;
        let ensured = street
            .twenty
            .ensure_schema(street.at(), Wanted::Mirror { stages: &stages }, &known, time_left)
            .await
            .unwrap();
        known = ensured.state;
        if ensured.complete {
            break;
        }
        assert_eq!(known.version, 0);
    }

    let steps = 2 + ours() + 1;
    assert_eq!(visits, steps / 10 + 1);
    assert_eq!(street.calls().len(), visits + steps);
    assert_eq!((known.version, known.creates_companies), (VERSION, true));
}

#[tokio::test]
async fn an_outage_stops_it_and_loses_nothing() {
    let mut calls = 0;
    let street = street(Workspace::fresh(), move |_, _| {
        calls += 1;
        (calls == 9).then(|| Reply::json(503, &json!({})))
    })
    .await;

    let stopped = ensure(&street).await.unwrap_err();
    let ensured = ensure(&street).await.unwrap();

    assert!(matches!(stopped, TwentyError::Unavailable { .. }));
    assert_eq!(ensured.state.version, VERSION);
    assert_eq!(street.calls().len(), 9 + 1 + (2 + ours() + 1) - 7);
}

#[tokio::test]
async fn a_role_without_the_right_says_so() {
    let street = street(Workspace::fresh(), |seen, _| {
        let recorded = sample!("permission-denied-metadata-rest");
        seen.call.starts_with("POST /rest").then(|| Reply::json(403, &recorded["response"]["body"]))
    })
    .await;

    let error = ensure(&street).await.unwrap_err();

    assert_eq!(error.to_string(), "the api key's role lacks the right DATA_MODEL");
}

#[tokio::test]
async fn options_are_added_to_those_that_are_there_and_only_when_they_are_new() {
    let street = calm(Workspace::fresh()).await;
    let add = async |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        street.twenty.add_options(street.at(), Object::Opportunity, "stage", &words).await
    };

    let added = add(&["won_back", "NEW", "won_back"]).await.unwrap();
    let again = add(&["WON_BACK"]).await.unwrap();

    assert_eq!(added, ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER", "WON_BACK"]);
    assert_eq!(again, added);
    assert_eq!(street.calls(), ["POST /metadata", "PATCH /rest/metadata/fields/f-stage", "POST /metadata"]);
    let gone = street.twenty.add_options(street.at(), Object::Person, "whopStatus", &[]).await;
    assert!(matches!(gone, Err(TwentyError::SchemaDrift { .. })));
}

#[tokio::test]
async fn contracts_get_an_object_of_their_own_which_the_sync_does_not_make() {
    let street = calm(Workspace::fresh()).await;
    let mirror = ensure(&street).await.unwrap().state;
    let calls = street.calls().len();

    let contracts =
        street.twenty.ensure_schema(street.at(), Wanted::Contracts, &mirror, || true).await.unwrap();
    let stages = Settings::default().every_stage();
    let wanted = Wanted::Mirror { stages: &stages };
    let after = street.twenty.ensure_schema(street.at(), wanted, &contracts.state, || true).await.unwrap();

    assert!(!street.seen()[..calls].iter().any(|it| it.body["nameSingular"] == "contract"));
    let own = record::FIELDS.iter().filter(|field| !field.standard).count();
    assert_eq!(street.calls().len(), calls + 1 + 1 + own + 1);
    assert_eq!((contracts.state.contracts, contracts.state.version), (record::VERSION, VERSION));
    assert!(contracts.state.contract_problems.is_empty() && contracts.complete);
    assert_eq!(contracts.state.options["contract.provider"], ["DOCUSIGN", "DROPBOX_SIGN", "PANDADOC"]);
    assert!(contracts.state.options.contains_key("person.whopAccess"));
    assert_eq!(after.state, contracts.state, "the sync forgets nothing of it");
    let seen = street.seen();
    let provider = seen.iter().find(|it| it.body["name"] == "provider").unwrap();
    assert_eq!(provider.body["options"][1]["label"], "Dropbox Sign");
}

#[tokio::test]
async fn an_object_of_that_name_is_ours_by_its_key_or_by_what_we_wrote_on_it() {
    let object = |description: Json, fields: Json| {
        json!({"id": "contract", "nameSingular": "contract", "isActive": true, "description": description,
               "fieldsList": fields})
    };
    let name = field("name", "TEXT");
    let cases = [
        (object(json!(Object::Contract.description()), json!([name])), true),
        (object(Json::Null, json!([name, field(record::KEY, "TEXT")])), true),
        (object(Json::Null, json!([name])), false),
        (object(json!("Leases of our boats"), json!([name, field("state", "SELECT")])), false),
    ];
    for (there, is_ours) in cases {
        let mut workspace = Workspace::fresh();
        workspace.objects.push(there);
        let street = calm(workspace).await;

        let ensured = street
            .twenty
            .ensure_schema(street.at(), Wanted::Contracts, &SchemaState::default(), || true)
            .await;

        let state = ensured.unwrap().state;
        assert_eq!(state.contracts == record::VERSION, is_ours, "{state:?}");
        assert_eq!(state.contract_problems.is_empty(), is_ours, "{state:?}");
        assert!(state.problems.is_empty(), "the sync is not held up by it");
        assert_eq!(street.calls().len() > 1, is_ours, "nothing of somebody else's is changed");
    }
}
