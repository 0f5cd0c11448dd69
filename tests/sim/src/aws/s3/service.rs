//! What S3 does with a request: who is it from, which object, which of four verbs.
//!
//! A header or parameter that it does not know is refused, because the real service might act on it.

use std::sync::{Mutex, atomic::AtomicU64, atomic::Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, response};
use sha2::{Digest as _, Sha256};

use super::refusal::Refusal;
use super::shelf::{Shelf, Version};
use super::signature::{Asked, Key, Keys, Payload, check, pairs, unescape};
use crate::clock::Clock;

/// The largest body that is read. S3 itself takes 5 GB in one go.
const MAX_BODY: usize = 64 * 1024 * 1024;
/// The longest key (S3, object key naming).
const MAX_KEY: usize = 1024;
/// The longest name of a folder that stands for a key here, escapes included.
const MAX_NAME: usize = 250;

/// Headers that S3 acts on and that are played here.
const PLAYED: [&str; 5] = [
    "x-amz-checksum-mode",
    "x-amz-checksum-sha256",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
];

pub(super) struct Service {
    shelf: Shelf,
    clock: Clock,
    keys: Mutex<Keys>,
    answered: AtomicU64,
}

/// An object by its address.
struct Place {
    bucket: String,
    key: String,
}

impl Service {
    pub(super) fn new(shelf: Shelf, clock: Clock) -> Self {
        Self { shelf, clock, keys: Mutex::default(), answered: AtomicU64::default() }
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(super) fn admit(&self, access_key_id: &str, secret: &str, token: Option<&str>) {
        let key = Key { secret: secret.to_owned(), token: token.map(str::to_owned) };
        self.keys.lock().unwrap().insert(access_key_id.to_owned(), key);
    }

    pub(super) async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let done = match to_bytes(body, MAX_BODY).await {
            Ok(bytes) => self.run(&parts, &bytes),
            Err(_) => Err(Refusal::bad(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed object size.",
            )),
        };
        let mut answer = done.unwrap_or_else(|refusal| refusal.reply(parts.method == Method::HEAD));
        let id = format!("STANDIN{:09}", self.answered.fetch_add(1, Ordering::SeqCst));
        answer.headers_mut().insert("x-amz-request-id", HeaderValue::from_str(&id).unwrap());
        answer
    }

    fn run(&self, parts: &Parts, body: &Bytes) -> Result<Response, Refusal> {
        let asked = Asked {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
        };
        let payload = check(&asked, &self.keys.lock().unwrap(), self.clock.now_ms())?;
        only_played(parts)?;
        let query = pairs(asked.query)?;
        let place = self.place(asked.path)?;
        match parts.method {
            Method::PUT => self.put(&place, parts, &payload, body),
            Method::GET | Method::HEAD => self.get(&place, parts, &query),
            Method::DELETE => Ok(self.delete(&place)),
            _ => Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            )),
        }
    }

    fn place(&self, path: &str) -> Result<Place, Refusal> {
        let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let bad = || Refusal::bad("InvalidURI", "Couldn't parse the specified URI.");
        let place = Place { bucket: unescape(bucket).ok_or_else(bad)?, key: unescape(key).ok_or_else(bad)? };
        if place.key.is_empty() {
            return Err(Refusal::unplayed("requests about buckets"));
        }
        if matches!(&*place.key, "." | "..") {
            return Err(Refusal::unplayed("keys that are no file names"));
        }
        if place.key.len() > MAX_KEY || super::signature::escape(&place.key, false).len() > MAX_NAME {
            return Err(Refusal::bad("KeyTooLongError", "Your key is too long"));
        }
        if !self.shelf.has_bucket(&place.bucket) {
            let message = "The specified bucket does not exist";
            let refusal = Refusal::new(StatusCode::NOT_FOUND, "NoSuchBucket", message);
            return Err(refusal.with("BucketName", place.bucket));
        }
        Ok(place)
    }

    fn put(
        &self,
        place: &Place,
        parts: &Parts,
        payload: &Payload,
        body: &Bytes,
    ) -> Result<Response, Refusal> {
        if text(parts, "content-length").is_none() {
            return Err(Refusal::new(
                StatusCode::LENGTH_REQUIRED,
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
            ));
        }
        let digest = Sha256::digest(body);
        match payload {
            Payload::Sha256(expected) if *expected != hex::encode(digest) => {
                return Err(Refusal::bad(
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                ));
            }
            Payload::Sha256(_) | Payload::Unsigned => {}
        }
        let sha256 = checksum(parts, &digest)?;
        let version = Version {
            id: 0,
            deleted: false,
            content_type: text(parts, "content-type").unwrap_or("binary/octet-stream").to_owned(),
            sha256: sha256.clone(),
            written_ms: self.clock.now_ms(),
            bytes: body.to_vec(),
        };
        let id = self.shelf.add(&place.bucket, &place.key, version);
        let answer = with_version(Response::builder().header("etag", etag(body)), id)
            .header("x-amz-server-side-encryption", "AES256");
        Ok(finish(with_checksum(answer, sha256.as_deref()), Body::empty()))
    }

    fn get(&self, place: &Place, parts: &Parts, query: &[(String, String)]) -> Result<Response, Refusal> {
        let absent = || {
            let refusal =
                Refusal::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.");
            refusal.with("Key", &place.key)
        };
        let found = self.shelf.current(&place.bucket, &place.key).filter(|version| !version.deleted);
        let version = found.ok_or_else(absent)?;
        let instead = |name: &str| query.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str());
        let content_type = instead("response-content-type").unwrap_or(&version.content_type);
        let mut answer = with_version(Response::builder(), version.id)
            .header("accept-ranges", "bytes")
            .header("content-type", header_value(content_type)?)
            .header("etag", etag(&version.bytes))
            .header("last-modified", http_date(version.written_ms))
            .header("x-amz-server-side-encryption", "AES256");
        if let Some(disposition) = instead("response-content-disposition") {
            answer = answer.header("content-disposition", header_value(disposition)?);
        }
        if text(parts, "x-amz-checksum-mode") == Some("ENABLED") {
            answer = with_checksum(answer, version.sha256.as_deref());
        }
        Ok(finish(answer, Body::from(version.bytes)))
    }

    /// Leaves a mark, whether there was something or not.
    fn delete(&self, place: &Place) -> Response {
        let mark = Version {
            id: 0,
            deleted: true,
            content_type: String::new(),
            sha256: None,
            written_ms: self.clock.now_ms(),
            bytes: Vec::new(),
        };
        let id = self.shelf.add(&place.bucket, &place.key, mark);
        let answer = Response::builder().status(StatusCode::NO_CONTENT).header("x-amz-delete-marker", "true");
        finish(with_version(answer, id), Body::empty())
    }
}

