//! What there is in the end, asked of Twenty itself, and what it took.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Scene, Server, Told};
use crate::{Stack, logs};

/// Numbers of the whole story.
#[derive(Clone, Debug, Serialize)]
pub struct Totals {
    /// Records in Twenty that carry a Whop id; absent if Twenty did not say.
    pub people: Option<u64>,
    pub opportunities: Option<u64>,
    pub payments: Option<u64>,
    pub products: Option<u64>,
    /// Counted at the stand-in; with a real server, by the receipts.
    pub twenty_calls: u64,
    pub whop_calls: u64,
    /// What Twenty refused, by reason. Of a real server only being told to slow down is known.
    pub refusals: BTreeMap<String, u64>,
}

/// Counts everything.
pub(super) async fn count(stack: &Stack, scene: &Scene, runs: &[Told]) -> Totals {
    let by_receipts = |side: &str| runs.iter().filter_map(|told| told.run[side].as_u64()).sum::<u64>();
    let at_the_wire = |service| stack.faults.count_of(service) as u64;
    let twenty_calls = match scene.workspace {
        Some(_) => at_the_wire("twenty"),
        None => by_receipts("twentyCalls"),
    };
    let whop_calls = match scene.account {
        Some(_) => at_the_wire("whop"),
        None => by_receipts("whopCalls"),
    };
    let refusals = match &scene.workspace {
        Some(workspace) => stack.twenty.refusals(workspace),
        None => slowed_down(),
    };
    let records = async |plural, key| records(stack, &scene.twenty, plural, key).await;
    Totals {
        people: records("people", "whopMemberId").await,
        opportunities: records("opportunities", "whopMembershipId").await,
        payments: records("whopPayments", "whopPaymentId").await,
        products: records("whopProducts", "whopProductId").await,
        twenty_calls,
        whop_calls,
        refusals,
    }
}

fn slowed_down() -> BTreeMap<String, u64> {
    let times = logs::lines().matches("\"event\":\"twenty.throttled\"").count() as u64;
    BTreeMap::from([("limit".to_owned(), times)]).into_iter().filter(|(_, times)| *times > 0).collect()
}

/// How many records carry this key.
async fn records(stack: &Stack, twenty: &Server, plural: &str, key: &str) -> Option<u64> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let base = twenty.url.trim_end_matches('/');
    let url = format!("{base}/rest/{plural}?limit=1&filter={key}[is]:NOT_NULL");
    for _ in 0..5 {
        let answer = client.get(&url).bearer_auth(&twenty.key).send().await.ok()?;
        if answer.status().as_u16() == 429 {
            stack.app.clock().sleep(Duration::from_secs(5)).await;
            continue;
        }
        let body: Value = answer.json().await.ok()?;
        return body["totalCount"].as_u64();
    }
    None
}
