//! What the model repeats of a stranger's text: plain sentences, no orders, no addresses, no markup.

use super::hostile::suspicious;

/// The longest piece that is repeated, in characters.
const LONGEST: usize = 240;

/// The text without its tags, or nothing if it holds what should not be repeated.
pub(super) fn plain(text: &str) -> Option<String> {
    let text = untagged(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let lower = text.to_lowercase();
    let unfit = ["http", "www.", "://", "@", "{{", "data-", "sk-", "javascript", "<", ">", "[", "](", "`"];
    if text.is_empty() || unfit.iter().any(|mark| lower.contains(mark)) || suspicious(&text) {
        return None;
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        // A number cut in half would be another number.
        short.truncate(short.rfind(' ').unwrap_or(short.len()));
        short.push('…');
    }
    Some(short)
}

fn untagged(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        match after.split_once('>') {
            Some((_, behind)) => rest = behind,
            None => return kept,
        }
    }
    kept.push_str(rest);
    kept
}

/// A name that may follow a greeting: one short word of letters.
pub(super) fn first_name(name: &str) -> Option<String> {
    let first = name.split_whitespace().next()?;
    let fits = (1..=24).contains(&first.chars().count())
        && first.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\'');
    (fits && !suspicious(name)).then(|| first.to_owned())
}
