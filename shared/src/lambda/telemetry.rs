//! Logs: one JSON line per event, fields with stable dotted names. Never a token, a body, an address or a name.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Sends logs to `writer` for the rest of the process. A second call changes nothing.
pub fn start<W>(level: &str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!(
        "warn,shared={level},oauth={level},webhook={level},sync={level},graphql={level}"
    ))
    .unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer);
    // A subscriber that is already there (a test's) stays.
    drop(lines.with_current_span(true).with_span_list(false).try_init());
}
