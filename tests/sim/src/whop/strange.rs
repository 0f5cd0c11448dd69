//! The future, today: fields nobody has heard of and enum values nobody has listed. The same record is
//! always strange in the same way, so that reading it twice shows no change.

use serde_json::{Value, json};

use super::ids::hash;

/// The fields whose values may become something new.
const ENUMS: &[&str] = &[
    "status",
    "substatus",
    "most_recent_action",
    "billing_reason",
    "cancel_option",
    "collection_method",
    "access_level",
    "visibility",
    "reason",
    "payment_method_type",
    "release_method",
];

/// Adds unknown fields everywhere and changes one enum value in eight.
pub(super) fn season(value: &mut Value) {
    let seed = value["id"].as_str().unwrap_or_default().to_owned();
    season_within(value, &seed);
}

fn season_within(value: &mut Value, seed: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| {
            let own = item["id"].as_str().unwrap_or(seed).to_owned();
            season_within(item, &own);
        }),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                let chance = hash(&format!("{seed} {name}"));
                if field.is_string() && ENUMS.contains(&name.as_str()) && chance.is_multiple_of(8) {
                    *field = json!(format!("future_{name}_{}", chance % 97));
                } else if name != "metadata" {
                    season_within(field, seed);
                }
            }
            let odd = [json!(null), json!({"deeply": ["new"]}), json!(17), json!("new"), json!([])];
            let chance = hash(seed);
            let kind = (chance % odd.len() as u64) as usize;
            fields.insert(format!("x_future_{}", chance % 13), odd[kind].clone());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
