//! Takes what a record contained out of Twenty's messages. They quote the value they refuse, which may be a
//! name or an e-mail address; what stays is the rule that was broken and the field.

/// Longest reason we keep.
const LONGEST: usize = 300;
/// Where a value was.
const CUT: &str = "…";

/// The message without any value in it.
pub(super) fn without_values(message: &str) -> String {
    let steps = [refused_value, conflicting_values, tail, brackets, quotes, suspicious_words];
    let clean = steps.into_iter().fold(message.to_owned(), |text, step| step(&text));
    clean.chars().take(LONGEST).collect()
}

/// The field that a message about a value names: `… for date-time field "whopRenewsAt"`.
pub(super) fn named_field(message: &str) -> Option<String> {
    let (_, rest) = message.rsplit_once("field \"")?;
    let (name, _) = rest.split_once('"')?;
    is_name(name).then(|| name.to_owned())
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain)
}

/// `Invalid string value 'x' for email field "emails.primaryEmail"`: the value may itself hold quotes.
fn refused_value(message: &str) -> String {
    let cut = message
        .split_once(" value ")
        .filter(|(head, _)| head.starts_with("Invalid"))
        .and_then(|(head, rest)| Some((head, rest.rsplit_once(" for ")?.1)));
    cut.map_or_else(|| message.to_owned(), |(head, rule)| format!("{head} value {CUT} for {rule}"))
}

/// `Multiple records found with the same unique field values for emails (emails.primaryEmail: x); …`
fn conflicting_values(message: &str) -> String {
    const OPENING: &str = "Multiple records found with the same unique field values for ";
    let Some(list) = message.strip_prefix(OPENING) else {
        return message.to_owned();
    };
    let names = list.split("); ").filter_map(|pair| pair.split_once(" (").map(|(name, _)| name));
    let names: Vec<&str> = names.filter(|name| is_name(name)).collect();
    format!("{OPENING}{}", names.join(", "))
}

/// `Provided phone number is invalid x`, `found 0 for whopUserId = x`: everything that follows is the value.
fn tail(message: &str) -> String {
    let marks = [" is invalid ", " = ", "Invalid cursor: "];
    let cut =
        marks.iter().find_map(|mark| message.split_once(mark).map(|(head, _)| format!("{head}{mark}{CUT}")));
    cut.unwrap_or_else(|| message.to_owned())
}

/// `Key (email)=(x) already exists`, `(name: x)`.
fn brackets(message: &str) -> String {
    let cut = message.split_once('(').and_then(|(head, rest)| {
        let (inside, end) = rest.rsplit_once(')')?;
        inside.contains([':', '=']).then(|| format!("{head}({CUT}){end}"))
    });
    cut.unwrap_or_else(|| message.to_owned())
}

/// Words after which a quoted text is a name of the data model, not a value.
const NAMES_FOLLOW: [&str; 9] =
    ["field", "column", "relation", "table", "constraint", "any", "type", "object", "argument"];

/// Quoted texts, unless they name a part of the data model.
fn quotes(message: &str) -> String {
    let mut clean = String::with_capacity(message.len());
    let mut rest = message;
    while let Some((before, quote, after)) = next_quote(rest) {
        clean.push_str(before);
        let (inside, end) = closing(after, quote);
        let follows_noun = clean
            .split_whitespace()
            .next_back()
            .is_some_and(|word| NAMES_FOLLOW.contains(&word.to_ascii_lowercase().as_str()));
        if follows_noun && is_name(inside) {
            clean.extend([quote.to_string().as_str(), inside, quote.to_string().as_str()]);
        } else {
            clean.push_str(CUT);
        }
        rest = end;
    }
    clean.push_str(rest);
    clean
}

/// The next opening quote: one that does not stand inside a word, as in `doesn't`.
fn next_quote(text: &str) -> Option<(&str, char, &str)> {
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        if matches!(c, '\'' | '"') && !previous.is_alphanumeric() {
            let (before, quoted) = text.split_at_checked(at)?;
            return Some((before, c, quoted.strip_prefix(c)?));
        }
        previous = c;
    }
    None
}

/// What stands before the closing quote and after it. A quote that is never closed takes the rest.
fn closing(text: &str, quote: char) -> (&str, &str) {
    let ends = text.char_indices().filter(|(_, c)| *c == quote);
    for (at, _) in ends {
        let Some((inside, rest)) = text.split_at_checked(at) else {
            break;
        };
        let rest = rest.strip_prefix(quote).unwrap_or_default();
        if !rest.starts_with(char::is_alphanumeric) {
            return (inside, rest);
        }
    }
    (text, "")
}

/// Whatever still looks like an address or a number of a person.
fn suspicious_words(message: &str) -> String {
    let shown = message.split_whitespace().map(|word| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let is_constraint =
            word.starts_with("\"FK_") || word.starts_with("\"UQ_") || word.starts_with("\"IDX_");
        if word.contains('@') || (digits > 5 && !is_constraint) { CUT } else { word }
    });
    shown.collect::<Vec<_>>().join(" ")
}
