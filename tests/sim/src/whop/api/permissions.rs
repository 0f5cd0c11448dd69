//! `GET /permissions`: what a credential may do with a resource. An unknown resource grants nothing.

use serde_json::{Value, json};

use super::{Answer, Call, Refusal};
use crate::whop::world::{Reach, World};

/// The actions that this stand-in knows; the catalogue is longer.
const KNOWN: &[&str] = &[
    "access_pass:basic:read",
    "company:basic:read",
    "developer:manage_webhook",
    "invoice:basic:read",
    "lead:basic:read",
    "member:basic:read",
    "member:email:read",
    "member:manage",
    "member:phone:read",
    "membership:cancel",
    "payment:basic:read",
    "payment:dispute:read",
    "payment:dispute_alert:read",
    "payment:manage",
    "payment:resolution_center_case:read",
    "plan:basic:read",
    "plan:waitlist:read",
    "promo_code:basic:read",
    "webhook_receive:disputes",
    "webhook_receive:members",
    "webhook_receive:memberships",
    "webhook_receive:payments",
    "webhook_receive:plans",
    "webhook_receive:products",
    "webhook_receive:refunds",
];

pub(super) fn list(world: &World, call: &Call<'_>) -> Answer {
    let Some(resource) = call.query.get("resource_id") else {
        return Err(Refusal::bad("resource_id is required"));
    };
    let reached = match world.books.account(resource) {
        Some(account) => world.reaches(&call.caller, account),
        None => false,
    };
    let own_app = match call.caller.reach {
        Reach::App(app) => crate::whop::ids::row("app_", resource) == Some(app),
        Reach::Account(_) | Reach::User { .. } => false,
    };
    let asked: Vec<&str> = match call.query.get("actions") {
        Some(actions) => actions.split(',').map(str::trim).filter(|action| !action.is_empty()).collect(),
        None => KNOWN.to_vec(),
    };
    let row = |action: &str| -> Value {
        let granted = (reached || own_app) && call.caller.rights.allow(action);
        json!({"action": action, "granted": granted})
    };
    let data: Vec<Value> = asked.into_iter().map(row).collect();
    Ok(json!({ "data": data }))
}
