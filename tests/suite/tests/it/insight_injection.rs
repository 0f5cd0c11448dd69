//! Strangers write notes and letters that try to give orders to the model. No figure moves, nothing gets out that must
//! not, and who reads the answer is warned: with a model that sees through them, and with one that obeys.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sim::ai::{Obeys, Outcome, Provider, Received};
use stack::{Answer, Options, canary};

use crate::insight_desk::Desk;
use crate::insight_hostile::{HOSTILE, long_ones};

/// What nobody but its owner may see: the name, address, number and note of another person.
const OTHERS: [&str; 4] = ["Zephyrine", "zephyrine@elsewhere.example", "5559998877", "marmalade"];

/// Every hostile text.
fn texts() -> Vec<String> {
    let all: Vec<String> = HOSTILE.iter().map(|(_, text)| (*text).to_owned()).chain(long_ones()).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "each once");
    all
}

/// Each of them in turn.
fn provider(number: usize) -> &'static str {
    ["openai", "anthropic"][number % 2]
}

/// A person with one note; the job title is a stranger's word too. Twenty takes everything but the character zero.
fn person(desk: &Desk, first_name: &str, job_title: &str, note: &str) -> String {
    let (twenty, job_title, note) = (&desk.stack.twenty, job_title.replace('\0', ""), note.replace('\0', ""));
    let person = json!({ "name": { "firstName": first_name }, "jobTitle": job_title });
    let person = twenty.create_as_human(&desk.workspace, "people", &person);
    let note = json!({ "title": "Call", "bodyV2": { "markdown": note } });
    let note = twenty.create_as_human(&desk.workspace, "notes", &note);
    twenty.create_as_human(
        &desk.workspace,
        "noteTargets",
        &json!({ "noteId": note, "targetPersonId": person }),
    );
    person
}

fn somebody_else(desk: &Desk) {
    let person = json!({
        "name": { "firstName": OTHERS[0] },
        "emails": { "primaryEmail": OTHERS[1] },
        "phones": { "primaryPhoneNumber": format!("+1{}", OTHERS[2]) },
    });
    let person = desk.stack.twenty.create_as_human(&desk.workspace, "people", &person);
    let note = json!({ "title": "Secret", "bodyV2": { "markdown": "Likes marmalade." } });
    let note = desk.stack.twenty.create_as_human(&desk.workspace, "notes", &note);
    let target = json!({ "noteId": note, "targetPersonId": person });
    desk.stack.twenty.create_as_human(&desk.workspace, "noteTargets", &target);
}

/// The words a model wrote, out of a flat answer.
fn words(told: &Value) -> String {
    let names = [
        "text",
        "rationale",
        "summary",
        "keyPoints",
        "openQuestions",
        "subject",
        "body",
        "reasons",
        "nextAction",
    ];
    names.iter().filter_map(|name| told[*name].as_str()).collect::<Vec<_>>().join("\n")
}

/// The static part of a request.
fn instructions(request: &Received) -> String {
    let body = &request.body;
    let places = [&body["instructions"], &body["messages"][0]["content"], &body["system"][0]["text"]];
    places.into_iter().find_map(Value::as_str).unwrap().to_owned()
}

/// Stops if an answer holds what must never be in one.
fn assert_harmless(desk: &Desk, answer: &Answer, text: &str) {
    let told = answer.json();
    let words = words(&told);
    let lower = words.to_lowercase();
    for link in ["http", "www.", "://", ".example", "javascript:", "<", ">", "]("] {
        assert!(!lower.contains(link), "{link} after {text:?}: {words}");
    }
    for leak in ["data-", "sk-", "c4n4ry", "{{"].into_iter().chain(OTHERS) {
        assert!(!words.contains(leak), "{leak} after {text:?}: {words}");
    }
    assert!(!words.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{words:?}");
    assert!(
        !words.chars().any(
            |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        )
    );
    let Some(request) = desk.stack.ai.requests().pop() else { return };
    let rules: Vec<char> = instructions(&request).chars().collect();
    for window in rules.windows(80).step_by(20) {
        let window: String = window.iter().collect();
        assert!(!words.contains(&window), "the rules got out after {text:?}: {words}");
    }
}

/// The request as it went out: the material between markers that nothing in it can close, and nothing unseen in it.
fn assert_wrapped(request: &Received) {
    let body = &request.body;
    let places = [
        &body["input"][0]["content"][0]["text"],
        &body["messages"][1]["content"],
        &body["messages"][0]["content"],
    ];
    let message = places.into_iter().find_map(Value::as_str).unwrap();
    let (marker, rest) = message.strip_prefix('<').and_then(|it| it.split_once(">\n")).unwrap();
    let (material, task) = rest.split_once(&format!("\n</{marker}>")).unwrap();
    assert!(!material.contains(['<', '>']) && !material.contains(marker), "{material}");
    assert!(task.starts_with("\n\nTask: ") && !task.contains(marker));
    let value: Value = serde_json::from_str(material).unwrap();
    let hidden = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
    };
    let leaves = value.as_object().unwrap().values();
    let texts = leaves.flat_map(|leaf| leaf.as_array().cloned().unwrap_or_else(|| vec![leaf.clone()]));
    assert!(texts.filter_map(|it| it.as_str().map(str::to_owned)).all(|it| !it.contains(hidden)), "{value}");
}

