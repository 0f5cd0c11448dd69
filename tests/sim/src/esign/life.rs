//! What happens to a contract, whoever carries it: turns of its signers, its end, its files. The providers'
//! words for it are elsewhere; here a move that cannot be made is refused and changes nothing.

use serde_json::{Map, Value};

use super::pdf::pdf;
use crate::clock::iso;

pub(super) const SECOND: i64 = 1_000;

pub(super) const MINUTE: i64 = 60 * SECOND;

pub(super) const HOUR: i64 = 60 * MINUTE;

pub(super) const DAY: i64 = 24 * HOUR;

/// Where a contract stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The provider is still reading the files.
    Preparing,
    Draft,
    /// Somebody inside has to agree before it goes out.
    Approval,
    Approved,
    Open,
    Completed,
    Paid,
    Declined,
    Voided,
    Expired,
    Failed,
    Deleted,
}

/// What a signer has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Waiting,
    Sent,
    Viewed,
    Signed,
    Declined,
    Bounced,
}

#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) id: String,
    pub(super) guid: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: Option<String>,
    pub(super) order: i64,
    /// Gets a copy and signs nothing.
    pub(super) copy: bool,
    pub(super) turn: Turn,
    pub(super) sent_at: Option<i64>,
    pub(super) viewed_at: Option<i64>,
    pub(super) signed_at: Option<i64>,
    pub(super) declined_at: Option<i64>,
    pub(super) reason: Option<String>,
    pub(super) reminded_at: Option<i64>,
}

impl Party {
    pub(super) fn new(id: String, name: &str, email: &str) -> Self {
        Self {
            guid: id.clone(),
            id,
            name: name.to_owned(),
            email: email.to_owned(),
            role: None,
            order: 1,
            copy: false,
            turn: Turn::Waiting,
            sent_at: None,
            viewed_at: None,
            signed_at: None,
            declined_at: None,
            reason: None,
            reminded_at: None,
        }
    }

    pub(super) fn may_sign(&self) -> bool {
        !self.copy && matches!(self.turn, Turn::Sent | Turn::Viewed | Turn::Bounced)
    }
}

/// One thing that happened, for the providers to tell; signers by their row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    Sent,
    PartySent(usize),
    PartyViewed(usize),
    /// Every signer has looked.
    Viewed,
    /// The first look of anybody.
    FirstView,
    PartySigned(usize),
    Completed,
    PartyDeclined(usize),
    Declined,
    Voided,
    Expired,
    Bounced(usize),
}

/// A file that was sent in or kept with a template.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) struct Contract {
    pub(super) id: String,
    pub(super) template: Option<usize>,
    pub(super) title: String,
    pub(super) subject: String,
    pub(super) message: String,
    /// The caller's own names and values.
    pub(super) own: Map<String, Value>,
    pub(super) transaction: Option<String>,
    pub(super) parties: Vec<Party>,
    pub(super) files: Vec<File>,
    pub(super) stage: Stage,
    pub(super) created_at: i64,
    pub(super) changed_at: i64,
    pub(super) sent_at: Option<i64>,
    pub(super) viewed_at: Option<i64>,
    pub(super) completed_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) end_reason: Option<String>,
    pub(super) expire_days: Option<i64>,
    pub(super) expires_at: Option<i64>,
    /// When the signed file can be had.
    pub(super) files_at: Option<i64>,
    /// Reminders as the provider writes them.
    pub(super) reminders: Value,
    /// Days before the first automatic reminder, and between two.
    pub(super) remind: Option<(i64, i64)>,
    pub(super) reminded: usize,
    pub(super) may_decline: bool,
    pub(super) test: bool,
    pub(super) cancelling: bool,
    pub(super) locked: bool,
    /// Webhooks of this contract alone, by row.
    pub(super) hooks: Vec<usize>,
    pub(super) last_read: Option<i64>,
    /// What only one provider knows.
    pub(super) extra: Value,
}

impl Contract {
    pub(super) fn new(id: String, title: &str, now: i64) -> Self {
        Self {
            id,
            template: None,
            title: title.to_owned(),
            subject: title.to_owned(),
            message: String::new(),
            own: Map::new(),
            transaction: None,
            parties: Vec::new(),
            files: Vec::new(),
            stage: Stage::Draft,
            created_at: now,
            changed_at: now,
            sent_at: None,
            viewed_at: None,
            completed_at: None,
            ended_at: None,
            end_reason: None,
            expire_days: None,
            expires_at: None,
            files_at: None,
            reminders: Value::Null,
            remind: None,
            reminded: 0,
            may_decline: true,
            test: false,
            cancelling: false,
            locked: false,
            hooks: Vec::new(),
            last_read: None,
            extra: Value::Null,
        }
    }

    pub(super) fn signers(&self) -> impl Iterator<Item = (usize, &Party)> {
        self.parties.iter().enumerate().filter(|(_, party)| !party.copy)
    }

