//! What a prompt holds: the data between its markers, the texts in the data, the placeholders it offers.

use serde_json::Value;

/// One text of the data and what the data calls it.
pub(super) struct Leaf {
    pub(super) key: String,
    pub(super) text: String,
}

/// A factor of a figure, as the data lists it.
pub(super) struct Factor {
    pub(super) key: String,
    pub(super) raises: bool,
    pub(super) evidence: Option<String>,
}

/// A prompt, read.
pub(super) struct Reading {
    pub(super) data: Value,
    pub(super) leaves: Vec<Leaf>,
    pub(super) placeholders: Vec<String>,
}

impl Reading {
    pub(super) fn of(instructions: &str, material: &str) -> Self {
        let inner = between_markers(material).unwrap_or(material).trim();
        let data =
            serde_json::from_str(inner).ok().filter(|value: &Value| value.is_object() || value.is_array());
        let data = data.unwrap_or_else(|| Value::String(inner.to_owned()));
        let mut leaves = Vec::new();
        collect("", &data, &mut leaves);
        let mut placeholders = Vec::new();
        for source in [instructions, material] {
            for name in placeholders_in(source) {
                if !placeholders.contains(&name) {
                    placeholders.push(name);
                }
            }
        }
        Self { data, leaves, placeholders }
    }

    /// Every text of the data, one a line.
    pub(super) fn text(&self) -> String {
        let texts: Vec<&str> = self.leaves.iter().map(|leaf| leaf.text.as_str()).collect();
        texts.join("\n")
    }

    /// The text the data calls by one of these names.
    pub(super) fn called(&self, names: &[&str]) -> Option<&str> {
        let found = names.iter().find_map(|name| self.leaves.iter().find(|leaf| leaf.key == *name));
        found.map(|leaf| leaf.text.as_str())
    }

    /// Sentences of the longer texts, in their order.
    pub(super) fn sentences(&self) -> Vec<String> {
        let long = self.leaves.iter().filter(|leaf| leaf.text.trim().contains(' '));
        long.flat_map(|leaf| sentences(&leaf.text)).collect()
    }

    /// The factors whose keys are among `keys`, in their order.
    pub(super) fn factors(&self, keys: &[&str]) -> Vec<Factor> {
        let mut factors: Vec<Factor> = Vec::new();
        find_factors(&self.data, keys, &mut factors);
        factors
    }
}

/// What stands between `<data-tag>` and `</data-tag>`.
fn between_markers(material: &str) -> Option<&str> {
    let (_, after) = material.split_once("<data-")?;
    let (tag, rest) = after.split_once('>')?;
    let end = rest.rfind(&format!("</data-{tag}>"))?;
    rest.get(..end)
}

fn collect(key: &str, value: &Value, leaves: &mut Vec<Leaf>) {
    match value {
        Value::String(text) => leaves.push(Leaf { key: key.to_lowercase(), text: text.clone() }),
        Value::Array(list) => list.iter().for_each(|item| collect(key, item, leaves)),
        Value::Object(object) => object.iter().for_each(|(key, item)| collect(key, item, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn placeholders_in(text: &str) -> Vec<String> {
    let pieces = text.split("{{").skip(1).filter_map(|piece| piece.split_once("}}"));
    let names = pieces.map(|(name, _)| name.trim().to_owned());
    names
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect()
}

/// A text cut at its full stops, marks and lines.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\n' {
            current.push(c);
        }
        let stops = matches!(c, '.' | '!' | '?') && chars.peek().is_none_or(|next| next.is_whitespace());
        if stops || matches!(c, '\n' | '。' | '！' | '？') {
            found.push(std::mem::take(&mut current));
        }
    }
    found.push(current);
    found.iter().map(|sentence| sentence.trim().to_owned()).filter(|sentence| !sentence.is_empty()).collect()
}

fn find_factors(value: &Value, keys: &[&str], found: &mut Vec<Factor>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| find_factors(item, keys, found)),
        Value::Object(object) => {
            let named = object.values().filter_map(Value::as_str).find(|text| keys.contains(text));
            if let Some(key) = named {
                push(key, value, found);
                return;
            }
            for (key, item) in object {
                if keys.contains(&key.as_str()) {
                    push(key, item, found);
                } else {
                    find_factors(item, keys, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn push(key: &str, value: &Value, found: &mut Vec<Factor>) {
    if found.iter().any(|factor| factor.key == key) {
        return;
    }
    let said = ["effect", "direction"].iter().find_map(|name| value[*name].as_str()).unwrap_or_default();
    let said = said.to_lowercase();
    let number = ["points", "log_odds", "share", "value", "amount"].iter().map(|name| &value[*name]);
    let number = number.chain([value]).find(|value| value.is_number() || value.is_string());
    let negative = number.is_some_and(|number| number.to_string().trim_matches('"').starts_with('-'));
    let raises = match () {
        () if ["rais", "up", "posit", "incr", "plus"].iter().any(|word| said.contains(word)) => true,
        () if ["low", "down", "neg", "decr", "minus"].iter().any(|word| said.contains(word)) => false,
        () => !negative,
    };
    let evidence = ["evidence", "explanation", "reason"].iter().find_map(|name| value[*name].as_str());
    found.push(Factor { key: key.to_owned(), raises, evidence: evidence.map(str::to_owned) });
}
