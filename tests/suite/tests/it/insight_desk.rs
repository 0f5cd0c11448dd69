//! What the stories about insights have in common: a workspace whose workflows ask at the door, and the description of
//! the door, which judges every answer.

use std::collections::HashMap;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Value, json};
use shared::domain::caller::Caller;
use shared::domain::insight::attempt::Attempt;
use shared::domain::insight::budget::DailyLimit;
use shared::domain::insight::settings::InsightSettings;
use shared::job::Line;
use shared::usecase::authenticate::{Credentials, authenticate};
use shared::usecase::insight_settings;
use sim::ai::{Provider, Received, Usage};
use stack::gateway::answer;
use stack::{Answer, Ask, Options, Stack, pump};

/// The operations by their names in URLs.
pub(crate) const OPERATIONS: [&str; 5] =
    ["generate-text", "analyze-sentiment", "score-lead", "draft-email", "summarize-text"];

/// A workspace with a token, in front of the door.
pub(crate) struct Desk {
    pub(crate) stack: Arc<Stack>,
    pub(crate) workspace: sim::twenty::Workspace,
    pub(crate) token: String,
    pub(crate) caller: Caller,
    judges: Arc<Judges>,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::with(Options::default()).await
    }

    /// A workspace without a Whop account: no records can be named.
    pub(crate) async fn with(options: Options) -> Self {
        let stack = Arc::new(Stack::with(options).await);
        Self::another(stack).await
    }

    /// One more workspace of the same deployment.
    pub(crate) async fn another(stack: Arc<Stack>) -> Self {
        let workspace = stack.twenty.create_workspace("Harbor Lights");
        stack.twenty.set_limit(&workspace, 1_000_000);
        let mut admin = stack.visitor();
        let signed_in = admin.connect_twenty(&stack.twenty.url(), &workspace.api_key).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.json());
        let made =
            admin.graphql("mutation { createApiToken(name: \"workflow\") { token } }", json!({})).await;
        let token = made["createApiToken"]["token"].as_str().unwrap().to_owned();
        let header = format!("Bearer {token}");
        let credentials = Credentials { authorization: Some(&header), cookies: "", from_our_page: false };
        let caller = authenticate(stack.app, &credentials).await.unwrap();
        let judges = Arc::new(Judges::of(&stack).await);
        Self { stack, workspace, token, caller, judges }
    }

    /// The same workspace joined to a Whop account, with our fields in Twenty.
    pub(crate) async fn joined(options: Options) -> Self {
        let desk = Self::with(Options { calls_per_minute: 100_000, ..options }).await;
        let account = desk.stack.whop.create_account("Harbor Lights Coaching");
        desk.stack.whop.seed(&account, 1, 7);
        let key = desk.stack.whop.account_api_key(&account, sim::whop::Rights::All);
        let mut admin = desk.stack.visitor();
        admin.connect_twenty(&desk.stack.twenty.url(), &desk.workspace.api_key).await;
        assert_eq!(admin.connect_whop(&key).await.status, 200);
        let run = admin.sync("FULL").await;
        assert_eq!(run["state"], "FINISHED", "{run}");
        desk
    }

    /// Asks for an insight; the answer is as the description says.
    pub(crate) async fn ask(&self, operation: &str, body: &Value) -> Answer {
        self.send(Ask::new("POST", &format!("/ai/{operation}")).json(body)).await
    }

    /// How a job stands.
    pub(crate) async fn job(&self, id: &str) -> Answer {
        self.send(Ask::new("GET", &format!("/ai/jobs/{id}"))).await
    }

    /// Any request with the token.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let ask = ask.header("authorization", &format!("Bearer {}", self.token));
        self.send_as_it_is(&ask).await
    }

    /// Any request; its answer is judged by the description.
    pub(crate) async fn send_as_it_is(&self, ask: &Ask) -> Answer {
        let answer = Box::pin(answer(self.stack.app, ask)).await;
        self.judges.judge(ask, &answer);
        answer
    }

    /// Works off one job.
    pub(crate) async fn work_off(&self) -> usize {
        Box::pin(pump::batch_on(&self.stack, Line::Ai, 1)).await
    }

    /// The calls to a provider for text since the stand-ins forgot.
    pub(crate) fn calls(&self, provider: Provider) -> usize {
        self.stack.ai.calls(provider)
    }

    /// The attempts that were recorded, the first one first.
    pub(crate) async fn attempts(&self) -> Vec<Attempt> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let (page, next) =
                insight_settings::attempts(self.stack.app, &self.caller, 100, after.as_deref())
                    .await
                    .unwrap();
            all.extend(page);
            if next.is_none() {
                break;
            }
            after = next;
        }
        all.reverse();
        all
    }

    /// Changes what the workspace may spend a day.
    pub(crate) async fn allow(&self, daily: DailyLimit) {
        let settings = insight_settings::settings(self.stack.app, &self.caller).await.unwrap();
        let settings = InsightSettings { daily, ..settings };
        insight_settings::choose(self.stack.app, &self.caller, settings).await.unwrap();
    }
}

