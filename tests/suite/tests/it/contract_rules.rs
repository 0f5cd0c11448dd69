//! What is sent by itself: a membership that begins, or an opportunity that reaches a stage, gets its contract, once.
//! What was there before a rule was switched on gets nothing.

use serde_json::{Value, json};
use shared::domain::caller::{Caller, Means};
use shared::domain::contract::account::{Account, DropboxSignAccount, Environment, OldKeys};
use shared::domain::contract::settings::{Automation, ContractSettings, Trigger};
use shared::domain::contract::{Cause, Contract};
use shared::domain::grant::Secret;
use shared::domain::id::WorkspaceId;
use shared::usecase::contracts::{accounts, find, rules, settings};
use shared::usecase::overview::audit_log;
use sim::ai::Outcome;
use sim::esign::{Shown, Template};
use sim::whop::{Delivery, NewVariant, SignedDelivery};
use stack::fixtures::{Shop, connected};
use stack::{CONTRACT, CONTRACT_DEAD, Stack, Visitor, pump};

use crate::source::{deliver, shelf};

const MINUTE_MS: i64 = 60_000;
const OWN: &str = "Welcome. Please sign.";

/// A connected shop that sells one product and has an account at Dropbox Sign; Whop's deliveries go into a basket.
struct Story<'a> {
    stack: &'a Stack,
    workspace: String,
    account: String,
    caller: Caller,
    admin: Visitor<'a>,
    product: String,
    variant: String,
    template: String,
}

impl<'a> Story<'a> {
    async fn open(stack: &'a Stack) -> Self {
        stack.whop.switch(|it| it.delivery = Delivery::Collect);
        stack.esign.switch(|it| it.delivery = sim::esign::Delivery::Collect);
        let Shop { workspace, account, mut admin, .. } = connected(stack, 0).await;
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
        let desk = stack.esign.dropbox_sign();
        let keys = desk.credentials();
        let offered = Account::DropboxSign(DropboxSignAccount {
            api_keys: vec![Secret::new(keys.api_key)],
            client_id: Some(keys.client_id),
            environment: Environment::Production,
        });
        accounts::enroll(stack.app, &caller, offered, OldKeys::Keep).await.unwrap();
        let template = desk.template(Template::new("Agreement", &["Member"], &[]));
        Self { stack, workspace: workspace.id, account, caller, admin, product, variant, template }
    }

    fn rule(&self, name: &str, trigger: Trigger) -> Automation {
        Automation {
            name: name.to_owned(),
            enabled: true,
            since: None,
            trigger,
            template: self.template.parse().unwrap(),
            provider: None,
            role: "Member".to_owned(),
            others: Vec::new(),
            subject: "Your agreement".to_owned(),
            message: Some(OWN.to_owned()),
            ai_message: false,
            expires_in_days: None,
            reminders: None,
        }
    }

    fn for_members(&self) -> Automation {
        self.rule("welcome", Trigger::MembershipActive { product: self.product.parse().unwrap() })
    }

    fn for_stage(&self, stage: &str) -> Automation {
        self.rule("deal", Trigger::OpportunityStage { stage: stage.to_owned() })
    }

    /// Chooses these rules, a minute after what happened before, and lets what follows happen.
    async fn choose(&self, automations: Vec<Automation>) {
        self.stack.clock.advance_ms(MINUTE_MS);
        let before = settings::settings(self.stack.app, &self.caller).await.unwrap();
        let chosen = ContractSettings { automations, ..before };
        settings::choose(self.stack.app, &self.caller, chosen).await.unwrap();
        self.drain().await;
        self.stack.clock.advance_ms(MINUTE_MS);
    }

    async fn drain(&self) {
        Box::pin(pump::drain(self.stack)).await;
    }

    /// Somebody buys who is called as their address begins: a draft about somebody alike would be the same draft.
    fn buy_unheard(&self, email: &str) -> String {
        let name = email.split('@').next().unwrap();
        self.stack.whop.buy(&self.account, name, email, &self.variant)
    }

    /// A purchase, and the deliveries that told of it.
    async fn buy(&self, email: &str) -> (String, Vec<SignedDelivery>) {
        let membership = self.buy_unheard(email);
        let told = self.stack.whop.take_deliveries();
        self.hear(&told).await;
        (membership, told)
    }

    async fn hear(&self, told: &[SignedDelivery]) {
        Box::pin(deliver(self.stack, told)).await;
        self.drain().await;
    }

    async fn sync(&mut self, kind: &str) {
        let run = Box::pin(self.admin.sync(kind)).await;
        assert_eq!(run["state"], "FINISHED", "{run}");
        self.drain().await;
    }

    /// The schedule's look at stages, so much later.
    async fn look(&self) {
        self.stack.clock.advance_ms(15 * MINUTE_MS);
        rules::watch_stages(self.stack.app).await.unwrap();
        self.drain().await;
    }

