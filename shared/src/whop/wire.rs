//! Whop's records as they come, at version 2026-10-15-1, turned into ours.
//!
//! Unknown fields are not looked at and unknown words are kept: Whop adds both without a new version (Whop
//! API, versioning). Where an older shape nests what the present one has flat, both are read. Whop's shapes
//! end here.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{Aside, WhopError};
use super::row::{Misshapen, Row};
use crate::domain::id::AccountId;
use crate::domain::money::Currency;
use crate::domain::source::{
    Cursor, Dispute, Member, Membership, Page, Payment, Product, Record, Refund, Stream, Unreadable, Variant,
};

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
    page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
struct PageInfo {
    end_cursor: Option<String>,
    has_next_page: Option<bool>,
}

/// A list as it came: its rows, and where it goes on.
pub(super) struct Rows<'a> {
    pub(super) rows: Vec<&'a str>,
    pub(super) next: Option<Cursor>,
}

/// The rows of an answer that has no pages.
pub(super) fn data(body: &[u8]) -> Result<Vec<&str>, WhopError> {
    let list: List<'_> = serde_json::from_slice(body).map_err(|_| NOT_A_LIST)?;
    Ok(list.data.into_iter().map(RawValue::get).collect())
}

const NOT_A_LIST: WhopError = WhopError::Unexpected("something that is not a list");

/// Takes a list apart. One that does not say whether it goes on is refused: to take it for the last would
/// lose the rest without a word. So is one that goes on where it began, which would never end.
pub(super) fn rows<'a>(body: &'a [u8], asked: Option<&Cursor>) -> Result<Rows<'a>, WhopError> {
    let list: List<'a> = serde_json::from_slice(body).map_err(|_| NOT_A_LIST)?;
    let info = list.page_info.ok_or(WhopError::Unexpected("a list that does not say whether it goes on"))?;
    let cursor = info.end_cursor.filter(|cursor| !cursor.is_empty());
    let next = cursor.filter(|_| info.has_next_page.unwrap_or(true)).map(Cursor);
    if next.is_some() && next.as_ref() == asked {
        return Err(WhopError::Unexpected("a page that leads to itself"));
    }
    let rows = list.data.into_iter().map(RawValue::get).collect();
    Ok(Rows { rows, next })
}

/// A page of `stream`. A row that cannot be read is kept aside; one of another account is left out, since
/// Whop answers a filter beyond the credential's reach with other rows instead of an error (Whop API,
/// visibility).
pub(super) fn page(
    stream: Stream,
    body: &[u8],
    account: &AccountId,
    asked: Option<&Cursor>,
) -> Result<Page, WhopError> {
    let Rows { rows, next } = rows(body, asked)?;
    let mut page = Page { records: Vec::with_capacity(rows.len()), unreadable: Vec::new(), next };
    for json in rows {
        match own_record(stream, json, account) {
            Ok(Some(record)) => page.records.push(record),
            Ok(None) => {}
            Err(reason) => page.unreadable.push(unreadable(json, &reason)),
        }
    }
    Ok(page)
}

/// One record; nothing if it is another account's.
pub(super) fn record(stream: Stream, json: &str, account: &AccountId) -> Result<Option<Record>, WhopError> {
    own_record(stream, json, account).map_err(|reason| match reason {
        Misshapen::NotAnObject => WhopError::Unexpected("something that is not a record"),
        Misshapen::Missing(_) | Misshapen::Wrong { .. } => {
            WhopError::Unreadable(Aside(Box::new(unreadable(json, &reason))))
        }
    })
}

fn own_record(stream: Stream, json: &str, account: &AccountId) -> Result<Option<Record>, Misshapen> {
    let row = Row::parse(json)?;
    let owner: Option<AccountId> = owner(&row)?;
    if owner.is_some_and(|owner| owner != *account) {
        return Ok(None);
    }
    decoded(stream, &row, account).map(Some)
}