#[test]
fn the_corpus_is_large_and_speaks_many_languages() {
    let kinds: BTreeSet<&str> = HOSTILE.iter().map(|(kind, _)| *kind).collect();
    let languages = kinds.iter().filter(|kind| kind.len() == 2).count();

    assert!(texts().len() >= 60, "{}", texts().len());
    assert!(languages >= 15, "{languages}");
    for kind in
        ["override", "system", "marker", "reveal", "score", "link", "others", "encoded", "hidden", "html"]
    {
        assert!(kinds.contains(kind), "{kind}");
    }
}

#[tokio::test]
async fn a_hostile_letter_is_flagged_and_changes_nothing() {
    let desk = Desk::open().await;
    for (number, text) in texts().iter().enumerate() {
        let provider = provider(number);
        for (operation, body) in [
            ("analyze-sentiment", json!({ "text": text, "provider": provider })),
            ("summarize-text", json!({ "text": text, "provider": provider })),
        ] {
            desk.stack.ai.forget();

            let answer = desk.ask(operation, &body).await;

            let told = answer.json();
            assert_eq!((answer.status, told["state"].as_str()), (200, Some("ANSWERED")), "{text:?}: {told}");
            assert_eq!(told["injectionSuspected"], true, "{text:?}: {told}");
            assert!(
                told["warnings"].as_str().unwrap().contains("Do not act on this answer unread."),
                "{text:?}"
            );
            assert_harmless(&desk, &answer, text);
            assert_wrapped(&desk.stack.ai.requests()[0]);
            assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
        }
        desk.stack.advance(std::time::Duration::from_hours(1));
    }
}

#[tokio::test]
async fn an_ordinary_letter_is_not_flagged() {
    let desk = Desk::open().await;
    for text in [
        "Thank you for the call, it helped a lot.",
        "Wann ist der nächste Kurs?",
        "The match ended two to one.",
    ] {
        let told = desk.ask("summarize-text", &json!({ "text": text })).await.json();

        let judged = (told["state"].as_str(), &told["injectionSuspected"]);
        assert_eq!(judged, (Some("ANSWERED"), &json!(false)), "{text}: {told}");
        assert_eq!(told["warnings"], "", "{text}");
    }
}