    /// An opportunity that a person made, with or without somebody to talk to.
    fn opportunity(&self, stage: &str, email: Option<&str>) -> String {
        let person = email.map(|email| {
            let person = json!({ "name": { "firstName": "Bo", "lastName": "Lee" },
                                 "emails": { "primaryEmail": email } });
            self.stack.twenty.create_as_human(&self.workspace, "people", &person)
        });
        let mut deal = json!({ "name": "A deal", "stage": stage });
        if let Some(person) = person {
            deal["pointOfContactId"] = Value::from(person);
        }
        self.stack.twenty.create_as_human(&self.workspace, "opportunities", &deal)
    }

    fn move_to(&self, opportunity: &str, stage: &str) {
        let change = json!({ "stage": stage });
        self.stack.twenty.edit_as_human(&self.workspace, "opportunities", opportunity, &change);
    }

    /// What arrived at the provider.
    fn sent(&self) -> Vec<Shown> {
        self.stack.esign.dropbox_sign().contracts()
    }

    async fn kept(&self) -> Vec<Contract> {
        let all = find::list(self.stack.app, &self.caller, find::Wanted::default(), 100, None).await;
        all.unwrap().0
    }

    /// Why rules sent nothing, as the workspace's audit log has it.
    async fn skipped(&self) -> Vec<String> {
        let log = audit_log(self.stack.app, &self.caller, 100).await.unwrap();
        log.into_iter().filter(|it| it.what == "contract.rule_skipped").map(|it| it.about).collect()
    }

    fn assert_well(&self) {
        for queue in [CONTRACT, CONTRACT_DEAD] {
            let left: Vec<String> =
                self.stack.aws.sqs.messages(queue).into_iter().map(|it| it.body).collect();
            assert_eq!(left, Vec::<String>::new(), "{queue}");
        }
        assert_eq!(self.stack.twenty.calls_not_understood(), Vec::<String>::new());
        assert!(self.stack.esign.violations().is_empty(), "{:#?}", self.stack.esign.violations());
    }
}

