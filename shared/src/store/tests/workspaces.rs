use std::collections::BTreeMap;

use super::*;
use crate::domain::budget::{Bucket, Take, Urgency};
use crate::domain::caller::{ApiToken, AuditEntry};
use crate::domain::connection::{SchemaState, Workspace};
use crate::domain::contract::rule::Awaited;
use crate::domain::grant::{PendingConsent, Sealed};
use crate::domain::id::CrmId;
use crate::domain::insight::automation::{Bands, Cause, Figures, News, Scored, Switches};
use crate::domain::insight::lead_score::LeadBand;
use crate::domain::insight::settings::Automations;
use crate::domain::policy::FieldPolicy;
use crate::domain::settings::Settings;

fn a_workspace(version: u64) -> Workspace {
    Workspace {
        id: workspace(1),
        server: "https://crm.example.com".to_owned(),
        twenty_id: Uuid::from_u128(9),
        name: "Acme".to_owned(),
        key: Sealed("v1.sealed".to_owned()),
        key_expires_at: None,
        settings: Settings {
            stages: BTreeMap::from([("trialing".to_owned(), "NEW".to_owned())]),
            policies: BTreeMap::from([("person.name".to_owned(), FieldPolicy::CrmWins)]),
        },
        schema: SchemaState::default(),
        automations: Switches::default(),
        contract_rules: Awaited::default(),
        refused_at: None,
        version,
        connected_at: NOW,
    }
}

#[tokio::test]
async fn a_workspace_comes_back_as_it_was_kept() {
    let fixture = Fixture::start().await;
    let kept = a_workspace(1);

    assert!(fixture.store.put_workspace(&kept, None).await.unwrap());

    assert_eq!(fixture.store.find_workspace(workspace(1)).await.unwrap(), Some(kept));
    assert_eq!(fixture.store.find_workspace(workspace(2)).await.unwrap(), None);
}

#[tokio::test]
async fn of_two_who_replace_the_same_version_the_second_loses() {
    let fixture = Fixture::start().await;
    fixture.store.put_workspace(&a_workspace(1), None).await.unwrap();
    let named = |name: &str| Workspace { name: name.to_owned(), ..a_workspace(2) };

    assert!(!fixture.store.put_workspace(&named("none"), None).await.unwrap());
    assert!(fixture.store.put_workspace(&named("first"), Some(1)).await.unwrap());
    assert!(!fixture.store.put_workspace(&named("second"), Some(1)).await.unwrap());

    let kept = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    assert_eq!(kept.name, "first");
}

#[tokio::test]
async fn a_small_change_moves_the_version_so_that_an_older_reading_does_not_undo_it() {
    let fixture = Fixture::start().await;
    fixture.store.put_workspace(&a_workspace(1), None).await.unwrap();
    let (schema, settings) = (SchemaState { version: 7, ..SchemaState::default() }, Settings::default());

    let Workspace { schema: schema_before, settings: settings_before, .. } = a_workspace(1);
    assert!(fixture.store.set_schema(workspace(1), &schema_before, &schema).await.unwrap());
    assert!(fixture.store.set_settings(workspace(1), &settings_before, &settings).await.unwrap());
    assert!(!fixture.store.set_schema(workspace(2), &schema_before, &schema).await.unwrap());
    assert!(!fixture.store.put_workspace(&a_workspace(2), Some(1)).await.unwrap());

    let kept = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    assert_eq!(kept, Workspace { settings, schema, ..a_workspace(3) });
}

