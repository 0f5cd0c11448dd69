//! Everything the three stand-ins know, under one lock: books, webhooks, switches, and what went wrong.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::book::{Book, Effect};
use super::hooks::{Delivery, Message, Post, SignedDelivery};
use super::life::{DAY, HOUR, Happened, MINUTE, SECOND, Stage};
use super::spec::{Fault, Miss, Operation, description};
use super::wire::{Asked, Reply};
use super::{Provider, docusign, dropbox_sign, pandadoc};

/// How the stand-ins behave where a provider leaves a choice, or where a test wants another world.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Where webhooks go.
    pub delivery: Delivery,
    /// How long an attempt to deliver a webhook may take, in real time.
    pub webhook_timeout: Duration,
    /// Every answer is held against the open description; one that does not fit is a violation.
    pub check_answers: bool,
    /// Replaces every rate limit by this many calls per window.
    pub rate_limit: Option<usize>,
    /// More bytes than this are no file for DocuSign and Dropbox Sign.
    pub max_file_bytes: usize,
    /// DocuSign and PandaDoc OAuth: the life of an access token.
    pub token_ms: i64,
    /// DocuSign: the user has agreed to be impersonated.
    pub consent: bool,
    /// DocuSign: a spent limit is answered with 400, as before mid-2026.
    pub limits_answer_400: bool,
    /// DocuSign: a second read of an envelope within 15 minutes is refused, not only noted.
    pub refuse_polling: bool,
    /// DocuSign: an unknown envelope is answered with 400 instead of 404.
    pub missing_answers_400: bool,
    /// DocuSign: a second envelope with the same `transactionId` is refused. Not published; the worse case is off.
    pub refuse_same_transaction: bool,
    /// Dropbox Sign: from the request to `signature_request_sent`.
    pub sending_ms: i64,
    /// Dropbox Sign: the files of new requests turn out to be broken.
    pub files_break: bool,
    /// Dropbox Sign: from the request to cancel to its effect.
    pub cancel_ms: i64,
    /// Dropbox Sign: what a cancelled request answers, 404 or 410.
    pub cancelled_answers: u16,
    /// Dropbox Sign: `Content-Sha256` wraps the raw digest instead of its hexadecimal text.
    pub content_sha256_raw: bool,
    /// Dropbox Sign: the account has a plan; without one only test mode is free.
    pub paid: bool,
    /// Dropbox Sign and PandaDoc: from the last signature to the file.
    pub files_ms: i64,
    /// PandaDoc: from `document.uploaded` to `document.draft`.
    pub draft_ms: i64,
    /// PandaDoc: new documents cannot be made.
    pub draft_fails: bool,
    /// PandaDoc: sending needs somebody's approval first.
    pub approval: bool,
    /// PandaDoc: the waits before its retries, which are not published.
    pub pandadoc_retry_ms: Vec<i64>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            delivery: Delivery::Send,
            webhook_timeout: Duration::from_secs(20),
            check_answers: false,
            rate_limit: None,
            max_file_bytes: 25 * 1024 * 1024,
            token_ms: HOUR,
            consent: true,
            limits_answer_400: false,
            refuse_polling: false,
            missing_answers_400: false,
            refuse_same_transaction: false,
            sending_ms: SECOND,
            files_break: false,
            cancel_ms: 5 * SECOND,
            cancelled_answers: 404,
            content_sha256_raw: false,
            paid: true,
            files_ms: 30 * SECOND,
            draft_ms: 4 * SECOND,
            draft_fails: false,
            approval: false,
            pandadoc_retry_ms: vec![
                MINUTE,
                5 * MINUTE,
                30 * MINUTE,
                2 * HOUR,
                6 * HOUR,
                12 * HOUR,
                DAY,
                2 * DAY,
                4 * DAY,
            ],
        }
    }
}

/// A request that the provider's description does not allow, or an answer that does not fit it.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Whose description.
    pub provider: Provider,
    /// `POST /v3/signature_request/send`.
    pub call: String,
    /// What and where.
    pub faults: Vec<String>,
}

