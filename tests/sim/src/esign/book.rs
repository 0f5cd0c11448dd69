//! What one account holds: templates, contracts, and what is going to happen to them by itself.

use super::life::{Contract, DAY, Stage};

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