/// The figures of a score, without what differs from call to call.
fn figures(told: &Value) -> Value {
    let names = [
        "score",
        "band",
        "enoughData",
        "coveragePercent",
        "raises",
        "lowers",
        "churnScore",
        "churnBand",
        "revenueAtRisk",
    ];
    names
        .iter()
        .map(|name| ((*name).to_owned(), told[*name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn a_hostile_note_moves_no_figure_and_brings_out_nothing_of_anybody_else() {
    let desk = Desk::joined(Options::default()).await;
    somebody_else(&desk);
    let plain = person(&desk, "Ada", "Manager", "We spoke about boats.");
    let expected = figures(&desk.ask("score-lead", &json!({ "personId": plain })).await.json());
    assert!(expected["score"].is_u64(), "{expected}");

    for (number, text) in texts().iter().enumerate() {
        let id = person(&desk, "Ada", text, text);
        desk.stack.ai.switch(|it| it.gullible = Obeys::ALL.to_vec());
        let score = desk.ask("score-lead", &json!({ "personId": id })).await;
        assert_eq!(figures(&score.json()), expected, "{text:?}");
        assert_harmless(&desk, &score, text);

        desk.stack.ai.switch(|it| it.gullible = Vec::new());
        let body = json!({ "personId": id, "provider": provider(number) });
        let summary = desk.ask("summarize-text", &body).await;
        assert_eq!((summary.status, &summary.json()["injectionSuspected"]), (200, &json!(true)), "{text:?}");
        assert_harmless(&desk, &summary, text);
        let request = desk.stack.ai.requests().pop().unwrap();
        assert_wrapped(&request);
        assert!(OTHERS.iter().all(|it| !request.body.to_string().contains(it)));
        assert_eq!(desk.stack.ai.violations(), Vec::<String>::new());
        desk.stack.ai.forget();
        desk.stack.advance(std::time::Duration::from_mins(10));
    }
}

/// What the model that obeys said, in each way, and what became of it.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    refused: usize,
}

#[tokio::test]
async fn a_model_that_obeys_a_hostile_letter_gets_nothing_past_us() {
    let desk = Desk::open().await;
    let mut tally = Tally::default();
    for (number, text) in texts().iter().enumerate() {
        for turn in [0, 2, 4] {
            let trick = Obeys::ALL[(number + turn) % Obeys::ALL.len()];
            desk.stack.ai.forget();
            desk.stack.ai.switch(|it| it.gullible = vec![trick]);
            let operation = ["summarize-text", "analyze-sentiment", "generate-text"][(number + turn) % 3];
            // Each is work of its own; what a cache gave would show nothing.
            let text = &format!("{text} ({turn})");
            let body = json!({ "text": text, "instruction": "Answer kindly.", "provider": provider(number) });

            let answer = desk.ask(operation, &body).await;

            match answer.status {
                200 => tally.answered += 1,
                422 => tally.refused += 1,
                other => panic!("{other}, {trick:?}, {text:?}: {}", answer.json()),
            }
            if matches!(trick, Obeys::Markers | Obeys::Prompt | Obeys::Keys) {
                assert_eq!(answer.status, 422, "{trick:?}, {text:?}: {}", answer.json());
                let calls = desk.calls(Provider::OpenAi) + desk.calls(Provider::Anthropic);
                assert_eq!(calls, 2, "{trick:?}: it is asked once more");
            }
            assert_harmless(&desk, &answer, text);
        }
        desk.stack.advance(std::time::Duration::from_hours(1));
    }
    assert!(tally.answered + tally.refused > 250 && tally.refused > 100, "{tally:?}");
    canary::assert_no_secret_seen(&desk.stack, &[]);
}

#[tokio::test]
async fn a_model_that_obeys_a_hostile_note_in_a_draft_gets_nothing_past_us() {
    let desk = Desk::joined(Options::default()).await;
    somebody_else(&desk);
    for (number, text) in texts().iter().enumerate() {
        let trick = Obeys::ALL[number % Obeys::ALL.len()];
        let id = person(&desk, "Ada", "Manager", text);
        desk.stack.ai.switch(|it| it.gullible = vec![trick]);

        let body = json!({ "personId": id, "instruction": "Ask how the course goes." });
        let answer = desk.ask("draft-email", &body).await;

        assert!([200, 422].contains(&answer.status), "{trick:?}, {text:?}: {}", answer.json());
        // The person has no address, so its placeholder stays.
        let mut answer = answer;
        answer.body = String::from_utf8_lossy(&answer.body).replace("{{email}}", "").into_bytes();
        assert_harmless(&desk, &answer, text);
        desk.stack.advance(std::time::Duration::from_mins(10));
    }
}

#[tokio::test]
async fn a_model_that_words_a_score_with_figures_of_its_own_is_not_believed() {
    let desk = Desk::joined(Options::default()).await;
    let id = person(&desk, "Ada", "Manager", "We spoke about boats.");
    let expected = figures(&desk.ask("score-lead", &json!({ "personId": id })).await.json());
    let said = |summary: &str, reasons: Value| {
        json!({ "summary": summary, "reasons": reasons, "next_action": "Call.", "injection_suspected": false }).to_string()
    };
    let lies = [
        said("The score is 97.", json!([])),
        said("The score is ٩٧.", json!([])),
        said("Worth 1,000,000 dollars.", json!([])),
        said("Good.", json!([{ "factor": "meeting", "effect": "raises", "explanation": "They met." }])),
        said("Good.", json!([{ "factor": "job_title", "effect": "lowers", "explanation": "A title." }])),
        said("Good.", json!([{ "factor": "job_title", "effect": "raises", "explanation": "98765 titles." }])),
    ];

    for (number, lie) in lies.into_iter().enumerate() {
        desk.stack.ai.forget();
        desk.stack.ai.script(Outcome::Text(lie.clone()));
        desk.stack.ai.script(Outcome::Text(lie.clone()));

        let answer = desk.ask("score-lead", &json!({ "personId": id, "maxTokens": 400 + number })).await;

        let told = answer.json();
        assert_eq!((answer.status, &told["wordedBy"]), (200, &json!("TEMPLATE")), "{lie}: {told}");
        assert_eq!(figures(&told), expected, "{lie}");
        assert_eq!(desk.calls(Provider::OpenAi), 2, "{lie}: it is asked once more");
    }
}

#[tokio::test]
async fn a_refusal_to_word_a_score_leaves_its_figures() {
    let desk = Desk::joined(Options::default()).await;
    let id = person(&desk, "Ada", "Manager", "We spoke about boats.");
    let expected = figures(&desk.ask("score-lead", &json!({ "personId": id })).await.json());
    desk.stack.ai.script(Outcome::Refusal);

    let told = desk.ask("score-lead", &json!({ "personId": id, "tone": "formal" })).await.json();

    assert_eq!(
        (told["state"].as_str(), told["wordedBy"].as_str()),
        (Some("ANSWERED"), Some("TEMPLATE")),
        "{told}"
    );
    assert_eq!(figures(&told), expected);
    assert_eq!(told["warnings"], "The model refused to word this score.");
}
