//! Fills a schema: every value by the name of its field where the name says what it is for, else by its type.

use serde_json::{Map, Value, json};

use super::hostile::suspicious;
use super::reading::{Factor, Reading};
use super::safe::{first_name, plain};
use super::sentiment::{Mood, mood};

/// How many points, questions and reasons an answer lists.
const LISTED: usize = 4;

/// Knows the prompt and answers in any shape.
pub(super) struct Composer<'a> {
    reading: &'a Reading,
    root: Option<&'a Value>,
    hostile: bool,
    mood: Mood,
    sentences: Vec<String>,
    factors: Vec<Factor>,
}

/// A number of hundredths as JSON; 60 is 0.6.
fn hundredths(number: i64) -> Value {
    let sign = if number < 0 { "-" } else { "" };
    let (whole, rest) = (number.abs() / 100, number.abs() % 100);
    let text = format!("{sign}{whole}.{rest:02}");
    serde_json::from_str(&text).expect("a number as JSON writes it")
}

fn words(key: &str) -> String {
    key.replace(['_', '-', '.'], " ")
}

impl<'a> Composer<'a> {
    pub(super) fn new(reading: &'a Reading, root: Option<&'a Value>, hostile: bool) -> Self {
        let mut keys = Vec::new();
        if let Some(root) = root {
            enums(root, &mut keys);
        }
        let mut sentences: Vec<String> = Vec::new();
        for sentence in reading.sentences().iter().filter_map(|sentence| plain(sentence)) {
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        let friendly: Vec<String> = reading.leaves.iter().map(|leaf| leaf.text.clone()).collect();
        let friendly: Vec<String> = friendly.into_iter().filter(|text| !suspicious(text)).collect();
        let mood = mood(&friendly.join("\n"));
        Self { reading, root, hostile, mood, sentences, factors: reading.factors(&keys) }
    }

    /// An answer without a shape.
    pub(super) fn free_text(&self) -> String {
        if self.sentences.is_empty() {
            return "There is nothing here that I could work with.".to_owned();
        }
        self.sentences.iter().take(3).cloned().collect::<Vec<_>>().join(" ")
    }

    /// A value of this schema for a field of this name.
    pub(super) fn fill(&self, name: &str, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.choose(name, values);
        }
        if let Some(part) = ["anyOf", "allOf"].iter().find_map(|union| schema[*union].as_array()) {
            // A reference may lead back here; null, where it is allowed, ends that.
            let plain = part.iter().find(|part| part["type"] != "null" && part.get("$ref").is_none());
            let nothing = part.iter().find(|part| part["type"] == "null");
            let first = plain.or(nothing).or(part.first()).unwrap_or(&Value::Null);
            return self.fill(name, first);
        }
        match kind(schema) {
            "object" => self.object(schema),
            "array" => self.array(name, schema),
            "boolean" => json!(name.contains("injection") && self.hostile),
            "integer" => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
            "number" => self.number(name, schema),
            "null" => Value::Null,
            _ => Value::String(self.string(name)),
        }
    }

    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        let path = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        path.and_then(|path| self.root?.pointer(path)).unwrap_or(schema)
    }

    fn object(&self, schema: &Value) -> Value {
        let properties = schema["properties"].as_object().into_iter().flatten();
        let filled = properties.map(|(name, schema)| (name.clone(), self.fill(name, schema)));
        Value::Object(filled.collect())
    }

    fn choose(&self, name: &str, values: &[Value]) -> Value {
        let has = |wanted: &str| values.iter().find(|value| value.as_str() == Some(wanted));
        if let Some(label) = has(self.mood.label).filter(|_| name == "label" || name.contains("sentiment")) {
            return label.clone();
        }
        let said = self.reading.text().to_lowercase();
        let heard = values.iter().find(|value| value.as_str().is_some_and(|text| said.contains(text)));
        heard.or(values.first()).cloned().unwrap_or(Value::Null)
    }

    fn number(&self, name: &str, schema: &Value) -> Value {
        match name {
            "score" | "sentiment" => hundredths(self.mood.score),
            "confidence" => hundredths(self.mood.confidence),
            _ => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        }
    }

    fn array(&self, name: &str, schema: &Value) -> Value {
        let items = self.resolved(&schema["items"]);
        let mut list: Vec<Value> = match name {
            "placeholders_used" => self.placeholders().into_iter().map(Value::String).collect(),
            _ if kind(items) == "object" => self.reasons(items),
            _ if name.contains("question") => self.texts(|sentence| sentence.ends_with('?')),
            _ if kind(items) == "string" && items.get("enum").is_none() => {
                self.texts(|sentence| !sentence.ends_with('?'))
            }
            _ => Vec::new(),
        };
        if list.is_empty() && schema["minItems"].as_u64().unwrap_or(0) > 0 {
            list.push(self.fill(name, items));
        }
        Value::Array(list)
    }

    fn texts(&self, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let fitting = self.sentences.iter().filter(|sentence| wanted(sentence));
        fitting.take(LISTED).cloned().map(Value::String).collect()
    }

    /// One object for each factor that was sent.
    fn reasons(&self, items: &Value) -> Vec<Value> {
        self.factors.iter().take(LISTED).map(|factor| self.reason(factor, items)).collect()
    }

    fn reason(&self, factor: &Factor, items: &Value) -> Value {
        let mut reason = Map::new();
        for (name, schema) in items["properties"].as_object().into_iter().flatten() {
            let values = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
            let has = |wanted: &str| values.iter().any(|value| value.as_str() == Some(wanted));
            let effect = if factor.raises { "raises" } else { "lowers" };
            let value = match name.as_str() {
                _ if has(&factor.key) => json!(factor.key),
                _ if has(effect) => json!(effect),
                "explanation" | "reason" | "text" => json!(explanation(factor)),
                _ => self.fill(name, schema),
            };
            reason.insert(name.clone(), value);
        }
        Value::Object(reason)
    }

    fn string(&self, name: &str) -> String {
        match name {
            "rationale" => self.rationale(),
            "summary" if self.factors.is_empty() => self.free_text(),
            "summary" | "headline" => self.verdict(),
            "next_action" => self.next_action(),
            "subject" => self.subject(),
            "body_text" | "body" => self.letter(),
            _ => self.free_text(),
        }
    }

    fn rationale(&self) -> String {
        if self.mood.words.is_empty() {
            return "The text states facts and shows no feeling.".to_owned();
        }
        let words: Vec<String> = self.mood.words.iter().map(|word| format!("“{word}”")).collect();
        format!("The text sounds {} because of words such as {}.", self.mood.label, words.join(", "))
    }

    fn verdict(&self) -> String {
        let side = |raises: bool| {
            let named = self.factors.iter().filter(|factor| factor.raises == raises).take(2);
            named.map(|factor| words(&factor.key)).collect::<Vec<_>>().join(" and ")
        };
        match (side(true), side(false)) {
            (up, down) if down.is_empty() => format!("What raises the figure most is {up}."),
            (up, down) if up.is_empty() => format!("What lowers the figure most is {down}."),
            (up, down) => format!("What raises the figure most is {up}; {down} speaks against it."),
        }
    }

    fn next_action(&self) -> String {
        let keys: Vec<&str> = self.factors.iter().map(|factor| factor.key.as_str()).collect();
        let about = |parts: &[&str]| keys.iter().any(|key| parts.iter().any(|part| key.contains(part)));
        let advice = match () {
            () if about(&["dispute", "refund"]) => {
                "Have a person look at the refund or dispute before anything else."
            }
            () if about(&["payment", "past_due"]) => "Ask for a new payment method before the next renewal.",
            () if about(&["inactiv", "trend", "activity"]) => {
                "Write personally and offer help with getting started again."
            }
            () if about(&["trial", "checkout", "waitlist", "intent"]) => {
                "Offer a short call while the interest is fresh."
            }
            () => "Get in touch and ask what would help most now.",
        };
        advice.to_owned()
    }

    /// The placeholders a letter uses, in the order of their use.
    fn placeholders(&self) -> Vec<String> {
        let letter = self.letter();
        self.reading
            .placeholders
            .iter()
            .filter(|name| letter.contains(&format!("{{{{{name}}}}}")))
            .cloned()
            .collect()
    }

    fn subject(&self) -> String {
        let named = self.reading.called(&["product", "plan", "company", "community"]).and_then(plain);
        named.map_or_else(|| "A note about your membership".to_owned(), |name| format!("A note about {name}"))
    }

    fn letter(&self) -> String {
        let offered = |part: &str| self.reading.placeholders.iter().find(|name| name.contains(part));
        let name =
            offered("name").filter(|name| !name.contains("sender")).map(|name| format!("{{{{{name}}}}}"));
        let known = self.reading.called(&["first_name", "name", "full_name"]).and_then(first_name);
        let greeting = name.or(known).map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
        let topic = self.reading.called(&["purpose", "goal", "task", "topic", "instruction"]).and_then(plain);
        let topic = topic.map_or_else(
            || "I wanted to ask how things are going for you.".to_owned(),
            |topic| format!("I am writing about this: {topic}"),
        );
        let reach = offered("email").map_or_else(
            || "Just reply to this message, we read every answer.".to_owned(),
            |name| format!("We will answer to {{{{{name}}}}}."),
        );
        let sender = offered("sender").or_else(|| offered("team")).map(|name| format!("{{{{{name}}}}}"));
        let sender = sender.unwrap_or_else(|| "Your team".to_owned());
        format!("{greeting}\n\n{topic}\n\n{reach}\n\nKind regards\n{sender}")
    }
}

fn explanation(factor: &Factor) -> String {
    let given = factor.evidence.as_deref().and_then(plain);
    given.unwrap_or_else(|| {
        let effect = if factor.raises { "raises" } else { "lowers" };
        format!("This {effect} the figure: {}.", words(&factor.key))
    })
}

/// The type of a schema; of several the first that is not null.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

/// Every text that some enum of the schema allows.
fn enums<'v>(schema: &'v Value, found: &mut Vec<&'v str>) {
    match schema {
        Value::Object(object) => {
            let values = object.get("enum").and_then(Value::as_array).into_iter().flatten();
            let fixed = ["raises", "lowers", "positive", "neutral", "negative", "mixed"];
            found.extend(values.filter_map(Value::as_str).filter(|text| !fixed.contains(text)));
            object.values().for_each(|value| enums(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| enums(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
