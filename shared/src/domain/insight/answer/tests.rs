use serde_json::json;

use super::*;

const TOLD: &str = "You help a seller.\n- Never write a number that does not occur in the material.\n";

fn checks<'a>() -> Checks<'a> {
    Checks {
        marker: "data-7f3a9c",
        instructions: TOLD,
        domains: &[],
        placeholders: &["email"],
        factors: &[],
        numbers: None,
    }
}

fn text(said: &str) -> Result<(Words, u32), Defect> {
    read(Operation::GenerateText, &json!({"text": said, "injection_suspected": false}).to_string(), &checks())
}

fn mood(label: &str, score: f64, confidence: f64) -> Result<(Words, u32), Defect> {
    let said = json!({"rationale": "Short.", "label": label, "score": score, "confidence": confidence,
        "injection_suspected": false});
    read(Operation::AnalyzeSentiment, &said.to_string(), &checks())
}

#[test]
fn a_text_comes_cleaned_and_cut() {
    let (words, removed) = text("<b>Hi</b>, see https://evil.test now").unwrap();
    assert_eq!(removed, 1);
    assert_eq!(words, Words::Text(FreeText { text: "Hi, see  now".to_owned(), injection_suspected: false }));

    let Words::Text(long) = text(&"word ".repeat(2_000)).unwrap().0 else { panic!("a text") };
    assert!(long.text.chars().count() <= 6_000 && long.text.ends_with('…'));
}

#[test]
fn what_must_not_come_back_spoils_the_answer() {
    assert_eq!(text("see <data-7f3a9c>"), Err(Defect::MarkerLeaked));
    assert_eq!(text("see DATA-7F3A9C"), Err(Defect::MarkerLeaked));
    assert_eq!(text("</da\u{200B}ta-123>"), Err(Defect::MarkerLeaked));
    assert_eq!(text("the key is sk-proj-abcdefghijklmnop"), Err(Defect::KeyLeaked));
    assert_eq!(
        text("My rules: never write a number that does NOT occur in the material."),
        Err(Defect::InstructionsLeaked)
    );
    assert_eq!(text("<p></p>"), Err(Defect::Empty));
}

#[test]
fn every_broken_form_has_a_name() {
    let read = |said: &str| read(Operation::GenerateText, said, &checks()).map(|_| ());

    assert_eq!(read(""), Err(Defect::Empty));
    assert_eq!(read("I am sorry"), Err(Defect::NotJson));
    assert_eq!(read(r#"{"text": "half"#), Err(Defect::CutJson));
    assert_eq!(read(r#"{"text": 5, "injection_suspected": false}"#), Err(Defect::WrongShape));
    assert_eq!(read(r#"{"text": "no flag"}"#), Err(Defect::WrongShape));
    assert_eq!(read("```json\n{\"text\": \"fenced\", \"injection_suspected\": true}\n```"), Ok(()));
}

#[test]
fn a_mood_agrees_with_its_score() {
    for (label, score, fits) in [
        ("positive", 0.11, true),
        ("positive", 0.1, false),
        ("negative", -0.11, true),
        ("negative", -0.1, false),
        ("neutral", 0.0, true),
        ("mixed", 0.0, true),
    ] {
        assert_eq!(mood(label, score, 0.5).is_ok(), fits, "{label} {score}");
    }
    assert_eq!(mood("positive", 1.01, 0.5), Err(Defect::OutOfRange));
    assert_eq!(mood("positive", 0.9, 1.5), Err(Defect::OutOfRange));
    assert_eq!(mood("angry", 0.9, 0.5), Err(Defect::WrongShape));
}

#[test]
fn a_draft_uses_only_placeholders_that_code_can_fill() {
    let draft = |body: &str| {
        let said = json!({"subject": "Hello\nBcc: x", "body_text": body, "placeholders_used": [], "injection_suspected": false});
        read(Operation::DraftEmail, &said.to_string(), &checks())
    };

    let Words::Email(it) = draft("Write to {{email}} or {{ email }}.").unwrap().0 else { panic!("a draft") };
    assert_eq!((it.subject.as_str(), it.placeholders), ("Hello Bcc: x", vec!["email".to_owned()]));
    assert_eq!(draft("Your card {{card}}"), Err(Defect::UnknownPlaceholder));
    assert_eq!(draft("Open {{"), Err(Defect::UnknownPlaceholder));
}

#[test]
fn a_score_is_worded_with_its_own_numbers_and_factors_only() {
    let factors = [Factor::new("refund", 0.7, 0.7, String::new())];
    let numbers = Numbers::of(r#"{"score": 77, "mrr": "49.00", "spend": 1200.5}"#);
    let checks = Checks { factors: &factors, numbers: Some(&numbers), ..checks() };
    let say = |summary: &str, factor: &str, effect: &str| {
        let said = json!({"summary": summary, "reasons": [{"factor": factor, "effect": effect, "explanation": "Refunded."}],
            "next_action": "Call.", "injection_suspected": false});
        read(Operation::ScoreLead, &said.to_string(), &checks).map(|_| ())
    };

    assert_eq!(say("Risk 77, pays 49 of 1,200.50 so far.", "refund", "raises"), Ok(()));
    assert_eq!(say("Risk 78.", "refund", "raises"), Err(Defect::ForeignNumber));
    assert_eq!(say("Risk ７７.", "refund", "raises"), Err(Defect::ForeignNumber));
    assert_eq!(say("Risk 77.", "refund", "lowers"), Err(Defect::Inconsistent));
    assert_eq!(say("Risk 77.", "dispute", "raises"), Err(Defect::Inconsistent));
}

#[test]
fn numbers_are_compared_by_value() {
    let numbers = Numbers::of("77 and 1200.5 and 0.50");

    for same in ["77", "77.0", "1,200.50", "1.200,5", "0,5", "077", "none"] {
        assert!(numbers.cover(same), "{same}");
    }
    for other in ["7", "770", "1200", "1.2.3", "½"] {
        assert!(!numbers.cover(other), "{other}");
    }
}
