//! What a model is told: a static part first, which never holds a record, then the material between markers that
//! change with every request, then the task once more.
//!
//! Strangers write what the material says. It is data: escaped, capped, cut down to a list of allowed fields.

mod figures;
mod mask;
mod schema;
mod told;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::churn::ChurnRisk;
use super::clean::is_hidden;
use super::lead_score::LeadScore;
use super::operation::Operation;
use super::request::Wish;
use crate::domain::id::WorkspaceId;

pub use mask::mask;
pub use schema::Schema;

/// Characters of all material together.
const MOST: usize = 24_000;
/// Characters of a name.
const NAME: usize = 120;
/// Characters of a note.
const NOTE: usize = 2_000;
/// Characters of a thread.
const THREAD: usize = 8_000;

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cap {
    Text(usize),
    /// So many texts of so many characters.
    Texts(usize, usize),
    /// Figures of ours.
    Figures,
}

/// The fields that an operation's material may have. What is not listed never gets out.
fn allowed(operation: Operation) -> &'static [(&'static str, Cap)] {
    use Cap::{Figures, Text, Texts};
    match operation {
        Operation::GenerateText => &[
            ("wanted", Text(NOTE)),
            ("text", Text(THREAD)),
            ("name", Text(NAME)),
            ("product", Text(NAME)),
            ("notes", Texts(5, NOTE)),
        ],
        Operation::AnalyzeSentiment => &[("text", Text(THREAD)), ("notes", Texts(5, NOTE))],
        Operation::ScoreLead => &[("figures", Figures)],
        Operation::DraftEmail => &[
            ("wanted", Text(NOTE)),
            ("text", Text(THREAD)),
            ("name", Text(NAME)),
            ("job_title", Text(NAME)),
            ("product", Text(NAME)),
            ("membership", Text(NAME)),
            ("notes", Texts(5, NOTE)),
        ],
        Operation::SummarizeText => &[
            ("wanted", Text(NOTE)),
            ("text", Text(THREAD)),
            ("name", Text(NAME)),
            ("product", Text(NAME)),
            ("membership", Text(NAME)),
            ("notes", Texts(10, NOTE)),
        ],
    }
}

/// What to work on, cut down to what may leave us.
#[derive(Clone, Debug, PartialEq)]
pub struct Material {
    operation: Operation,
    fields: Map<String, Value>,
    left: usize,
    truncated: bool,
}

impl Material {
    /// No material yet.
    pub fn new(operation: Operation) -> Self {
        Self { operation, fields: Map::new(), left: MOST, truncated: false }
    }

    fn cap(&self, name: &str) -> Option<Cap> {
        allowed(self.operation).iter().find(|(field, _)| *field == name).map(|(_, cap)| *cap)
    }

    /// The same with a text, if the operation takes a field of this name.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: Option<&str>) -> Self {
        if let (Some(Cap::Text(cap)), Some(text)) = (self.cap(name), text) {
            let text = self.cut(text, cap);
            if !text.is_empty() {
                self.fields.insert(name.to_owned(), Value::String(text));
            }
        }
        self
    }

    /// The same with several texts.
    #[must_use]
    pub fn with_texts(mut self, name: &str, texts: &[String]) -> Self {
        if let Some(Cap::Texts(count, cap)) = self.cap(name) {
            self.truncated |= texts.len() > count;
            let kept: Vec<Value> = texts
                .iter()
                .take(count)
                .map(|text| self.cut(text, cap))
                .filter(|text| !text.is_empty())
                .map(Value::String)
                .collect();
            if !kept.is_empty() {
                self.fields.insert(name.to_owned(), Value::Array(kept));
            }
        }
        self
    }

    /// The same with scores.
    #[must_use]
    pub fn with_scores(mut self, lead: &LeadScore, churn: &ChurnRisk) -> Self {
        if self.cap("figures") == Some(Cap::Figures) {
            self.fields.insert("figures".to_owned(), figures::figures(lead, churn));
        }
        self
    }

    /// What it is for.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// True if there is nothing to work on.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// True if something did not fit.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    fn cut(&mut self, text: &str, cap: usize) -> String {
        let visible: String = text.chars().filter(|c| !is_hidden(*c)).collect();
        let text = mask(visible.trim());
        let room = cap.min(self.left);
        let kept: String = text.chars().take(room).collect();
        self.truncated |= kept.chars().count() < text.chars().count();
        self.left -= kept.chars().count();
        kept
    }

    /// As JSON, the same for the same material: fields in the order of their names.
    pub fn canonical(&self) -> String {
        let mut fields = self.fields.clone();
        if self.truncated {
            fields.insert("truncated".to_owned(), Value::Bool(true));
        }
        Value::Object(fields).to_string()
    }
}

/// A prompt, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// `sentiment@1`.
    pub version: &'static str,
    /// The static part, with language and tone.
    pub instructions: String,
    /// Material and task.
    pub message: String,
    /// The tag around the material, without brackets.
    pub marker: String,
    pub schema: Schema,
}

impl Prompt {
    /// A prompt. `random` must be unguessable and differ with every request; letters and digits only.
    pub fn new(material: &Material, wish: &Wish, random: &str) -> Self {
        let operation = material.operation;
        let marker = format!("data-{random}");
        // JSON escapes neither brackets nor letters, so a marker in the material is taken out, in any case.
        let data = escape_brackets(&without(&material.canonical(), &marker));
        let message = format!("<{marker}>\n{data}\n</{marker}>\n\n{}", told::task(operation));
        Self {
            version: told::version(operation),
            instructions: told::instructions(operation, wish),
            message,
            marker,
            schema: Schema::of(operation),
        }
    }

    /// Bytes that are sent, for estimates.
    pub fn bytes(&self) -> usize {
        self.instructions.len() + self.message.len() + self.schema.text.len()
    }
}

/// `<` as JSON escapes it, so that nothing in the material can look like the end of it.
fn escape_brackets(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e")
}

/// A text without a word, in whatever case it is written.
fn without(text: &str, word: &str) -> String {
    let mut kept = text.to_owned();
    while let Some(at) = kept.to_ascii_lowercase().find(&word.to_ascii_lowercase()) {
        kept.replace_range(at..at + word.len(), "");
    }
    kept
}

/// Whom we ask for, as providers want it against abuse: the same for the same caller, and nothing else.
pub fn opaque_user(workspace: WorkspaceId, caller: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(b"whop-twenty-bridge model user v1\0");
    digest.update(workspace.0.as_bytes());
    digest.update(caller.as_bytes());
    hex::encode(digest.finalize())
}

/// The name of identical work: the same operation, prompt, model and material for the same wishes.
pub fn work_key(material: &Material, wish: &Wish, model: &str) -> String {
    let operation = material.operation;
    let instructions = told::instructions(operation, wish);
    let limit = operation.limit_for(wish.max_output_tokens).to_string();
    let temperature = wish.temperature.map(|it| it.to_string()).unwrap_or_default();
    let canonical = material.canonical();
    let parts = [
        operation.name(),
        told::version(operation),
        model,
        &limit,
        &temperature,
        &instructions,
        Schema::of(operation).text,
        &canonical,
    ];
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests;
