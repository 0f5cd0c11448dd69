//! Webhooks on their way: who hears what, when an attempt is made again, when a receiver is given up.
//! The three providers differ in all of it; what they say is made elsewhere.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::Value;

use super::life::{DAY, MINUTE};
use super::{Provider, Switches};

/// Dropbox Sign's published waits before its six retries.
const DROPBOX_SIGN_MINUTES: [i64; 6] = [5, 15, 45, 135, 405, 1_215];
/// Dropbox Sign forgets the address after so many failures in a row.
const DROPBOX_SIGN_FAILURES: u32 = 10;
/// DocuSign tries a failed message again once a day.
const DOCUSIGN_RETRIES: usize = 10;
/// PandaDoc gives a receiver up that has been failing for so long.
const PANDADOC_FAILING_MS: i64 = 7 * DAY;
/// What Dropbox Sign wants to read in an answer.
pub const HELLO: &str = "Hello API Event Received";

/// A delivery as it would be posted, for a test to send when and as often as it likes.
#[derive(Clone, Debug)]
pub struct SignedDelivery {
    /// Whose it is.
    pub provider: Provider,
    /// Where the receiver wants it; PandaDoc's signature is part of it.
    pub url: String,
    /// Type of the body, signatures and names.
    pub headers: Vec<(String, String)>,
    /// The exact bytes that were signed, or that hold what was signed.
    pub body: Bytes,
    /// Such as `envelope-completed`; several joined by `+` when one delivery tells several.
    pub event: String,
    /// The provider's id of the contract.
    pub contract: String,
}

/// Somebody who wants to be told.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) provider: Provider,
    pub(super) id: String,
    pub(super) url: String,
    pub(super) active: bool,
    pub(super) deleted: bool,
    /// Nothing named means everything.
    pub(super) events: Vec<String>,
    /// What is told with an event: `recipients`, `custom_fields`, `metadata`.
    pub(super) include: Vec<String>,
    pub(super) key: String,
    pub(super) signed: bool,
    pub(super) acknowledged: bool,
    /// The body that made it, as the provider shows it again.
    pub(super) shown: Value,
    pub(super) failures: u32,
    pub(super) failing_since: Option<i64>,
    /// DocuSign only: the message at the head of the queue has failed, the others wait behind it.
    pub(super) down: bool,
}

impl Hook {
    pub(super) fn new(provider: Provider, id: String, url: &str) -> Self {
        Self {
            provider,
            id,
            url: url.to_owned(),
            active: true,
            deleted: false,
            events: Vec::new(),
            include: Vec::new(),
            key: String::new(),
            signed: true,
            acknowledged: true,
            shown: Value::Null,
            failures: 0,
            failing_since: None,
            down: false,
        }
    }

    pub(super) fn hears(&self, event: &str) -> bool {
        let named = self.events.is_empty() || self.events.iter().any(|it| it == event);
        self.active && !self.deleted && !self.url.is_empty() && named
    }
}

/// One event for one receiver.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) number: usize,
    pub(super) provider: Provider,
    pub(super) hook: usize,
    pub(super) contract: String,
    pub(super) event: String,
    pub(super) payload: Value,
    pub(super) made_at: i64,
    pub(super) failed: usize,
    pub(super) due: i64,
}

/// What came of one attempt; status 0 when there was no answer.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) message: Message,
    pub(super) sent_at: i64,
    pub(super) status: u16,
    pub(super) body: String,
}

#[derive(Debug, Default)]
pub(super) struct Post {
    pub(super) hooks: Vec<Hook>,
    pub(super) pending: VecDeque<Message>,
    pub(super) collected: Vec<Message>,
    pub(super) attempts: Vec<Attempt>,
    /// Messages that were given up.
    pub(super) failures: Vec<Message>,
    pub(super) mails: Vec<String>,
    made: usize,
}

/// Where deliveries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// To the receiver, with the provider's retries.
    Send,
    /// Into a basket that a test empties with `take_deliveries`, to lose, repeat or reorder what is in it.
    Collect,
    /// Nowhere: lost without a trace.
    Lose,
}

impl Post {
    pub(super) fn hook_by_id(&self, provider: Provider, id: &str) -> Option<usize> {
        self.hooks.iter().position(|hook| hook.provider == provider && hook.id == id && !hook.deleted)
    }

    pub(super) fn add(&mut self, hook: Hook) -> usize {
        self.hooks.push(hook);
        self.hooks.len() - 1
    }

    /// Puts a message on its way.
    pub(super) fn tell(
        &mut self,
        delivery: Delivery,
        hook: usize,
        (contract, event): (&str, &str),
        payload: Value,
        now: i64,
    ) {
        self.made += 1;
        let message = Message {
            number: self.made,
            provider: self.hooks[hook].provider,
            hook,
            contract: contract.to_owned(),
            event: event.to_owned(),
            payload,
            made_at: now,
            failed: 0,
            due: now,
        };
        match delivery {
            Delivery::Send => self.pending.push_back(message),
            Delivery::Collect => self.collected.push(message),
            Delivery::Lose => {}
        }
    }

    /// Removes the first message that is due.
    pub(super) fn next_due(&mut self, now: i64) -> Option<Message> {
        let mut blocked = Vec::new();
        let mut found = None;
        for (row, message) in self.pending.iter().enumerate() {
            if blocked.contains(&message.hook) {
                continue;
            }
            if message.due <= now {
                found = Some(row);
                break;
            }
            if self.hooks[message.hook].down {
                blocked.push(message.hook);
            }
        }
        self.pending.remove(found?)
    }

    /// Writes the log, and decides about a retry and about the receiver's future.
    pub(super) fn note(
        &mut self,
        switches: &Switches,
        now: i64,
        message: Message,
        (status, body): (u16, String),
    ) {
        let provider = message.provider;
        let good =
            (200..300).contains(&status) && (provider != Provider::DropboxSign || body.contains(HELLO));
        let hook = &mut self.hooks[message.hook];
        let log = Attempt { message: message.clone(), sent_at: now, status, body };
        self.attempts.push(log);
        if good {
            hook.failures = 0;
            hook.failing_since = None;
            hook.down = false;
            return;
        }
        hook.failures += 1;
        let failing_for = now - *hook.failing_since.get_or_insert(now);
        let wait = match provider {
            Provider::Docusign => (hook.acknowledged && message.failed < DOCUSIGN_RETRIES).then_some(DAY),
            Provider::DropboxSign => DROPBOX_SIGN_MINUTES.get(message.failed).map(|minutes| minutes * MINUTE),
            Provider::Pandadoc => switches.pandadoc_retry_ms.get(message.failed).copied(),
        };
        hook.down = provider == Provider::Docusign && wait.is_some();
        let over = match provider {
            Provider::Docusign => false,
            Provider::DropboxSign => hook.failures >= DROPBOX_SIGN_FAILURES,
            Provider::Pandadoc => status == 410 || failing_for >= PANDADOC_FAILING_MS,
        };
        if over {
            hook.active = false;
            if provider == Provider::DropboxSign {
                hook.url.clear();
            }
            self.mails.push(format!("{provider:?}: the webhook {} was switched off", hook.id));
            let dead = message.hook;
            self.pending.retain(|waiting| waiting.hook != dead);
        }
        match wait.filter(|_| !over) {
            Some(wait) => {
                let again = Message { failed: message.failed + 1, due: now + wait, ..message };
                // The head of DocuSign's queue stays the head.
                if provider == Provider::Docusign {
                    self.pending.push_front(again);
                } else {
                    self.pending.push_back(again);
                }
            }
            None => self.failures.push(message),
        }
    }
}