/// What the description says to a call.
pub(super) enum Judged {
    Fine(&'static Operation, Vec<String>),
    Unknown(Miss),
    Faulty(Vec<Fault>),
}

/// How much of a limit is left after a call, and when it is whole again; or that it is spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    pub(super) limit: usize,
    pub(super) remaining: usize,
    pub(super) reset_at: i64,
    pub(super) spent: bool,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) switches: Switches,
    pub(super) post: Post,
    pub(super) docusign: docusign::Account,
    pub(super) dropbox_sign: dropbox_sign::Account,
    pub(super) pandadoc: pandadoc::Account,
    pub(super) violations: Vec<Violation>,
    pub(super) flaws: Vec<String>,
    calls: HashMap<String, VecDeque<i64>>,
    /// Ids that were given out so far.
    made: usize,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            switches: Switches::default(),
            post: Post::default(),
            docusign: docusign::Account::new(),
            dropbox_sign: dropbox_sign::Account::new(),
            pandadoc: pandadoc::Account::new(),
            violations: Vec::new(),
            flaws: Vec::new(),
            calls: HashMap::new(),
            made: 0,
        }
    }

    pub(super) fn next(&mut self) -> usize {
        self.made += 1;
        self.made
    }

    pub(super) fn book(&mut self, provider: Provider) -> &mut Book {
        match provider {
            Provider::Docusign => &mut self.docusign.book,
            Provider::DropboxSign => &mut self.dropbox_sign.book,
            Provider::Pandadoc => &mut self.pandadoc.book,
        }
    }

    pub(super) fn shelf(&self, provider: Provider) -> &Book {
        match provider {
            Provider::Docusign => &self.docusign.book,
            Provider::DropboxSign => &self.dropbox_sign.book,
            Provider::Pandadoc => &self.pandadoc.book,
        }
    }

    /// The word the provider has for a contract.
    pub(super) fn status(&self, provider: Provider, row: usize) -> String {
        let contract = &self.shelf(provider).contracts[row];
        match provider {
            Provider::Docusign => docusign::status(contract).to_owned(),
            Provider::DropboxSign => dropbox_sign::status(contract).to_owned(),
            Provider::Pandadoc => pandadoc::status(contract).to_owned(),
        }
    }

    /// Tells the receivers what happened.
    pub(super) fn tell(&mut self, provider: Provider, row: usize, happened: &[Happened], now: i64) {
        match provider {
            Provider::Docusign => docusign::tell(self, row, happened, now),
            Provider::DropboxSign => dropbox_sign::tell(self, row, happened, now),
            Provider::Pandadoc => pandadoc::tell(self, row, happened, now),
        }
    }

    pub(super) fn signed(&self, message: &Message) -> SignedDelivery {
        match message.provider {
            Provider::Docusign => docusign::signed(self, message),
            Provider::DropboxSign => dropbox_sign::signed(self, message),
            Provider::Pandadoc => pandadoc::signed(self, message),
        }
    }

    /// Lets everything happen that was due up to now, each at its own time.
    pub(super) fn pass_time(&mut self, now: i64) {
        for provider in Provider::ALL {
            while let Some((at, row, effect)) = self.book(provider).next_due(now) {
                match effect {
                    Effect::Expire => {
                        let contract = &self.book(provider).contracts[row];
                        if contract.stage == Stage::Open && contract.expires_at == Some(at) {
                            self.expire(provider, row, at);
                        }
                    }
                    Effect::Remind => self.book(provider).remind(row, at),
                    _ if provider == Provider::DropboxSign => dropbox_sign::come(self, row, effect, at),
                    _ if provider == Provider::Pandadoc => pandadoc::come(self, row, effect, at),
                    _ => {}
                }
            }
        }
    }

    pub(super) fn expire(&mut self, provider: Provider, row: usize, now: i64) {
        let contract = &mut self.book(provider).contracts[row];
        let reason = (provider == Provider::Docusign).then_some(docusign::EXPIRED);
        contract.end(Stage::Expired, reason, now);
        self.tell(provider, row, &[Happened::Expired], now);
    }

    /// Counts a call. Windows of whole hours begin with the hour, others slide.
    pub(super) fn spend(&mut self, key: &str, limit: usize, window: i64, now: i64) -> Meter {
        let limit = self.switches.rate_limit.unwrap_or(limit);
        let begin = if window == HOUR { now - now.rem_euclid(HOUR) } else { now - window + 1 };
        let calls = self.calls.entry(key.to_owned()).or_default();
        while calls.front().is_some_and(|at| *at < begin) {
            calls.pop_front();
        }
        let spent = calls.len() >= limit;
        if !spent {
            calls.push_back(now);
        }
        let first = calls.front().copied().unwrap_or(now);
        let reset_at = if window == HOUR { begin + HOUR } else { first + window };
        Meter { limit, remaining: limit.saturating_sub(calls.len()), reset_at, spent }
    }

    pub(super) fn blame(&mut self, provider: Provider, method: &Method, path: &str, faults: &[Fault]) {
        let faults = faults.iter().map(|fault| format!("{}: {}", fault.at, fault.message)).collect();
        self.violations.push(Violation { provider, call: format!("{method} {path}"), faults });
    }

    /// Holds a call against the description; what does not fit is remembered.
    pub(super) fn judge(
        &mut self,
        provider: Provider,
        asked: &Asked,
        body: Option<&Value>,
        free: Option<&str>,
    ) -> Judged {
        let description = description(provider);
        let (operation, path) = match description.find(&asked.method, &asked.path) {
            Ok(found) => found,
            Err(miss) => {
                self.blame(
                    provider,
                    &asked.method,
                    &asked.path,
                    &[Fault::new("", "There is no such operation")],
                );
                return Judged::Unknown(miss);
            }
        };
        let mut faults = description.check_query(operation, &asked.query, free);
        faults.extend(description.check_body(operation, &asked.content_type, body));
        if faults.is_empty() {
            return Judged::Fine(operation, path);
        }
        self.blame(provider, &asked.method, &asked.path, &faults);
        Judged::Faulty(faults)
    }

    /// Holds an answer against the description, where a test asked for it.
    pub(super) fn check_answer(&mut self, provider: Provider, asked: &Asked, reply: &Reply) {
        if !self.switches.check_answers {
            return;
        }
        let description = description(provider);
        let Ok((operation, _)) = description.find(&asked.method, &asked.path) else { return };
        let faults = description.check_answer(operation, reply.status, reply.json.as_ref());
        if !faults.is_empty() {
            self.blame(provider, &asked.method, &format!("answer to {}", asked.path), &faults);
        }
    }
}
