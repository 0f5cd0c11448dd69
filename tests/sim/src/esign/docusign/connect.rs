//! Account-wide receivers, and what became of messages.

use serde_json::{Value, json};

use super::super::Provider;
use super::super::hooks::Message;
use super::super::wire::{Reply, text};
use super::super::world::World;
use super::api::Call;
use super::{refuse, stamp, tell};

/// Account-wide receivers, and what became of messages.
pub(super) fn connect(
    world: &mut World,
    operation: &str,
    path: &[String],
    call: &Call<'_>,
) -> Result<Reply, Reply> {
    let missing = || refuse(404, "CONNECT_CONFIGURATION_DOES_NOT_EXIST", "There is no such configuration.");
    let body = |message: &str| refuse(400, "INVALID_REQUEST_BODY", message);
    let of_account = |world: &World| -> Vec<Value> {
        let hooks =
            world.post.hooks.iter().filter(|hook| hook.provider == Provider::Docusign && !hook.deleted);
        hooks.filter(|hook| !hook.id.starts_with("envelope ")).map(|hook| hook.shown.clone()).collect()
    };
    Ok(match operation {
        "Connect_PostConnectConfiguration" => {
            let row = tell::hook(world, call.body, false).map_err(body)?;
            Reply::json(201, world.post.hooks[row].shown.clone())
        }
        "Connect_PutConnectConfiguration" => {
            let id = text(call.body, "connectId");
            let old = world.post.hook_by_id(Provider::Docusign, id).ok_or_else(missing)?;
            let new = tell::hook(world, call.body, false).map_err(body)?;
            let mut hook = world.post.hooks.remove(new);
            hook.id = id.to_owned();
            hook.shown["connectId"] = json!(id);
            let shown = hook.shown.clone();
            world.post.hooks[old] = hook;
            Reply::json(200, shown)
        }
        "Connect_GetConnectConfigs" => {
            let all = of_account(world);
            Reply::json(200, json!({"configurations": all, "totalRecords": all.len().to_string()}))
        }
        "Connect_GetConnectConfig" => {
            let row = world.post.hook_by_id(Provider::Docusign, &path[0]).ok_or_else(missing)?;
            Reply::json(200, json!({"configurations": [world.post.hooks[row].shown], "totalRecords": "1"}))
        }
        "Connect_DeleteConnectConfig" => {
            let row = world.post.hook_by_id(Provider::Docusign, &path[0]).ok_or_else(missing)?;
            world.post.hooks[row].deleted = true;
            world.post.pending.retain(|message| message.hook != row);
            Reply::empty(200)
        }
        "ConnectFailures_GetConnectLogs" | "ConnectLog_GetConnectLogs" => {
            let failed = operation == "ConnectFailures_GetConnectLogs";
            let ours = world.post.attempts.iter().filter(|it| it.message.provider == Provider::Docusign);
            let rows: Vec<Value> = ours
                .filter(|it| !failed || !(200..300).contains(&it.status))
                .map(|it| {
                    let id = format!("{}-{}", it.message.number, it.message.failed);
                    json!({"envelopeId": it.message.contract, "failureId": id, "lastTry": stamp(it.sent_at),
                           "retryCount": it.message.failed.to_string(), "error": format!("HTTP {}", it.status),
                           "status": if (200..300).contains(&it.status) { "successful" } else { "failed" }})
                })
                .collect();
            let name = if failed { "failures" } else { "logs" };
            Reply::json(200, json!({"totalRecords": rows.len().to_string(), name: rows}))
        }
        _ => {
            let mut wanted: Vec<&str> =
                call.body["envelopeIds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            wanted.extend(path.first().map(String::as_str));
            Reply::json(200, json!({"retryQueue": retry(world, &wanted, call.now)}))
        }
    })
}

/// Puts given-up and waiting messages of these envelopes on their way at once.
pub(super) fn retry(world: &mut World, wanted: &[&str], now: i64) -> Vec<Value> {
    let ours = |message: &Message| {
        message.provider == Provider::Docusign && wanted.contains(&message.contract.as_str())
    };
    for message in world.post.pending.iter_mut().filter(|message| ours(message)) {
        message.due = now;
    }
    let mut back: Vec<_> = world.post.failures.extract_if(.., |message| ours(message)).collect();
    for message in &mut back {
        message.due = now;
    }
    world.post.pending.extend(back);
    wanted.iter().map(|id| json!({"envelopeId": id, "status": "queued", "statusMessage": ""})).collect()
}
