//! What happens by itself: members are scored after the sync, their figures and a note stand with their person, and
//! none of it is in the sync's way.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::domain::caller::{Caller, Means};
use shared::domain::id::WorkspaceId;
use shared::domain::insight::settings::{Automations, InsightSettings};
use shared::job::Line;
use shared::usecase::insight_settings;
use sim::ai::Outcome;
use sim::fault::{Fault, Gate};
use sim::whop::{Delivery, NewVariant, SignedDelivery};
use stack::fixtures::{Shop, connected};
use stack::{AI, AI_DEAD, Options, Stack, Visitor, canary, pump};

use crate::outage::{Point, crash};
use crate::source::{post, shelf};

/// Longer than the AI queue hides a message.
const UNTIL_SEEN_AGAIN_MS: i64 = 721_000;
const ON_CHANGE: Automations =
    Automations { on_membership_change: true, on_failed_payment: false, nightly: false, write_note: false };
const NIGHTLY: Automations = Automations { on_membership_change: false, nightly: true, ..ON_CHANGE };
const WITH_NOTE: Automations = Automations { write_note: true, ..ON_CHANGE };

/// A connected shop whose first run is over, with one monthly variant; deliveries go into a basket.
struct Story<'a> {
    stack: &'a Stack,
    workspace: String,
    account: String,
    caller: Caller,
    variant: String,
}

impl<'a> Story<'a> {
    async fn open(stack: &'a Stack, members: usize) -> Self {
        stack.whop.switch(|it| it.delivery = Delivery::Collect);
        let Shop { workspace, account, mut admin, .. } = connected(stack, members).await;
        stack.twenty.set_limit(&workspace, 100_000);
        let product = stack.whop.product_create(&account, "Harbor Radio");
        let new = NewVariant {
            title: "Monthly".to_owned(),
            initial: 0,
            renewal: 4_900,
            currency: "usd",
            period_days: Some(30),
            trial_days: None,
        };
        let variant = stack.whop.variant_create(&product, new);
        let run = admin.sync("FULL").await;
        assert_eq!(run["state"], "FINISHED", "{run}");
        stack.whop.take_deliveries();
        let caller = Caller { workspace: tenant(stack), by: Means::Session };
        Self { stack, workspace: workspace.id, account, caller, variant }
    }

    async fn choose(&self, automations: Automations) -> shared::Result<InsightSettings> {
        let settings = insight_settings::settings(self.stack.app, &self.caller).await?;
        insight_settings::choose(self.stack.app, &self.caller, InsightSettings { automations, ..settings })
            .await
    }

    /// Works off the sync's queue alone.
    async fn sync(&self) {
        while pump::batch_of(self.stack, 10).await > 0 {}
    }

    async fn take_in(&self, deliveries: Vec<SignedDelivery>) {
        for delivery in &deliveries {
            assert_eq!(post(self.stack, &self.stack.whop.sign_again(delivery)).await.status, 200);
        }
        self.sync().await;
    }

    /// A purchase that the sync has brought in.
    async fn buy(&self, email: &str) -> String {
        let membership = self.stack.whop.buy(&self.account, "Ada Lovelace", email, &self.variant);
        self.take_in(self.stack.whop.take_deliveries()).await;
        membership
    }

    /// What happened is told by no webhook; a quarter of an hour later a sweep finds it. Answers with how many scorings it
    /// asked for.
    async fn sweep(&self) -> usize {
        drop(self.stack.whop.take_deliveries());
        self.stack.clock.advance_ms(900_000);
        pump::schedule(self.stack, "incremental");
        self.sync().await;
        self.stack.aws.sqs.messages(AI).len()
    }

