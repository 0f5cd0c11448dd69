//! Language models through GraphQL: five operations with free input and with a person of the shop, every token in
//! the books, settings that stay, and nothing of it in another workspace.

use serde_json::{Value, json};
use sim::ai::{Outcome, Provider};
use stack::fixtures::{self, Shop};
use stack::{Stack, Visitor};

/// The day a stepped clock begins.
const TODAY: &str = "2026-11-23";

const ABOUT: &str = "about { usage { uncached cached written output reasoning total } costUsd provider model cached \
    truncated fellBack refused injectionSuspected warnings createdAt }";

const SCORE: &str = "lead { score band enough groups { key points maximum factors { key points maximum direction known \
    evidence } } coverage { known of percent } computedAt } churn { probability score band base factors { key points } \
    coverage { percent } revenueAtRisk { amount currency } computedAt } churnUnrated explanation { summary reasons { \
    factor effect explanation } nextAction wordedBy }";

/// The operations: mutation, its input's type, and what is asked of the answer.
const OPERATIONS: [(&str, &str, &str); 5] = [
    ("aiGenerateText", "GenerateTextInput", "text"),
    ("aiAnalyzeSentiment", "AnalyzeSentimentInput", "label score confidence rationale"),
    ("aiScoreLead", "ScoreLeadInput", SCORE),
    ("aiDraftEmail", "DraftEmailInput", "subject body placeholders"),
    ("aiSummarizeText", "SummarizeTextInput", "summary keyPoints openQuestions"),
];

fn document(name: &str) -> String {
    let (_, input, answer) = OPERATIONS.into_iter().find(|it| it.0 == name).unwrap();
    format!("mutation($input: {input}!) {{ {name}(input: $input) {{ answer {{ {answer} }} {ABOUT} }} }}")
}

/// Asks a model; stops at errors.
async fn asked(admin: &mut Visitor<'_>, name: &str, input: Value) -> Value {
    admin.graphql(&document(name), json!({ "input": input })).await[name].clone()
}

/// The code of what went wrong.
async fn refused(admin: &mut Visitor<'_>, name: &str, input: Value) -> Value {
    let answer = admin.ask_graphql(&document(name), json!({ "input": input })).await;
    answer["errors"][0]["extensions"]["code"].clone()
}

/// Free input that an operation is content with.
fn free(name: &str) -> Value {
    match name {
        "aiGenerateText" => json!({ "instruction": "A welcome for new members, two sentences." }),
        "aiDraftEmail" => {
            json!({ "purpose": "Thank them and ask how the first week went.", "tone": "FRIENDLY" })
        }
        "aiScoreLead" => json!({ "features": {
            "billing": "RECURRING", "status": "past_due", "renewals": 4, "mrr": { "amount": "49.00", "currency": "usd" },
            "lifetimeSpend": { "amount": "245.00", "currency": "usd" }, "failedPayments": 2, "businessEmail": true,
            "touches": [{ "kind": "MEETING", "at": "2026-11-20T10:00:00Z" }],
        } }),
        _ => json!({ "text": "I love the course, and your team helped me at once. Thank you so much!" }),
    }
}

/// A shop whose members are in Twenty, and one of its people, about whom somebody wrote a note.
async fn shop_with_a_person(stack: &Stack) -> (Shop<'_>, String) {
    let mut shop = Box::pin(fixtures::connected(stack, 6)).await;
    Box::pin(shop.admin.sync("FULL")).await;
    let person = stack.twenty.records(&shop.workspace, "people")[0]["id"].as_str().unwrap().to_owned();
    let text = "She is disappointed: the last two sessions were cancelled and nobody told her.";
    let note = json!({ "title": "Call", "bodyV2": { "markdown": text } });
    let note = stack.twenty.create_as_human(&shop.workspace, "notes", &note);
    let target = json!({ "noteId": note, "targetPersonId": person });
    stack.twenty.create_as_human(&shop.workspace, "noteTargets", &target);
    (shop, person)
}

/// Stops the story unless a model answered, and was paid.
fn assert_answered(name: &str, told: &Value) {
    let about = &told["about"];
    assert!(told["answer"].is_object(), "{name}: {told}");
    assert_eq!(about["refused"], false, "{name}: {told}");
    assert_eq!(about["provider"], "OPENAI", "{name}: {told}");
    assert!(about["usage"]["total"].as_u64().unwrap() > 0, "{name}: {told}");
    assert!(nano(&about["costUsd"]) > 0, "{name}: {told}");
}

