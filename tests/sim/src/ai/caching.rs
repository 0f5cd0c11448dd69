//! The prompt cache of both sides, and how tokens are counted: four bytes are one.

use super::asked::{Asked, Caching};

/// A shorter prefix is not worth caching, in tokens.
const WORTH: u64 = 1_024;
/// How many prompts are remembered; the oldest go first.
const REMEMBERED: usize = 200;
const MINUTE_MS: i64 = 60_000;

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

/// The input of one request by how it is billed; the three classes are disjoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Input {
    pub(super) fresh: u64,
    pub(super) read: u64,
    pub(super) written: u64,
}

struct Entry {
    place: String,
    text: String,
    expires_ms: i64,
}

/// What the providers remember of earlier prompts.
#[derive(Default)]
pub(super) struct Cache(Vec<Entry>);

impl Cache {
    /// Counts the input of a request and remembers what the request asks to be remembered.
    pub(super) fn bill(&mut self, asked: &Asked, now: i64) -> Input {
        self.0.retain(|entry| entry.expires_ms > now);
        let whole = tokens(&asked.prompt);
        let (read, written) = match &asked.caching {
            Caching::Off => (0, 0),
            Caching::Implicit { place, writes } => self.implicit(place, *writes, asked, now),
            Caching::Marked { place, prefix, ttl_ms } => self.marked(place, prefix, *ttl_ms, now),
        };
        Input { fresh: whole - read - written, read, written }
    }

    /// Whatever two prompts have in common, in steps of 128 tokens.
    fn implicit(&mut self, place: &str, writes: bool, asked: &Asked, now: i64) -> (u64, u64) {
        let here = self.0.iter().filter(|entry| entry.place == place);
        let common = here.map(|entry| common(&entry.text, &asked.prompt)).max().unwrap_or(0);
        let steps = |tokens: u64| if tokens >= WORTH { tokens / 128 * 128 } else { 0 };
        let read = steps(common / 4);
        let whole = steps(asked.prompt.len() as u64 / 4);
        self.remember(place, &asked.prompt, now + 30 * MINUTE_MS);
        (read, if writes { whole.saturating_sub(read) } else { 0 })
    }

    /// The prefix that ends at a mark, if the same was marked before.
    fn marked(&mut self, place: &str, prefix: &str, ttl_ms: i64, now: i64) -> (u64, u64) {
        let whole = prefix.len() as u64 / 4;
        if whole < WORTH {
            return (0, 0);
        }
        let known = self.0.iter().filter(|entry| entry.place == place && prefix.starts_with(&entry.text));
        let read = known.map(|entry| entry.text.len() as u64 / 4).max().unwrap_or(0);
        self.remember(place, prefix, now + ttl_ms);
        (read, whole - read)
    }

    fn remember(&mut self, place: &str, text: &str, expires_ms: i64) {
        self.0.retain(|entry| entry.place != place || entry.text != text);
        if self.0.len() >= REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(Entry { place: place.to_owned(), text: text.to_owned(), expires_ms });
    }
}

fn common(one: &str, other: &str) -> u64 {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count() as u64
}
