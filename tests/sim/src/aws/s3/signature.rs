//! AWS Signature Version 4 for S3, worked out by hand from AWS's description ("Signature calculations for the
//! Authorization header" and "Authenticating requests: using query parameters"), in headers and in links.
//!
//! It uses no signer of AWS's: what is checked here must not be checked against itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;
use crate::aws::REGION;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// How far a signature's time may lie from S3's.
const SKEW_MS: i64 = 15 * 60 * 1000;
/// The longest life of a link, in seconds: a week.
const LONGEST: i64 = 604_800;

/// Who may sign: secret and session token by access key id.
pub(super) type Keys = BTreeMap<String, Key>;

pub(super) struct Key {
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

/// A request as it was sent.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// Still escaped.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
}

/// What a good signature says about the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Payload {
    /// It must have this SHA-256, hexadecimal.
    Sha256(String),
    Unsigned,
}

/// What the request brings to prove itself.
struct Proof {
    access_key_id: String,
    scope: String,
    signed_at: String,
    signed_headers: Vec<String>,
    signature: String,
    token: Option<String>,
    /// Seconds that a link lives; none for headers.
    lifetime: Option<i64>,
    payload: String,
}

/// Checks a request's signature as S3 does, at this moment.
pub(super) fn check(asked: &Asked<'_>, keys: &Keys, now_ms: i64) -> Result<Payload, Refusal> {
    let pairs = pairs(asked.query)?;
    let in_query = pairs.iter().any(|(name, _)| name == "X-Amz-Algorithm" || name == "X-Amz-Signature");
    let proof = match (header(asked, "authorization"), in_query) {
        (Some(_), true) => {
            return Err(Refusal::bad("InvalidArgument", "Only one auth mechanism allowed"));
        }
        (Some(text), false) => Proof::of_header(asked, &text)?,
        (None, true) => Proof::of_query(asked, &pairs)?,
        (None, false) => return Err(Refusal::forbidden("AccessDenied", "Access Denied")),
    };
    proof.check_time(now_ms)?;
    let key = proof.check_key(keys)?;
    proof.check_headers(asked)?;
    proof.check_signature(asked, &pairs, key)?;
    Ok(if proof.payload == UNSIGNED { Payload::Unsigned } else { Payload::Sha256(proof.payload) })
}

impl Proof {
    fn of_header(asked: &Asked<'_>, text: &str) -> Result<Self, Refusal> {
        let malformed =
            || Refusal::bad("AuthorizationHeaderMalformed", "The authorization header is malformed.");
        let parts = text.strip_prefix(ALGORITHM).ok_or_else(malformed)?.split(',');
        let parts: BTreeMap<_, _> = parts.filter_map(|part| part.trim().split_once('=')).collect();
        let part = |name: &str| parts.get(name).map(|text| (*text).to_owned()).ok_or_else(malformed);
        let (access_key_id, scope) = credential(&part("Credential")?).ok_or_else(malformed)?;
        let missing = |name: &str| {
            Refusal::bad("InvalidRequest", format!("Missing required header for this request: {name}"))
        };
        let payload = header(asked, "x-amz-content-sha256");
        let date = || {
            Refusal::forbidden(
                "AccessDenied",
                "AWS authentication requires a valid Date or x-amz-date header",
            )
        };
        Self {
            access_key_id,
            scope,
            signed_at: header(asked, "x-amz-date").ok_or_else(date)?,
            signed_headers: part("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: part("Signature")?,
            token: header(asked, "x-amz-security-token"),
            lifetime: None,
            payload: payload.ok_or_else(|| missing("x-amz-content-sha256"))?,
        }
        .within_scope(&malformed())
    }

    fn of_query(asked: &Asked<'_>, pairs: &[(String, String)]) -> Result<Self, Refusal> {
        let malformed = |message: &str| Refusal::bad("AuthorizationQueryParametersError", message);
        let given = |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
        let incomplete = "Query-string authentication version 4 requires the X-Amz-Algorithm, \
            X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
        let must = |name: &str| given(name).ok_or_else(|| malformed(incomplete));
        if must("X-Amz-Algorithm")? != ALGORITHM {
            return Err(malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
        }
        let credential = credential(&must("X-Amz-Credential")?);
        let (access_key_id, scope) =
            credential.ok_or_else(|| malformed("Error parsing the X-Amz-Credential parameter"))?;
        let expires = must("X-Amz-Expires")?.parse::<i64>();
        let lifetime = expires.map_err(|_| malformed("X-Amz-Expires should be a number"))?;
        if !(1..=LONGEST).contains(&lifetime) {
            return Err(malformed(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must \
                 be less than 604800 seconds",
            ));
        }
        Self {
            access_key_id,
            scope,
            signed_at: must("X-Amz-Date")?,
            signed_headers: must("X-Amz-SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: must("X-Amz-Signature")?,
            token: given("X-Amz-Security-Token"),
            lifetime: Some(lifetime),
            payload: header(asked, "x-amz-content-sha256").unwrap_or_else(|| UNSIGNED.to_owned()),
        }
        .within_scope(&malformed("Error parsing the X-Amz-Credential parameter"))
    }

    /// The credential must be of this day, region and service.
    fn within_scope(self, otherwise: &Refusal) -> Result<Self, Refusal> {
        let day = self.signed_at.get(..8).unwrap_or_default();
        if self.scope == format!("{day}/{REGION}/s3/aws4_request") {
            return Ok(self);
        }
        Err(otherwise.clone().with("Region", REGION))
    }

    fn check_time(&self, now_ms: i64) -> Result<(), Refusal> {
        let parsed = chrono::NaiveDateTime::parse_from_str(&self.signed_at, "%Y%m%dT%H%M%SZ");
        let Ok(signed_ms) = parsed.map(|time| time.and_utc().timestamp_millis()) else {
            return Err(Refusal::forbidden(
                "AccessDenied",
                "Invalid date: it must be ISO 8601, basic format",
            ));
        };
        match self.lifetime {
            None if (now_ms - signed_ms).abs() > SKEW_MS => Err(Refusal::forbidden(
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )),
            Some(_) if signed_ms - now_ms > SKEW_MS => {
                Err(Refusal::forbidden("AccessDenied", "Request is not yet valid"))
            }
            Some(seconds) if now_ms > signed_ms + seconds * 1000 => {
                let refusal = Refusal::forbidden("AccessDenied", "Request has expired");
                Err(refusal.with("X-Amz-Expires", seconds.to_string()))
            }
            None | Some(_) => Ok(()),
        }
    }

    fn check_key<'a>(&self, keys: &'a Keys) -> Result<&'a Key, Refusal> {
        let unknown = || {
            Refusal::forbidden(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            )
        };
        let key = keys.get(&self.access_key_id).ok_or_else(unknown)?;
        match (&key.token, &self.token) {
            (expected, given) if expected == given => Ok(key),
            (Some(_), None) => Err(unknown()),
            _ => Err(Refusal::bad("InvalidToken", "The provided token is malformed or otherwise invalid.")),
        }
    }

    /// The host and whatever S3 acts on must be covered.
    fn check_headers(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        let covered = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        let bare: Vec<_> = asked
            .headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| (*name == "host" || name.starts_with("x-amz-")) && !covered(name))
            .collect();
        if bare.is_empty() {
            return Ok(());
        }
        let message = "There were headers present in the request which were not signed";
        Err(Refusal::forbidden("AccessDenied", message).with("HeadersNotSigned", bare.join(", ")))
    }

