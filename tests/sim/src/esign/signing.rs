//! How the three providers prove that a delivery is theirs. Keys are always used as text, never decoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn mac(key: &str, message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// The value of one `X-DocuSign-Signature-N` header.
pub fn docusign(key: &str, body: &[u8]) -> String {
    STANDARD.encode(mac(key, body))
}

/// `event_hash` of a Dropbox Sign event; it covers time and type only.
pub fn dropbox_sign_event(api_key: &str, event_time: &str, event_type: &str) -> String {
    hex::encode(mac(api_key, format!("{event_time}{event_type}").as_bytes()))
}

/// `Content-Sha256` of a Dropbox Sign callback over its `json` field. Whether the base64 wraps the hexadecimal
/// text or the raw digest is not published; `raw` chooses.
pub fn dropbox_sign_content(api_key: &str, json: &[u8], raw: bool) -> String {
    let digest = mac(api_key, json);
    if raw { STANDARD.encode(digest) } else { STANDARD.encode(hex::encode(digest)) }
}

/// The query parameter `signature` of a PandaDoc delivery.
pub fn pandadoc(shared_key: &str, body: &[u8]) -> String {
    hex::encode(mac(shared_key, body))
}

/// The boundary of every Dropbox Sign form.
pub const BOUNDARY: &str = "------------------------5e2f0c1d9a7b4c33";

/// The form that carries a Dropbox Sign event.
pub fn dropbox_sign_form(json: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{json}\r\n--{BOUNDARY}--\r\n"
    )
}