/// The one workspace of a stack, as we name it.
fn tenant(stack: &Stack) -> WorkspaceId {
    let items = stack.aws.dynamodb.dump();
    let item = items.iter().find(|item| item["sk"]["S"] == "WORKSPACE#twenty").unwrap();
    item["id"]["S"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_membership_that_is_bought_gets_its_contract_once_however_often_it_is_told() {
    let stack = Stack::start().await;
    let mut story = Story::open(&stack).await;
    story.choose(vec![story.for_members()]).await;

    let (membership, told) = story.buy("ada@harbor.example").await;
    let first = story.sent();
    story.hear(&told).await;
    stack.whop.past_due(&membership);
    stack.whop.recover(&membership);
    story.hear(&stack.whop.take_deliveries()).await;
    story.sync("INCREMENTAL").await;
    stack.clock.advance_ms(10 * MINUTE_MS);
    story.sync("FULL").await;

    assert_eq!(first.len(), 1);
    assert_eq!(story.sent().len(), 1, "once");
    let (shown, kept) = (&first[0], story.kept().await.remove(0));
    assert_eq!((shown.title.as_str(), shown.message.as_str()), ("Your agreement", OWN));
    assert_eq!(shown.template.as_deref(), Some(story.template.as_str()));
    assert_eq!(shown.signers[0].email, "ada@harbor.example");
    let subject = membership.clone();
    assert_eq!(kept.cause, Cause::Automation { automation: "welcome".to_owned(), subject });
    let deal = &shelf(&stack, &story.workspace, "opportunities")[&membership];
    assert_eq!(kept.opportunity.unwrap().to_string(), deal["id"].as_str().unwrap());
    assert!(kept.person.is_some());
    assert_eq!(story.skipped().await, Vec::<String>::new());
    assert_eq!(stack.ai.requests().len(), 0, "nobody asked for a draft");
    story.assert_well();
}

#[tokio::test]
async fn who_was_a_member_before_the_rule_gets_nothing_whatever_happens_to_them() {
    let stack = Stack::start().await;
    let mut story = Story::open(&stack).await;
    let (membership, _) = story.buy("ada@harbor.example").await;
    story.choose(vec![story.for_members()]).await;

    // Whop calls a membership activated once its payment recovers.
    stack.whop.past_due(&membership);
    stack.whop.recover(&membership);
    story.hear(&stack.whop.take_deliveries()).await;
    story.sync("FULL").await;

    assert_eq!(story.sent().len(), 0);
    assert_eq!(story.kept().await.len(), 0);
    story.assert_well();
}

#[tokio::test]
async fn a_sweep_makes_up_for_a_lost_webhook() {
    let stack = Stack::start().await;
    let mut story = Story::open(&stack).await;
    story.choose(vec![story.for_members()]).await;
    story.buy_unheard("ada@harbor.example");
    stack.whop.take_deliveries();

    story.sync("INCREMENTAL").await;

    assert_eq!(story.sent().len(), 1);
    assert_eq!(story.sent()[0].signers[0].email, "ada@harbor.example");
    story.assert_well();
}

#[tokio::test]
async fn a_rule_that_is_off_or_waits_for_another_product_sends_nothing() {
    let stack = Stack::start().await;
    let story = Story::open(&stack).await;
    let off = Automation { enabled: false, ..story.for_members() };
    let trigger = Trigger::MembershipActive { product: "prod_other".parse().unwrap() };
    story.choose(vec![off, story.rule("other", trigger)]).await;

    story.buy("ada@harbor.example").await;

    assert_eq!(story.sent().len(), 0);
    assert_eq!(story.skipped().await, Vec::<String>::new());
    story.assert_well();
}

#[tokio::test]
async fn a_message_is_drafted_for_the_person_and_the_rules_own_goes_where_none_can_be() {
    let stack = Stack::start().await;
    let story = Story::open(&stack).await;
    story.choose(vec![Automation { ai_message: true, ..story.for_members() }]).await;

    let draft = json!({ "subject": "Sign", "body_text": "Dear Ada, your radio is waiting.", "placeholders_used": [],
                        "injection_suspected": false });
    stack.ai.script(Outcome::Text(draft.to_string()));
    story.buy("ada@harbor.example").await;
    stack.clock.advance_ms(MINUTE_MS);
    stack.ai.script(Outcome::Refusal);
    story.buy("bo@harbor.example").await;

    let messages: Vec<(String, String)> =
        story.sent().into_iter().map(|it| (it.signers[0].email.clone(), it.message)).collect();
    let message = |email: &str| messages.iter().find(|it| it.0 == email).map(|it| it.1.as_str());
    assert_eq!(messages.len(), 2);
    assert_eq!(message("ada@harbor.example"), Some("Dear Ada, your radio is waiting."));
    assert_eq!(message("bo@harbor.example"), Some(OWN));
    assert_eq!(stack.ai.violations(), Vec::<String>::new());
    story.assert_well();
}

#[tokio::test]
async fn a_deal_that_a_person_moves_gets_its_contract_once_and_those_that_were_there_get_none() {
    let stack = Stack::start().await;
    let story = Story::open(&stack).await;
    let old = story.opportunity("MEETING", Some("old@harbor.example"));
    let new = story.opportunity("NEW", Some("bo@harbor.example"));
    story.choose(vec![story.for_stage("MEETING")]).await;

    story.look().await;
    let nobody = story.sent().len();
    story.move_to(&new, "MEETING");
    story.look().await;
    let moved = story.sent();
    // It is changed where it is, leaves, and comes back; the old one is changed, too.
    story.move_to(&new, "NEW");
    story.look().await;
    story.move_to(&new, "MEETING");
    let renamed = json!({ "name": "An old deal" });
    stack.twenty.edit_as_human(&story.workspace, "opportunities", &old, &renamed);
    story.look().await;

    assert_eq!(nobody, 0);
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].signers[0].email, "bo@harbor.example");
    assert_eq!(story.sent().len(), 1);
    let kept = story.kept().await.remove(0);
    assert_eq!(kept.opportunity.unwrap().to_string(), new);
    story.assert_well();
}

#[tokio::test]
async fn a_stage_that_the_sync_sets_counts_as_well_and_a_quiet_look_is_one_call() {
    let stack = Stack::start().await;
    let story = Story::open(&stack).await;
    story.choose(vec![story.for_stage("CUSTOMER")]).await;

    story.buy("ada@harbor.example").await;
    story.look().await;
    let sent = story.sent();
    story.look().await;
    stack.twenty.forget_counts(&story.workspace);
    story.look().await;

    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].signers[0].email, "ada@harbor.example");
    let calls: u64 = stack.twenty.calls(&story.workspace).values().sum();
    assert_eq!(calls, 1);
    story.assert_well();
}

#[tokio::test]
async fn a_deal_that_nobody_can_be_written_to_about_leaves_its_reason_once() {
    let stack = Stack::start().await;
    let story = Story::open(&stack).await;
    let nobody = story.opportunity("NEW", None);
    story.choose(vec![story.for_stage("MEETING")]).await;

    story.move_to(&nobody, "MEETING");
    story.look().await;
    story.look().await;

    assert_eq!(story.sent().len(), 0);
    let reason = format!("deal for {nobody}: the opportunity has no point of contact");
    assert_eq!(story.skipped().await, [reason]);
    story.assert_well();
}