#[tokio::test]
async fn of_two_who_change_what_they_read_alike_the_second_loses() {
    let fixture = Fixture::start().await;
    fixture.store.put_workspace(&a_workspace(1), None).await.unwrap();
    let read = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    let schema = |version| SchemaState { version, ..SchemaState::default() };
    let stages = |stage: &str| Settings {
        stages: [("active".to_owned(), stage.to_owned())].into(),
        ..Settings::default()
    };
    let set_schema =
        async |version| fixture.store.set_schema(workspace(1), &read.schema, &schema(version)).await.unwrap();
    let set_stages = async |stage: &str| {
        fixture.store.set_settings(workspace(1), &read.settings, &stages(stage)).await.unwrap()
    };

    assert!(set_schema(7).await);
    assert!(!set_schema(8).await);
    assert!(set_stages("WON").await, "a change of the fields is none of the choices");
    assert!(!set_stages("LOST").await);

    let kept = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    assert_eq!((kept.schema, kept.settings), (schema(7), stages("WON")));
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_no_conflict() {
    let fixture = Fixture::start().await;
    fixture.store.put_workspace(&a_workspace(1), None).await.unwrap();
    let schema = SchemaState { version: 7, ..SchemaState::default() };
    let before = a_workspace(1).schema;
    fixture.lose_next_answer("UpdateItem");

    assert!(fixture.store.set_schema(workspace(1), &before, &schema).await.unwrap());
}

#[tokio::test]
async fn only_the_key_that_was_refused_is_marked() {
    let fixture = Fixture::start().await;
    fixture.store.put_workspace(&a_workspace(1), None).await.unwrap();
    let mark = async |key: &Sealed| fixture.store.mark_refused(workspace(1), key, later(1)).await.unwrap();

    assert!(!mark(&Sealed("v1.older".to_owned())).await);
    assert!(mark(&a_workspace(1).key).await);

    let kept = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    assert_eq!((kept.refused_at, kept.version), (Some(later(1)), 2));
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_taken_for_done() {
    let fixture = Fixture::start().await;
    fixture.lose_next_answer("PutItem");

    assert!(fixture.store.put_workspace(&a_workspace(1), None).await.unwrap());

    assert_eq!(fixture.faults.calls().iter().filter(|call| call.operation == "PutItem").count(), 2);
}

#[tokio::test]
async fn a_table_out_of_reach_is_unavailable_and_a_busy_one_throttled() {
    let fixture = Fixture::start().await;
    let kind = async |fault: Fault| {
        fixture.faults.plan(move |_| fault.clone());
        let error = fixture.store.find_workspace(workspace(1)).await.unwrap_err();
        crate::error::Error::from(error).kind().as_str()
    };
    let refusal = |kind: &str| {
        let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{kind}","message":"no"}}"#);
        Fault::Fail(http::StatusCode::BAD_REQUEST, body)
    };

    assert_eq!(kind(Fault::CutBefore).await, "unavailable");
    assert_eq!(kind(refusal("ProvisionedThroughputExceededException")).await, "throttled");
    assert_eq!(kind(refusal("ResourceNotFoundException")).await, "bug");
}

#[tokio::test]
async fn an_item_that_does_not_read_is_named_and_not_quoted() {
    let fixture = Fixture::start().await;
    let key = table::Key::new(workspace(1), "WORKSPACE", "twenty");
    let item = key.item(&BTreeMap::from([("version", "canary")])).unwrap();
    fixture.store.table.put(item, &expression::Expression::default()).await.unwrap();

    let error = fixture.store.find_workspace(workspace(1)).await.unwrap_err();

    let chain = crate::error::Error::from(error).chain();
    assert_eq!(chain, "bug: the item WORKSPACE#twenty does not read as what it should be");
}

#[tokio::test]
async fn two_takers_of_one_call_do_not_both_get_it() {
    let fixture = Fixture::start().await;
    let full = Bucket::full(100, NOW);
    let Take::Granted(after) = full.take(Urgency::Live, later(1)) else { panic!("a full bucket grants") };

    assert!(fixture.store.put_bucket(workspace(1), &full, None).await.unwrap());
    assert!(!fixture.store.put_bucket(workspace(1), &full, None).await.unwrap());
    assert!(fixture.store.put_bucket(workspace(1), &after, Some(0)).await.unwrap());
    assert!(!fixture.store.put_bucket(workspace(1), &after, Some(0)).await.unwrap());

    assert_eq!(fixture.store.find_bucket(workspace(1)).await.unwrap(), Some(after));
}

fn token(digest: &str, created_at: Timestamp) -> ApiToken {
    ApiToken { digest: digest.to_owned(), name: "zap".to_owned(), created_at, revoked_at: None }
}

impl Fixture {
    async fn put_token(&self, token: &ApiToken) -> bool {
        self.store.put_token(workspace(1), token).await.unwrap()
    }

    async fn revoke(&self, digest: &str, now: Timestamp) -> bool {
        self.store.revoke_token(workspace(1), digest, now).await.unwrap()
    }
}

#[tokio::test]
async fn a_token_is_found_by_its_digest_in_its_workspace() {
    let fixture = Fixture::start().await;
    assert!(fixture.put_token(&token("a", later(1))).await);
    assert!(fixture.put_token(&token("b", NOW)).await);
    assert!(!fixture.put_token(&token("a", NOW)).await);

    let found = fixture.store.find_token(workspace(1), "a").await.unwrap();
    let elsewhere = fixture.store.find_token(workspace(2), "a").await.unwrap();
    let all = fixture.store.list_tokens(workspace(1)).await.unwrap();

    assert_eq!((found, elsewhere), (Some(token("a", later(1))), None));
    assert_eq!(all, [token("b", NOW), token("a", later(1))]);
}

#[tokio::test]
async fn a_token_is_revoked_once() {
    let fixture = Fixture::start().await;
    fixture.put_token(&token("a", NOW)).await;

    assert!(fixture.revoke("a", later(2)).await);
    assert!(!fixture.revoke("a", later(3)).await);
    assert!(!fixture.revoke("b", later(3)).await);

    let found = fixture.store.find_token(workspace(1), "a").await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(later(2)));
}

#[tokio::test]
async fn the_audit_log_shows_the_latest_first_and_keeps_entries_of_one_moment_apart() {
    let fixture = Fixture::start().await;
    for (at, what) in [(NOW, "run.started"), (NOW, "run.started"), (later(1), "run.paused")] {
        let (who, about) = ("session".to_owned(), "run_1".to_owned());
        let entry = AuditEntry { at, who, what: what.to_owned(), about };
        fixture.store.append(workspace(1), &entry).await.unwrap();
    }

    let log = fixture.store.list_audit(workspace(1), 10, None).await.unwrap();

    let what: Vec<_> = log.items.iter().map(|entry| entry.what.as_str()).collect();
    assert_eq!(what, ["run.paused", "run.started", "run.started"]);
    let expires = (NOW.seconds() + 400 * 24 * 3600).to_string();
    assert_eq!(fixture.items()[0]["expires_at"]["N"], expires.as_str());
}

fn consent() -> PendingConsent {
    PendingConsent {
        state: "digest".to_owned(),
        browser: "browser".to_owned(),
        verifier: Sealed("v1.sealed".to_owned()),
        nonce: "nonce".to_owned(),
        account: Some(id("biz_1")),
        expires_at: later(600),
    }
}

#[tokio::test]
async fn a_consent_is_taken_up_once() {
    let fixture = Fixture::start().await;
    assert!(fixture.store.put_state(workspace(1), &consent()).await.unwrap());

    let takers = (0..16).map(|_| fixture.store.take_state(workspace(1), "digest", later(599)));
    let taken = futures_util::future::try_join_all(takers).await.unwrap();

    assert_eq!(taken.into_iter().flatten().collect::<Vec<_>>(), [consent()]);
}

#[tokio::test]
async fn a_consent_that_comes_too_late_or_elsewhere_is_none() {
    let fixture = Fixture::start().await;
    fixture.store.put_state(workspace(1), &consent()).await.unwrap();

    assert_eq!(fixture.store.take_state(workspace(1), "digest", later(600)).await.unwrap(), None);
    assert_eq!(fixture.store.take_state(workspace(2), "digest", NOW).await.unwrap(), None);
    assert_eq!(fixture.store.take_state(workspace(1), "other", NOW).await.unwrap(), None);

    assert_eq!(fixture.items()[0]["expires_at"]["N"], later(600).seconds().to_string().as_str());
}

#[tokio::test]
async fn a_copy_of_the_switches_only_moves_forward_and_is_no_workspace() {
    let fixture = Fixture::start().await;
    let copy = |of, nightly| Switches { of, on: Automations { nightly, ..Automations::default() } };
    assert!(!fixture.store.copy_automations(workspace(1), &copy(1, true)).await.unwrap());
    assert!(fixture.store.put_workspace(&a_workspace(1), None).await.unwrap());

    assert!(fixture.store.copy_automations(workspace(1), &copy(2, true)).await.unwrap());
    assert!(!fixture.store.copy_automations(workspace(1), &copy(2, true)).await.unwrap());
    assert!(!fixture.store.copy_automations(workspace(1), &copy(1, false)).await.unwrap());

    let kept = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    assert_eq!(kept, Workspace { automations: copy(2, true), ..a_workspace(2) });
}

#[tokio::test]
async fn a_copy_of_what_contract_rules_wait_for_only_moves_forward() {
    let fixture = Fixture::start().await;
    let copy = |of| {
        let products = std::collections::BTreeMap::from([("prod_1".parse().unwrap(), NOW)]);
        Awaited { of, products }
    };
    assert!(fixture.store.put_workspace(&a_workspace(1), None).await.unwrap());

    assert!(fixture.store.copy_contract_rules(workspace(1), &copy(2)).await.unwrap());
    assert!(!fixture.store.copy_contract_rules(workspace(1), &copy(2)).await.unwrap());
    assert!(!fixture.store.copy_contract_rules(workspace(1), &copy(1)).await.unwrap());

    let kept = fixture.store.find_workspace(workspace(1)).await.unwrap().unwrap();
    assert_eq!(kept, Workspace { contract_rules: copy(2), ..a_workspace(2) });
}

#[tokio::test]
async fn what_was_said_of_a_member_is_replaced_by_the_next_version_only() {
    let fixture = Fixture::start().await;
    let bands = Bands { lead: LeadBand::Warm, churn: None };
    let figures = Figures { score: 55, bands, factors: String::new(), risk: None };
    let member = || "mber_1".parse().unwrap();
    let news = News { member: member(), person: CrmId(Uuid::from_u128(3)), figures };
    let first = Scored::after(None, news, Cause::Nightly, NOW);

    assert!(fixture.store.put_scored(workspace(1), &first).await.unwrap());
    let told = first.clone().told(bands);
    assert!(fixture.store.put_scored(workspace(1), &told).await.unwrap());
    let late = Scored { notes: 7, ..told.clone() };
    assert!(!fixture.store.put_scored(workspace(1), &late).await.unwrap());

    assert_eq!(fixture.store.find_scored(workspace(1), &member()).await.unwrap(), Some(told.clone()));
    let many = fixture.store.scored(workspace(1), &[member(), "mber_2".parse().unwrap()]).await.unwrap();
    assert_eq!(many.into_values().collect::<Vec<_>>(), [told]);
    assert_eq!(fixture.store.find_scored(workspace(2), &member()).await.unwrap(), None);
}
