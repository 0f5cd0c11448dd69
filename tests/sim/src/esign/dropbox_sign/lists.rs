//! Requests and templates in pages, the account and its app.

use serde_json::{Value, json};

use super::super::life::{Contract, Stage};
use super::super::wire::Reply;
use super::super::world::World;
use super::api::Call;
use super::{show, tell};

pub(super) fn app(world: &World) -> Value {
    let account = &world.dropbox_sign;
    json!({
        "callback_url": tell::url(world, account.app_hook),
        "client_id": account.client_id,
        "created_at": 1_700_000_000,
        "domains": ["sender.example"],
        "name": "Contracts",
        "is_approved": true,
        "owner_account": {"account_id": account.id, "email_address": account.email},
    })
}

pub(super) fn account(world: &World) -> Reply {
    let account = &world.dropbox_sign;
    let paid = world.switches.paid;
    let shown = json!({
        "account_id": account.id,
        "email_address": account.email,
        "is_locked": false,
        "is_paid_hs": paid,
        "is_paid_hf": false,
        "quotas": {"api_signature_requests_left": if paid { 1_250 } else { 0 }, "documents_left": null,
                   "templates_total": null, "templates_left": null, "sms_verifications_left": 0},
        "callback_url": tell::url(world, account.own_hook),
        "role_code": "a",
        "locale": "en-US",
    });
    Reply::json(200, json!({"account": shown}))
}

pub(super) fn info(total: usize, page: usize, size: usize) -> Value {
    json!({"page": page, "num_pages": total.div_ceil(size).max(1), "num_results": total, "page_size": size})
}

pub(super) fn paged<T>(call: &Call<'_>, all: Vec<T>) -> (Value, Vec<T>) {
    let page = call.asked.number("page").unwrap_or(1).max(1);
    let size = call.asked.number("page_size").unwrap_or(20).clamp(1, 100);
    let info = info(all.len(), page, size);
    (info, all.into_iter().skip((page - 1) * size).take(size).collect())
}

/// Newest first; of queries only `complete:` and words of the title are known.
pub(super) fn list(world: &World, call: &Call<'_>) -> Reply {
    let all = &world.dropbox_sign.book.contracts;
    let query = call.asked.query("query").unwrap_or_default();
    let fits = |contract: &&Contract| {
        query.split_whitespace().all(|term| match term {
            "complete:false" => contract.stage != Stage::Completed,
            "complete:true" => contract.stage == Stage::Completed,
            text => contract.title.contains(text),
        })
    };
    let there = |contract: &&Contract| contract.stage != Stage::Voided && contract.stage != Stage::Deleted;
    let found: Vec<&Contract> = all.iter().rev().filter(there).filter(fits).collect();
    let (info, found) = paged(call, found);
    let shown: Vec<Value> = found.into_iter().map(|it| show::request(world, it, call.base)).collect();
    Reply::json(200, json!({"list_info": info, "signature_requests": shown}))
}

pub(super) fn templates(world: &World, call: &Call<'_>) -> Reply {
    let query = call.asked.query("query").unwrap_or_default().to_lowercase();
    let all = world.dropbox_sign.book.templates.iter();
    let found: Vec<_> = all.filter(|it| it.name.to_lowercase().contains(&query)).collect();
    let (info, found) = paged(call, found);
    let shown: Vec<Value> = found.into_iter().map(|it| show::template(world, it)).collect();
    Reply::json(200, json!({"list_info": info, "templates": shown}))
}
