//! The story in words and tables.

use std::fmt::Write;

use serde_json::Value;
use stack::demo::{Burst, Connected, Told, Totals};

/// What was connected.
pub(crate) fn connected(connected: &Connected) -> String {
    let Connected { workspace, account, live, live_advice, missing_permissions } = connected;
    let mut out = format!("Connected {account} (Whop) to {workspace} (Twenty).\n");
    match live_advice {
        None => out.push_str("News arrives by webhook.\n"),
        Some(advice) => put(&mut out, format_args!("News arrives by {}. {advice}\n", live.to_lowercase())),
    }
    if !missing_permissions.is_empty() {
        let list = missing_permissions.join(", ");
        put(&mut out, format_args!("Whop hides records, because the key lacks: {list}.\n"));
    }
    out
}

/// What came by webhook.
pub(crate) fn burst(burst: Option<&Burst>) -> String {
    let Some(Burst { changes, events, lost, sent, accepted }) = burst else {
        return "Burst of webhooks: skipped, because nobody but Whop can sign for a real account.\n"
            .to_owned();
    };
    format!(
        "Burst of webhooks\n  {changes} changes at Whop made {events} deliveries. {lost} were lost on purpose; the \
         others were sent backwards,\n  then once more: {sent} requests, {accepted} accepted.\n"
    )
}

/// A run and its receipt.
pub(crate) fn run(Told { name, run }: &Told) -> String {
    let balances = if run["balances"] == true { "it balances" } else { "IT DOES NOT BALANCE" };
    let mut out = format!(
        "{name}: {} after {} s, {} calls to Whop, {} to Twenty; {balances}\n",
        word(&run["state"]),
        run["seconds"],
        run["whopCalls"],
        run["twentyCalls"],
    );
    if let Some(reason) = run["reason"].as_str() {
        put(&mut out, format_args!("  {reason}\n"));
    }
    put(
        &mut out,
        format_args!(
            "  {:<14}{:>8}{:>9}{:>8}{:>11}{:>9}{:>8}\n",
            "", "seen", "written", "linked", "unchanged", "skipped", "failed"
        ),
    );
    for stream in run["streams"].as_array().into_iter().flatten() {
        row(&mut out, stream);
    }
    out
}

fn row(out: &mut String, stream: &Value) {
    let count = |name: &str| stream[name].as_u64().unwrap_or_default();
    let reasons = |name: &str| stream[name].as_array().cloned().unwrap_or_default();
    let (skipped, failed) = (reasons("skipped"), reasons("failed"));
    let sum = |reasons: &[Value]| reasons.iter().filter_map(|it| it["count"].as_u64()).sum::<u64>();
    let line = format!(
        "  {:<14}{:>8}{:>9}{:>8}{:>11}{:>9}{:>8}",
        word(&stream["name"]),
        count("seen"),
        count("written"),
        count("linked"),
        count("unchanged"),
        sum(&skipped),
        sum(&failed),
    );
    let why: Vec<String> = skipped.iter().chain(&failed).map(|it| word(&it["reason"])).collect();
    let why = if why.is_empty() { String::new() } else { format!("  ({})", why.join(", ")) };
    put(out, format_args!("{line}{why}\n"));
}

/// What there is in the end.
pub(crate) fn totals(totals: &Totals) -> String {
    let number =
        |count: Option<u64>| count.map_or_else(|| "an unknown number of".to_owned(), |it| it.to_string());
    let refusals: Vec<String> =
        totals.refusals.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!(
        "In Twenty: {} people, {} opportunities, {} payments, {} products.\nCalls: {} to Whop, {} to Twenty. Refused \
         by Twenty: {}.\n",
        number(totals.people),
        number(totals.opportunities),
        number(totals.payments),
        number(totals.products),
        totals.whop_calls,
        totals.twenty_calls,
        if refusals.is_empty() { "none".to_owned() } else { refusals.join(", ") },
    )
}

/// `NEEDS_DECISION` → `needs decision`.
fn word(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_lowercase().replace('_', " ")
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A text takes everything.
    out.write_fmt(text).ok();
}
