//! From Whop's records to drafts for Twenty. The same record always becomes the same draft.

use super::draft::{Draft, Value};
use super::fact::Fact;
use super::id::{CrmId, ProductId};
use super::money::Money;
use super::schema::{Object, option_value};
use super::settings::Settings;
use super::source::{Dispute, Member, Membership, Payment, Product, Refund, Variant};
use super::time::Timestamp;
use super::words::Visibility;

/// The records in Twenty that a draft points at, as far as they exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parents {
    pub person: Option<CrmId>,
    pub opportunity: Option<CrmId>,
    pub product: Option<CrmId>,
}

/// Longest text we write; Twenty takes more, people do not read it.
const LONGEST_TEXT: usize = 2_000;

/// A text as Twenty takes it: without NUL, which it answers with an error for the whole batch.
fn text(text: &str) -> Value {
    Value::Text(text.chars().filter(|c| *c != '\0').take(LONGEST_TEXT).collect::<String>().trim().to_owned())
}

fn maybe_text(value: Option<&str>) -> Value {
    value.map_or(Value::Empty, text)
}

fn choice(word: &str) -> Value {
    Value::Choice(option_value(word))
}

fn maybe_choice(word: Option<&str>) -> Value {
    word.map_or(Value::Empty, choice)
}

fn link(url: Option<&str>, label: &str) -> Value {
    url.map_or(Value::Empty, |url| Value::Link { url: url.to_owned(), label: label.to_owned() })
}

/// An amount, where Twenty can hold it exactly.
fn amount(money: Option<&Money>) -> Value {
    money.filter(|money| money.micros().is_some()).cloned().into()
}

/// A product and its prices.
pub fn product(product: &Product, facts: &[Fact]) -> Draft {
    let variants = facts.iter().filter_map(|fact| match fact {
        Fact::Variant(variant) => Some(variant_line(variant)),
        Fact::Refund(_) | Fact::Dispute(_) => None,
    });
    let mut lines: Vec<String> = variants.collect();
    lines.sort();
    let page = format!("https://whop.com/{}", product.route.trim_start_matches('/'));
    Draft::new(Object::Product, product.id.as_str())
        .with("name", text(&product.title))
        .with("headline", maybe_text(product.headline.as_deref()))
        .with("visibility", maybe_choice(product.visibility.as_ref().map(Visibility::as_str)))
        .with("activeMembers", product.active_members)
        .with("variants", text(&lines.join("; ")))
        .with("whopPage", link(Some(&page), "whop.com"))
        .with("createdAtWhop", product.created_at)
}

/// A product that Whop no longer shows: the record stays, and says so.
pub fn gone_product(id: &ProductId) -> Draft {
    Draft::new(Object::Product, id.as_str()).with("visibility", choice(Visibility::Deleted.as_str()))
}

/// A variant in one line: its title, if it has one, and its price.
pub fn variant_line(variant: &Variant) -> String {
    match variant.title.as_deref().filter(|title| !title.is_empty()) {
        Some(title) => format!("{title}: {}", variant.formatted_price),
        None => variant.formatted_price.clone(),
    }
}

/// A member. The e-mail is in lower case, as Twenty compares it.
pub fn person(member: &Member) -> Draft {
    let email = member.email.as_deref().map(|email| email.trim().to_lowercase()).filter(|it| !it.is_empty());
    Draft::new(Object::Person, member.id.as_str())
        .with("name", full_name(&member.display_name))
        .with("emails", email.map_or(Value::Empty, Value::Email))
        .with("phones", member.phone.as_deref().and_then(e164).map_or(Value::Empty, Value::Phone))
        .with("whopUserId", maybe_text(member.user.as_ref().map(super::id::UserId::as_str)))
        .with("whopUsername", maybe_text(member.username.as_deref()))
        .with("whopStatus", choice(member.status.as_str()))
        .with("whopAccess", choice(member.access.as_str()))
        .with("whopTotalSpent", amount(member.total_spent.as_ref()))
        .with("whopJoinedAt", member.joined_at)
        .with("whopLastSeenAt", member.last_accessed_at.map(day))
        .with(
            "whopLastAction",
            maybe_choice(member.last_action.as_ref().map(super::words::MemberAction::as_str)),
        )
        .with("whopLastActionAt", member.last_action_at)
}

/// A visit is kept by its day: every click would otherwise be a write to the CRM.
fn day(at: Timestamp) -> Timestamp {
    const DAY_MS: i64 = 86_400_000;
    Timestamp::from_millis(at.millis().div_euclid(DAY_MS) * DAY_MS)
}

/// The first word is the first name, the rest the last name. Whop has one field for both.
fn full_name(display_name: &str) -> Value {
    let clean: String = display_name.chars().filter(|c| *c != '\0').take(LONGEST_TEXT).collect();
    let (first, last) = clean.trim().split_once(char::is_whitespace).unwrap_or((clean.trim(), ""));
    Value::Name { first: first.to_owned(), last: last.trim().to_owned() }
}

