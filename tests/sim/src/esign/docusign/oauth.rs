//! The OAuth host: JWT grant, authorization codes, refresh, and who the token is. Signatures are verified.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Value, json};

use super::super::ids;
use super::super::wire::{Asked, Reply, text};
use super::super::world::World;

/// The bare host name of the demo environment.
pub(super) const AUDIENCE: &str = "account-d.docusign.com";
const JWT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Clocks may differ by this much.
const SKEW_SECONDS: i64 = 300;
const LONGEST_SECONDS: i64 = 3_600;

/// The DER inside a PEM public key, as PKCS#1 has it.
pub(super) fn public_key(pem: &str) -> Option<Vec<u8>> {
    let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(lines).ok()?;
    if pem.contains("BEGIN RSA PUBLIC KEY") {
        return Some(der);
    }
    if !pem.contains("BEGIN PUBLIC KEY") {
        return None;
    }
    // SPKI: a sequence of the algorithm and a bit string, whose content is the PKCS#1 key.
    let (tag, inside, _) = element(&der)?;
    let (_, _, rest) = element(inside).filter(|_| tag == 0x30)?;
    let (tag, bits, _) = element(rest)?;
    let (0, key) = bits.split_first().filter(|_| tag == 0x03).map(|(unused, key)| (*unused, key))? else {
        return None;
    };
    Some(key.to_vec())
}

/// The first DER element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn failed(error: &str, description: Option<&str>) -> Reply {
    let mut body = json!({"error": error});
    if let Some(description) = description {
        body["error_description"] = json!(description);
    }
    Reply::json(400, body)
}

/// Everything below `/oauth`.
pub(super) fn answer(world: &mut World, base: &str, asked: &Asked, now: i64) -> Reply {
    match (&asked.method, asked.path.as_str()) {
        (&Method::POST, "/oauth/token") => token(world, base, asked, now),
        (&Method::GET, "/oauth/userinfo") => userinfo(world, base, asked, now),
        (&Method::GET, "/oauth/auth") => authorize(world, asked),
        _ => Reply::empty(404),
    }
}

/// The administrator agrees at once, and the browser goes back with a code.
fn authorize(world: &mut World, asked: &Asked) -> Reply {
    if asked.query("client_id") != Some(world.docusign.integration_key.as_str()) {
        return failed("invalid_client", None);
    }
    world.switches.consent = true;
    let code = ids::secret("docusign code", world.next());
    world.docusign.codes.push(code.clone());
    let Some(Ok(mut to)) = asked.query("redirect_uri").map(url::Url::parse) else {
        return failed("invalid_request", Some("redirect_uri"));
    };
    to.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = asked.query("state") {
        to.query_pairs_mut().append_pair("state", state);
    }
    Reply::empty(302).header("location", to)
}

fn token(world: &mut World, base: &str, asked: &Asked, now: i64) -> Reply {
    if asked.content_type != "application/x-www-form-urlencoded" {
        return failed("invalid_request", Some("the body must be a form"));
    }
    match asked.field("grant_type") {
        Some(JWT) => {
            if let Err(reply) = assertion(world, base, asked.field("assertion").unwrap_or_default(), now) {
                return reply;
            }
            grant(world, now, false)
        }
        Some(kind @ ("authorization_code" | "refresh_token")) => {
            let account = &mut world.docusign;
            let expected = STANDARD.encode(format!("{}:{}", account.integration_key, account.secret));
            if asked.authorization("basic") != Some(expected.as_str()) {
                return failed("invalid_client", None);
            }
            let (given, known) = if kind == "refresh_token" {
                (asked.field("refresh_token"), &mut account.refresh_tokens)
            } else {
                (asked.field("code"), &mut account.codes)
            };
            match known.iter().position(|it| Some(it.as_str()) == given) {
                Some(row) => drop(known.remove(row)),
                None => return failed("invalid_grant", None),
            }
            grant(world, now, true)
        }
        _ => failed("unsupported_grant_type", None),
    }
}

