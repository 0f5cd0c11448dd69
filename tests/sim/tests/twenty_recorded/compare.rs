//! Whether two bodies are of one shape: same keys, same JSON types, and the same words in a refusal.

use serde_json::Value;

/// Keys whose text must be equal, apart from ids and generated names.
const WORDS: [&str; 7] =
    ["message", "messages", "error", "code", "subCode", "userFriendlyMessage", "error_description"];

/// Places that are known to differ, with the reason beside each.
const KNOWN: [&str; 5] = [
    // The recorded server's default workflow set it at its own time.
    ".companyId",
    // Null for records that the server made by itself; here everything is made by somebody.
    ".context",
    // Timeline activities are not written.
    ".data.person.timelineActivities",
    // The words around one refusal name an index that is not kept under a name here.
    ".errors.index[].errors",
    ".extensions.errors.index[].errors",
];

/// Every difference, as a line each.
pub(super) fn compare(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", expected, actual, false, &mut found);
    found
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn walk(path: &str, expected: &Value, actual: &Value, words: bool, found: &mut Vec<String>) {
    if KNOWN.iter().any(|known| path.ends_with(known)) {
        return;
    }
    match (expected, actual) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().filter(|key| !b.contains_key(*key)) {
                found.push(format!("{path}.{key} is missing"));
            }
            for key in b.keys().filter(|key| !a.contains_key(*key)) {
                found.push(format!("{path}.{key} is too much"));
            }
            for (key, a) in a {
                let Some(b) = b.get(key) else { continue };
                walk(&format!("{path}.{key}"), a, b, words || WORDS.contains(&key.as_str()), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            // A shortened recording says so in an element of its own.
            let a: Vec<&Value> = a.iter().filter(|element| element.get("...").is_none()).collect();
            if a.is_empty() != b.is_empty() {
                found.push(format!("{path} has {} elements instead of {}", b.len(), a.len()));
            }
            // Lists of metadata were shortened to a few; those few are compared with their namesakes.
            let name = |value: &&Value| {
                value.get("universalIdentifier").and(value.get("nameSingular").or(value.get("name"))).cloned()
            };
            let names: Vec<Value> = a.iter().filter_map(name).collect();
            for missing in
                names.iter().filter(|wanted| !b.iter().any(|other| name(&other).as_ref() == Some(wanted)))
            {
                found.push(format!("{path} has no {missing}"));
            }
            for element in b
                .iter()
                .filter(|element| names.is_empty() || name(element).is_none_or(|name| names.contains(&name)))
            {
                let best = a.iter().map(|expected| {
                    let mut found = Vec::new();
                    walk(&format!("{path}[]"), expected, element, words, &mut found);
                    found
                });
                found.extend(best.min_by_key(Vec::len).unwrap_or_default());
            }
        }
        (Value::String(a), Value::String(b)) if words && plain(a) != plain(b) => {
            found.push(format!("{path} says {b:?} instead of {a:?}"));
        }
        (a, b) if kind(a) != kind(b) => found.push(format!("{path} is {} instead of {}", kind(b), kind(a))),
        _ => {}
    }
}

/// The text without ids and without the names of constraints.
fn plain(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let id = bare.len() == 36 && bare.matches('-').count() == 4;
        if id || bare.starts_with("FK_") || bare.starts_with("IDX_") { "*" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}
