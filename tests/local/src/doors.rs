//! Where things listen, and the two streams we write to.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};

use stack::{Addresses, MODEL_VARIABLES, RealModels};

/// Offsets of everything that listens, from the first port.
const GATEWAY: u16 = 0;
const AWS: [u16; 4] = [1, 2, 3, 4];
const WHOP: u16 = 10;
const TWENTY: u16 = 20;
const AI: u16 = 30;
const ESIGN: u16 = 40;

/// The variables that name a real e-signature provider in place of its stand-in.
const SIGNATURE_VARIABLES: [&str; 4] =
    ["DOCUSIGN_SANDBOX_URL", "DOCUSIGN_URL", "DROPBOX_SIGN_URL", "PANDADOC_URL"];

/// The fixed addresses from `base` on, if all of them are free.
pub(crate) fn fixed(base: u16) -> Result<Addresses, String> {
    let offsets = [GATEWAY, AWS[0], AWS[1], AWS[2], AWS[3], WHOP, TWENTY, AI, ESIGN];
    let taken = offsets
        .map(|offset| base + offset)
        .into_iter()
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).err().map(|error| (port, error)));
    match taken {
        None => Ok(Addresses {
            gateway: base + GATEWAY,
            aws: base + AWS[0],
            whop: base + WHOP,
            twenty: base + TWENTY,
            ai: base + AI,
            esign: base + ESIGN,
        }),
        Some((port, error)) if error.kind() == io::ErrorKind::AddrInUse => Err(format!(
            "Port {port} is in use, perhaps by another `cargo local`. Stop that, or choose other ports: \
             cargo local --port-base {}",
            if base < 60_000 { base + 1_000 } else { 8_700 },
        )),
        Some((port, error)) => Err(format!("Port {port} cannot be used: {error}.")),
    }
}

/// Says something on stdout. Nobody listening is no reason to stop.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()));
}

/// Says what went wrong on stderr.
pub(crate) fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// The real e-signature providers that the environment names by their addresses. Their keys are given on the settings
/// page.
pub(crate) fn real_signatures() -> HashMap<&'static str, String> {
    SIGNATURE_VARIABLES.into_iter().filter_map(|name| Some((name, var(name)?))).collect()
}

fn var(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "keys belong into the environment, not onto a command line"
    )]
    std::env::var(name).ok().filter(|text| !text.trim().is_empty())
}

/// The real language models that the environment names by a key or an address, if it does.
pub(crate) fn real_models() -> Option<RealModels> {
    let variables: Vec<_> = MODEL_VARIABLES.into_iter().filter_map(|name| Some((name, var(name)?))).collect();
    let models =
        RealModels { openai_key: var("OPENAI_API_KEY"), anthropic_key: var("ANTHROPIC_API_KEY"), variables };
    let names_one = models.openai_key.is_some()
        || models.anthropic_key.is_some()
        || models.variables.iter().any(|(name, _)| name.ends_with("_BASE_URL"));
    names_one.then_some(models)
}