fn grant(world: &mut World, now: i64, refresh: bool) -> Reply {
    let life = if refresh { 8 * world.switches.token_ms } else { world.switches.token_ms };
    let number = world.next();
    let account = &mut world.docusign;
    account.grants += 1;
    let token = format!("eyJ0{}", ids::secret("docusign token", number));
    account.tokens.insert(token.clone(), now + life);
    let mut body = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": life / 1_000,
        "scope": "signature impersonation",
    });
    if refresh {
        let refresh_token = ids::secret("docusign refresh", number);
        body["refresh_token"] = json!(refresh_token);
        account.refresh_tokens.push(refresh_token);
    }
    Reply::json(200, body)
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Accepts an assertion, or says why not.
fn assertion(world: &World, base: &str, jwt: &str, now: i64) -> Result<(), Reply> {
    let refuse = |description: &str| Err(failed("invalid_grant", Some(description)));
    let account = &world.docusign;
    let parts: Vec<&str> = jwt.split('.').collect();
    let [head, body, signature] = parts.as_slice() else { return refuse("no_valid_keys_or_signatures") };
    let (Some(header), Some(claims)) = (part(head), part(body)) else {
        return refuse("no_valid_keys_or_signatures");
    };
    // The issuer is looked up before its keys; a wrong environment does not know it.
    let host = url::Url::parse(base).ok();
    let address = host.as_ref().and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port()?)));
    let named = host.as_ref().and_then(|url| url.host_str());
    let audience = text(&claims, "aud");
    let fits = audience == AUDIENCE || Some(audience) == named || Some(audience) == address.as_deref();
    if text(&claims, "iss") != account.integration_key || !fits {
        return refuse("issuer_not_found");
    }
    let signed = format!("{head}.{body}");
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    let verifies = |key: &Vec<u8>| {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        key.verify(signed.as_bytes(), &signature).is_ok()
    };
    if text(&header, "alg") != "RS256" || !account.keys.iter().any(verifies) {
        return refuse("no_valid_keys_or_signatures");
    }
    let (Some(issued), Some(ends)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
        return refuse("no_valid_keys_or_signatures");
    };
    let now = now / 1_000;
    if issued > now + SKEW_SECONDS || ends <= now - SKEW_SECONDS || ends - issued > LONGEST_SECONDS {
        return refuse("no_valid_keys_or_signatures");
    }
    if text(&claims, "sub") != account.user {
        return refuse("user_not_found");
    }
    let scopes: Vec<&str> = text(&claims, "scope").split_whitespace().collect();
    if !world.switches.consent || !scopes.contains(&"signature") || !scopes.contains(&"impersonation") {
        return Err(failed("consent_required", None));
    }
    Ok(())
}

/// True when the call carries a token that still lives.
pub(super) fn admitted(world: &World, asked: &Asked, now: i64) -> bool {
    let ends = asked.authorization("bearer").and_then(|token| world.docusign.tokens.get(token));
    ends.is_some_and(|ends| *ends > now)
}

fn userinfo(world: &World, base: &str, asked: &Asked, now: i64) -> Reply {
    if !admitted(world, asked, now) {
        return Reply::json(401, json!({"error": "internal_server_error", "reference_id": "none"}));
    }
    Reply::json(
        200,
        json!({
            "sub": world.docusign.user,
            "name": "Contracts Sender",
            "given_name": "Contracts",
            "family_name": "Sender",
            "created": "2024-05-01T09:00:00.000",
            "email": "contracts@sender.example",
            "accounts": [
                {"account_id": ids::guid("docusign account", 2), "is_default": false,
                 "account_name": "Another", "base_uri": "https://eu.docusign.net"},
                {"account_id": world.docusign.id, "is_default": true,
                 "account_name": "Acme", "base_uri": base},
            ],
        }),
    )
}