    /// The seller, signed in.
    async fn admin(&self) -> Visitor<'a> {
        let mut admin = self.stack.visitor();
        let key = self.stack.twenty.issue_key(&self.workspace, sim::twenty::Role::Admin);
        admin.connect_twenty(&self.stack.twenty.url(), &key).await;
        admin
    }

    /// The one member's name changes at Whop, and a webhook tells it.
    async fn rename(&self, name: &str) {
        let members = self.stack.whop.members(&self.account);
        self.stack.whop.rename_member(members[0]["id"].as_str().unwrap(), name);
        self.take_in(self.stack.whop.take_deliveries()).await;
    }

    fn people(&self) -> Vec<Value> {
        shelf(self.stack, &self.workspace, "people").into_values().collect()
    }

    fn notes(&self) -> Vec<Value> {
        self.stack.twenty.records(&self.workspace, "notes")
    }

    /// How often records of people were written since the counts were forgotten.
    fn written(&self) -> (u64, u64) {
        let calls = self.stack.twenty.calls(&self.workspace);
        let batches = calls.get("batch upsert people").copied().unwrap_or_default();
        (batches, self.stack.twenty.records_written(&self.workspace, "people"))
    }

    /// A night: the schedule's message, and everything that follows.
    async fn night(&self) {
        let dedup = format!("night-{}", self.stack.clock.now_ms());
        let body = json!({ "job": "score_due" }).to_string();
        self.stack.aws.sqs.send(AI, &body, Some("schedules"), Some(&dedup)).unwrap();
        pump::drain(self.stack).await;
    }

    fn assert_well(&self) {
        assert_eq!(self.stack.ai.violations(), Vec::<String>::new());
        assert_eq!(self.stack.twenty.calls_not_understood(), Vec::<String>::new());
        let aside = self.stack.aws.sqs.messages(AI_DEAD);
        assert!(aside.is_empty(), "{aside:?}");
        assert!(self.stack.aws.sqs.messages(AI).is_empty());
    }
}

/// The one workspace of a stack, as we name it.
fn tenant(stack: &Stack) -> WorkspaceId {
    let items = stack.aws.dynamodb.dump();
    let item = items.iter().find(|item| item["sk"]["S"] == "WORKSPACE#twenty").unwrap();
    item["id"]["S"].as_str().unwrap().parse().unwrap()
}

fn has_figures(person: &Value) -> bool {
    person["whopLeadScore"].is_number()
        && person["whopLeadBand"].is_string()
        && person["whopScoredAt"].is_string()
}

#[tokio::test]
async fn a_purchase_is_scored_and_the_figures_stand_with_the_person() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(ON_CHANGE).await.unwrap();

    story.buy("ada@harbor.example").await;
    pump::drain(&stack).await;

    let people = story.people();
    assert_eq!(people.len(), 1);
    let person = &people[0];
    assert!(has_figures(person), "{person}");
    assert_eq!(person["whopLeadBand"], "COLD");
    assert_eq!(person["whopChurnBand"], "MEDIUM", "{person}");
    assert!(person["whopChurnRisk"].is_number());
    assert!(person["whopScoreFactors"].as_str().unwrap().contains("Score: "), "{person}");
    assert_eq!(person["emails"]["primaryEmail"], "ada@harbor.example", "nothing else was touched");
    assert_eq!(stack.ai.requests().len(), 0, "figures need no model");
    assert_eq!(story.notes().len(), 0);
    story.assert_well();
}

#[tokio::test]
async fn ten_events_of_one_member_are_one_scoring_and_one_write() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(ON_CHANGE).await.unwrap();
    let membership = story.buy("ada@harbor.example").await;
    pump::drain(&stack).await;
    let begin = stack.clock.now_ms().div_euclid(300_000) * 300_000 + 300_000;
    stack.clock.advance_ms(begin - stack.clock.now_ms());

    for _ in 0..5 {
        stack.whop.past_due(&membership);
        story.take_in(stack.whop.take_deliveries()).await;
        stack.whop.recover(&membership);
        story.take_in(stack.whop.take_deliveries()).await;
        stack.clock.advance_ms(20_000);
    }
    stack.whop.past_due(&membership);
    story.take_in(stack.whop.take_deliveries()).await;
    let asked = stack.aws.sqs.messages(AI).len();
    stack.twenty.forget_counts(&story.workspace);
    pump::drain(&stack).await;

    assert_eq!(asked, 1);
    assert_eq!(story.written(), (1, 1));
    let deals = shelf(&stack, &story.workspace, "opportunities");
    assert_eq!(deals[&membership]["whopStatus"], "PAST_DUE");
    let person = &story.people()[0];
    assert!(person["whopScoreFactors"].as_str().unwrap().contains("+ Payment"), "the end counts: {person}");
    story.assert_well();
}