/// Decimal dollars with nine digits, as billionths.
fn nano(text: &Value) -> u64 {
    text.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[tokio::test]
async fn every_operation_answers_what_it_is_given() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;

    let mut told = Vec::new();
    for (name, ..) in OPERATIONS {
        told.push(asked(&mut admin, name, free(name)).await);
        assert_answered(name, told.last().unwrap());
    }

    assert!(!told[0]["answer"]["text"].as_str().unwrap().is_empty());
    assert_eq!(told[1]["answer"]["label"], "POSITIVE", "{}", told[1]);
    let score = &told[2]["answer"];
    assert_eq!(score["explanation"]["wordedBy"], "MODEL", "{score}");
    assert_eq!(score["churn"]["revenueAtRisk"]["currency"], "USD", "{score}");
    assert!(score["lead"]["score"].as_u64().unwrap() > 0, "{score}");
    let groups: Vec<&Value> =
        score["lead"]["groups"].as_array().unwrap().iter().map(|it| &it["key"]).collect();
    assert_eq!(groups, ["fit", "engagement", "intent", "value", "penalty"]);
    assert!(!told[3]["answer"]["subject"].as_str().unwrap().contains('\n'));
    assert!(told[4]["answer"]["keyPoints"].is_array());
    assert_eq!(stack.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn every_operation_answers_about_a_person_of_the_shop() {
    let stack = Stack::start().await;
    let (mut shop, person) = shop_with_a_person(&stack).await;
    let about = |mut input: Value| {
        input["personId"] = json!(person);
        input
    };

    let text = about(free("aiGenerateText"));
    let email = about(free("aiDraftEmail"));
    for (name, input) in [
        ("aiGenerateText", text),
        ("aiAnalyzeSentiment", about(json!({}))),
        ("aiScoreLead", about(json!({}))),
        ("aiDraftEmail", email),
        ("aiSummarizeText", about(json!({}))),
    ] {
        let told = asked(&mut shop.admin, name, input).await;

        assert_answered(name, &told);
        let answer = &told["answer"];
        match name {
            "aiAnalyzeSentiment" => assert_eq!(answer["label"], "NEGATIVE", "{told}"),
            "aiScoreLead" => {
                let known = answer["lead"]["coverage"]["known"].as_u64().unwrap();
                assert!(known > 0, "{told}");
                assert!(answer["churn"].is_object() != answer["churnUnrated"].is_string(), "{told}");
            }
            _ => {}
        }
    }

    let calls = shop.admin.graphql("{ aiCalls { calls { personId ending } } }", json!({})).await;
    let calls = calls["aiCalls"]["calls"].as_array().unwrap().clone();
    assert_eq!(calls.len(), 5);
    assert!(
        calls.iter().all(|it| it["personId"] == json!(person) && it["ending"] == "ANSWERED"),
        "{calls:?}"
    );
    assert_eq!(stack.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_caller_wishes_reaches_the_provider() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;

    for (name, ..) in OPERATIONS {
        let mut input = free(name);
        for (wish, value) in [
            ("model", json!("gpt-6.1-terra")),
            ("maxTokens", json!(1_777)),
            ("temperature", json!(0.7)),
            ("language", json!("pt-BR")),
            ("tone", json!("FORMAL")),
        ] {
            input[wish] = value;
        }

        let told = asked(&mut admin, name, input).await;

        assert_answered(name, &told);
        assert_eq!(told["about"]["model"], "gpt-6.1-terra");
        let sent = stack.ai.requests().pop().unwrap().body;
        assert_eq!((&sent["model"], &sent["max_output_tokens"]), (&json!("gpt-6.1-terra"), &json!(1_777)));
        assert_eq!(sent["temperature"], 0.7);
        let instructions = sent["instructions"].as_str().unwrap();
        assert!(instructions.contains("the tag pt-BR.") && instructions.contains("The tone is formal."));
    }
    let input = json!({ "text": "Fine.", "provider": "ANTHROPIC", "temperature": 0.7 });
    let about = asked(&mut admin, "aiAnalyzeSentiment", input).await["about"].clone();
    assert_eq!(about["warnings"], json!(["claude-haiku-5-5 takes no temperature; it was left out."]));
}

#[tokio::test]
async fn the_longest_text_fits_whatever_its_script_and_a_larger_body_is_refused_in_words() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let text: String = "先生の授業はとても楽しいです。".chars().cycle().take(24_000).collect();
    assert_eq!(text.len(), 72_000);

    let told = asked(&mut admin, "aiSummarizeText", json!({ "text": text })).await;
    let larger = json!({ "input": { "text": "x".repeat(128 * 1024) } });
    let refused = admin.ask_graphql(&document("aiSummarizeText"), larger).await;

    assert_answered("aiSummarizeText", &told);
    assert_eq!(told["about"]["truncated"], true, "what a model is shown is cut, and that is said");
    assert_eq!(refused["code"], "BAD_USER_INPUT", "{refused}");
    assert_eq!(refused["message"], "The body is larger than 131072 bytes.");
    assert_eq!(stack.ai.requests().len(), 1);
}

#[tokio::test]
async fn an_opportunity_stands_for_its_contact() {
    let stack = Stack::start().await;
    let (mut shop, _) = shop_with_a_person(&stack).await;
    let deals = stack.twenty.records(&shop.workspace, "opportunities");
    let deal = deals.iter().find(|it| it["pointOfContactId"].is_string()).unwrap();
    let about = |key: &str, id: &Value| json!({ key: id });

    let by_deal = asked(&mut shop.admin, "aiScoreLead", about("opportunityId", &deal["id"])).await;
    let by_person = asked(&mut shop.admin, "aiScoreLead", about("personId", &deal["pointOfContactId"])).await;

    assert_answered("aiScoreLead", &by_deal);
    assert_eq!(by_deal["answer"]["lead"], by_person["answer"]["lead"]);
    let calls = shop.admin.graphql("{ aiCalls { calls { opportunityId personId } } }", json!({})).await;
    let first = calls["aiCalls"]["calls"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(first, json!({ "opportunityId": deal["id"], "personId": null }));
}

#[tokio::test]
async fn usage_is_asked_for_by_two_days_a_year_apart_at_most() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let query = "query($from: String!, $to: String!) { aiUsage(from: $from, to: $to) { lines { day } } }";

    for (from, to) in [("2020-01-01", TODAY), ("yesterday", TODAY), ("2026-11", "2026-12")] {
        let answer = admin.ask_graphql(query, json!({ "from": from, "to": to })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{from} {to}: {answer}");
    }
}

#[tokio::test]
async fn usage_adds_up_to_what_the_providers_served() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let mut paid = 0;
    for provider in ["OPENAI", "ANTHROPIC"] {
        for (name, ..) in OPERATIONS {
            let mut input = free(name);
            input["provider"] = json!(provider);
            paid += nano(&asked(&mut admin, name, input.clone()).await["about"]["costUsd"]);
            let again = asked(&mut admin, name, input).await;
            assert_eq!((&again["about"]["cached"], nano(&again["about"]["costUsd"])), (&json!(true), 0));
        }
    }

    let query = "query($day: String!) { aiUsage(from: $day, to: $day) { lines { day operation provider model took { calls \
        costUsd } } total { calls failed cachedAnswers unpricedCalls costUsd tokens { uncached cached written output \
        reasoning total } } spentToday { tokens usd } daily { tokens usd } } }";
    let usage = admin.graphql(query, json!({ "day": TODAY })).await["aiUsage"].clone();

    let served: Vec<_> = stack.ai.requests().into_iter().filter_map(|it| it.usage).collect();
    let sum = |part: fn(&sim::ai::Usage) -> u64| served.iter().map(part).sum::<u64>();
    let total = &usage["total"];
    let expected = json!({
        "uncached": sum(|it| it.fresh), "cached": sum(|it| it.read), "written": sum(|it| it.written),
        "output": sum(|it| it.output), "reasoning": sum(|it| it.thinking),
        "total": sum(|it| it.fresh + it.read + it.written + it.output),
    });
    assert_eq!(served.len(), 10);
    assert_eq!((&total["calls"], &total["cachedAnswers"]), (&json!(10), &json!(10)), "{usage}");
    assert_eq!((&total["failed"], &total["unpricedCalls"]), (&json!(0), &json!(0)), "{usage}");
    assert_eq!(total["tokens"], expected);
    assert_eq!(nano(&total["costUsd"]), paid);
    let lines = usage["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 10, "{usage}");
    assert_eq!(lines.iter().map(|it| nano(&it["took"]["costUsd"])).sum::<u64>(), paid);
    assert_eq!(usage["spentToday"], json!({ "tokens": expected["total"], "usd": total["costUsd"] }));
    assert_eq!(usage["daily"], json!({ "tokens": 2_000_000, "usd": "2.000000000" }));
    assert_eq!(stack.ai.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refusal_is_told_without_an_answer_and_nobody_else_is_asked() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    stack.ai.script(Outcome::Refusal);

    let told = asked(&mut admin, "aiGenerateText", free("aiGenerateText")).await;

    assert_eq!((&told["answer"], &told["about"]["refused"]), (&Value::Null, &json!(true)), "{told}");
    assert_eq!((stack.ai.calls(Provider::OpenAi), stack.ai.calls(Provider::Anthropic)), (1, 0));
    let calls = admin.graphql("{ aiCalls { calls { ending reason } } }", json!({})).await;
    assert_eq!(calls["aiCalls"]["calls"], json!([{ "ending": "REFUSED", "reason": null }]));
}

#[tokio::test]
async fn what_nobody_can_answer_is_refused_and_costs_nothing() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let nobody = "00000000-0000-4000-8000-000000000000";

    for (name, input, code) in [
        ("aiSummarizeText", json!({}), "BAD_USER_INPUT"),
        ("aiScoreLead", json!({}), "BAD_USER_INPUT"),
        ("aiGenerateText", json!({ "instruction": "  " }), "BAD_USER_INPUT"),
        ("aiSummarizeText", json!({ "personId": "Ada" }), "BAD_USER_INPUT"),
        ("aiSummarizeText", json!({ "personId": nobody }), "NOT_FOUND"),
        ("aiAnalyzeSentiment", json!({ "text": "Fine.", "temperature": 3 }), "BAD_USER_INPUT"),
        ("aiAnalyzeSentiment", json!({ "text": "Fine.", "language": "in English" }), "BAD_USER_INPUT"),
        ("aiScoreLead", json!({ "features": { "sentiment": 2 } }), "BAD_USER_INPUT"),
    ] {
        assert_eq!(refused(&mut admin, name, input.clone()).await, code, "{name} {input}");
    }

    assert_eq!(stack.ai.requests().len(), 0);
}

#[tokio::test]
async fn the_same_features_under_the_same_name_are_paid_once() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let mut input = free("aiScoreLead");
    input["idempotencyKey"] = json!("lead-7");
    let first = asked(&mut admin, "aiScoreLead", input.clone()).await;
    stack.advance(std::time::Duration::from_hours(1));

    let again = asked(&mut admin, "aiScoreLead", input.clone()).await;
    input["features"]["failedPayments"] = json!(3);
    let other = refused(&mut admin, "aiScoreLead", input).await;

    assert_eq!(again["answer"], first["answer"]);
    assert_eq!(again["about"]["cached"], true);
    assert_eq!(other, "CONFLICT");
    assert_eq!(stack.ai.calls(Provider::OpenAi), 1);
}

const SETTINGS: &str = "serving { provider model } provider model daily { tokens usd } keepTexts linkDomains automations { \
    onMembershipChange onFailedPayment nightly writeNote } leadWeights { meeting hot warm } churnWeights { prior canceling }";

async fn settings(admin: &mut Visitor<'_>) -> Value {
    admin.graphql(&format!("{{ aiSettings {{ {SETTINGS} }} }}"), json!({})).await["aiSettings"].clone()
}

async fn change(admin: &mut Visitor<'_>, input: Value) -> Value {
    let document =
        format!("mutation($i: AiSettingsInput!) {{ updateAiSettings(input: $i) {{ {SETTINGS} }} }}");
    admin.ask_graphql(&document, json!({ "i": input })).await
}

#[tokio::test]
async fn settings_stay_as_chosen_and_are_what_is_asked() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let before = settings(&mut admin).await;
    let first = json!({
        "provider": "ANTHROPIC", "model": "claude-sonnet-5-5", "dailyTokens": null, "dailyUsd": "0.25", "keepTexts": true,
        "linkDomains": ["example.com"], "automations": { "nightly": true }, "leadWeights": { "meeting": 20, "hot": 80 },
        "churnWeights": { "prior": [0.3, 0.2, 0.1, 0.08, 0.05, 0.03] },
    });

    change(&mut admin, first).await;
    let second = change(&mut admin, json!({ "automations": { "writeNote": true } })).await;
    let after = settings(&mut admin).await;

    assert_eq!(second["data"]["updateAiSettings"], after, "{second}");
    let serving = json!([
        { "provider": "ANTHROPIC", "model": "claude-sonnet-5-5" }, before["serving"][0].clone(),
    ]);
    let expected = json!({
        "serving": serving, "provider": "ANTHROPIC", "model": "claude-sonnet-5-5",
        "daily": { "tokens": null, "usd": "0.250000000" }, "keepTexts": true, "linkDomains": ["example.com"],
        "automations": { "onMembershipChange": false, "onFailedPayment": false, "nightly": true, "writeNote": true },
        "leadWeights": { "meeting": 20.0, "hot": 80, "warm": before["leadWeights"]["warm"] },
        "churnWeights": { "prior": [0.3, 0.2, 0.1, 0.08, 0.05, 0.03], "canceling": before["churnWeights"]["canceling"] },
    });
    assert_eq!(after, expected);
    asked(&mut admin, "aiGenerateText", free("aiGenerateText")).await;
    assert_eq!(stack.ai.calls_of(Provider::Anthropic, "claude-sonnet-5-5"), 1);
}

#[tokio::test]
async fn settings_that_nobody_can_mean_are_refused_and_change_nothing() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let before = settings(&mut admin).await;

    for bad in [
        json!({ "dailyUsd": "two" }),
        json!({ "dailyUsd": "0.0000000001" }),
        json!({ "dailyTokens": -1 }),
        json!({ "model": "" }),
        json!({ "linkDomains": ["https://example.com"] }),
        json!({ "leadWeights": { "warm": 99 } }),
        json!({ "churnWeights": { "prior": [0.1, 0.1] } }),
        json!({ "churnWeights": { "canceling": 1.0 } }),
    ] {
        let answer = change(&mut admin, bad.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{bad}: {answer}");
    }

    assert_eq!(settings(&mut admin).await, before);
}

#[tokio::test]
async fn a_budget_that_is_spent_stops_models_but_not_scores() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    change(&mut admin, json!({ "dailyUsd": "0.000000001" })).await;

    let text = refused(&mut admin, "aiGenerateText", free("aiGenerateText")).await;
    let score = asked(&mut admin, "aiScoreLead", free("aiScoreLead")).await;

    assert_eq!(text, "UNAVAILABLE");
    assert_eq!(score["answer"]["explanation"]["wordedBy"], "TEMPLATE", "{score}");
    assert_eq!(score["about"]["provider"], Value::Null);
    assert_eq!(stack.ai.requests().len(), 0);
}