    fn check_signature(
        &self,
        asked: &Asked<'_>,
        pairs: &[(String, String)],
        key: &Key,
    ) -> Result<(), Refusal> {
        let canonical = self.canonical(asked, pairs);
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.signed_at,
            self.scope,
            hex::encode(Sha256::digest(&canonical))
        );
        let mut derived = format!("AWS4{}", key.secret).into_bytes();
        for part in self.scope.split('/') {
            derived = mac(&derived, part.as_bytes());
        }
        let there = self.signed_headers.iter().all(|name| asked.headers.contains_key(name.as_str()));
        if there && hex::encode(mac(&derived, to_sign.as_bytes())) == self.signature {
            return Ok(());
        }
        let message = "The request signature we calculated does not match the signature you provided. Check \
            your key and signing method.";
        let refusal = Refusal::forbidden("SignatureDoesNotMatch", message);
        Err(refusal.with("StringToSign", to_sign).with("CanonicalRequest", canonical))
    }

    fn canonical(&self, asked: &Asked<'_>, pairs: &[(String, String)]) -> String {
        let path = unescape(asked.path).map_or_else(|| asked.path.to_owned(), |path| escape(&path, true));
        let signed = pairs.iter().filter(|(name, _)| name != "X-Amz-Signature");
        let mut query: Vec<_> =
            signed.map(|(name, value)| (escape(name, false), escape(value, false))).collect();
        query.sort();
        let query: Vec<_> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = String::new();
        for name in &self.signed_headers {
            let values = asked.headers.get_all(name.as_str()).iter();
            let values: Vec<_> = values.map(|value| trimmed(value.to_str().unwrap_or_default())).collect();
            writeln!(headers, "{name}:{}", values.join(",")).expect("a text takes text");
        }
        let (method, query, names) = (asked.method, query.join("&"), self.signed_headers.join(";"));
        format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{}", self.payload)
    }
}

/// The access key id and the scope behind it.
fn credential(text: &str) -> Option<(String, String)> {
    let (id, scope) = text.split_once('/')?;
    Some((id.to_owned(), scope.to_owned()))
}

fn header(asked: &Asked<'_>, name: &str) -> Option<String> {
    Some(asked.headers.get(name)?.to_str().ok()?.to_owned())
}

/// Without spaces around it, and with single ones inside.
fn trimmed(value: &str) -> String {
    value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// The query's parameters in their order, without escapes. A plus is a plus.
pub(super) fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let read = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((unescape(name)?, unescape(value)?))
    };
    let pairs: Option<Vec<_>> = query.split('&').filter(|pair| !pair.is_empty()).map(read).collect();
    pairs.ok_or_else(|| Refusal::bad("InvalidURI", "Couldn't parse the specified URI."))
}

/// Every byte but letters, digits and `-._~` as `%XX`, as AWS's `UriEncode`; `slashes` are kept on demand.
pub(super) fn escape(text: &str, slashes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if plain || (slashes && byte == b'/') {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("a text takes text");
        }
    }
    escaped
}

/// The text behind the escapes, if it is UTF-8.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
