//! Text of a model, made harmless: no mark-up, no images, no links but to known domains, no hidden characters.
//!
//! What is found is taken out and counted; whether that spoils the answer is the caller's decision.

/// A text without what must not be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    pub text: String,
    /// Links, images and addresses that were taken out.
    pub removed: u32,
}

/// True for characters that steer what is seen without being seen: controls, directions, zero widths, tags.
pub fn is_hidden(c: char) -> bool {
    let plain = matches!(c, '\n' | '\t');
    (c.is_control() && !plain)
        || matches!(c, '\u{61C}' | '\u{AD}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Cleans a text. `domains` may be linked to, with their subdomains.
pub fn clean(text: &str, domains: &[String]) -> Cleaned {
    let visible: String = text.replace("\r\n", "\n").chars().filter(|c| !is_hidden(*c)).collect();
    let bare = without_tags(&visible);
    let (flat, images) = without_markdown_links(&bare);
    let (text, links) = without_links(&flat, domains);
    Cleaned { text: text.trim().to_owned(), removed: images + links }
}

/// Takes tags out until none is left: taking one out may put another together.
fn without_tags(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..8 {
        let next = without_tags_once(&text);
        if next == text {
            return text;
        }
        text = next;
    }
    text.replace(['<', '>'], "")
}

fn without_tags_once(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        kept.push_str(before);
        let opens = after.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        if !opens {
            kept.push('<');
            rest = after;
            continue;
        }
        rest = after_tag(after);
    }
    kept.push_str(rest);
    kept
}

/// What follows a tag; of scripts and styles, what follows their contents. A tag that does not end takes nothing
/// but its bracket with it.
fn after_tag(tag: &str) -> &str {
    let Some((inside, rest)) = tag.split_once('>') else {
        return tag;
    };
    let name: String =
        inside.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    if !matches!(name.as_str(), "script" | "style" | "iframe" | "object" | "svg") {
        return rest;
    }
    let end = format!("</{name}");
    match rest.to_ascii_lowercase().find(&end).and_then(|at| rest.get(at..)) {
        Some(closing) => closing.split_once('>').map_or("", |(_, rest)| rest),
        None => rest,
    }
}

/// `![alt](url)` becomes `alt`, `[text](url)` becomes `text (url)`, whose URL is judged like any other.
fn without_markdown_links(text: &str) -> (String, u32) {
    let (mut kept, mut rest, mut images) = (String::with_capacity(text.len()), text, 0);
    while let Some((before, after)) = rest.split_once('[') {
        let Some((label, url, tail)) = link(after) else {
            kept.push_str(before);
            kept.push('[');
            rest = after;
            continue;
        };
        if let Some(before) = before.strip_suffix('!') {
            images += 1;
            kept.extend([before, label]);
        } else {
            kept.extend([before, label, " (", url, ")"]);
        }
        rest = tail;
    }
    kept.push_str(rest);
    (kept, images)
}

/// `label](url)` at the beginning of a text: label, URL, what follows.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (label, after) = text.split_once("](")?;
    let (url, tail) = after.split_once(')')?;
    (!label.contains('\n') && !url.contains('\n')).then_some((label, url, tail))
}

fn without_links(text: &str, domains: &[String]) -> (String, u32) {
    let (mut kept, mut removed) = (String::with_capacity(text.len()), 0);
    let breaks = |c: char| {
        c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '"' | '\'' | '[' | ']' | '`' | '|' | '*')
    };
    for piece in text.split_inclusive(breaks) {
        let word = piece.trim_end_matches(breaks);
        let ending = piece.strip_prefix(word).unwrap_or_default();
        match target(word.trim_end_matches(['.', ',', ';', ':', '!', '?'])) {
            Some(domain) if !is_allowed(&domain, domains) => removed += 1,
            _ => kept.push_str(word),
        }
        kept.push_str(ending);
    }
    // What stood around a link that is gone.
    let kept = if removed > 0 { kept.replace("()", "") } else { kept };
    (kept, removed)
}

/// Where a word leads to, if it is a link or an address. An empty domain is one nobody may allow.
fn target(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    for scheme in ["javascript:", "data:", "vbscript:", "file:", "tel:", "sms:"] {
        if lower.starts_with(scheme) {
            return Some(String::new());
        }
    }
    if let Some((_, after)) = lower.split_once("://").or_else(|| lower.strip_prefix("//").map(|it| ("", it)))
    {
        return Some(host(after));
    }
    if let Some((_, domain)) = lower.rsplit_once('@') {
        return domain.contains('.').then(|| host(domain));
    }
    let host = host(&lower);
    let path = lower.len() > host.len();
    (host.starts_with("www.") || looks_like_domain(&host, path)).then_some(host)
}

/// The host of what follows a scheme: without user, port and path.
fn host(after: &str) -> String {
    let authority = after.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.split(':').next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// Endings that mail programs turn into links.
const LINKED: &[&str] = &[
    "com", "net", "org", "io", "co", "app", "dev", "me", "ly", "info", "biz", "xyz", "top", "site", "online",
    "shop", "link", "click", "to", "gg", "ru", "cn", "tk", "de", "fr", "uk", "eu", "us", "in", "ai",
    "example", "test",
];

fn looks_like_domain(host: &str, path: bool) -> bool {
    let label = |it: &str| !it.is_empty() && it.chars().all(|c| c.is_alphanumeric() || c == '-');
    let Some((name, ending)) = host.rsplit_once('.') else {
        return false;
    };
    let plausible =
        name.split('.').all(label) && ending.chars().all(char::is_alphabetic) && ending.len() >= 2;
    plausible && (path || LINKED.contains(&ending))
}

fn is_allowed(domain: &str, domains: &[String]) -> bool {
    domains.iter().any(|allowed| {
        domain == allowed || domain.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// True if a text holds something that looks like a key, a token or an internal id.
pub fn has_key(text: &str) -> bool {
    let begins = [
        "sk-",
        "sk_",
        "rk_",
        "pk_live",
        "whsec_",
        "xox",
        "ghp_",
        "gho_",
        "github_pat_",
        "AKIA",
        "ASIA",
        "eyJ",
        "AIza",
        "ya29.",
    ];
    let edges = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '='));
    text.contains("-----BEGIN ")
        || text.split(edges).any(|word| {
            let known = begins.iter().any(|it| word.starts_with(it)) && word.len() >= 16;
            known || (!word.contains("//") && word.split(['.', '/']).any(is_random))
        })
}

fn is_random(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    word.len() >= 28 && digits >= 4 && letters >= 4
}

#[cfg(test)]
mod tests;
