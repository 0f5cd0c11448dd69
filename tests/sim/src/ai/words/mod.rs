//! What the model says: sensible words, made from the request alone, in the shape that was asked for.

mod compose;
mod hostile;
mod reading;
mod safe;
mod sentiment;
mod trick;

pub use trick::Obeys;

use serde_json::Value;

use super::asked::Asked;
use compose::Composer;
use reading::Reading;

/// The text of an answer. With `gullible` the model obeys hostile text in these ways.
pub(super) fn answer(asked: &Asked, gullible: &[Obeys]) -> String {
    let reading = Reading::of(&asked.instructions, &asked.material);
    let hostile = hostile::suspicious(&reading.text());
    let composer = Composer::new(&reading, asked.schema.as_ref(), hostile);
    let mut value = match &asked.schema {
        Some(schema) => composer.fill("", schema),
        None => Value::String(composer.free_text()),
    };
    if hostile && !gullible.is_empty() {
        trick::obey(&mut value, &asked.instructions, &asked.material, gullible);
    }
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

/// A JSON text that no schema of ours describes.
pub(super) fn nonsense() -> String {
    r#"{"answer":42,"verdict":["certainly",null]}"#.to_owned()
}

/// The first part of a text, with certainty not valid JSON.
pub(super) fn half(text: &str) -> String {
    let chars = text.chars().count();
    text.chars().take((chars / 2).max(1)).collect()
}
