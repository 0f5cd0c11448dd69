//! What a delivery says: which records it is about. An event is a hint; the records it names are read again.
//!
//! It reads names and ids and nothing else, so that a payload of any version will do. A kind it does not know
//! is no error: Whop invents kinds without notice.

use super::row::{Misshapen, Row};
use super::wire;
use crate::domain::event::{Event, Subject};
use crate::domain::source::RecordRef;
use crate::error::Error;

/// A body that is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadEvent {
    #[error("the body is not a JSON object")]
    NotJson,
    #[error("the body has no event type")]
    NoType,
    #[error("the body has the form of a webhook of Whop's older API, with an action instead of a type")]
    Legacy,
    #[error("the event {name} does not name its record: {reason}")]
    NoRecord { name: String, reason: String },
}

impl BadEvent {
    /// What the operator does about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::NotJson | Self::NoType => {
                "This is not an event of Whop's. Check which service sends to this address."
            }
            Self::Legacy => {
                "This webhook was made for Whop's older API. Create a v1 webhook in Whop's developer \
                 settings, or let this app create it, and delete the old one."
            }
            Self::NoRecord { .. } => {
                "The event does not say which record it is about. The next sweep brings the change in."
            }
        }
    }
}

impl From<BadEvent> for Error {
    fn from(error: BadEvent) -> Self {
        Self::invalid(error.advice()).because(error)
    }
}

/// The families that we mirror, by what an event of theirs carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Member,
    Membership,
    Payment,
    Refund,
    Dispute,
    DisputeAlert,
    Product,
    Variant,
}

/// The events of each family that a webhook can be subscribed to (Whop API, event list), superseded ones
/// included.
const MIRRORED: &[(Family, &[&str])] = &[
    (Family::Member, &["member.created", "member.updated"]),
    (
        Family::Membership,
        &[
            "membership.activated",
            "membership.updated",
            "membership.trial_ending_soon",
            "membership.deactivated",
            "membership.cancel_at_period_end_changed",
        ],
    ),
    (
        Family::Payment,
        &[
            "payment.created",
            "payment.succeeded",
            "payment.failed",
            "payment.pending",
            "payment.requires_action",
            "payment.authorized",
            "payment.canceled",
        ],
    ),
    (Family::Refund, &["refund.created", "refund.updated"]),
    (Family::Dispute, &["dispute.created", "dispute.updated"]),
    (Family::DisputeAlert, &["dispute_alert.created"]),
    (
        Family::Product,
        &[
            "product.created",
            "product.updated",
            "product.published",
            "product.unpublished",
            "product.deleted",
        ],
    ),
    (Family::Variant, &["plan.created", "plan.updated", "plan.deleted"]),
];

/// Names that only old endpoints still send (Whop API, event list).
const MIRRORED_OF_OLD: &[(Family, &[&str])] = &[(
    Family::Membership,
    &[
        "membership.went_valid",
        "membership.went_invalid",
        "membership.metadata_updated",
        "membership.experience_claimed",
    ],
)];

/// Events we know and do not mirror: whole families, and one of a family that we do.
const NOT_MIRRORED: &[&str] = &[
    "account.",
    "ad.",
    "ad_campaign.",
    "ad_group.",
    "app_membership.",
    "app_payment.",
    "card.",
    "card_application.",
    "card_transaction.",
    "chat.message.",
    "chat.reaction.",
    "course_lesson_interaction.",
    "deposit.",
    "entry.",
    "export.",
    "financial_activity.",
    "identity_profile.",
    "invoice.",
    "ledger_account.",
    "payment.affiliate_reward_created",
    "payout.",
    "payout_account.",
    "payout_method.",
    "resolution.",
    "resolution_center_case.",
    "setup_intent.",
    "shipment.",
    "swap.",
    "transfer.",
    "verification.",
    "withdrawal.",
];

/// Longest name we keep of an event we do not know.
const LONGEST_NAME: usize = 100;

/// The names that a webhook of ours is subscribed to.
pub(super) fn subscribable() -> Vec<&'static str> {
    MIRRORED.iter().flat_map(|(_, names)| names.iter().copied()).collect()
}

/// Reads a delivery's body.
pub(crate) fn event(body: &str) -> Result<Event, BadEvent> {
    let row = Row::parse(body).map_err(|_| BadEvent::NotJson)?;
    let name = row.maybe_text("type").ok().flatten().unwrap_or_default();
    if name.is_empty() {
        return Err(if row.has("action") { BadEvent::Legacy } else { BadEvent::NoType });
    }
    let account = wire::owner(&row);
    let Some((family, name)) = known(&name) else {
        let subject = if is_not_mirrored(&name) { Subject::NotMirrored } else { Subject::Unknown };
        return Ok(Event {
            name: name.chars().take(LONGEST_NAME).collect(),
            account: account.unwrap_or_default(),
            subject,
        });
    };
    let bad = |error: Misshapen| BadEvent::NoRecord { name: name.to_owned(), reason: error.to_string() };
    let data = row.inside("data").map_err(bad)?;
    let data = data.ok_or_else(|| bad(Misshapen::Missing("data")))?;
    let records = concerned(family, &data).map_err(bad)?;
    Ok(Event {
        name: name.to_owned(),
        account: account.map_err(bad)?,
        subject: if records.is_empty() { Subject::NotMirrored } else { Subject::Records(records) },
    })
}

/// The family of an event and its name as listed; underscores for dots are another spelling of Whop's.
fn known(name: &str) -> Option<(Family, &'static str)> {
    MIRRORED.iter().chain(MIRRORED_OF_OLD).find_map(|(family, names)| {
        let found = names.iter().find(|listed| is_same(listed, name))?;
        Some((*family, *found))
    })
}

fn is_not_mirrored(name: &str) -> bool {
    let undotted = !name.contains('.');
    NOT_MIRRORED.iter().any(|listed| {
        let start = name.get(..listed.len());
        start.is_some_and(|start| start == *listed || (undotted && is_same(listed, start)))
    })
}

fn is_same(listed: &str, name: &str) -> bool {
    let plain = |byte: u8| if byte == b'.' { b'_' } else { byte };
    listed.bytes().map(plain).eq(name.bytes().map(plain))
}

/// The records an event concerns, parents first, as far as its payload names them: a payment may overtake the
/// member and the membership it belongs to (Whop API, event semantics).
fn concerned(family: Family, data: &Row<'_>) -> Result<Vec<RecordRef>, Misshapen> {
    let member = || Ok(data.named("member_id", "member")?.map(RecordRef::Members));
    let membership = || Ok(data.named("membership_id", "membership")?.map(RecordRef::Memberships));
    let payment = || Ok(data.named("payment_id", "payment")?.map(RecordRef::Payments));
    let product = || Ok(data.named("product_id", "product")?.map(RecordRef::Products));
    let found = match family {
        Family::Member => vec![Some(RecordRef::Members(data.must("id")?))],
        Family::Membership => vec![member()?, Some(RecordRef::Memberships(data.must("id")?))],
        Family::Payment => {
            let itself = RecordRef::Payments(data.must("id")?);
            vec![member()?, membership()?, Some(itself)]
        }
        Family::Refund => vec![Some(RecordRef::Refunds(data.must("id")?)), payment()?],
        Family::Dispute => vec![Some(RecordRef::Disputes(data.must("id")?)), payment()?],
        Family::DisputeAlert => vec![payment()?],
        Family::Product => vec![Some(RecordRef::Products(data.must("id")?))],
        Family::Variant => vec![Some(RecordRef::Variants(data.must("id")?)), product()?],
    };
    Ok(found.into_iter().flatten().collect())
}
