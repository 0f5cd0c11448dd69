//! What models cost: usage rolled up per day, and the day's budget, of which a part is taken before every call.
//!
//! One number counts what was spent together with what is reserved. So a reservation that nobody settles stays booked
//! in full, and no sweeper is needed for it.

use std::time::Duration;

use serde::Deserialize;

use super::expression::{Expression, number, text};
use super::listing::Listing;
use super::table::{Held, Key};
use super::{Result, Store};
use crate::domain::id::WorkspaceId;
use crate::domain::insight::budget::{Amount, DailyLimit, Reservation};
use crate::domain::insight::cost::NanoDollars;
use crate::domain::insight::operation::Operation;
use crate::domain::insight::request::ProviderName;
use crate::domain::insight::usage::{Tally, UsageLine};
use crate::domain::time::Timestamp;

const USAGE: &str = "AIUSAGE";
const BUDGET: &str = "AIBUDGET";
/// How long a day's numbers are kept.
const KEPT: Duration = Duration::from_hours(400 * 24);

/// The answer to who wants a part of the day's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// Call now, and settle afterwards.
    Yes,
    /// It does not fit any more today.
    Spent,
}

/// One line of the roll-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineOf<'a> {
    pub(crate) day: &'a str,
    pub(crate) operation: Operation,
    pub(crate) provider: Option<ProviderName>,
    pub(crate) model: &'a str,
}

#[derive(Default, Deserialize)]
struct Booked {
    tokens: u64,
    nano: u64,
}

fn budget_key(workspace: WorkspaceId, day: &str) -> Key {
    Key::new(workspace, BUDGET, day)
}

/// The attribute of a reservation; its id is hexadecimal.
fn hold(reservation: &Reservation) -> String {
    format!("hold_{}", reservation.id)
}

impl Store {
    /// Adds to a line. `mark` names what is added, so that an attempt whose answer was lost is not added twice.
    pub(crate) async fn add_usage(
        &self,
        workspace: WorkspaceId,
        line: LineOf<'_>,
        tally: &Tally,
        (mark, now): (&str, Timestamp),
    ) -> Result<()> {
        let provider = line.provider.map_or("none", ProviderName::as_str);
        let id = format!("{}#{}#{provider}#{}", line.day, line.operation.name(), line.model);
        let parts = tally.parts();
        let adds: Vec<String> = parts.iter().map(|(name, _)| format!("#{name} :{name}")).collect();
        let mut change = Expression::update(format!(
            "SET #day = :day, #operation = :operation, #provider = :provider, #model = :model, #mark = :mark, \
             #expires_at = :expires ADD {}",
            adds.join(", ")
        ))
        .and_only_if("attribute_not_exists(#mark) OR #mark <> :mark")
        .with("day", text(line.day))
        .with("operation", text(line.operation.name()))
        .with("provider", text(provider))
        .with("model", text(line.model))
        .with("mark", text(mark))
        .with("expires", number((now + KEPT).seconds()));
        for (name, amount) in parts {
            change = change.with(name, number(amount));
        }
        self.table.update(&Key::new(workspace, USAGE, id), &change).await?;
        Ok(())
    }

    /// Every line of a month, `2026-11`, or of a day.
    pub(crate) async fn list_usage(&self, workspace: WorkspaceId, of: &str) -> Result<Vec<UsageLine>> {
        self.table.list_all(Listing::of(workspace, USAGE, of, usize::MAX)).await
    }

    /// Takes a part of a day's budget, if what was spent, what others hold and this fit together. One conditional
    /// update: callers at the same moment cannot take the same part.
    pub(crate) async fn reserve(
        &self,
        workspace: WorkspaceId,
        reservation: &Reservation,
        limit: &DailyLimit,
    ) -> Result<Reserved> {
        let (amount, hold) = (reservation.amount, hold(reservation));
        let mut only = format!("attribute_not_exists(#{hold})");
        let mut change = Expression::update(format!(
            "SET #{hold} = :until, #expires_at = :expires ADD #tokens :tokens, #nano :nano"
        ))
        .with("until", number(reservation.until.millis()))
        .with("expires", number((reservation.until + KEPT).seconds()))
        .with("tokens", number(amount.tokens))
        .with("nano", number(amount.nano_dollars.0));
        let limits = [
            ("tokens", limit.tokens, amount.tokens),
            ("nano", limit.nano_dollars.map(|it| it.0), amount.nano_dollars.0),
        ];
        for (name, limit, wanted) in limits {
            let Some(limit) = limit else { continue };
            let Some(room) = limit.checked_sub(wanted) else {
                return Ok(Reserved::Spent);
            };
            only = format!("{only} AND (attribute_not_exists(#{name}) OR #{name} <= :{name}_room)");
            change = change.with(&format!("{name}_room"), number(room));
        }
        let key = budget_key(workspace, &reservation.day);
        Ok(match self.table.update(&key, &change.and_only_if(only)).await? {
            Held::Yes(_) => Reserved::Yes,
            // It is ours, from an attempt whose answer was lost.
            Held::No(Some(there)) if there.contains_key(&hold) => Reserved::Yes,
            Held::No(_) => Reserved::Spent,
        })
    }

    /// Books what a call really took in place of what was reserved for it; nothing, if it took nothing. Once, and
    /// only in time: false otherwise, and what was reserved stays booked.
    pub(crate) async fn settle_call(
        &self,
        workspace: WorkspaceId,
        reservation: &Reservation,
        actual: Amount,
        now: Timestamp,
    ) -> Result<bool> {
        let (reserved, hold) = (reservation.amount, hold(reservation));
        let more = |actual: u64, reserved: u64| i128::from(actual) - i128::from(reserved);
        let change = Expression::update(format!("REMOVE #{hold} ADD #tokens :tokens, #nano :nano"))
            .and_only_if(format!("#{hold} > :now"))
            .with("tokens", number(more(actual.tokens, reserved.tokens)))
            .with("nano", number(more(actual.nano_dollars.0, reserved.nano_dollars.0)))
            .with("now", number(now.millis()));
        Ok(self.table.update(&budget_key(workspace, &reservation.day), &change).await?.is_yes())
    }

    /// What a day has spent, reservations included.
    pub(crate) async fn spent(&self, workspace: WorkspaceId, day: &str) -> Result<Amount> {
        let found: Option<Booked> = self.table.find(&budget_key(workspace, day)).await?;
        let booked = found.unwrap_or_default();
        Ok(Amount { tokens: booked.tokens, nano_dollars: NanoDollars(booked.nano) })
    }
}