#[tokio::test]
async fn switched_off_costs_the_sync_nothing_and_switched_on_one_message() {
    let calls = |automations: Option<Automations>| async move {
        let stack = Stack::start().await;
        let story = Story::open(&stack, 0).await;
        if let Some(automations) = automations {
            story.choose(automations).await.unwrap();
        }
        stack.clock.advance_ms(600_000);
        let before = stack.faults.count();
        story.buy("ada@harbor.example").await;
        let calls = stack.faults.calls().split_off(before);
        let names = calls.into_iter().map(|call| format!("{} {}", call.service, call.operation));
        let mut names: Vec<String> = names.collect();
        names.sort();
        let asked = stack.aws.sqs.messages(AI).len();
        pump::drain(&stack).await;
        let scored = story.people().iter().filter(|it| has_figures(it)).count();
        (names, asked, scored)
    };

    let (never, ..) = calls(None).await;
    let (off, asked_off, scored_off) = calls(Some(NIGHTLY)).await;
    let (on, asked_on, scored_on) = calls(Some(ON_CHANGE)).await;

    assert_eq!((asked_off, scored_off, asked_on, scored_on), (0, 0, 1, 1));
    assert_eq!(off, never);
    let mut more = on.clone();
    for name in &off {
        more.remove(more.iter().position(|it| it == name).unwrap());
    }
    assert!(more.iter().all(|it| it.contains("SendMessageBatch")), "{more:?}");
    assert!(!more.is_empty() && more.len() <= 2, "{more:?}");
}

#[tokio::test]
async fn a_failed_payment_is_scored_where_that_is_wanted() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(Automations { on_failed_payment: true, ..Automations::default() }).await.unwrap();
    let membership = story.buy("ada@harbor.example").await;
    assert!(stack.aws.sqs.messages(AI).is_empty(), "a purchase is no failed payment");

    stack.whop.fail_payment(&membership);
    story.take_in(stack.whop.take_deliveries()).await;
    pump::drain(&stack).await;

    let people = story.people();
    assert!(people[0]["whopScoreFactors"].as_str().unwrap().contains("Risk: + Payment"), "{}", people[0]);
    story.assert_well();
}

#[tokio::test]
async fn a_night_scores_everybody_in_batches_and_one_that_has_no_news_writes_nothing() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 70).await;
    story.choose(NIGHTLY).await.unwrap();
    stack.twenty.forget_counts(&story.workspace);
    let whop = stack.faults.count_of("whop");

    story.night().await;

    let people = story.people();
    assert_eq!(people.len(), 70);
    assert!(people.iter().all(has_figures));
    assert_eq!(story.written(), (2, 70));
    assert_eq!(stack.faults.count_of("whop"), whop, "what is mirrored is not read again");
    let reads = stack.twenty.read_calls(&story.workspace);
    assert!(reads <= 12, "{reads} calls to read seventy members");
    let scores: std::collections::BTreeSet<u64> =
        people.iter().filter_map(|it| it["whopLeadScore"].as_u64()).collect();
    assert!(scores.len() > 5, "members differ: {scores:?}");
    // The first night counted who left, which is news to the second one.
    stack.clock.advance_ms(3_600_000);
    story.night().await;
    stack.twenty.forget_counts(&story.workspace);
    stack.clock.advance_ms(3_600_000);
    story.night().await;
    assert_eq!(story.written(), (0, 0));
    story.assert_well();
}

#[tokio::test]
async fn who_left_counts_for_those_who_stay_from_the_next_night_on() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.buy("ada@harbor.example").await;
    let left = story.buy("bo@harbor.example").await;
    stack.clock.advance_ms(40 * 86_400_000);
    stack.whop.cancel(&left);
    story.take_in(stack.whop.take_deliveries()).await;
    stack.clock.advance_ms(31 * 86_400_000); // The window in which somebody left is over.
    let chosen = story.choose(NIGHTLY).await.unwrap();
    let mut settings = InsightSettings { ..chosen };
    settings.churn.prior_strength = 1.0;
    insight_settings::choose(stack.app, &story.caller, settings).await.unwrap();
    let risk = || {
        let people = story.people();
        let ada = people.iter().find(|it| it["emails"]["primaryEmail"] == "ada@harbor.example").unwrap();
        ada["whopChurnRisk"].as_u64().unwrap()
    };

    story.night().await;
    let before = risk();
    stack.clock.advance_ms(3_600_000);
    story.night().await;

    // Of two who ran into two windows one left: (1 + 1 × 0.2) / (4 + 1) = 0.24 in the place of 0.2.
    assert!(risk() > before, "{before} and then {}", risk());
    story.assert_well();
}

