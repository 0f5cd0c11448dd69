//! Logs: one JSON line per event, fields with stable dotted names. Never a token, a body, an address or a name.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The crates whose lines are ours; everybody else's matter from warnings on.
const OURS: [&str; 5] = ["shared", "oauth", "webhook", "sync", "graphql"];

/// Sends logs to `writer` for the rest of the process. A second call changes nothing.
pub fn start<W>(level: &str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    let ours = OURS.map(|name| (name, level));
    // Plain targets, since a filter with a language of its own brings a regular expression engine: a megabyte.
    let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(ours);
    let lines = tracing_subscriber::fmt::layer().json().with_writer(writer);
    let lines = lines.with_current_span(true).with_span_list(false);
    // A subscriber that is already there (a test's) stays.
    drop(tracing_subscriber::registry().with(lines).with(filter).try_init());
}
