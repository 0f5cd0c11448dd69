//! The page for people: every contract with its signers, and what somebody may do in their name. Forms only;
//! it works without a script.

pub(super) mod keys;

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Path, RawForm, State};
use axum::response::{Html, Redirect};

use super::desk::Act;
use super::life::Stage;
use super::world::World;
use super::{Provider, Sim};
use crate::clock::iso;

/// How many rows of each kind are shown.
const RECENT: usize = 25;
/// As people know them, in the order of [`Provider::ALL`].
const NAMES: [&str; 3] = ["DocuSign", "Dropbox Sign", "PandaDoc"];

const STYLE: &str = "
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent);--accent:#3a5bd9}
*{box-sizing:border-box}
body{margin:0;font:16px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}
main{max-width:72rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
.scroll{overflow-x:auto}form{display:inline}
button{font:inherit;font-size:.8rem;padding:.1rem .5rem;border:1px solid var(--line);border-radius:.5rem;
background:transparent;color:inherit;cursor:pointer}
button.main{background:var(--accent);color:#fff}
button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
input,textarea{font:inherit;max-width:100%}textarea{width:100%;font-family:monospace;font-size:.8rem}
dt{font-size:.9rem}dd{margin:0 0 .5rem}
.tag{border:1px solid var(--line);border-radius:1rem;padding:0 .5rem;font-size:.8rem}
@media (max-width:40rem){main{padding:1rem}}
";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// `GET /`
pub(super) async fn home() -> Redirect {
    Redirect::to("/console")
}

/// `GET /console`
pub(super) async fn show(State(sim): State<Arc<Sim>>) -> Html<String> {
    let (world, _) = sim.present();
    let mut body = String::new();
    for (provider, name) in Provider::ALL.into_iter().zip(NAMES) {
        show_provider(&world, provider, name, &mut body);
    }
    Html(document("E-signature stand-ins", &body))
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head>\
         <body><main><h1>{title}</h1><nav><a href=\"/console\">Contracts</a> \
         <a href=\"/console/keys\">Keys and webhooks</a></nav>{body}</main></body></html>"
    )
}

/// `POST /console/{provider}/{action}`: does it, and shows the page again.
pub(super) async fn act(
    State(sim): State<Arc<Sim>>,
    Path((provider, action)): Path<(String, String)>,
    RawForm(raw): RawForm,
) -> Redirect {
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&raw).into_owned().collect();
    let field = |name: &str| {
        form.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (id, email) = (field("id"), field("email"));
    if action == "address" {
        if let Some(provider) = Provider::ALL.into_iter().find(|it| it.prefix() == provider) {
            keys::set_address(&sim, provider, &field("url"));
        }
        return Redirect::to("/console/keys");
    }
    let (mut world, now) = sim.present();
    if let Some(provider) = Provider::ALL.into_iter().find(|it| it.prefix() == provider) {
        let done = match action.as_str() {
            "view" => world.act(provider, &id, &email, Act::View, now),
            "sign" => world.act(provider, &id, &email, Act::Sign, now),
            "decline" => world.act(provider, &id, &email, Act::Decline("Declined in the console"), now),
            "bounce" => world.act(provider, &id, &email, Act::Bounce, now),
            "expire" => world.close(provider, &id, None, now),
            "void" => world.close(provider, &id, Some("Voided in the console"), now),
            _ => Ok(()),
        };
        if let Err(refused) = done {
            world.flaws.push(format!("console: {}", refused.0));
        }
    }
    Redirect::to("/console")
}

fn button(provider: Provider, (action, label): (&str, &str), id: &str, email: &str, who: &str) -> String {
    let class = if action == "sign" { " class=\"main\"" } else { "" };
    format!(
        "<form method=\"post\" action=\"/console/{}/{action}\"><input type=\"hidden\" name=\"id\" value=\"{}\">\
         <input type=\"hidden\" name=\"email\" value=\"{}\"><button{class} aria-label=\"{label}: {}\">{label}</button>\
         </form> ",
        provider.prefix(),
        escape(id),
        escape(email),
        escape(who),
    )
}

fn table(out: &mut String, heads: &[&str], rows: &[String]) {
    let heads: Vec<String> = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let rows: Vec<String> = rows.iter().map(|row| format!("<tr>{row}</tr>")).collect();
    write!(
        out,
        "<div class=\"scroll\"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
        heads.concat(),
        rows.concat()
    )
    .expect("a string takes everything");
}

fn show_provider(world: &World, provider: Provider, name: &str, out: &mut String) {
    let book = world.shelf(provider);
    write!(out, "<section aria-label=\"{name}\"><h2>{name}</h2>").expect("a string takes everything");
    if book.contracts.is_empty() {
        out.push_str("<p>There is no contract yet.</p>");
    } else {
        let rows: Vec<String> = (0..book.contracts.len())
            .rev()
            .take(RECENT)
            .map(|row| contract_row(world, provider, row))
            .collect();
        table(out, &["Contract", "State", "Signers", "Do"], &rows);
    }
    let attempts = world.post.attempts.iter().rev().filter(|attempt| attempt.message.provider == provider);
    let rows: Vec<String> = attempts
        .take(RECENT)
        .map(|attempt| {
            format!(
                "<td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td>",
                iso(attempt.sent_at),
                escape(&attempt.message.event),
                escape(&attempt.message.contract),
                attempt.status,
            )
        })
        .collect();
    if !rows.is_empty() {
        out.push_str("<h3>Last webhooks</h3>");
        table(out, &["Sent", "Event", "Contract", "Answer"], &rows);
    }
    out.push_str("</section>");
}

fn contract_row(world: &World, provider: Provider, row: usize) -> String {
    let contract = &world.shelf(provider).contracts[row];
    let shown = world.shown(provider, row);
    let open = contract.stage == Stage::Open;
    let mut signers = String::new();
    for signer in &shown.signers {
        let turn = open && matches!(signer.status, "sent" | "viewed" | "bounced");
        let buttons: String =
            [("view", "View"), ("sign", "Sign"), ("decline", "Decline"), ("bounce", "Bounce")]
                .into_iter()
                .filter(|_| turn)
                .map(|action| button(provider, action, &shown.id, &signer.email, &signer.name))
                .collect();
        write!(
            signers,
            "<div>{} <small>{}</small> <span class=\"tag\">{}</span> {buttons}</div>",
            escape(&signer.name),
            escape(&signer.email),
            signer.status
        )
        .expect("a string takes everything");
    }
    let ends: String = [("expire", "Expire"), ("void", "Void")]
        .into_iter()
        .filter(|_| open)
        .map(|action| button(provider, action, &shown.id, "", &shown.title))
        .collect();
    format!(
        "<td>{}<br><code>{}</code></td><td><span class=\"tag\">{}</span></td><td>{signers}</td><td>{ends}</td>",
        escape(&shown.title),
        escape(&shown.id),
        escape(&shown.status),
    )
}
