//! What the documentation says about AI is worked out here: what operations cost, the workflow step and the command that
//! people copy, and every number and example of how members are scored.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::domain::insight::churn::ChurnWeights;
use shared::domain::insight::lead_score::LeadWeights;
use sim::ai::{Ai, Provider};
use sim::clock::Clock;
use sim::fault::Faults;
use stack::{Ask, MODEL_VARIABLES, Options, RealModels, Stack, fixtures};

use crate::insight_desk::{Desk, judge_of_requests};
use crate::template::document::text;

/// The cells of a row of a table.
fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// The part of a text between two marks.
fn between<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{begin} is not there"));
    rest.split_once(end).unwrap_or_else(|| panic!("{end} does not follow")).0
}

/// The table of costs: its models, and for each operation what it says.
struct Costs {
    models: Vec<Vec<String>>,
    rows: Vec<Cost>,
}

struct Cost {
    what: String,
    input: u64,
    output: u64,
    dollars: Vec<String>,
}

fn costs(readme: &str) -> Costs {
    let mut lines = readme.lines().skip_while(|line| !line.starts_with("| 1,000 × |"));
    let head = cells(lines.next().expect("a table of costs"));
    let models = head[2..].iter().map(|cell| cell.split(", ").map(str::to_owned).collect()).collect();
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(|line| {
        let cells = cells(line);
        let (input, output) = cells[1].split_once(" / ").unwrap();
        let number = |text: &str| text.replace(',', "").parse().unwrap();
        Cost {
            what: cells[0].to_owned(),
            input: number(input),
            output: number(output),
            dollars: cells[2..].iter().map(|&it| it.to_owned()).collect(),
        }
    });
    Costs { models, rows: rows.collect() }
}

/// Input and output of a model in picodollars a token, out of the table of prices.
fn price(models: &Value, model: &str) -> (u64, u64) {
    let entry = models["models"].as_array().unwrap().iter().find(|it| it["model"] == model);
    let price = &entry.unwrap_or_else(|| panic!("{model} has no price"))["prices"][0];
    let pico = |name: &str| {
        let (whole, fraction) = price[name].as_str().unwrap().split_once('.').unwrap();
        format!("{whole}{fraction:0<6}").parse().unwrap()
    };
    (pico("input"), pico("output"))
}

#[test]
fn the_readme_tells_the_costs_that_the_table_of_prices_gives() {
    let costs = costs(&text("README.md"));
    let models: Value = serde_json::from_str(&text("shared/src/ai/models.json")).unwrap();
    assert_eq!(costs.rows.len(), 4);

    for cost in &costs.rows {
        for (names, told) in costs.models.iter().zip(&cost.dollars) {
            for name in names {
                let (input, output) = price(&models, name);
                let pico = 1_000 * (cost.input * input + cost.output * output);
                let cents = (pico + 5_000_000_000) / 10_000_000_000;
                assert_eq!(*told, format!("${}.{:02}", cents / 100, cents % 100), "{}, {name}", cost.what);
            }
        }
    }
}

/// A member of the shop.
fn somebody(desk: &Desk) -> String {
    let people = desk.stack.twenty.records(&desk.workspace, "people");
    people[0]["id"].as_str().unwrap().to_owned()
}

/// So many characters of an ordinary letter.
fn letter(length: usize) -> String {
    "The second week was better than the first, and I would like to stay. "
        .chars()
        .cycle()
        .take(length)
        .collect()
}