/// The row for a person to look at. A payment's client secret belongs to its buyer and is never kept.
fn unreadable(json: &str, reason: &Misshapen) -> Unreadable {
    let row = Row::parse(json).ok();
    let id = row.as_ref().and_then(|row| row.maybe_text("id").ok().flatten());
    let raw = match row {
        Some(row) if row.has("client_secret") => row.without("client_secret"),
        _ => json.to_owned(),
    };
    Unreadable { id: id.map(|id| id.chars().take(128).collect()), reason: reason.to_string(), raw }
}

/// The account a row belongs to, where it says so; `company` is the account's old name.
pub(super) fn owner(row: &Row<'_>) -> Result<Option<AccountId>, Misshapen> {
    match row.named("account_id", "account")? {
        Some(account) => Ok(Some(account)),
        None => row.named("company_id", "company"),
    }
}

fn decoded(stream: Stream, row: &Row<'_>, account: &AccountId) -> Result<Record, Misshapen> {
    Ok(match stream {
        Stream::Variants => Record::Variants(variant(row)?),
        Stream::Products => Record::Products(product(row)?),
        Stream::Members => Record::Members(member(row, account)?),
        Stream::Memberships => Record::Memberships(membership(row, account)?),
        Stream::Refunds => Record::Refunds(refund(row)?),
        Stream::Disputes => Record::Disputes(dispute(row)?),
        Stream::Payments => Record::Payments(payment(row)?),
    })
}

fn currency(row: &Row<'_>) -> Result<Option<Currency>, Misshapen> {
    let code = row.maybe_text("currency")?.filter(|code| !code.is_empty());
    Ok(code.as_deref().map(Currency::new))
}

fn product(row: &Row<'_>) -> Result<Product, Misshapen> {
    let created_at = row.must("created_at")?;
    Ok(Product {
        id: row.must("id")?,
        title: row.text("title")?,
        headline: row.maybe_text("headline")?,
        route: row.text("route")?,
        visibility: row.maybe_text("visibility")?.map(Into::into),
        active_members: row.whole("member_count")?.unwrap_or(0),
        created_at,
        updated_at: row.maybe("updated_at")?.unwrap_or(created_at),
    })
}

fn variant(row: &Row<'_>) -> Result<Variant, Misshapen> {
    let currency = currency(row)?;
    let updated_at = row.maybe("updated_at")?;
    Ok(Variant {
        id: row.must("id")?,
        product: row.named("product_id", "product")?,
        title: row.maybe_text("title")?,
        formatted_price: row.text("formatted_price")?,
        renews: row.text("plan_type")? != "one_time",
        billing_days: row.whole("billing_period")?,
        initial_price: row.money("initial_price", currency.as_ref())?,
        renewal_price: row.money("renewal_price", currency.as_ref())?,
        updated_at: updated_at.map_or_else(|| row.must("created_at"), Ok)?,
    })
}

fn member(row: &Row<'_>, account: &AccountId) -> Result<Member, Misshapen> {
    let user = row.inside("user")?;
    let joined_at = row.maybe("joined_at")?;
    Ok(Member {
        id: row.must("id")?,
        account: account.clone(),
        user: user.as_ref().map(|user| user.maybe("id")).transpose()?.flatten(),
        username: user.as_ref().map(|user| user.maybe_text("username")).transpose()?.flatten(),
        display_name: row.text("display_name")?,
        email: row.maybe_text("email")?.filter(|email| !email.is_empty()),
        phone: row.maybe_text("phone_number")?.filter(|phone| !phone.is_empty()),
        status: row.must_text("status")?.into(),
        access: row.must_text("access_level")?.into(),
        joined_at: joined_at.map_or_else(|| row.must("created_at"), Ok)?,
        last_accessed_at: row.maybe("last_accessed_at")?,
        total_spent: row.money("usd_total_spent", Some(&Currency::new("usd")))?,
        last_action: row.maybe_text("most_recent_action")?.map(Into::into),
        last_action_at: row.maybe("most_recent_action_at")?,
    })
}