#[tokio::test]
async fn the_sync_neither_clears_the_figures_nor_is_kept_busy_by_them() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(ON_CHANGE).await.unwrap();
    story.buy("ada@harbor.example").await;
    pump::drain(&stack).await;
    let before = story.people();
    stack.twenty.forget_counts(&story.workspace);

    let run = story.admin().await.sync("FULL").await;
    assert_eq!(run["state"], "FINISHED", "{run}");
    assert_eq!(story.written(), (0, 0), "a full run finds nothing new in them");
    story.rename("Ada King").await;

    for name in ["whopLeadScore", "whopLeadBand", "whopScoreFactors", "whopChurnRisk", "whopScoredAt"] {
        assert_eq!(story.people()[0][name], before[0][name], "{name}");
    }
}

#[tokio::test]
async fn what_a_sweep_finds_is_scored_like_what_a_webhook_tells_and_a_quiet_one_asks_for_nothing() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(ON_CHANGE).await.unwrap();

    let membership = stack.whop.buy(&story.account, "Ada Lovelace", "ada@harbor.example", &story.variant);
    assert_eq!(story.sweep().await, 1, "a purchase");
    pump::drain(&stack).await;
    assert!(has_figures(&story.people()[0]), "{}", story.people()[0]);
    assert_eq!(story.sweep().await, 0, "nothing happened");
    stack.whop.past_due(&membership);
    assert_eq!(story.sweep().await, 1, "a change");
    pump::drain(&stack).await;

    let people = story.people();
    assert_eq!(people.len(), 1);
    assert!(people[0]["whopScoreFactors"].as_str().unwrap().contains("+ Payment"), "{}", people[0]);
    assert_eq!(story.sweep().await, 0, "it is past due still, and nothing happened");
    stack.whop.extend(&membership, 7);
    assert_eq!(story.sweep().await, 1, "a change for which the member did nothing");
    pump::drain(&stack).await;
    story.choose(NIGHTLY).await.unwrap();
    stack.whop.recover(&membership);
    assert_eq!(story.sweep().await, 0, "nobody wants it any more");
    story.assert_well();
}

#[tokio::test]
async fn a_failed_payment_that_only_a_sweep_finds_is_scored_where_that_is_wanted() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(Automations { on_failed_payment: true, ..Automations::default() }).await.unwrap();
    let membership = stack.whop.buy(&story.account, "Ada Lovelace", "ada@harbor.example", &story.variant);
    assert_eq!(story.sweep().await, 0, "a purchase is no failed payment");

    stack.whop.fail_payment(&membership);
    let asked = story.sweep().await;
    pump::drain(&stack).await;

    assert_eq!(asked, 1);
    let people = story.people();
    assert!(people[0]["whopScoreFactors"].as_str().unwrap().contains("Risk: + Payment"), "{}", people[0]);
    assert_eq!(story.sweep().await, 0, "it is read again, and says nothing new");
    story.assert_well();
}

#[tokio::test]
async fn a_night_waits_for_its_calls_and_twenty_refuses_none() {
    let stack = Stack::with(Options { calls_per_minute: 10, ..Options::default() }).await;
    let story = Story::open(&stack, 130).await;
    story.choose(NIGHTLY).await.unwrap();
    stack.twenty.set_limit(&story.workspace, 10);
    stack.clock.advance_ms(600_000);
    stack.twenty.forget_counts(&story.workspace);
    let began = stack.clock.now_ms();

    story.night().await;

    let calls = stack.twenty.read_calls(&story.workspace) + stack.twenty.write_calls(&story.workspace);
    let waited = stack.clock.now_ms() - began;
    assert!(story.people().iter().all(has_figures));
    assert_eq!(story.written(), (3, 130));
    let refusals = stack.twenty.refusals(&story.workspace);
    assert!(refusals.is_empty(), "{refusals:?}");
    assert!(calls > 10 && waited > 20_000, "{calls} calls in {waited} ms are no more than the bucket holds");
    story.assert_well();
}

