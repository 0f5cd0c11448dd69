//! The limits, and which figures keep them.

use serde::Serialize;

use crate::counts::Counts;
use crate::memory::Memory;
use crate::scale::Scale;
use crate::startup::Started;

/// A figure beside its limit.
#[derive(Debug, Serialize)]
pub(crate) struct Gate {
    pub(crate) what: String,
    pub(crate) figure: f64,
    pub(crate) at_most: f64,
    pub(crate) holds: bool,
}

fn gate(what: impl Into<String>, figure: f64, at_most: f64) -> Gate {
    Gate { what: what.into(), figure, at_most, holds: figure <= at_most }
}

pub(crate) fn all(startup: &[Started], counts: &Counts, memory: &Memory, scale: &Scale) -> Vec<Gate> {
    let mut gates = Vec::new();
    for it in startup.iter().filter(|it| it.name == "webhook") {
        gates.push(gate("webhook: CPU to the first accepted delivery, x bare", it.ratio.first_cpu, 2.5));
        gates.push(gate("webhook: resident memory, MB", it.peak_rss_mb, 10.0));
        gates.push(gate("webhook: binary, MB", it.binary_mb, 6.0));
    }
    gates.push(gate("a million deliveries, $", counts.deliveries.dollars_per_million.sum, 5.0));
    let growth = memory.last_quarter_kb.saturating_sub(memory.third_quarter_kb) as f64 / 1024.0;
    gates.push(gate("sync: memory in the last quarter of the pages, MB more", growth, 0.5));
    for it in &scale.streams {
        gates.push(gate(format!("Whop pages of {}", it.name), it.pages as f64, it.fewest_pages as f64));
    }
    for it in &scale.objects {
        let what = format!("writes of {}", it.name);
        gates.push(gate(what, it.writes as f64, it.fewest_writes as f64));
    }
    let growth = scale.calls_per_record / scale.calls_per_record_of_a_tenth;
    gates.push(gate("calls per record, x those of a tenth of the members", growth, 1.02));
    gates.push(gate("calls refused by Twenty's limit", scale.refused_by_limit as f64, 0.0));
    gates.push(gate("writes of a second run", scale.second_run.writes as f64, 0.0));
    gates
}
