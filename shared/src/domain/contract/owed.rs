//! What somebody still has to do about a contract, and when to come back to it.
//!
//! It is read off the contract alone. So a crash after any write loses nothing: whoever looks next, be it a repeat of
//! the same message or the schedule, finds the same things owed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::State;
use super::{Contract, Dispatch, NextCall, SignerState};
use crate::domain::time::Timestamp;

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// Steps of sending are left.
    Dispatch,
    /// Somebody wants it ended, and the provider has not taken that up.
    Cancel,
    /// The signed file is not kept yet.
    Archive,
    /// The CRM shows something older.
    Tell,
}

/// What the CRM shows of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub state: State,
    /// How many signed.
    pub signed: u16,
    pub signers: u16,
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    #[serde(default)]
    pub viewed_at: Option<Timestamp>,
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// True once the signed file can be had from us.
    #[serde(default)]
    pub file: bool,
}

/// From one look at an open contract to the next, by its age. Webhooks tell sooner; this is for what they lose.
const LOOKS: [(Duration, Duration); 3] = [
    (Duration::from_hours(24), Duration::from_mins(15)),
    (Duration::from_hours(7 * 24), Duration::from_hours(1)),
    (Duration::from_hours(u32::MAX as u64), Duration::from_hours(6)),
];
/// How long something may be owed before the schedule looks after it: its own job does it sooner.
const GRACE: Duration = Duration::from_mins(10);
/// A day, as providers count them for reminders.
const DAY: Duration = Duration::from_hours(24);

impl Contract {
    /// What is still to be done, the most pressing first.
    pub fn owed(&self) -> Vec<Owed> {
        let mut owed = Vec::new();
        if self.next_call() != NextCall::Nothing {
            owed.push(Owed::Dispatch);
        }
        let wish = self.cancel.as_ref().filter(|_| !self.life.is_over());
        if wish.is_some_and(|wish| wish.accepted_at.is_none()) {
            owed.push(Owed::Cancel);
        }
        if self.state() == State::Completed && self.signed_file.is_none() && self.request.is_some() {
            owed.push(Owed::Archive);
        }
        if self.owes_the_crm() {
            owed.push(Owed::Tell);
        }
        owed
    }

    fn owes_the_crm(&self) -> bool {
        let has_place = self.person.is_some() || self.opportunity.is_some();
        let file = self.signed_file.is_some() && has_place && self.told.attachment.is_none();
        let note = has_place && self.is_noted() && !self.told.noted.contains(&self.state());
        file || note || self.told.shown.as_ref() != Some(&self.shown())
    }

    /// True for states that people read a note about. That somebody prepares one is no news.
    pub fn is_noted(&self) -> bool {
        self.state() != State::Draft
    }

    /// What the CRM should show now.
    pub fn shown(&self) -> Shown {
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        let signed = self.signers.iter().filter(|it| self.signer_state(it) == SignerState::Signed);
        Shown {
            state: self.state(),
            signed: count(signed.count()),
            signers: count(self.signers.len()),
            sent_at: self.life.sent_at,
            viewed_at: self.life.viewed_at,
            ended_at: self.life.end.as_ref().map(super::End::at),
            expires_at: self.life.expires_at(),
            file: self.signed_file.is_some(),
        }
    }

    /// True once nobody has to come back to it, ever.
    pub fn is_settled(&self) -> bool {
        self.life.is_over() && self.owed().is_empty()
    }

    /// When the schedule is to look after it; never, once it is settled.
    pub fn look_after_at(&self, now: Timestamp) -> Option<Timestamp> {
        if self.is_settled() {
            return None;
        }
        if !self.owed().is_empty() {
            return Some(now + GRACE.max(self.pace(now)));
        }
        let next_read = self.read_at.unwrap_or(self.requested_at).max(self.requested_at) + self.pace(now);
        let reminder = self.signers.iter().filter_map(|it| self.reminder_due(it)).min();
        Some(reminder.map_or(next_read, |at| at.min(next_read)).max(now + GRACE))
    }

    /// From one look to the next; what the provider allows at least.
    fn pace(&self, now: Timestamp) -> Duration {
        let age = now.since(self.requested_at);
        let pace = LOOKS.iter().find(|(younger, _)| age < *younger).map_or(DAY, |(_, pace)| *pace);
        pace.max(self.provider.read_at_most_every())
    }

    /// True if it may be read at its provider now.
    pub fn may_be_read(&self, now: Timestamp) -> bool {
        let earliest = self.read_at.map(|at| at + self.provider.read_at_most_every());
        earliest.is_none_or(|earliest| now >= earliest)
    }

    /// When this signer is to be reminded by us, where the provider does not do so by itself.
    pub fn reminder_due(&self, signer: &super::Signer) -> Option<Timestamp> {
        let reminders = self.reminders.filter(|_| !self.provider.reminds_by_itself())?;
        let Dispatch::Sent { at: sent } = self.dispatch else { return None };
        let asked = matches!(self.signer_state(signer), SignerState::Sent | SignerState::Viewed);
        if self.life.is_over() || self.cancel.is_some() || !asked {
            return None;
        }
        let days = |days: u16| DAY * u32::from(days);
        let since = signer.progress.sent_at.map_or(sent, |at| at.max(sent));
        match (signer.progress.reminded_at, reminders.then_every_days) {
            (None, _) => Some(since + days(reminders.first_after_days)),
            (Some(last), Some(every)) => Some(last + days(every)),
            (Some(_), None) => None,
        }
    }

    /// True if the provider cannot have heard of it.
    pub fn is_unsent(&self) -> bool {
        self.dispatch == Dispatch::Requested && self.request.is_none()
    }
}

/// How long a worker may be busy creating. Whoever finds an attempt waits until it cannot be running any more, and
/// the provider's lists show what it made: longer than the function may run.
pub const CREATING_LEASE: Duration = Duration::from_secs(150);

/// The least time between two reminders that people ask for.
pub const REMIND_AT_MOST_EVERY: Duration = Duration::from_hours(1);