#[tokio::test]
async fn figures_we_write_are_no_edit_by_a_person_where_the_newest_word_counts() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(ON_CHANGE).await.unwrap();
    let change = "mutation($p: [PolicyInput!]!) { updateSettings(policies: $p) { stages { status } } }";
    let newest = json!([{ "object": "person", "field": "name", "policy": "NEWEST" }]);
    story.admin().await.graphql(change, json!({ "p": newest })).await;
    let name = || story.people()[0]["name"].clone();
    let membership = story.buy("ada@harbor.example").await;
    let before = story.people()[0]["updatedAt"].clone();
    pump::drain(&stack).await;
    assert_ne!(story.people()[0]["updatedAt"], before, "the figures are the last change of the record");

    story.rename("Ada King").await;
    assert_eq!(name(), json!({ "firstName": "Ada", "lastName": "King" }), "nobody but us wrote since");
    let theirs = json!({ "name": { "firstName": "Countess", "lastName": "Ada" } });
    let id = story.people()[0]["id"].as_str().unwrap().to_owned();
    stack.twenty.edit_as_human(&story.workspace, "people", &id, &theirs);
    stack.whop.past_due(&membership);
    story.take_in(stack.whop.take_deliveries()).await;
    pump::drain(&stack).await;
    story.rename("Ada Byron").await;

    assert!(story.people()[0]["whopScoreFactors"].as_str().unwrap().contains("+ Payment"));
    assert_eq!(name(), theirs["name"], "what a person wrote stays, whatever we wrote beside it");
    story.assert_well();
}

#[tokio::test]
async fn a_person_who_was_deleted_stays_deleted() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 3).await;
    story.choose(NIGHTLY).await.unwrap();
    let gone = story.people()[0]["id"].as_str().unwrap().to_owned();
    stack.twenty.soft_delete_as_human(&story.workspace, "people", &gone);

    story.night().await;

    let person = stack.twenty.record(&story.workspace, "people", &gone).unwrap();
    assert!(person["deletedAt"].is_string() && !has_figures(&person), "{person}");
    assert_eq!(story.people().iter().filter(|it| has_figures(it)).count(), 2);
    story.assert_well();
}

#[tokio::test]
async fn switches_that_did_not_reach_the_sync_are_mended_by_the_next_night() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    stack.faults.plan(|call| match call.operation.as_str() {
        "UpdateItem" => Fault::Fail(reqwest::StatusCode::BAD_REQUEST, "{}".to_owned()),
        _ => Fault::Pass,
    });
    assert!(story.choose(ON_CHANGE).await.is_err(), "the copy could not be kept");
    stack.faults.clear();
    story.buy("ada@harbor.example").await;
    assert!(stack.aws.sqs.messages(AI).is_empty());

    story.night().await;
    story.buy("bob@harbor.example").await;
    pump::drain(&stack).await;

    let scored = story.people().into_iter().filter(has_figures).count();
    assert_eq!(scored, 1);
    story.assert_well();
}

#[tokio::test]
async fn a_note_is_written_once_for_a_changed_band_and_says_who_worded_it() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(Automations { nightly: true, ..WITH_NOTE }).await.unwrap();

    let membership = story.buy("ada@harbor.example").await;
    pump::drain(&stack).await;
    story.night().await;
    story.night().await;

    let notes = story.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0]["title"], "Score and churn risk (AI)");
    let text = notes[0]["bodyV2"]["markdown"].as_str().unwrap();
    assert!(text.contains("Worded by AI"), "{text}");
    let targets = stack.twenty.records(&story.workspace, "noteTargets");
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["targetPersonId"], story.people()[0]["id"]);
    assert_eq!(targets[0]["noteId"], notes[0]["id"]);
    let asked = stack.ai.requests();
    assert_eq!(asked.len(), 1);
    assert!(!asked[0].body.to_string().contains("Ada"), "figures only: no name went out");
    stack.whop.past_due(&membership);
    story.take_in(stack.whop.take_deliveries()).await;
    pump::drain(&stack).await;
    assert_eq!(story.notes().len(), 2, "the risk's band changed");
    story.assert_well();
    canary::assert_no_secret_seen(&stack, &[]);
}

