//! Where each message of a queue is: receivable, behind others of its group, delayed or in flight.
//!
//! It keeps order and indexes, and knows neither rules nor time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::message::{Message, Place};

/// How many messages a queue holds, by where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Those that could be received, or would be once their group is free.
    pub visible: usize,
    pub in_flight: usize,
    pub delayed: usize,
}

/// The receivable messages of one group; a standard queue is a single line that never blocks.
#[derive(Debug, Default)]
struct Line {
    visible: BTreeSet<u64>,
    in_flight: usize,
}

/// The messages of one queue by their arrival.
#[derive(Debug)]
pub(super) struct Places {
    fifo: bool,
    messages: BTreeMap<u64, Message>,
    lines: BTreeMap<String, Line>,
    /// Everything invisible, soonest first.
    hidden: BTreeSet<(i64, u64)>,
}

impl Places {
    pub(super) fn new(fifo: bool) -> Self {
        Self { fifo, messages: BTreeMap::new(), lines: BTreeMap::new(), hidden: BTreeSet::new() }
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Message> {
        self.messages.get(&seq)
    }

    /// The message to be changed in anything but its place and its group.
    pub(super) fn get_mut(&mut self, seq: u64) -> &mut Message {
        self.messages.get_mut(&seq).expect("a message in the queue")
    }

    pub(super) fn oldest_first(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// What may be handed out, in order: no group of which anything is in flight, and one group after the other,
    /// the one with the oldest message first.
    pub(super) fn receivable(&self) -> impl Iterator<Item = (u64, &Message)> {
        let mut free: Vec<_> = self
            .lines
            .values()
            .filter(|line| !self.fifo || line.in_flight == 0)
            .filter_map(|line| line.visible.first().map(|first| (*first, line)))
            .collect();
        free.sort_unstable_by_key(|(first, _)| *first);
        free.into_iter().flat_map(|(_, line)| line.visible.iter()).map(|seq| (*seq, &self.messages[seq]))
    }

    /// A message that is invisible until `now` or an earlier moment.
    pub(super) fn due(&self, now: i64) -> Option<u64> {
        let (until, seq) = self.hidden.first()?;
        (*until <= now).then_some(*seq)
    }

    /// The message that arrived first, when it was sent at `moment` or before.
    pub(super) fn first_sent_by(&self, moment: i64) -> Option<u64> {
        let (seq, message) = self.messages.first_key_value()?;
        (message.sent_ms <= moment).then_some(*seq)
    }

    pub(super) fn depth(&self) -> Depth {
        let in_flight = self.lines.values().map(|line| line.in_flight).sum();
        Depth {
            visible: self.messages.len() - self.hidden.len(),
            in_flight,
            delayed: self.hidden.len() - in_flight,
        }
    }

    /// The earliest moment at which something that cannot be received now can be.
    pub(super) fn next_visible_at(&self) -> Option<i64> {
        let mut blocked_until: HashMap<&str, i64> = HashMap::new();
        let mut moments = Vec::new();
        for (until, seq) in self.hidden.iter().rev() {
            let message = &self.messages[seq];
            let blocks = self.fifo && matches!(message.place, Place::InFlight(_));
            let group = message.group.as_deref().unwrap_or_default();
            if blocks {
                // The soonest are looked at last, so what is there already is the latest of its group.
                blocked_until.entry(group).or_insert(*until);
            } else {
                moments.push((group, *until));
            }
        }
        let delayed = moments.iter().map(|(group, until)| {
            let blocked = if self.fifo { blocked_until.get(group) } else { None };
            blocked.map_or(*until, |blocked| *until.max(blocked))
        });
        delayed.chain(blocked_until.values().copied()).min()
    }

    pub(super) fn insert(&mut self, seq: u64, message: Message) {
        self.enter(seq, &message);
        self.messages.insert(seq, message);
    }

    pub(super) fn remove(&mut self, seq: u64) -> Message {
        let message = self.messages.remove(&seq).expect("a message in the queue");
        self.leave(seq, &message);
        message
    }

    pub(super) fn move_to(&mut self, seq: u64, place: Place) {
        let mut message = self.remove(seq);
        message.place = place;
        self.insert(seq, message);
    }

    fn enter(&mut self, seq: u64, message: &Message) {
        match message.place {
            Place::Visible => {
                self.line(message).visible.insert(seq);
            }
            Place::Delayed(until) => {
                self.hidden.insert((until, seq));
            }
            Place::InFlight(until) => {
                self.line(message).in_flight += 1;
                self.hidden.insert((until, seq));
            }
        }
    }

    fn leave(&mut self, seq: u64, message: &Message) {
        match message.place {
            Place::Visible => {
                self.line(message).visible.remove(&seq);
            }
            Place::Delayed(until) => {
                self.hidden.remove(&(until, seq));
            }
            Place::InFlight(until) => {
                self.line(message).in_flight -= 1;
                self.hidden.remove(&(until, seq));
            }
        }
        let line = self.line(message);
        if line.visible.is_empty() && line.in_flight == 0 {
            let name = self.line_of(message);
            self.lines.remove(&name);
        }
    }

    fn line(&mut self, message: &Message) -> &mut Line {
        let name = self.line_of(message);
        self.lines.entry(name).or_default()
    }

    fn line_of(&self, message: &Message) -> String {
        let group = message.group.clone().filter(|_| self.fifo);
        group.unwrap_or_default()
    }
}
