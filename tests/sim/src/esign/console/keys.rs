//! What a person finds in the settings of the three providers: the account's keys, its templates, and where its
//! webhooks go. Everything here opens nothing but these stand-ins.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Html;

use super::{document, escape};
use crate::esign::desk::Desk;
use crate::esign::world::World;
use crate::esign::{Docusign, DropboxSign, Pandadoc, Provider, Sim};

/// `GET /console/keys`: for copy and paste.
pub(in crate::esign) async fn show(State(sim): State<Arc<Sim>>) -> Html<String> {
    let mut body = String::new();
    for (provider, name) in Provider::ALL.into_iter().zip(super::NAMES) {
        let fields = fields(&sim, provider);
        let (world, _) = sim.present();
        section(&world, provider, name, &fields, &mut body);
    }
    Html(document("Keys and webhooks", &body))
}

/// An administrator gives the address that the account's webhooks go to; it takes the place of the one before.
pub(super) fn set_address(sim: &Arc<Sim>, provider: Provider, url: &str) {
    let url = url.trim();
    let desk = Desk::at(sim, provider);
    let known = desk.with(|world, _| address(world, provider).is_some_and(|known| known == url));
    if known || !url.starts_with("http") {
        return;
    }
    desk.with(|world, _| {
        let before = world.post.hooks.iter_mut().filter(|hook| hook.provider == provider);
        before.for_each(|hook| hook.deleted = true);
    });
    desk.subscribe(url);
}

fn fields(sim: &Arc<Sim>, provider: Provider) -> Vec<(&'static str, String)> {
    let desk = Desk::at(sim, provider);
    match provider {
        Provider::Docusign => {
            let it = Docusign::at(desk).credentials();
            vec![
                ("Integration key", it.integration_key),
                ("User id", it.user_id),
                ("Account id", it.account_id),
                ("HMAC key", it.hmac_keys.join("\n")),
                ("RSA private key", it.private_key),
            ]
        }
        Provider::DropboxSign => {
            let it = DropboxSign::at(desk).credentials();
            vec![("API key", it.api_key), ("Client id", it.client_id)]
        }
        Provider::Pandadoc => {
            let it = Pandadoc::at(desk).credentials();
            vec![("API key", it.api_key)]
        }
    }
}

fn hook(world: &World, provider: Provider) -> Option<&crate::esign::hooks::Hook> {
    world.post.hooks.iter().rev().find(|hook| hook.provider == provider && !hook.deleted)
}

fn address(world: &World, provider: Provider) -> Option<String> {
    hook(world, provider).map(|hook| hook.url.clone())
}

fn section(world: &World, provider: Provider, name: &str, fields: &[(&str, String)], out: &mut String) {
    let shared = hook(world, provider).map(|hook| hook.key.clone()).filter(|key| !key.is_empty());
    let shared = shared.map(|key| ("Shared key of the webhook", key));
    write!(out, "<section aria-label=\"{name}\"><h2>{name}</h2><dl>").expect("a string takes everything");
    for (label, value) in fields.iter().chain(shared.iter()) {
        let rows = value.lines().count().clamp(1, 6);
        write!(
            out,
            "<dt>{label}</dt><dd><textarea readonly rows=\"{rows}\" aria-label=\"{name}: {label}\">{}</textarea></dd>",
            escape(value)
        )
        .expect("a string takes everything");
    }
    for template in &world.shelf(provider).templates {
        let roles: Vec<String> = template.roles.iter().map(|role| escape(&role.name)).collect();
        write!(
            out,
            "<dt>Template</dt><dd>{} <code>{}</code>, signed by {}</dd>",
            escape(&template.name),
            escape(&template.id),
            roles.join(", then ")
        )
        .expect("a string takes everything");
    }
    write!(
        out,
        "</dl><form method=\"post\" action=\"/console/{}/address\"><label>Webhooks go to \
         <input type=\"url\" name=\"url\" size=\"60\" value=\"{}\" required></label> \
         <button class=\"main\" aria-label=\"Save: {name}\">Save</button></form></section>",
        provider.prefix(),
        escape(&address(world, provider).unwrap_or_default())
    )
    .expect("a string takes everything");
}
