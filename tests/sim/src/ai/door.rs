//! What is looked at before the body: key, content type, version.

use http::HeaderMap;

use super::books::Sim;
use super::{Failure, Provider};

/// The largest body Anthropic reads, in bytes.
const LARGEST: usize = 32 * 1024 * 1024;

/// Why a request does not get in.
pub(super) enum Turned {
    /// The client's mistake: remembered as a violation.
    Wrong(Failure),
    /// A matter of settings, such as the key.
    Away(Failure),
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Lets a request in that has the key, the version and the content type it needs.
pub(super) fn enter(
    sim: &Sim,
    provider: Provider,
    headers: &HeaderMap,
    body: Option<&[u8]>,
) -> Result<(), Turned> {
    let bearer = text(headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let key = sim.key(provider);
    match provider {
        Provider::OpenAi => openai_key(bearer, &key)?,
        Provider::Anthropic => {
            anthropic_key(bearer, text(headers, "x-api-key"), &key)?;
            version(text(headers, "anthropic-version"))?;
        }
    }
    let Some(body) = body else { return Ok(()) };
    let json = text(headers, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !json {
        let message = "the content type must be application/json";
        return Err(Turned::Wrong(Failure::of(provider, "invalid_request").saying(message)));
    }
    if provider == Provider::Anthropic && body.len() > LARGEST {
        return Err(Turned::Wrong(Failure::anthropic("request_too_large")));
    }
    Ok(())
}

fn openai_key(bearer: Option<&str>, key: &str) -> Result<(), Turned> {
    match bearer {
        Some(given) if given == key => Ok(()),
        Some(given) if !given.is_empty() => {
            let end: String = given.chars().skip(given.chars().count().saturating_sub(4)).collect();
            let message = format!("Incorrect API key provided: ********************{end}.");
            Err(Turned::Away(Failure::openai("invalid_api_key").saying(message)))
        }
        Some(_) | None => Err(Turned::Away(Failure::openai("no_api_key"))),
    }
}

fn anthropic_key(bearer: Option<&str>, header: Option<&str>, key: &str) -> Result<(), Turned> {
    match (bearer, header) {
        (Some(_), Some(_)) => {
            let message = "x-api-key and authorization must not be sent together";
            Err(Turned::Wrong(Failure::anthropic("invalid_request").saying(message)))
        }
        (Some(given), None) | (None, Some(given)) if given == key => Ok(()),
        (Some(_), None) => {
            Err(Turned::Away(Failure::anthropic("authentication_error").saying("invalid bearer token")))
        }
        (None, Some(_)) => Err(Turned::Away(Failure::anthropic("authentication_error"))),
        (None, None) => {
            let message = "x-api-key header is required";
            Err(Turned::Away(Failure::anthropic("authentication_error").saying(message)))
        }
    }
}

fn version(version: Option<&str>) -> Result<(), Turned> {
    let message = match version {
        Some("2026-10-21" | "2023-06-01") => return Ok(()),
        Some(other) => format!("anthropic-version: \"{other}\" is not a valid version"),
        None => "anthropic-version: header is required".to_owned(),
    };
    Err(Turned::Wrong(Failure::anthropic("invalid_request").saying(message)))
}