/// Refuses what S3 would act on and nobody plays here.
fn only_played(parts: &Parts) -> Result<(), Refusal> {
    for name in parts.headers.keys().map(http::HeaderName::as_str) {
        let acts = name.starts_with("x-amz-") || name.starts_with("if-") || name == "content-md5";
        if (acts && !PLAYED.contains(&name)) || name == "range" {
            return Err(Refusal::unplayed(&format!("the header {name}")));
        }
    }
    for (name, _) in pairs(parts.uri.query().unwrap_or_default())? {
        let of_reading = matches!(&*name, "response-content-disposition" | "response-content-type");
        let read = matches!(parts.method, Method::GET | Method::HEAD);
        let known = name.starts_with("X-Amz-") || (of_reading && read);
        if !known {
            return Err(Refusal::unplayed(&format!("the parameter {name}")));
        }
    }
    Ok(())
}

/// The SHA-256 that came along, if one did, held against the bytes.
fn checksum(parts: &Parts, digest: &[u8]) -> Result<Option<String>, Refusal> {
    let Some(given) = text(parts, "x-amz-checksum-sha256") else { return Ok(None) };
    if STANDARD.decode(given).is_ok_and(|bytes| bytes.len() == digest.len()) {
        if given == STANDARD.encode(digest) {
            return Ok(Some(given.to_owned()));
        }
        let message = "The SHA256 you specified did not match the calculated checksum.";
        return Err(Refusal::bad("BadDigest", message));
    }
    Err(Refusal::bad("InvalidRequest", "Value for x-amz-checksum-sha256 header is invalid."))
}

fn text<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}

fn header_value(text: &str) -> Result<HeaderValue, Refusal> {
    let invalid = |_| Refusal::bad("InvalidArgument", "Header value cannot be represented using ISO-8859-1.");
    HeaderValue::from_str(text).map_err(invalid)
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{:x}\"", md5::compute(bytes))
}

fn http_date(ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(ms).expect("a time that chrono can show");
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn with_version(answer: response::Builder, id: u32) -> response::Builder {
    answer.header("x-amz-version-id", format!("standin{id:08}"))
}

fn with_checksum(answer: response::Builder, sha256: Option<&str>) -> response::Builder {
    match sha256 {
        Some(sha256) => {
            answer.header("x-amz-checksum-sha256", sha256).header("x-amz-checksum-type", "FULL_OBJECT")
        }
        None => answer,
    }
}

fn finish(answer: response::Builder, body: Body) -> Response {
    answer.body(body).expect("headers that were checked")
}
