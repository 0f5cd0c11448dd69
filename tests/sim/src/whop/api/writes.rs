//! What a seller may change through the API. Each answers the object as it is afterwards.

use serde_json::Value;

use super::{Answer, Call, Refusal, objects};
use crate::clock::from_iso;
use crate::whop::life::MembershipEdit;
use crate::whop::money::from_number;
use crate::whop::records::PAYMENT;
use crate::whop::world::World;

pub(super) fn answer(world: &mut World, call: &Call<'_>) -> Answer {
    if call.operation == "payments_refund" {
        return refund(world, call);
    }
    let row = objects::membership(world, call)?;
    let manages = call.caller.rights.allow("member:manage");
    let may_cancel = manages || call.caller.rights.allow("membership:cancel");
    match call.operation {
        "memberships_update" if may_cancel => update(world, call, row)?,
        "memberships_cancel" if may_cancel => cancel(world, call, row)?,
        "memberships_update" | "memberships_cancel" => return Err(Refusal::forbidden("membership:cancel")),
        _ if !manages => return Err(Refusal::forbidden("member:manage")),
        "memberships_pause" => pause(world, call, row)?,
        "memberships_resume" => match world.books.memberships[row].paused_at {
            Some(_) => world.pause(call.now, row, false),
            None => return Err(Refusal::bad("the membership is not paused")),
        },
        _ => extend(world, call, row)?,
    }
    Ok(world.books.show_membership(row, call.caller.rights.lens(false)))
}

fn update(world: &mut World, call: &Call<'_>, row: usize) -> Result<(), Refusal> {
    let edit = MembershipEdit {
        period_days: call.body["billing_period_days"].as_i64(),
        metadata: call.body["metadata"].as_object().cloned(),
    };
    let ends = call.body["cancel_at_period_end"].as_bool();
    if edit.period_days.is_some() && (edit.metadata.is_some() || ends.is_some()) {
        return Err(Refusal::bad("billing_period_days cannot be combined with other fields"));
    }
    world.edit_membership(call.now, row, edit);
    match ends {
        Some(ends) if ends != world.books.memberships[row].ends => {
            world.schedule_cancel(call.now, row, ends, None);
        }
        _ => {}
    }
    Ok(())
}

fn cancel(world: &mut World, call: &Call<'_>, row: usize) -> Result<(), Refusal> {
    if !world.books.memberships[row].grants_access() {
        return Err(Refusal::conflict("the membership is already over"));
    }
    let reason = call.body["reason"].as_str();
    match call.body["cancel_at_period_end"].as_bool() {
        Some(true) => world.schedule_cancel(call.now, row, true, reason),
        Some(false) | None => world.cancel(call.now, row, reason),
    }
    Ok(())
}

fn pause(world: &mut World, call: &Call<'_>, row: usize) -> Result<(), Refusal> {
    let until = &call.body["until"];
    if !until.is_null() && until.as_str().and_then(from_iso).is_none() {
        return Err(Refusal::bad("until must be an ISO 8601 timestamp"));
    }
    if !world.books.memberships[row].grants_access() {
        return Err(Refusal::bad("only a running membership can be paused"));
    }
    world.pause(call.now, row, true);
    Ok(())
}

fn extend(world: &mut World, call: &Call<'_>, row: usize) -> Result<(), Refusal> {
    match call.body["days"].as_i64() {
        Some(days @ 1..=1_095) => {
            world.extend(call.now, row, days);
            Ok(())
        }
        _ => Err(Refusal::bad("days must be between 1 and 1095")),
    }
}

fn refund(world: &mut World, call: &Call<'_>) -> Answer {
    let row = objects::reachable(world, &world.books.payments, PAYMENT, call, "Payment")?;
    call.need("payment:manage")?;
    let payment = &world.books.payments[row];
    if payment.status != "paid" || payment.refunded >= payment.total {
        return Err(Refusal::bad("the payment is not refundable"));
    }
    let part = match &call.body["partial_amount"] {
        Value::Null => None,
        Value::Number(number) => {
            let minor = from_number(number, payment.currency);
            let minor = minor.filter(|minor| (1..=payment.total - payment.refunded).contains(minor));
            Some(minor.ok_or_else(|| Refusal::bad("partial_amount is not an amount that is left"))?)
        }
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            return Err(Refusal::bad("partial_amount must be a number"));
        }
    };
    let metadata = call.body["metadata"].as_object().cloned().unwrap_or_default();
    world.refund(call.now, row, part, metadata);
    Ok(world.books.show_payment(row, call.caller.rights.lens(false)))
}
