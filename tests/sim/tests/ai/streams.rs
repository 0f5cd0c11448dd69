//! Streams: the order of their events, what each holds, and how they break.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sim::ai::{CutOff, Outcome, Provider};

use super::{Description, Documents, WIRES, World, mood_of};

const TEXT: &str = "I love this group, thanks! But the renewal failed twice.";

/// The events of a stream: name (empty without one) and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    let read = |block: &str| {
        let line = |start: &str| {
            block.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().to_owned()
        };
        (line("event: "), serde_json::from_str(&line("data: ")).unwrap_or_default())
    };
    blocks.map(read).collect()
}

fn streamed(path: &str) -> Value {
    let mut body = mood_of(path, TEXT);
    body["stream"] = json!(true);
    body
}

async fn stream(world: &World, path: &str, outcome: Outcome) -> Vec<(String, Value)> {
    world.ai.script(outcome);
    let answer = world.post(path, &streamed(path)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    events(&answer.text)
}

fn names(events: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    names
}

/// The fields of each kind of event.
fn shapes(events: &[(String, Value)]) -> BTreeMap<String, BTreeSet<String>> {
    let named = events.iter().filter(|(name, _)| !name.is_empty());
    named.map(|(name, data)| (name.clone(), data.as_object().unwrap().keys().cloned().collect())).collect()
}

#[tokio::test]
async fn a_stream_of_the_responses_api_is_whole_and_in_order() {
    let world = World::start().await;
    let mut documents = Documents::read();
    let whole = world.post(WIRES[0], &mood_of(WIRES[0], TEXT)).await;

    let events = stream(&world, WIRES[0], Outcome::Answer).await;

    assert_eq!(
        names(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (at, (name, data)) in events.iter().enumerate() {
        assert_eq!((data["type"].as_str().unwrap(), &data["sequence_number"]), (name.as_str(), &json!(at)));
        if data["response"].is_object() {
            documents.check_answer(WIRES[0], &data["response"]);
        }
        if data["item"].is_object() {
            documents.openai.check("OutputItem", &data["item"]);
        }
        if data["part"].is_object() {
            documents.openai.check("OutputMessageContent", &data["part"]);
        }
    }
    let text: String = events
        .iter()
        .filter(|(name, _)| name.ends_with("delta"))
        .map(|(_, data)| data["delta"].as_str().unwrap())
        .collect();
    assert_eq!(text, whole.said());
    assert_eq!(
        events.last().unwrap().1["response"]["usage"]["output_tokens"],
        whole.body["usage"]["output_tokens"]
    );
}

#[tokio::test]
async fn a_stream_of_the_messages_api_is_whole_and_in_order() {
    let world = World::start().await;
    let mut documents = Documents::read();
    let whole = world.post(WIRES[2], &mood_of(WIRES[2], TEXT)).await;

    let events = stream(&world, WIRES[2], Outcome::Answer).await;

    assert_eq!(
        names(&events),
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    documents.check_answer(WIRES[2], &events[0].1["message"]);
    documents.anthropic.check("ContentBlock", &events[1].1["content_block"]);
    let last = &events[events.len() - 2].1;
    documents.anthropic.check("Usage", &last["usage"]);
    assert_eq!(last["delta"]["stop_reason"], "end_turn");
    assert_eq!(last["usage"]["output_tokens"], whole.body["usage"]["output_tokens"]);
    let text: String = events.iter().filter_map(|(_, data)| data["delta"]["text"].as_str()).collect();
    assert_eq!(text, whole.said());
}

#[tokio::test]
async fn a_chat_stream_ends_with_done_and_has_usage_if_asked() {
    let world = World::start().await;
    let whole = world.post(WIRES[1], &mood_of(WIRES[1], TEXT)).await;
    let mut body = streamed(WIRES[1]);
    let without = world.post(WIRES[1], &body).await;
    body["stream_options"] = json!({"include_usage": true});

    let with = world.post(WIRES[1], &body).await;

    assert!(without.text.ends_with("data: [DONE]\n\n") && !without.text.contains("usage"));
    let events = events(&with.text);
    let text: String =
        events.iter().filter_map(|(_, data)| data["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole.said());
    let usage = &events[events.len() - 2].1;
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole.body["usage"]));
    assert_eq!(events[events.len() - 3].1["choices"][0]["finish_reason"], "stop");
    Description::of(Provider::OpenAi).check("CompletionUsage", &usage["usage"]);
}

#[tokio::test]
async fn events_have_the_fields_that_the_documents_show() {
    let world = World::start().await;

    for (path, route, provider) in
        [(WIRES[0], "/responses", Provider::OpenAi), (WIRES[2], "/v1/messages", Provider::Anthropic)]
    {
        let document = Description::of(provider).document;
        let content = &document["paths"][route]["post"]["responses"]["200"]["content"];
        let example = content["text/event-stream"]["example"].as_str().unwrap();

        let shown = shapes(&events(example));
        let ours = shapes(&stream(&world, path, Outcome::Answer).await);

        assert!(shown.len() >= 7, "{shown:?}");
        assert_eq!(ours, shown);
    }
}

#[tokio::test]
async fn streams_end_as_the_answer_ends() {
    let world = World::start().await;

    let refused = stream(&world, WIRES[0], Outcome::Refusal).await;
    let incomplete = stream(&world, WIRES[0], Outcome::Incomplete(CutOff::Limit)).await;
    let failed = stream(&world, WIRES[0], Outcome::Failed("server_error")).await;
    let declined = stream(&world, WIRES[2], Outcome::RefusalAfter("Here is".to_owned())).await;

    assert!(
        names(&refused).contains(&"response.refusal.delta")
            && names(&refused).contains(&"response.refusal.done")
    );
    assert_eq!(names(&incomplete).last(), Some(&"response.incomplete"));
    assert_eq!(names(&failed), ["response.created", "response.in_progress", "response.failed"]);
    assert_eq!(declined[declined.len() - 2].1["delta"]["stop_reason"], "refusal");
}

#[tokio::test]
async fn streams_break_with_an_event_or_without_a_word() {
    let world = World::start().await;

    for path in WIRES {
        let events = stream(&world, path, Outcome::StreamError).await;
        let (_, last) = events.last().unwrap();
        let told = last["type"] == "error" || last["error"].is_object();
        assert!(events.len() > 2 && told, "{path}: {last}");

        world.ai.script(Outcome::StreamCut);
        let cut = world.try_post(path, &streamed(path)).await;
        assert!(cut.is_err(), "{path}");

        world.ai.script(Outcome::StreamError);
        let plain = world.post(path, &mood_of(path, TEXT)).await;
        assert!(plain.status.is_server_error(), "{path}");
    }
}
