//! From a model's text to our types.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::clean::{clean, has_key, is_hidden};
use super::{
    Checks, Defect, EmailDraft, FreeText, Mood, Operation, Reason, ScoreExplanation, Sentiment, Summary,
    WordedBy, Words,
};
use crate::domain::insight::score::Direction;

#[derive(Deserialize)]
struct TextSaid {
    text: String,
    injection_suspected: bool,
}

#[derive(Deserialize)]
struct SentimentSaid {
    rationale: String,
    label: Mood,
    score: f64,
    confidence: f64,
    injection_suspected: bool,
}

#[derive(Deserialize)]
struct ScoreSaid {
    summary: String,
    reasons: Vec<ReasonSaid>,
    next_action: String,
    injection_suspected: bool,
}

#[derive(Deserialize)]
struct ReasonSaid {
    factor: String,
    effect: Direction,
    explanation: String,
}

#[derive(Deserialize)]
struct EmailSaid {
    subject: String,
    body_text: String,
    #[serde(rename = "placeholders_used")]
    _placeholders_used: Vec<String>,
    injection_suspected: bool,
}

#[derive(Deserialize)]
struct SummarySaid {
    summary: String,
    key_points: Vec<String>,
    open_questions: Vec<String>,
    injection_suspected: bool,
}

pub(super) fn read(operation: Operation, text: &str, checks: &Checks<'_>) -> Result<(Words, u32), Defect> {
    let mut cleaner = Cleaner { checks, removed: 0 };
    let words = match operation {
        Operation::GenerateText => free_text(&json(text)?, &mut cleaner).map(Words::Text),
        Operation::AnalyzeSentiment => sentiment(&json(text)?, &mut cleaner).map(Words::Sentiment),
        Operation::ScoreLead => explanation(&json(text)?, &mut cleaner).map(Words::Score),
        Operation::DraftEmail => email(&json(text)?, &mut cleaner).map(Words::Email),
        Operation::SummarizeText => summary(&json(text)?, &mut cleaner).map(Words::Summary),
    }?;
    Ok((words, cleaner.removed))
}

/// The JSON in a text. Servers that do not enforce a schema like to put a fence around it.
fn json<T: DeserializeOwned>(text: &str) -> Result<T, Defect> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Defect::Empty);
    }
    let fenced = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    let text = fenced.map_or(text, |inside| inside.trim_end_matches('`').trim());
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => Defect::CutJson,
        serde_json::error::Category::Data => Defect::WrongShape,
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => Defect::NotJson,
    })
}

/// Cleans one text after the other and counts what it took out.
struct Cleaner<'a> {
    checks: &'a Checks<'a>,
    removed: u32,
}

impl Cleaner<'_> {
    /// A text without what must not be in it, cut at `cap` characters.
    fn text(&mut self, raw: &str, cap: usize) -> Result<String, Defect> {
        self.refuse_leaks(raw)?;
        let cleaned = clean(raw, self.checks.domains);
        self.removed += cleaned.removed;
        self.refuse_leaks(&cleaned.text)?;
        Ok(cut(&cleaned.text, cap))
    }

    /// The same, but it must say something.
    fn words(&mut self, raw: &str, cap: usize) -> Result<String, Defect> {
        let text = self.text(raw, cap)?;
        if text.is_empty() { Err(Defect::Empty) } else { Ok(text) }
    }

    /// The same for a list; empty lines are left out.
    fn list(&mut self, raw: &[String], count: usize, cap: usize) -> Result<Vec<String>, Defect> {
        let mut lines = Vec::new();
        for line in raw.iter().take(count) {
            lines.push(self.text(line, cap)?);
        }
        lines.retain(|line| !line.is_empty());
        Ok(lines)
    }

    fn refuse_leaks(&self, text: &str) -> Result<(), Defect> {
        let visible: String = text.chars().filter(|c| !is_hidden(*c)).collect::<String>().to_lowercase();
        if visible.contains(&self.checks.marker.to_lowercase())
            || visible.contains("<data-")
            || visible.contains("</data-")
        {
            return Err(Defect::MarkerLeaked);
        }
        if has_key(text) {
            return Err(Defect::KeyLeaked);
        }
        // Sentence by sentence: whoever gives the rules away may not give all of them away.
        let told = self.checks.instructions.lines().flat_map(|line| line.split(". "));
        let told = told.map(|sentence| sentence.trim_start_matches("- ").trim());
        let mut told = told.filter(|sentence| sentence.len() >= 32);
        if told.any(|sentence| visible.contains(&sentence.to_lowercase())) {
            return Err(Defect::InstructionsLeaked);
        }
        Ok(())
    }
}

