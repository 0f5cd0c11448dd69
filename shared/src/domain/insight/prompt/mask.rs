//! Addresses and numbers of people in a text, replaced by placeholders before the text leaves us.

/// The same text without e-mail addresses, and without phone and card numbers.
pub fn mask(text: &str) -> String {
    without_numbers(&without_addresses(text))
}

fn without_addresses(text: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '@');
    let mut kept = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if part(c) {
            word.push(c);
            continue;
        }
        push_word(&mut kept, &word);
        word.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}

fn push_word(kept: &mut String, word: &str) {
    let trimmed = word.trim_end_matches(['.', '-']);
    let is_address = trimmed.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && domain.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
    });
    if is_address {
        kept.push_str("{{email}}");
        kept.push_str(word.strip_prefix(trimmed).unwrap_or_default());
    } else {
        kept.push_str(word);
    }
}

/// Digits of the shortest phone number we mask, and of the longest card number.
const DIGITS: std::ops::RangeInclusive<usize> = 9..=19;

fn without_numbers(text: &str) -> String {
    let joint = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{A0}');
    let mut kept = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        let goes_on = c.is_ascii_digit() || (c == '+' && run.is_empty()) || (!run.is_empty() && joint(c));
        if goes_on {
            run.push(c);
            continue;
        }
        push_run(&mut kept, &run);
        run.clear();
        kept.push(c);
    }
    kept.pop();
    kept
}

fn push_run(kept: &mut String, run: &str) {
    let number = run.trim_end_matches(|c: char| !c.is_ascii_digit());
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if DIGITS.contains(&digits) && !begins_with_date(number) {
        kept.push_str("{{phone}}");
        kept.push_str(run.strip_prefix(number).unwrap_or_default());
    } else {
        kept.push_str(run);
    }
}

/// `2026-11-23`: a date and a time have as many digits as a phone number.
fn begins_with_date(number: &str) -> bool {
    let mut parts = number.splitn(3, '-');
    let plain = |part: Option<&str>, len| {
        part.is_some_and(|it| it.len() == len && it.bytes().all(|b| b.is_ascii_digit()))
    };
    plain(parts.next(), 4)
        && plain(parts.next(), 2)
        && parts.next().is_some_and(|it| it.len() == 2 || it.as_bytes().get(2) == Some(&b' '))
}
