//! The console: what came in, what was said, and what a person may make of the next request. Forms only; it
//! works without a script.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};

use super::books::{Books, Received, Sim};
use super::{Failure, Obeys, Outcome, Provider};
use crate::clock::iso;

/// How many requests are shown.
const RECENT: usize = 25;
const STYLE: &str = include_str!("console.css");

/// `/`, `/console` and what its buttons do.
pub(super) fn router(sim: &Arc<Sim>) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/console") }))
        .route("/console", get(show))
        .route("/console/{action}", post(act))
        .with_state(Arc::clone(sim))
}

/// Every outcome that a button can queue, by its name.
fn outcomes(provider: Provider) -> Vec<(String, Outcome)> {
    let errors = Failure::all(provider).into_iter().map(|failure| {
        let name = format!("{} {}", failure.status, failure.name);
        (name, Outcome::Error(failure))
    });
    let named = Outcome::named().into_iter().map(|(name, outcome)| (name.to_owned(), outcome));
    named.chain(errors).collect()
}

async fn act(
    State(sim): State<Arc<Sim>>,
    Path(action): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Redirect {
    let mut books = sim.books();
    match action.as_str() {
        "gullible" if books.switches.gullible.is_empty() => books.switches.gullible = Obeys::ALL.to_vec(),
        "gullible" => books.switches.gullible.clear(),
        "forget" => books.forget(),
        _ => {
            let provider = Provider::ALL.into_iter().find(|provider| provider.name() == action);
            let wanted = form.get("outcome").map(String::as_str).unwrap_or_default();
            let found =
                provider.and_then(|provider| outcomes(provider).into_iter().find(|(name, _)| name == wanted));
            books.queue.extend(found.map(|(_, outcome)| (provider, outcome)));
        }
    }
    Redirect::to("/console")
}

async fn show(State(sim): State<Arc<Sim>>) -> Html<String> {
    let books = sim.books();
    let mut body = String::from("<main><h1>AI stand-ins</h1>");
    switches(&books, &mut body);
    counts(&books, &mut body);
    violations(&books, &mut body);
    requests(&books, &mut body);
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Console · AI stand-ins</title><style>{STYLE}</style></head><body>{body}</main></body></html>"
    ))
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes everything");
}

fn switches(books: &Books, out: &mut String) {
    out.push_str("<section aria-label=\"Switches\"><h2>Switches</h2>");
    let gullible = !books.switches.gullible.is_empty();
    let (state, button) = if gullible { ("obeys", "Stop obeying") } else { ("does not obey", "Obey") };
    put(
        out,
        format_args!(
            "<form class=\"row\" method=\"post\" action=\"/console/gullible\"><span>The model <b>{state}</b> hostile text.</span>\
             <button>{button}</button></form>"
        ),
    );
    for provider in Provider::ALL {
        let name = provider.name();
        let options: Vec<String> =
            outcomes(provider).iter().map(|(name, _)| format!("<option>{}</option>", escape(name))).collect();
        put(
            out,
            format_args!(
                "<form class=\"row\" method=\"post\" action=\"/console/{name}\"><label>Next request to {name} \
                 <select name=\"outcome\">{}</select></label><button>Queue</button></form>",
                options.concat()
            ),
        );
    }
    put(out, format_args!("<p>{} outcomes wait in the queue.</p></section>", books.queue.len()));
}

fn counts(books: &Books, out: &mut String) {
    let mut counts: BTreeMap<(Provider, &str), [u64; 6]> = BTreeMap::new();
    for received in books.received.iter().filter(|received| received.generates()) {
        let row = counts.entry((received.provider, received.model())).or_default();
        let usage = received.usage.unwrap_or_default();
        let more = [1, usage.fresh, usage.read, usage.written, usage.output, usage.thinking];
        row.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    out.push_str(
        "<section aria-label=\"Calls\"><h2>Calls</h2><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Provider</th>\
         <th scope=\"col\">Model</th><th scope=\"col\">Calls</th><th scope=\"col\">Input</th><th scope=\"col\">From cache</th>\
         <th scope=\"col\">To cache</th><th scope=\"col\">Output</th><th scope=\"col\">Thinking</th></tr></thead><tbody>",
    );
    for ((provider, model), sums) in counts {
        let cells: Vec<String> = sums.iter().map(|sum| format!("<td>{sum}</td>")).collect();
        put(
            out,
            format_args!("<tr><td>{}</td><td>{}</td>{}</tr>", provider.name(), escape(model), cells.concat()),
        );
    }
    out.push_str("</tbody></table></div></section>");
}

fn violations(books: &Books, out: &mut String) {
    out.push_str("<section aria-label=\"Violations\"><h2>Violations</h2>");
    if books.violations.is_empty() {
        out.push_str("<p>None: everything fitted the providers' documents.</p>");
    }
    for violation in &books.violations {
        put(out, format_args!("<p class=\"violation\">{}</p>", escape(violation)));
    }
    out.push_str("</section>");
}

fn requests(books: &Books, out: &mut String) {
    out.push_str(
        "<section aria-label=\"Requests\"><h2>Last requests</h2>\
         <form class=\"row\" method=\"post\" action=\"/console/forget\"><button>Forget</button></form>",
    );
    for received in books.received.iter().rev().take(RECENT) {
        request(received, out);
    }
    out.push_str("</section>");
}

fn request(received: &Received, out: &mut String) {
    let status = received.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let body = serde_json::to_string_pretty(&received.body).unwrap_or_default();
    put(
        out,
        format_args!(
            "<details><summary>{} · {} · {} <span class=\"tag\">{status}</span> <code>{}</code></summary>\
             <h3>Asked</h3><pre>{}</pre><h3>Said</h3><pre>{}</pre></details>",
            iso(received.at_ms),
            escape(&received.path),
            escape(received.model()),
            received.request_id,
            escape(&body),
            escape(received.answer.as_deref().unwrap_or_default()),
        ),
    );
}

/// Text as it may stand in HTML, quotes included.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
