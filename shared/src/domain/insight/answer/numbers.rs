//! Numbers in texts, so that a model's figures can be compared with ours. They are compared as digits.

use std::collections::BTreeSet;

/// The numbers of a text, without regard to how they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(BTreeSet<String>);

impl Numbers {
    /// Every number in a text.
    pub fn of(text: &str) -> Self {
        Self(runs(text).iter().flat_map(|run| readings(run)).collect())
    }

    /// True if every number of a text is among these.
    pub fn cover(&self, text: &str) -> bool {
        // Digits of other scripts would be read by people, and not by us.
        let foreign = text.chars().any(|c| c.is_numeric() && !c.is_ascii_digit());
        !foreign && runs(text).iter().all(|run| readings(run).iter().any(|it| self.0.contains(it)))
    }
}

/// Runs of digits with the marks inside them.
fn runs(text: &str) -> Vec<String> {
    let mark = |c: char| matches!(c, '.' | ',');
    let pieces = text.split(|c: char| !(c.is_ascii_digit() || mark(c)));
    let trimmed = pieces.map(|piece| piece.trim_matches(mark));
    trimmed.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// What a run of digits and marks can mean: `1,200.50` is one number, `1,5` may be a fraction.
fn readings(run: &str) -> Vec<String> {
    let without = |mark| run.replace(mark, "");
    let mut found = vec![decimal(&without(',')), decimal(&without('.').replace(',', "."))];
    found.dedup();
    found
}

/// Without leading and trailing zeros. Several points make several numbers, which no reading of ours contains.
fn decimal(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}