/// Nanodollars as the door writes dollars.
pub(crate) fn dollars(nano: u64) -> String {
    format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000)
}

/// Rates in picodollars a token: fresh, read, written, output.
pub(crate) type Rates = (u64, u64, u64, u64);

/// Of gpt-6-luna and of claude-haiku-5-5, which cost the same.
pub(crate) const SMALL: Rates = (100_000, 10_000, 125_000, 500_000);

/// What tokens cost in nanodollars, rounded half up; worked out apart from the product.
pub(crate) fn cost(usage: Usage, (fresh, read, written, output): Rates) -> u64 {
    let pico = usage.fresh * fresh + usage.read * read + usage.written * written + usage.output * output;
    (pico + 500) / 1_000
}

/// What a request cost at the stand-in.
pub(crate) fn billed(received: &[Received], rates: Rates) -> u64 {
    received.iter().filter_map(|it| it.usage).map(|usage| cost(usage, rates)).sum()
}

/// The description of the routes, as judges of their answers.
struct Judges {
    document: Value,
    validators: HashMap<(String, String, String), Validator>,
}

impl Judges {
    async fn of(stack: &Stack) -> Self {
        let described = Box::pin(answer(stack.app, &Ask::new("GET", "/ai/openapi.json"))).await;
        assert_eq!(described.status, 200);
        let document = described.json();
        let mut validators = HashMap::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let schema = &response["content"]["application/json"]["schema"];
                    if schema.is_object() {
                        let judge = judge(&document, schema);
                        validators.insert((method.clone(), path.clone(), status.clone()), judge);
                    }
                }
            }
        }
        Self { document, validators }
    }

    /// Stops if the description does not know this answer, or another shape of it.
    fn judge(&self, ask: &Ask, answer: &Answer) {
        let path = ask.path.split('?').next().unwrap();
        let path = if path.starts_with("/ai/jobs/") { "/ai/jobs/{id}" } else { path };
        let known = &self.document["paths"][path][ask.method.to_lowercase()];
        if known.is_null() {
            assert_eq!(answer.status, 404, "{path} is not described");
            return;
        }
        let key = (ask.method.to_lowercase(), path.to_owned(), answer.status.to_string());
        let judge = self.validators.get(&key).unwrap_or_else(|| panic!("{key:?} is not described"));
        let body = answer.json();
        let faults: Vec<String> = judge.iter_errors(&body).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{key:?}: {body}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{key:?}");
    }
}

/// A schema of a document, with the components that it refers to.
fn judge(document: &Value, schema: &Value) -> Validator {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": document["components"],
    });
    jsonschema::validator_for(&root).expect("a description that can be judged by")
}

/// A judge of the body of a request, and the document's own words for it.
pub(crate) async fn judge_of_requests(stack: &Stack, operation: &str) -> Validator {
    let described = Box::pin(answer(stack.app, &Ask::new("GET", "/ai/openapi.json"))).await.json();
    let path = format!("/ai/{operation}");
    judge(
        &described,
        &described["paths"][&path]["post"]["requestBody"]["content"]["application/json"]["schema"],
    )
}