#[tokio::test]
async fn words_that_may_follow_orders_are_not_written() {
    let stack = Stack::start().await;
    let story = Story::open(&stack, 0).await;
    story.choose(Automations { nightly: true, ..WITH_NOTE }).await.unwrap();
    let said = json!({
        "summary": "As you wish.", "reasons": [], "next_action": "Nothing.", "injection_suspected": true,
    });
    stack.ai.script(Outcome::Text(said.to_string()));

    story.buy("ada@harbor.example").await;
    pump::drain(&stack).await;
    story.night().await;

    assert_eq!(stack.ai.requests().len(), 1, "nor asked for again");
    assert_eq!(story.notes(), Vec::<Value>::new());
    assert!(has_figures(&story.people()[0]));
    story.assert_well();
}

#[tokio::test]
async fn a_model_that_does_not_answer_holds_up_neither_the_sync_nor_other_figures() {
    let stack = Arc::new(Stack::start().await);
    let story = Story::open(&stack, 0).await;
    story.choose(WITH_NOTE).await.unwrap();
    let gate = Gate::default();
    let held = gate.clone();
    stack.ai.plan(move |_| Some(Outcome::Wait(held.clone())));
    story.buy("ada@harbor.example").await;
    let noting = tokio::spawn({
        let stack = stack.clone();
        async move { pump::drain(&stack).await }
    });
    gate.reached().await;

    story.buy("bob@harbor.example").await;
    stack.clock.advance_ms(310_000);
    while pump::batch_on(&stack, Line::Ai, 1).await > 0 && !story.people().iter().all(has_figures) {}

    assert_eq!(story.people().len(), 2);
    assert!(story.people().iter().all(has_figures));
    assert_eq!(story.notes().len(), 0, "the note still waits");
    gate.open();
    noting.await.unwrap();
    pump::drain(&stack).await;
    assert_eq!(story.notes().len(), 2);
    assert_eq!(stack.ai.requests().len(), 1, "the same figures have the same words");
}

/// One scoring with a note: buys, brings in, and leaves the scoring on the queue.
async fn waiting(story: &Story<'_>, number: usize) {
    story.stack.clock.advance_ms(600_000);
    story.buy(&format!("buyer{number}@harbor.example")).await;
    assert_eq!(story.stack.aws.sqs.messages(AI).len(), 1);
    story.stack.clock.advance_ms(310_000);
}

/// One more scoring, crashed at this point, and what the queue does then. False if the point was not reached.
async fn crashed(stack: &Arc<Stack>, story: &Story<'_>, point: Point, sold: usize) -> bool {
    waiting(story, sold).await;
    let far = stack.clone();
    let crashed = crash(stack, point, async move {
        pump::drain(&far).await;
    });
    let crashed = crashed.await;
    stack.clock.advance_ms(UNTIL_SEEN_AGAIN_MS);
    pump::drain(stack).await;
    assert_eq!(story.people().iter().filter(|it| has_figures(it)).count(), sold, "{point:?}");
    assert_eq!(story.notes().len(), sold, "{point:?}");
    assert_eq!(stack.twenty.count(&story.workspace, "noteTargets"), sold, "{point:?}");
    crashed
}

#[tokio::test]
async fn a_crash_at_any_call_of_a_scoring_ends_in_the_same_figures_and_one_note() {
    let stack = Arc::new(Stack::start().await);
    let story = Story::open(&stack, 0).await;
    story.choose(WITH_NOTE).await.unwrap();
    let (mut sold, mut calls) = (0, 0);
    for _ in 0..3 {
        sold += 1; // The first ones make connections and read keys.
        waiting(&story, sold).await;
        let before = stack.faults.count();
        pump::drain(&stack).await;
        calls = stack.faults.count() - before;
    }

    let mut call = 0;
    loop {
        let [before, after] = Point::both(call);
        sold += 1;
        if !crashed(&stack, &story, before, sold).await {
            break;
        }
        sold += 1;
        assert!(crashed(&stack, &story, after, sold).await, "call {call}");
        call += 1;
    }

    assert!(calls > 20, "{calls}");
    assert_eq!(call, calls, "every call was crashed");
    let figures =
        |it: &Value| format!("{} {} {}", it["whopLeadScore"], it["whopLeadBand"], it["whopChurnBand"]);
    let figures: std::collections::BTreeSet<String> = story.people().iter().map(figures).collect();
    assert_eq!(figures.len(), 1, "{figures:?}");
    story.assert_well();
}
