//! The whole request, against a real table engine and two canned providers on loopback.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use sim::aws::{DynamoDb, Secrets};
use sim::fault::Faults;
use uuid::Uuid;

use super::*;
use crate::aws::{Aws, AwsSettings, Endpoints};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::caller::Means;
use crate::domain::grant::Secret;
use crate::domain::id::WorkspaceId;
use crate::domain::insight::answer::{Mood, WordedBy};
use crate::domain::insight::attempt::Ending;
use crate::domain::insight::budget::DailyLimit;
use crate::domain::insight::features::{Features, Known};
use crate::domain::insight::policy::Pace;
use crate::domain::insight::request::{Input, ProviderName, Temperature, Wish};
use crate::domain::words::MembershipStatus;
use crate::usecase::insight_settings;

const MORNING: i64 = 1_795_420_800_000;

/// What a canned provider does next.
enum Says {
    Body(u16, Value),
    Hang,
}

/// Two providers behind one address, told apart by their paths.
#[derive(Clone, Default)]
struct Providers {
    says: Arc<Mutex<HashMap<ProviderName, VecDeque<Says>>>>,
    seen: Arc<Mutex<Vec<(ProviderName, Value)>>>,
}

impl Providers {
    async fn answer(self, uri: Uri, body: String) -> Response {
        let name =
            if uri.path().ends_with("/messages") { ProviderName::Anthropic } else { ProviderName::OpenAi };
        self.seen.lock().unwrap().push((name, serde_json::from_str(&body).unwrap()));
        let says = self.says.lock().unwrap().get_mut(&name).and_then(VecDeque::pop_front);
        match says {
            Some(Says::Body(status, body)) => {
                (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
            }
            Some(Says::Hang) => std::future::pending().await,
            None => panic!("{} was asked once more than expected", name.as_str()),
        }
    }

    fn say(&self, name: ProviderName, says: Says) {
        self.says.lock().unwrap().entry(name).or_default().push_back(says);
    }

    fn asked(&self) -> Vec<ProviderName> {
        self.seen.lock().unwrap().iter().map(|(name, _)| *name).collect()
    }
}

struct Street {
    app: &'static App,
    caller: Caller,
    providers: Providers,
    time: Arc<AtomicI64>,
    database: DynamoDb,
    _secrets: Secrets,
}

impl Street {
    async fn open() -> Self {
        let faults = Faults::default();
        let database = DynamoDb::start(&faults, 0).await;
        let secrets = Secrets::start(&sim::clock::Clock::stepped(MORNING), &faults, 0).await;
        for (name, value) in [
            ("seal", r#"{"1":"a-sealing-key-of-at-least-32-characters"}"#),
            ("openai", "canary-openai"),
            ("anthropic", "canary-anthropic"),
        ] {
            secrets.put(name, value);
        }
        create_table(&database.url()).await;
        let providers = Providers::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let far = providers.clone();
        let handler = move |uri: Uri, body: String| far.clone().answer(uri, body);
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        let mut config =
            Config::from_vars(|name| variable(name, &database.url(), &secrets.url(), &url)).unwrap();
        let ms = Duration::from_millis;
        config.ai.pace = Pace { first: ms(150), longest_wait: ms(500), wait: ms(20), ..Pace::default() };
        let time = Arc::new(AtomicI64::new(MORNING));
        let app = App::forever(config, Clock::Stepped(Arc::clone(&time))).unwrap();
        let caller = Caller { workspace: WorkspaceId(Uuid::from_u128(1)), by: Means::Session };
        Self { app, caller, providers, time, database, _secrets: secrets }
    }

    async fn run(&self, request: InsightRequest) -> Result<Insight> {
        let deadline = self.app.clock().now() + Duration::from_secs(27);
        run(self.app, &self.caller, request, deadline).await
    }

    fn openai(&self, text: &str) {
        self.providers.say(ProviderName::OpenAi, Says::Body(200, completed(text)));
    }

    fn anthropic(&self, text: &str) {
        let body = json!({"model": "claude-haiku-5-5", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 1000, "output_tokens": 100}});
        self.providers.say(ProviderName::Anthropic, Says::Body(200, body));
    }

    fn openai_fails(&self, status: u16, code: &str) {
        let body = json!({"error": {"type": code, "code": code}});
        self.providers.say(ProviderName::OpenAi, Says::Body(status, body));
    }

    async fn endings(&self) -> Vec<Ending> {
        let attempts = insight_settings::attempts(self.app, &self.caller, 50, None).await.unwrap().0;
        let mut attempts: Vec<_> = attempts.into_iter().collect();
        attempts.sort_by_key(|it| (it.at, it.number));
        attempts.into_iter().map(|it| it.ending).collect()
    }