/// A phone number in the form Twenty accepts; anything else is left out rather than refused.
fn e164(phone: &str) -> Option<String> {
    let digits: String = phone.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let number = digits.strip_prefix('+')?;
    let plausible = (7..=15).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    (plausible && !number.starts_with('0')).then_some(digits)
}

/// A membership, with the variant it was bought at if we know it.
pub fn opportunity(
    it: &Membership,
    variant: Option<&Variant>,
    parents: Parents,
    settings: &Settings,
) -> Draft {
    let price = it.renewal_price.as_ref().or(it.initial_price.as_ref());
    let renews = it.renewal_price.is_some() && !it.cancels_at_period_end;
    let ends = it.expires_at.or(it.period_end).filter(|_| !renews);
    Draft::new(Object::Opportunity, it.id.as_str())
        .with("name", text(&deal_name(it, variant)))
        .with("stage", Value::Choice(settings.stage(&it.status).to_owned()))
        .with("amount", amount(price))
        .with("closeDate", it.created_at)
        .with("pointOfContact", parents.person)
        .with("whopStatus", choice(it.status.as_str()))
        .with("whopProduct", parents.product)
        .with("whopVariant", variant.map_or_else(|| text(it.variant.as_str()), |it| text(&variant_line(it))))
        .with("whopPrice", amount(price))
        .with("whopRenews", renews)
        .with("whopRenewsAt", it.period_end.filter(|_| renews))
        .with("whopCancelsAtPeriodEnd", it.cancels_at_period_end)
        .with("whopCanceledAt", it.canceled_at)
        .with("whopCancelReason", maybe_text(it.cancellation_reason.as_deref()))
        .with("whopStartedAt", it.created_at)
        .with("whopAccessEndsAt", ends)
        .with("whopLastAction", maybe_text(it.last_action.as_deref()))
        .with("whopLastActionAt", it.last_action_at)
        .with("whopManageLink", link(it.manage_url.as_deref(), "Manage"))
}

fn deal_name(it: &Membership, variant: Option<&Variant>) -> String {
    match variant.and_then(|variant| variant.title.as_deref()).filter(|title| !title.is_empty()) {
        Some(title) => format!("{} – {title}", it.product_title),
        None => it.product_title.clone(),
    }
}

/// A payment, with the refunds and disputes over it.
pub fn payment(it: &Payment, facts: &[Fact], parents: Parents) -> Draft {
    let (refund, dispute) = latest(facts);
    let name = it.total.as_ref().map_or_else(|| it.id.to_string(), ToString::to_string);
    Draft::new(Object::Payment, it.id.as_str())
        .with("name", text(&name))
        .with("status", choice(it.status.as_str()))
        .with("substatus", choice(it.substatus.as_str()))
        .with(
            "billingReason",
            maybe_choice(it.billing_reason.as_ref().map(super::words::BillingReason::as_str)),
        )
        .with("amount", amount(it.total.as_ref()))
        .with("afterFees", amount(it.after_fees.as_ref()))
        .with("refundedAmount", amount(it.refunded.as_ref().filter(|money| !money.is_zero())))
        .with("refundedAt", it.refunded_at)
        .with("refundStatus", maybe_choice(refund.map(|it| it.status.as_str())))
        .with("refundReason", maybe_text(refund.and_then(|it| it.reason.as_deref())))
        .with("disputeStatus", maybe_choice(dispute.map(|it| it.status.as_str())))
        .with("disputeReason", maybe_text(dispute.map(|it| it.reason.as_str())))
        .with("disputeAmount", amount(dispute.and_then(|it| it.amount.as_ref())))
        .with("disputeDueAt", dispute.and_then(|it| it.evidence_due_at))
        .with("failure", maybe_text(it.failure.as_deref()))
        .with("chargedAt", it.created_at)
        .with("paidAt", it.paid_at)
        .with("nextAttemptAt", it.next_attempt_at)
        .with("person", parents.person)
        .with("opportunity", parents.opportunity)
        .with("product", parents.product)
}

/// The latest refund and the latest dispute, by when they were made; ids settle a tie.
fn latest(facts: &[Fact]) -> (Option<&Refund>, Option<&Dispute>) {
    let refunds = facts.iter().filter_map(|fact| match fact {
        Fact::Refund(refund) => Some(refund),
        Fact::Variant(_) | Fact::Dispute(_) => None,
    });
    let disputes = facts.iter().filter_map(|fact| match fact {
        Fact::Dispute(dispute) => Some(dispute),
        Fact::Variant(_) | Fact::Refund(_) => None,
    });
    (
        refunds.max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id))),
        disputes.max_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id))),
    )
}
