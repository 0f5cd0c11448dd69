//! Every error a provider documents, with its body and its headers.

use serde_json::Value;
use sim::ai::{Failure, Outcome, Provider};

use super::{Documents, WIRES, World, mood_of, provider};

#[tokio::test]
async fn every_failure_comes_as_the_documents_describe_it() {
    let world = World::start().await;
    let mut documents = Documents::read();

    for path in WIRES {
        for failure in Failure::all(provider(path)) {
            world.ai.script(Outcome::Error(failure.clone()));

            let answer = world.post(path, &mood_of(path, "Fine.")).await;

            assert_eq!(answer.status.as_u16(), failure.status, "{}", failure.name);
            assert_eq!(answer.header("retry-after"), failure.retry_after.as_deref().unwrap_or_default());
            assert!(!answer.header("x-request-id").is_empty() || !answer.header("request-id").is_empty());
            if failure.page {
                assert!(answer.text.starts_with("<html>") && answer.body.is_null());
                continue;
            }
            documents.check_error(provider(path), &answer.body);
            let error = &answer.body["error"];
            assert_eq!(error["type"], failure.kind, "{}", failure.name);
            let code =
                if path.starts_with("/openai") { &error["code"] } else { &error["details"]["error_code"] };
            assert_eq!(code.as_str(), failure.code.as_deref(), "{}", failure.name);
            if path.starts_with("/anthropic") {
                assert_eq!(answer.body["request_id"], answer.header("request-id"));
            }
        }
    }
    assert_eq!(world.ai.violations(), Vec::<String>::new());
    assert!(world.ai.requests().iter().all(|request| request.usage.is_none()));
}

#[test]
fn every_status_and_code_of_the_tables_can_be_had() {
    let openai = [
        (400, ""),
        (400, "invalid_type"),
        (400, "missing_required_parameter"),
        (400, "unsupported_value"),
        (400, "invalid_json_schema"),
        (400, "context_length_exceeded"),
        (401, "invalid_api_key"),
        (401, ""),
        (403, "unsupported_country_region_territory"),
        (403, "model_not_found"),
        (404, "model_not_found"),
        (408, ""),
        (409, ""),
        (429, "rate_limit_exceeded"),
        (429, "slow_down"),
        (429, "credit_balance_exhausted"),
        (429, "organization_spend_limit_exceeded"),
        (429, "project_spend_limit_exceeded"),
        (429, "organization_usage_limit_exceeded"),
        (429, "insufficient_quota"),
        (500, ""),
        (503, "server_is_overloaded"),
    ];
    let anthropic = [
        (400, ""),
        (400, "organization_on_hold"),
        (401, ""),
        (402, ""),
        (402, "linked_organization_suspended"),
        (403, ""),
        (404, ""),
        (409, ""),
        (413, ""),
        (429, ""),
        (429, "ramp_limit_exceeded"),
        (429, "enforced_spend_limit_reached"),
        (429, "contract_spend_limit_reached"),
        (500, ""),
        (504, ""),
        (529, ""),
    ];
    let has = |provider: Provider, (status, code): (u16, &str)| {
        let all = Failure::all(provider);
        all.iter().any(|it| it.status == status && it.code.as_deref().unwrap_or_default() == code)
    };

    let missing: Vec<_> = openai.into_iter().filter(|row| !has(Provider::OpenAi, *row)).collect();
    let missing_too: Vec<_> = anthropic.into_iter().filter(|row| !has(Provider::Anthropic, *row)).collect();

    assert_eq!((missing, missing_too), (vec![], vec![]));
}

#[test]
fn money_errors_never_say_when_to_come_back() {
    for provider in Provider::ALL {
        for failure in Failure::all(provider) {
            let name = failure.name;
            let money =
                ["spend", "credit", "quota", "usage_limit", "billing"].iter().any(|word| name.contains(word));

            assert!(!money || failure.retry_after.is_none(), "{name}");
        }
    }
}

#[tokio::test]
async fn hints_can_be_chosen() {
    let world = World::start().await;
    let path = WIRES[0];
    let slow = Failure::openai("slow_down");
    let date = "Mon, 23 Nov 2026 08:00:07 GMT";
    for failure in [
        slow.clone().retry_after(date),
        slow.clone().without_hint(),
        slow.without_hint().retry_after_ms(250).should_retry(false),
    ] {
        world.ai.script(Outcome::Error(failure));
    }

    let mut hints: Vec<[String; 3]> = Vec::new();
    for _ in 0..3 {
        let answer = world.post(path, &mood_of(path, "Fine.")).await;
        hints.push(
            ["retry-after", "retry-after-ms", "x-should-retry"].map(|name| answer.header(name).to_owned()),
        );
    }

    assert_eq!(hints, [[date, "", ""], ["", "", ""], ["", "250", "false"]]);
}

#[tokio::test]
async fn the_examples_of_the_documents_have_the_types_of_our_failures() {
    for provider in Provider::ALL {
        let document = super::Description::of(provider).document;
        let ours: Vec<(String, Option<String>)> =
            Failure::all(provider).into_iter().map(|failure| (failure.kind, failure.code)).collect();
        let responses = document["components"]["responses"].as_object().unwrap();
        for (name, response) in responses {
            for example in response["content"]["application/json"]["examples"].as_object().unwrap().values() {
                let error = &example["value"]["error"];
                let code =
                    error["code"].as_str().or(error["details"]["error_code"].as_str()).map(str::to_owned);
                let kind = error["type"].as_str().unwrap().to_owned();

                assert!(ours.contains(&(kind, code)), "{name}: {error}");
            }
        }
        assert!(responses.values().all(|response| response["content"] != Value::Null));
    }
}