fn membership(row: &Row<'_>, account: &AccountId) -> Result<Membership, Misshapen> {
    let currency = currency(row)?;
    let product = row.inside("product")?;
    let product_title = product.as_ref().map(|product| product.text("title")).transpose()?;
    let product = row.named("product_id", "product")?;
    let variant = row.named("plan_id", "plan")?;
    let created_at = row.must("created_at")?;
    Ok(Membership {
        id: row.must("id")?,
        account: account.clone(),
        member: row.named("member_id", "member")?,
        product: product.ok_or(Misshapen::Missing("product_id"))?,
        product_title: product_title.unwrap_or_default(),
        variant: variant.ok_or(Misshapen::Missing("plan_id"))?,
        status: row.must_text("status")?.into(),
        cancels_at_period_end: row.flag("cancel_at_period_end")?,
        canceled_at: row.maybe("canceled_at")?,
        cancellation_reason: row.maybe_text("cancellation_reason")?,
        initial_price: row.money("initial_price", currency.as_ref())?,
        renewal_price: row.money("renewal_price", currency.as_ref())?,
        period_start: row.maybe("current_period_start")?,
        period_end: row.maybe("current_period_end")?,
        expires_at: row.maybe("expires_at")?,
        manage_url: row.maybe_text("manage_url")?.filter(|url| !url.is_empty()),
        last_action: row.maybe_text("most_recent_action")?,
        last_action_at: row.maybe("most_recent_action_at")?,
        created_at,
        updated_at: row.maybe("updated_at")?.unwrap_or(created_at),
    })
}

fn payment(row: &Row<'_>) -> Result<Payment, Misshapen> {
    let currency = currency(row)?;
    let created_at = row.must("created_at")?;
    let failure = row.maybe_text("failure_message")?.filter(|text| !text.is_empty());
    Ok(Payment {
        id: row.must("id")?,
        account: owner(row)?,
        member: row.named("member_id", "member")?,
        membership: row.named("membership_id", "membership")?,
        product: row.named("product_id", "product")?,
        variant: row.named("plan_id", "plan")?,
        status: row.must_text("status")?.into(),
        substatus: row.must_text("substatus")?.into(),
        billing_reason: row.maybe_text("billing_reason")?.map(Into::into),
        total: row.money("total", currency.as_ref())?,
        after_fees: row.money("amount_after_fees", currency.as_ref())?,
        refunded: row.money("refunded_amount", currency.as_ref())?,
        refunded_at: row.maybe("refunded_at")?,
        failure: failure.map_or_else(|| row.maybe_text("decline_code"), |text| Ok(Some(text)))?,
        dispute_alerted_at: row.maybe("dispute_alerted_at")?,
        paid_at: row.maybe("paid_at")?,
        next_attempt_at: row.maybe("next_payment_attempt_at")?,
        created_at,
        updated_at: row.maybe("updated_at")?.unwrap_or(created_at),
    })
}

/// Webhooks carry an older refund, with a number for its amount and the payment nested (Whop API, refunds).
fn refund(row: &Row<'_>) -> Result<Refund, Misshapen> {
    let currency = currency(row)?;
    let created_at = row.must("created_at")?;
    let payment = row.named("payment_id", "payment")?;
    let settled = row.money("amount", currency.as_ref())?;
    Ok(Refund {
        id: row.must("id")?,
        payment: payment.ok_or(Misshapen::Missing("payment_id"))?,
        status: row.must_text("status")?.into(),
        reason: row.maybe_text("reason")?,
        amount: settled.map_or_else(|| row.money("original_amount", currency.as_ref()), |it| Ok(Some(it)))?,
        created_at,
        updated_at: row.maybe("updated_at")?.unwrap_or(created_at),
    })
}

fn dispute(row: &Row<'_>) -> Result<Dispute, Misshapen> {
    let created_at = row.must("created_at")?;
    let payment = row.named("payment_id", "payment")?;
    Ok(Dispute {
        id: row.must("id")?,
        payment: payment.ok_or(Misshapen::Missing("payment.id"))?,
        status: row.must_text("status")?.into(),
        reason: row.text("reason")?,
        amount: row.money("amount", currency(row)?.as_ref())?,
        evidence_due_at: row.maybe("evidence_due_at")?,
        created_at,
        updated_at: row.maybe("updated_at")?.unwrap_or(created_at),
    })
}