#[tokio::test]
async fn the_readme_counts_the_tokens_that_requests_have() {
    let desk = Desk::joined(Options::default()).await;
    let person = somebody(&desk);
    let bodies = BTreeMap::from([
        ("sentiment of 1,000 characters", ("analyze-sentiment", json!({ "text": letter(1_000) }))),
        ("score in words", ("score-lead", json!({ "personId": person }))),
        (
            "e-mail draft",
            ("draft-email", json!({ "personId": person, "instruction": "Thank them and ask how it goes." })),
        ),
        ("summary of 8,000 characters", ("summarize-text", json!({ "text": letter(8_000) }))),
    ]);

    let mut wrong = Vec::new();
    for cost in costs(&text("README.md")).rows {
        let (operation, body) = &bodies[cost.what.as_str()];
        for provider in ["openai", "anthropic"] {
            let mut body = body.clone();
            body["provider"] = json!(provider);
            let told = desk.ask(operation, &body).await.json();

            assert_eq!(told["fellBack"], false, "{operation}: {told}");
            let (took, said) = (told["inputTokens"].as_u64().unwrap(), cost.input);
            if took.abs_diff(said) * 10 > said {
                wrong.push(format!("{}, {provider}: {took} tokens, not {said}", cost.what));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn the_workflow_step_of_the_readme_can_be_copied() {
    let desk = Desk::joined(Options::default()).await;
    let readme = text("README.md");
    let step = between(&readme, "URL      https://YOUR-API", "```");
    let path = step.split_whitespace().next().unwrap();
    assert!(step.contains("Method   POST") && step.contains("content-type: application/json"), "{step}");
    let (_, body) = step.split_once("Body ").unwrap();
    let body = body.replace("{{trigger.properties.after.id}}", &somebody(&desk));
    let body = body.replace("{{trigger.properties.after.updatedAt}}", "2026-11-23T08:00:00.000Z");
    assert!(!body.contains("{{"), "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let operation = path.trim_start_matches("/ai/");

    let answer = desk.send(Ask::new("POST", path).json(&body)).await;
    let again = desk.send(Ask::new("POST", path).json(&body)).await;

    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("ANSWERED")), "{}", answer.json());
    assert!(answer.json()["score"].is_u64());
    assert_eq!(again.json()["cached"], true, "the same change of the record is paid once");
    assert!(judge_of_requests(&desk.stack, operation).await.is_valid(&body));
}

/// The variables that the README names for a compatible server.
fn variables(readme: &str) -> BTreeMap<&'static str, String> {
    let command = between(readme, "OPENAI_BASE_URL=", "cargo local\n```");
    let words = format!("OPENAI_BASE_URL={command}");
    let pairs = words.split_whitespace().filter_map(|word| word.split_once('='));
    let known =
        |name: &str| *MODEL_VARIABLES.iter().find(|it| **it == name).unwrap_or_else(|| panic!("{name}"));
    pairs.map(|(name, value)| (known(name), value.to_owned())).collect()
}

#[tokio::test]
async fn a_compatible_server_takes_the_place_of_the_stand_ins_as_the_readme_says() {
    let far = Ai::start(Clock::stepped(stack::MORNING_MS), &Faults::default(), 0).await;
    let mut variables = variables(&text("README.md"));
    let model = variables["OPENAI_MODEL"].clone();
    far.switch(|it| {
        it.more_models.push(model.clone());
        it.bare_usage = true;
    });
    assert_eq!(variables.insert("OPENAI_BASE_URL", far.openai_url()).unwrap(), "http://127.0.0.1:11434/v1");
    // This one wants a key; others do not.
    assert_eq!(variables.remove("OPENAI_AUTH").unwrap(), "none");
    let models = RealModels {
        openai_key: Some(far.key(Provider::OpenAi)),
        anthropic_key: None,
        variables: variables.into_iter().collect(),
    };
    let desk = Desk::with(Options { models: Some(models), ..Options::default() }).await;

    let body = json!({ "text": "I love it. Thank you!", "temperature": 0.4 });
    let told = desk.ask("analyze-sentiment", &body).await.json();

    assert_eq!((told["state"].as_str(), &told["model"]), (Some("ANSWERED"), &json!(model)), "{told}");
    assert_eq!(told["costUsd"], Value::Null);
    assert!(told["inputTokens"].as_u64().unwrap() > 0);
    let sent = &far.requests()[0].body;
    assert!(sent["max_tokens"].is_u64() && sent["max_completion_tokens"].is_null(), "{sent}");
    assert_eq!(sent["temperature"], 0.4);
    assert_eq!((far.calls(Provider::OpenAi), desk.stack.ai.requests().len()), (1, 0));
    assert_eq!(far.violations(), Vec::<String>::new());
}

/// The numbers of a page of tables by the names beside them, for one kind of weights.
fn weights_told(page: &str, kind: &str) -> BTreeMap<String, Vec<f64>> {
    let (mut told, mut here) = (BTreeMap::new(), false);
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells = cells(line);
        match cells[1] {
            head if head.starts_with('`') && head.ends_with("Weights`") => {
                here = head.trim_matches('`') == kind;
            }
            name if here && name.starts_with('`') => {
                let numbers = cells[2].split(", ").map(|number| number.parse().unwrap()).collect();
                let twice = told.insert(name.trim_matches('`').to_owned(), numbers);
                assert!(twice.is_none(), "{name} is told twice");
            }
            _ => {}
        }
    }
    told
}

/// `fit_cap` as the API writes it.
fn camel(name: &str) -> String {
    let mut after = false;
    let letters = name.chars().filter_map(|letter| {
        let begins = std::mem::replace(&mut after, letter == '_');
        (letter != '_').then(|| if begins { letter.to_ascii_uppercase() } else { letter })
    });
    letters.collect()
}

fn weights(defaults: &Value) -> BTreeMap<String, Vec<f64>> {
    let numbers = |value: &Value| match value {
        Value::Array(list) => list.iter().map(|it| it.as_f64().unwrap()).collect(),
        one => vec![one.as_f64().unwrap()],
    };
    let named = |(name, value): (&String, &Value)| (camel(name), numbers(value));
    defaults.as_object().unwrap().iter().map(named).collect()
}

#[test]
fn every_number_of_the_page_about_scores_is_the_default() {
    let page = text("shared/SCORING.md");

    let lead = weights(&serde_json::to_value(LeadWeights::default()).unwrap());
    let churn = weights(&serde_json::to_value(ChurnWeights::default()).unwrap());

    assert_eq!(weights_told(&page, "leadWeights"), lead);
    assert_eq!(weights_told(&page, "churnWeights"), churn);
}

/// The examples of a page: blocks of JSON in pairs, what is asked and what the answer holds.
fn examples(page: &str) -> Vec<(Value, Value)> {
    let blocks = page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let blocks: Vec<Value> = blocks.map(|block| serde_json::from_str(block).unwrap()).collect();
    blocks.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// Stops unless `whole` holds everything that `part` says; figures are compared to the fourth place.
#[expect(clippy::float_arithmetic, reason = "figures of scores, which are no money")]
fn assert_holds(whole: &Value, part: &Value, at: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, part) in part {
                let there = whole.get(name).unwrap_or_else(|| panic!("{at}.{name} is not there"));
                assert_holds(there, part, &format!("{at}.{name}"));
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len(), "{at}");
            whole.iter().zip(part).enumerate().for_each(|(n, (whole, part))| {
                assert_holds(whole, part, &format!("{at}[{n}]"));
            });
        }
        (Value::Number(whole), Value::Number(part)) => {
            let apart = (whole.as_f64().unwrap() - part.as_f64().unwrap()).abs();
            assert!(apart < 0.000_05, "{at}: {whole}, not {part}");
        }
        (whole, part) => assert_eq!(whole, part, "{at}"),
    }
}

#[tokio::test]
async fn the_worked_examples_of_the_page_about_scores_come_out() {
    let stack = Stack::start().await;
    let mut admin = Box::pin(fixtures::connected(&stack, 0)).await.admin;
    let document = "mutation($features: LeadFeatures!) { aiScoreLead(input: { features: $features }) { answer { \
        lead { score band groups { key points } } churnUnrated \
        churn { score band probability base factors { key points } revenueAtRisk { amount currency } } } } }";
    let examples = examples(&text("shared/SCORING.md"));
    assert_eq!(examples.len(), 4);

    for (features, expected) in examples {
        let answer = admin.graphql(document, json!({ "features": features })).await;

        assert_holds(&answer["aiScoreLead"]["answer"], &expected, "answer");
    }
}
