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

    fn may_sign(&self) -> bool {
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

/// A place that a template leaves for somebody.
#[derive(Clone, Debug)]
pub struct Role {
    /// Case matters to all three providers.
    pub name: String,
    /// 1 signs first; equal numbers sign beside each other.
    pub order: i64,
}

/// A prepared document.
#[derive(Clone, Debug)]
pub struct Template {
    /// As the provider writes ids; given by the stand-in when empty.
    pub id: String,
    /// What people see.
    pub name: String,
    /// Everybody who has to sign.
    pub roles: Vec<Role>,
    /// Fields that the sender may fill.
    pub fields: Vec<String>,
    /// Only for tests, or not usable at all outside them (Dropbox Sign's `is_locked`).
    pub locked: bool,
    pub(super) created_at: i64,
}

impl Template {
    /// A template whose roles sign in the order they are named.
    pub fn new(name: &str, roles: &[&str], fields: &[&str]) -> Self {
        let roles = (1..).zip(roles).map(|(order, name)| Role { name: (*name).to_owned(), order }).collect();
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        Self { id: String::new(), name: name.to_owned(), roles, fields, locked: false, created_at: 0 }
    }
}

/// Something that is going to happen to a contract by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Ready,
    Fail,
    Send,
    Files,
    Cancel,
    Expire,
    Remind,
}

/// What one account holds.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) templates: Vec<Template>,
    pub(super) contracts: Vec<Contract>,
    due: Vec<(i64, usize, Effect)>,
}

impl Book {
    pub(super) fn contract(&self, id: &str) -> Option<usize> {
        self.contracts.iter().position(|contract| contract.id == id)
    }

    pub(super) fn template(&self, id: &str) -> Option<usize> {
        self.templates.iter().position(|template| template.id == id)
    }

    pub(super) fn plan(&mut self, at: i64, contract: usize, effect: Effect) {
        self.due.push((at, contract, effect));
    }

    /// The earliest thing that has become due, and when.
    pub(super) fn next_due(&mut self, now: i64) -> Option<(i64, usize, Effect)> {
        let due = self.due.iter().enumerate().filter(|(_, (at, ..))| *at <= now);
        let (row, _) = due.min_by_key(|(row, (at, ..))| (*at, *row))?;
        Some(self.due.remove(row))
    }

    /// Plans the end of an open contract, and the first automatic reminder.
    pub(super) fn plan_life(&mut self, row: usize, now: i64) {
        let contract = &self.contracts[row];
        let (expires, remind) = (contract.expires_at, contract.remind);
        if let Some(at) = expires {
            self.plan(at, row, Effect::Expire);
        }
        if let Some((first, _)) = remind {
            self.plan(now + first * DAY, row, Effect::Remind);
        }
    }

    /// A reminder that goes out by itself, and the next one.
    pub(super) fn remind(&mut self, row: usize, now: i64) {
        let contract = &mut self.contracts[row];
        let Some((_, every)) = contract.remind.filter(|_| contract.stage == Stage::Open) else { return };
        for party in contract.parties.iter_mut().filter(|party| party.may_sign()) {
            party.reminded_at = Some(now);
            contract.reminded += 1;
        }
        if every > 0 {
            self.plan(now + every * DAY, row, Effect::Remind);
        }
    }
}