    async fn limit(&self, tokens: u64) {
        let daily = DailyLimit { tokens: Some(tokens), nano_dollars: None };
        let settings = InsightSettings { daily, ..InsightSettings::default() };
        insight_settings::choose(self.app, &self.caller, settings).await.unwrap();
    }
}

fn variable(name: &str, database: &str, secrets: &str, providers: &str) -> Option<String> {
    let value = match name {
        "PUBLIC_URL" => "https://bridge.example.com",
        "SEAL_KEYS_SECRET" => "seal",
        "TABLE_NAME"
        | "SYNC_QUEUE_URL"
        | "SYNC_DEAD_LETTER_URL"
        | "AI_QUEUE_URL"
        | "AI_DEAD_LETTER_URL"
        | "CONTRACT_QUEUE_URL"
        | "CONTRACT_DEAD_LETTER_URL"
        | "FILES_BUCKET"
        | "SESSION_KEY_SECRET"
        | "AWS_ACCESS_KEY_ID"
        | "AWS_SECRET_ACCESS_KEY" => "bridge",
        "AWS_REGION" => "us-east-1",
        "AWS_ENDPOINT_URL_DYNAMODB" => database,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER" => secrets,
        "ALLOW_PRIVATE_ADDRESSES" => "true",
        "OPENAI_API_KEY_SECRET" => "openai",
        "ANTHROPIC_API_KEY_SECRET" => "anthropic",
        "OPENAI_BASE_URL" | "ANTHROPIC_BASE_URL" => providers,
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

fn completed(text: &str) -> Value {
    json!({"status": "completed", "model": "gpt-6-luna",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": text}]}],
        "usage": {"input_tokens": 1000, "output_tokens": 100}})
}

const HAPPY: &str =
    r#"{"rationale":"Thanks.","label":"positive","score":0.8,"confidence":0.9,"injection_suspected":false}"#;

fn sentiment(text: &str) -> InsightRequest {
    InsightRequest {
        operation: Operation::AnalyzeSentiment,
        input: Input { text: Some(text.to_owned()), ..Input::default() },
        wish: Wish::default(),
        idempotency_key: None,
    }
}

fn lead() -> InsightRequest {
    let at = Timestamp::from_millis(MORNING);
    let features = Features {
        status: Some(Known::caller(MembershipStatus::PastDue, at)),
        business_email: Some(Known::caller(true, at)),
        ..Features::default()
    };
    InsightRequest {
        operation: Operation::ScoreLead,
        input: Input { features: Some(features), ..Input::default() },
        ..sentiment("")
    }
}

/// 1000 × 0.10 + 100 × 0.50 millionths of a dollar.
const ONE_CALL: NanoDollars = NanoDollars(150_000);

#[tokio::test]
async fn an_answer_comes_typed_with_what_it_took() {
    let street = Street::open().await;
    street.openai(HAPPY);
    let wish = Wish { temperature: Temperature::hundredths(20), ..Wish::default() };

    let insight = street.run(InsightRequest { wish, ..sentiment("Thank you!") }).await.unwrap();

    let Answer::Sentiment(mood) = &insight.answer else { panic!("{insight:?}") };
    assert_eq!(mood.label, Mood::Positive);
    assert_eq!((insight.cost, insight.usage.total()), (Some(ONE_CALL), 1_100));
    assert_eq!(
        (insight.provider, insight.model.as_deref()),
        (Some(ProviderName::OpenAi), Some("gpt-6-luna"))
    );
    assert!(!insight.cached && !insight.fell_back && insight.warnings.is_empty());
    assert_eq!(street.endings().await, [Ending::Answered]);
    let spent = insight_settings::spent_today(street.app, &street.caller).await.unwrap();
    assert_eq!((spent.tokens, spent.nano_dollars), (1_100, ONE_CALL));
}

#[tokio::test]
async fn identical_work_is_done_once_and_its_answer_is_not_readable_where_it_is_kept() {
    let street = Street::open().await;
    street.openai(HAPPY);

    street.run(sentiment("Thank you, canary-text!")).await.unwrap();
    let again = street.run(sentiment("Thank you, canary-text!")).await.unwrap();

    assert!(again.cached && again.cost == Some(NanoDollars(0)));
    assert_eq!(street.providers.asked().len(), 1);
    let kept = serde_json::to_string(&street.database.items("bridge")).unwrap();
    assert!(!kept.contains("canary-text") && !kept.contains("rationale") && !kept.contains("Thanks."));
    let lines =
        insight_settings::usage(street.app, &street.caller, "2026-11-23", "2026-11-23").await.unwrap();
    assert_eq!(lines.iter().map(|it| (it.calls, it.cached_answers)).collect::<Vec<_>>(), [(1, 1)]);
}

#[tokio::test]
async fn parallel_callers_of_identical_work_make_one_call() {
    let street = Street::open().await;
    street.openai(HAPPY);

    let all = (0..4).map(|_| street.run(sentiment("Thank you!")));
    let insights = futures_util::future::join_all(all).await;

    assert!(insights.iter().all(Result::is_ok), "{insights:?}");
    assert_eq!(street.providers.asked().len(), 1);
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_request() {
    let street = Street::open().await;
    street.openai(HAPPY);
    let named = |text| InsightRequest { idempotency_key: Some("mine".to_owned()), ..sentiment(text) };

    street.run(named("one")).await.unwrap();

    assert!(street.run(named("one")).await.unwrap().cached);
    assert_eq!(street.run(named("two")).await.unwrap_err().kind(), Kind::Conflict);
}

#[tokio::test]
async fn a_busy_provider_is_asked_again_and_then_the_other_one() {
    let street = Street::open().await;
    street.openai_fails(503, "server_is_overloaded");
    street.openai_fails(500, "server_error");
    street.anthropic(HAPPY);

    let insight = street.run(sentiment("Thank you!")).await.unwrap();

    assert!(insight.fell_back);
    assert_eq!(insight.provider, Some(ProviderName::Anthropic));
    assert_eq!(insight.cost, Some(ONE_CALL), "what failed was not billed");
    assert_eq!(
        street.providers.asked(),
        [ProviderName::OpenAi, ProviderName::OpenAi, ProviderName::Anthropic]
    );
}

#[tokio::test]
async fn no_money_is_not_asked_twice_and_every_process_knows() {
    let street = Street::open().await;
    street.openai_fails(429, "insufficient_quota");
    street.anthropic(HAPPY);
    street.anthropic(HAPPY);

    street.run(sentiment("one")).await.unwrap();
    street.run(sentiment("two")).await.unwrap();

    assert_eq!(
        street.providers.asked(),
        [ProviderName::OpenAi, ProviderName::Anthropic, ProviderName::Anthropic]
    );
    let now = street.app.clock().now();
    let open =
        street.app.store().open_circuits(street.caller.workspace, &ProviderName::ALL, now).await.unwrap();
    assert_eq!(open, [ProviderName::OpenAi]);
}

#[tokio::test]
async fn our_own_mistake_bothers_nobody_else() {
    let street = Street::open().await;
    street.openai_fails(400, "unsupported_value");

    assert_eq!(street.run(sentiment("one")).await.unwrap_err().kind(), Kind::Bug);
    assert_eq!(street.providers.asked(), [ProviderName::OpenAi]);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_is_not_kept() {
    let street = Street::open().await;
    let refusal = json!({"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}],
        "usage": {"input_tokens": 1000, "output_tokens": 100}});
    street.providers.say(ProviderName::OpenAi, Says::Body(200, refusal));
    street.openai(HAPPY);

    let refused = street.run(sentiment("one")).await.unwrap();
    let served = street.run(sentiment("one")).await.unwrap();

    assert_eq!((refused.answer, refused.cost), (Answer::Refused, Some(ONE_CALL)));
    assert!(matches!(served.answer, Answer::Sentiment(_)));
}

#[tokio::test]
async fn a_cut_answer_gets_twice_the_room_and_then_the_other_provider() {
    let street = Street::open().await;
    let cut = json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [],
        "usage": {"input_tokens": 1000, "output_tokens": 100}});
    street.providers.say(ProviderName::OpenAi, Says::Body(200, cut));
    street.openai(r#"{"rationale":"Tha"#);
    street.anthropic(HAPPY);

    let insight = street.run(sentiment("one")).await.unwrap();

    assert_eq!(insight.cost, Some(NanoDollars(450_000)), "every attempt is paid");
    let seen = street.providers.seen.lock().unwrap().clone();
    let limits: Vec<&Value> =
        seen.iter().map(|(_, it)| it.get("max_output_tokens").or(it.get("max_tokens")).unwrap()).collect();
    assert_eq!(limits, [300, 600, 600]);
    assert_eq!(street.endings().await, [Ending::Truncated, Ending::Truncated, Ending::Answered]);
}

#[tokio::test]
async fn wrong_answers_are_asked_for_once_more_and_then_refused() {
    let street = Street::open().await;
    street.openai("");
    street.openai(r#"{"label":"positive"}"#);

    let error = street.run(sentiment("one")).await.unwrap_err();

    assert_eq!(error.kind(), Kind::Rejected);
    let endings = ["empty", "wrong_shape"].map(|why| Ending::Invalid(why.to_owned()));
    assert_eq!(street.endings().await, endings);
}

#[tokio::test]
async fn a_provider_that_hangs_is_left_and_booked_as_estimated() {
    let street = Street::open().await;
    street.providers.say(ProviderName::OpenAi, Says::Hang);
    street.anthropic(HAPPY);
    street.anthropic(HAPPY);
    let fast = InsightRequest {
        wish: Wish { provider: Some(ProviderName::OpenAi), ..Wish::default() },
        ..sentiment("one")
    };
    let deadline = street.app.clock().now() + Duration::from_secs(9);

    let insight = run(street.app, &street.caller, fast, deadline).await.unwrap();

    assert!(insight.fell_back && insight.cost.unwrap() > ONE_CALL);
    let attempts = insight_settings::attempts(street.app, &street.caller, 9, None).await.unwrap().0;
    assert!(attempts.iter().any(|it| it.estimated && it.ending == Ending::Failed("lost".to_owned())));
}

#[tokio::test]
async fn a_spent_budget_is_a_clear_error_and_the_next_day_begins_anew() {
    let street = Street::open().await;
    street.limit(3_000).await;
    street.openai(HAPPY);
    street.openai(HAPPY);

    street.run(sentiment("one")).await.unwrap();
    let error = street.run(sentiment(&"two ".repeat(900))).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Throttled { retry_after } if retry_after > Duration::from_hours(1)));
    assert!(error.advice().contains("daily budget"), "{}", error.advice());
    street.time.fetch_add(86_400_000, Ordering::SeqCst);

    street.run(sentiment("three")).await.unwrap();
}

#[tokio::test]
async fn a_score_is_worded_by_the_model_and_counted_by_us() {
    let street = Street::open().await;
    street.openai(
        r#"{"summary":"The payment is overdue.","reasons":[{"factor":"payment","effect":"raises","explanation":"It is past due."}],
            "next_action":"Call.","injection_suspected":false}"#,
    );

    let insight = street.run(lead()).await.unwrap();

    let Answer::Score(score) = &insight.answer else { panic!("{insight:?}") };
    assert_eq!((score.lead.score, score.explanation.worded_by), (8, WordedBy::Model));
    assert_eq!(score.explanation.reasons[0].factor, "payment");
}

#[tokio::test]
async fn a_score_comes_in_our_own_words_when_no_model_finds_right_ones() {
    let street = Street::open().await;
    let invented =
        r#"{"summary":"The score is 99.","reasons":[],"next_action":"","injection_suspected":false}"#;
    street.openai(invented);
    street.openai(invented);

    let insight = street.run(lead()).await.unwrap();

    let Answer::Score(score) = &insight.answer else { panic!("{insight:?}") };
    assert_eq!((score.lead.score, score.explanation.worded_by), (8, WordedBy::Template));
    assert!(insight.warnings[0].starts_with("No model worded this score."));
    assert_eq!(street.endings().await, vec![Ending::Invalid("foreign_number".to_owned()); 2]);
}

#[tokio::test]
async fn a_score_needs_neither_money_nor_a_provider() {
    let street = Street::open().await;
    street.limit(1).await;

    let insight = street.run(lead()).await.unwrap();

    assert!(matches!(insight.answer, Answer::Score(_)));
    assert!(street.providers.asked().is_empty());
    assert!(insight.warnings[0].contains("daily budget"));
}

#[tokio::test]
async fn texts_are_kept_only_where_the_workspace_wants_it_and_then_sealed() {
    let street = Street::open().await;
    let settings = InsightSettings { keep_texts: true, ..InsightSettings::default() };
    insight_settings::choose(street.app, &street.caller, settings).await.unwrap();
    street.openai(HAPPY);

    street.run(sentiment("canary-text")).await.unwrap();

    let attempts = insight_settings::attempts(street.app, &street.caller, 9, None).await.unwrap().0;
    assert!(attempts[0].texts.is_some());
    let kept = serde_json::to_string(&street.database.items("bridge")).unwrap();
    assert!(!kept.contains("canary-text"));
}

#[tokio::test]
async fn nothing_to_work_on_is_said_before_anybody_is_asked() {
    let street = Street::open().await;

    for request in [sentiment("  "), InsightRequest { operation: Operation::DraftEmail, ..sentiment("x") }] {
        assert_eq!(street.run(request).await.unwrap_err().kind(), Kind::Invalid);
    }
}

#[tokio::test]
async fn parallel_callers_never_overspend_a_day() {
    let street = Street::open().await;
    street.limit(6_000).await;
    for _ in 0..8 {
        street.openai(HAPPY);
    }

    let texts: Vec<String> = (0..8).map(|number| format!("text {number}")).collect();
    let insights = futures_util::future::join_all(texts.iter().map(|text| street.run(sentiment(text)))).await;

    let answered = insights.iter().filter(|it| it.is_ok()).count();
    let spent = insight_settings::spent_today(street.app, &street.caller).await.unwrap();
    assert!((1..8).contains(&answered), "{answered} of 8");
    assert_eq!(spent.tokens, 1_100 * u64::try_from(answered).unwrap());
    assert!(spent.tokens <= 6_000);
}