    pub(super) fn row_of(&self, email: &str) -> Option<usize> {
        let all = || self.signers().filter(|(_, party)| party.email.eq_ignore_ascii_case(email));
        all().find(|(_, party)| party.may_sign()).or_else(|| all().next()).map(|(row, _)| row)
    }

    /// The lowest order that is still to sign.
    pub(super) fn current_order(&self) -> Option<i64> {
        self.signers().filter(|(_, party)| party.turn != Turn::Signed).map(|(_, party)| party.order).min()
    }

    fn call_next(&mut self, now: i64) -> Vec<Happened> {
        let Some(order) = self.current_order() else { return Vec::new() };
        let mut happened = Vec::new();
        for (row, party) in self.parties.iter_mut().enumerate() {
            if !party.copy && party.order == order && party.turn == Turn::Waiting {
                party.turn = Turn::Sent;
                party.sent_at = Some(now);
                happened.push(Happened::PartySent(row));
            }
        }
        happened
    }

    /// Goes out to the first signers.
    pub(super) fn send(&mut self, now: i64) -> Vec<Happened> {
        self.stage = Stage::Open;
        self.sent_at = Some(now);
        self.changed_at = now;
        let mut happened = vec![Happened::Sent];
        happened.extend(self.call_next(now));
        happened
    }

    fn turn_of(&mut self, row: usize, now: i64) -> Result<&mut Party, &'static str> {
        if self.stage != Stage::Open {
            return Err("the contract is not open");
        }
        let party = self.parties.get_mut(row).ok_or("there is no such signer")?;
        if !party.may_sign() {
            return Err("it is not this signer's turn");
        }
        self.changed_at = now;
        Ok(party)
    }

    pub(super) fn view(&mut self, row: usize, now: i64) -> Result<Vec<Happened>, &'static str> {
        let party = self.turn_of(row, now)?;
        if party.turn == Turn::Viewed {
            return Ok(Vec::new());
        }
        party.turn = Turn::Viewed;
        party.viewed_at = Some(now);
        let mut happened = vec![Happened::PartyViewed(row)];
        if self.viewed_at.is_none() {
            self.viewed_at = Some(now);
            happened.push(Happened::FirstView);
        }
        if self.signers().all(|(_, party)| party.viewed_at.is_some()) {
            happened.push(Happened::Viewed);
        }
        Ok(happened)
    }

    /// Signs; whoever signs has looked.
    pub(super) fn sign(&mut self, row: usize, now: i64) -> Result<Vec<Happened>, &'static str> {
        let mut happened = self.view(row, now)?;
        let party = self.turn_of(row, now)?;
        party.turn = Turn::Signed;
        party.signed_at = Some(now);
        happened.push(Happened::PartySigned(row));
        if self.current_order().is_some() {
            happened.extend(self.call_next(now));
        } else {
            self.complete(now);
            happened.push(Happened::Completed);
        }
        Ok(happened)
    }

    pub(super) fn complete(&mut self, now: i64) {
        self.stage = Stage::Completed;
        self.completed_at = Some(now);
        self.changed_at = now;
    }

    pub(super) fn decline(
        &mut self,
        row: usize,
        reason: &str,
        now: i64,
    ) -> Result<Vec<Happened>, &'static str> {
        if !self.may_decline {
            return Err("the sender did not allow to decline");
        }
        let mut happened = self.view(row, now)?;
        let party = self.turn_of(row, now)?;
        party.turn = Turn::Declined;
        party.declined_at = Some(now);
        party.reason = Some(reason.to_owned());
        self.end(Stage::Declined, Some(reason), now);
        happened.extend([Happened::PartyDeclined(row), Happened::Declined]);
        Ok(happened)
    }

    /// Mail to this signer came back.
    pub(super) fn bounce(&mut self, row: usize, now: i64) -> Result<Vec<Happened>, &'static str> {
        let party = self.turn_of(row, now)?;
        party.turn = Turn::Bounced;
        party.reason = Some("550 5.1.1 mailbox unavailable".to_owned());
        Ok(vec![Happened::Bounced(row)])
    }

    pub(super) fn end(&mut self, stage: Stage, reason: Option<&str>, now: i64) {
        self.stage = stage;
        self.ended_at = Some(now);
        self.end_reason = reason.map(str::to_owned);
        self.changed_at = now;
    }

    /// The file as it is now: the text differs for each contract and after each signature.
    pub(super) fn sealed(&self, heading: &str) -> Vec<u8> {
        let mut lines = vec![heading.to_owned(), self.title.clone(), format!("Contract {}", self.id)];
        lines.extend(
            self.files.iter().map(|file| format!("File {} of {} bytes", file.name, file.bytes.len())),
        );
        for (_, party) in self.signers() {
            let when =
                party.signed_at.map_or_else(|| "not signed".to_owned(), |at| format!("signed {}", iso(at)));
            lines.push(format!("{} <{}>: {when}", party.name, party.email));
        }
        if self.test {
            lines.push("TEST - not legally binding".to_owned());
        }
        pdf(&lines)
    }
}