/// At most so many characters, the last of them an ellipsis if something is missing.
fn cut(text: &str, cap: usize) -> String {
    if text.chars().count() <= cap {
        return text.to_owned();
    }
    let kept: String = text.chars().take(cap.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn free_text(said: &TextSaid, cleaner: &mut Cleaner<'_>) -> Result<FreeText, Defect> {
    Ok(FreeText { text: cleaner.words(&said.text, 6_000)?, injection_suspected: said.injection_suspected })
}

fn sentiment(said: &SentimentSaid, cleaner: &mut Cleaner<'_>) -> Result<Sentiment, Defect> {
    let SentimentSaid { label, score, confidence, injection_suspected, .. } = *said;
    if !(-1.0..=1.0).contains(&score) || !(0.0..=1.0).contains(&confidence) {
        return Err(Defect::OutOfRange);
    }
    let consistent = match label {
        Mood::Positive => score > 0.1,
        Mood::Negative => score < -0.1,
        Mood::Neutral | Mood::Mixed => true,
    };
    if !consistent {
        return Err(Defect::Inconsistent);
    }
    Ok(Sentiment {
        label,
        score,
        confidence,
        rationale: cleaner.text(&said.rationale, 200)?,
        injection_suspected,
    })
}

fn explanation(said: &ScoreSaid, cleaner: &mut Cleaner<'_>) -> Result<ScoreExplanation, Defect> {
    let mut reasons = Vec::new();
    for reason in said.reasons.iter().take(6) {
        reasons.push(self::reason(reason, cleaner)?);
    }
    let it = ScoreExplanation {
        summary: cleaner.words(&said.summary, 600)?,
        reasons,
        next_action: cleaner.text(&said.next_action, 300)?,
        injection_suspected: said.injection_suspected,
        worded_by: WordedBy::Model,
    };
    let texts = it.reasons.iter().map(|reason| &reason.explanation).chain([&it.summary, &it.next_action]);
    let numbers = cleaner.checks.numbers;
    if texts.into_iter().any(|text| numbers.is_some_and(|numbers| !numbers.cover(text))) {
        return Err(Defect::ForeignNumber);
    }
    Ok(it)
}

/// A model may only explain a factor that was sent, in the direction it has.
fn reason(said: &ReasonSaid, cleaner: &mut Cleaner<'_>) -> Result<Reason, Defect> {
    let sent = cleaner.checks.factors.iter().find(|factor| factor.key == said.factor);
    if sent.is_none_or(|factor| factor.direction != said.effect) {
        return Err(Defect::Inconsistent);
    }
    Ok(Reason {
        factor: said.factor.clone(),
        effect: said.effect,
        explanation: cleaner.words(&said.explanation, 300)?,
    })
}

fn email(said: &EmailSaid, cleaner: &mut Cleaner<'_>) -> Result<EmailDraft, Defect> {
    let subject = cleaner.words(&said.subject.replace(['\n', '\r'], " "), 150)?;
    let body = cleaner.words(&said.body_text, 5_000)?;
    let mut placeholders = Vec::new();
    for used in [&subject, &body].into_iter().flat_map(|text| placeholders_of(text)) {
        if !cleaner.checks.placeholders.contains(&used.as_str()) {
            return Err(Defect::UnknownPlaceholder);
        }
        placeholders.push(used);
    }
    placeholders.sort();
    placeholders.dedup();
    Ok(EmailDraft { subject, body, placeholders, injection_suspected: said.injection_suspected })
}

/// What stands between double braces.
fn placeholders_of(text: &str) -> Vec<String> {
    let parts = text.split("{{").skip(1);
    parts.map(|part| part.split_once("}}").map_or("", |(name, _)| name.trim()).to_owned()).collect()
}

fn summary(said: &SummarySaid, cleaner: &mut Cleaner<'_>) -> Result<Summary, Defect> {
    Ok(Summary {
        summary: cleaner.words(&said.summary, 1_500)?,
        key_points: cleaner.list(&said.key_points, 10, 300)?,
        open_questions: cleaner.list(&said.open_questions, 10, 300)?,
        injection_suspected: said.injection_suspected,
    })
}
