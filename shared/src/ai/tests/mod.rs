//! Wire tests: each client against canned answers on loopback.

mod messages;
mod responses;
mod street;
mod table;

use std::time::Duration;

use serde_json::{Value, json};

use self::street::{Canned, Street};
use super::*;
use crate::domain::insight::operation::Operation;

const LIMIT: Duration = Duration::from_secs(5);

fn ask(entry: &Entry) -> Ask<'_> {
    Ask {
        entry,
        instructions: "Be brief.",
        message: "<data-1>{}</data-1>",
        schema: Schema::of(Operation::AnalyzeSentiment),
        output_tokens: 300,
        temperature: Temperature::hundredths(20),
        user: "5f2c",
        limit: LIMIT,
    }
}

fn models() -> Models {
    Models::with(None).unwrap()
}

async fn trouble(street: &Street, wire: Wire) -> AiError {
    let (name, model) = match wire {
        Wire::AnthropicMessages => (ProviderName::Anthropic, "claude-haiku-5-5"),
        Wire::OpenAiResponses | Wire::OpenAiChat => (ProviderName::OpenAi, "gpt-6-luna"),
    };
    let entry = models().entry(name, model, None);
    street.provider(wire).ask(&ask(&entry)).await.unwrap_err()
}

async fn reply(wire: Wire, body: Value) -> Reply {
    let street = Street::open(vec![Canned::json(200, &body)]).await;
    let entry = models().entry(ProviderName::OpenAi, "gpt-6-luna", None);
    street.provider(wire).ask(&ask(&entry)).await.unwrap()
}

/// Statuses and headers that mean the same on every wire.
#[tokio::test]
async fn what_is_no_json_is_judged_by_its_status() {
    for wire in [Wire::OpenAiResponses, Wire::OpenAiChat, Wire::AnthropicMessages] {
        for (status, expected) in [
            (502, Trouble::Busy { after: None }),
            (413, Trouble::TooLarge),
            (302, Trouble::Misconfigured),
            (200, Trouble::Lost),
        ] {
            let street = Street::open(vec![Canned::html(status)]).await;
            let error = trouble(&street, wire).await;
            assert_eq!((error.trouble, error.status), (expected, Some(status)), "{wire:?}");
        }
    }
}

#[tokio::test]
async fn hints_are_read_in_their_order() {
    let after = |seconds| Trouble::Busy { after: Some(Duration::from_millis(seconds)) };
    for (headers, expected) in [
        (vec![("retry-after", "7"), ("retry-after-ms", "250")], after(250)),
        (vec![("retry-after", "7")], after(7_000)),
        (
            vec![("retry-after", "Mon, 23 Nov 2026 08:00:05 GMT"), ("date", "Mon, 23 Nov 2026 08:00:02 GMT")],
            after(3_000),
        ),
        (vec![("x-should-retry", "false")], Trouble::Unavailable),
        (vec![], Trouble::Busy { after: None }),
    ] {
        let street = Street::open(vec![Canned { headers, ..Canned::json(503, &json!({})) }]).await;
        assert_eq!(trouble(&street, Wire::OpenAiResponses).await.trouble, expected);
    }
    let street = Street::open(vec![Canned {
        headers: vec![("x-should-retry", "true")],
        ..Canned::json(400, &json!({}))
    }])
    .await;
    assert_eq!(trouble(&street, Wire::AnthropicMessages).await.trouble, Trouble::Busy { after: None });
}

#[tokio::test]
async fn a_server_that_hangs_is_left_at_the_limit_and_one_that_is_not_there_is_told_apart() {
    let entry = models().entry(ProviderName::OpenAi, "gpt-6-luna", None);
    let short = Ask { limit: Duration::from_millis(40), ..ask(&entry) };
    for street in [Street::hanging().await, Street::trickling().await] {
        let error = street.provider(Wire::OpenAiResponses).ask(&short).await.unwrap_err();
        assert_eq!((error.trouble, error.timed_out), (Trouble::Lost, true));
    }
    let gone = Street::gone().await.provider(Wire::OpenAiResponses).ask(&ask(&entry)).await.unwrap_err();
    assert_eq!((gone.trouble, gone.timed_out), (Trouble::Busy { after: None }, false));
}

#[tokio::test]
async fn neither_key_nor_prompt_shows_in_what_is_printed() {
    let street =
        Street::open(vec![Canned::json(401, &json!({"error": {"message": "bad key canary-key"}}))]).await;
    let provider = street.provider(Wire::OpenAiResponses);
    let entry = models().entry(ProviderName::OpenAi, "gpt-6-luna", None);

    let error = provider.ask(&ask(&entry)).await.unwrap_err();

    let printed = format!("{error} {error:?} {provider:?}");
    assert!(!printed.contains("canary-key"), "{printed}");
}