#[tokio::test]
async fn another_workspace_sees_neither_usage_nor_calls_nor_settings_nor_people() {
    let stack = Stack::start().await;
    let (mut shop, person) = shop_with_a_person(&stack).await;
    asked(&mut shop.admin, "aiSummarizeText", json!({ "personId": person, "idempotencyKey": "mine" })).await;
    change(&mut shop.admin, json!({ "provider": "ANTHROPIC", "keepTexts": true })).await;
    let other = stack.twenty.create_workspace("Quiet Lake");
    let mut stranger = stack.visitor();
    stranger.connect_twenty(&stack.twenty.url(), &other.api_key).await;

    let query = "query($day: String!) { aiUsage(from: $day, to: $day) { lines { day } total { calls } spentToday { tokens } } \
        aiCalls { calls { id } next } aiSettings { provider keepTexts } }";
    let seen = stranger.graphql(query, json!({ "day": TODAY })).await;
    let theirs = refused(&mut stranger, "aiSummarizeText", json!({ "personId": person })).await;
    let free = json!({ "text": "All is well.", "idempotencyKey": "mine" });
    let own = asked(&mut stranger, "aiSummarizeText", free).await;

    let nothing = json!({
        "aiUsage": { "lines": [], "total": { "calls": 0 }, "spentToday": { "tokens": 0 } },
        "aiCalls": { "calls": [], "next": null },
        "aiSettings": { "provider": null, "keepTexts": false },
    });
    assert_eq!(seen, nothing);
    assert_eq!(theirs, "NOT_FOUND");
    assert_eq!(own["about"]["cached"], false, "{own}");
    let query = "{ aiCalls(first: 1) { calls { id } next } }";
    let calls = shop.admin.graphql(query, json!({})).await;
    assert_eq!(calls["aiCalls"]["calls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn calls_are_read_page_by_page() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    for (name, ..) in OPERATIONS {
        asked(&mut admin, name, free(name)).await;
        stack.advance(std::time::Duration::from_secs(1));
    }

    let query = "query($after: String) { aiCalls(first: 2, after: $after) { calls { operation at } next } }";
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = admin.graphql(query, json!({ "after": after })).await["aiCalls"].clone();
        seen.extend(page["calls"].as_array().unwrap().clone());
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }

    let operations: Vec<&Value> = seen.iter().map(|it| &it["operation"]).collect();
    let newest_first = ["SUMMARIZE_TEXT", "DRAFT_EMAIL", "SCORE_LEAD", "ANALYZE_SENTIMENT", "GENERATE_TEXT"];
    assert_eq!(operations, newest_first);
}
