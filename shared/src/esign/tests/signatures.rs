//! Every published vector verifies, and nothing else does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sim::esign::signing;

use super::super::webhook::{BadSignature, Unverified, read_events, receipt, verify};
use crate::domain::contract::ProviderName;
use crate::domain::grant::Secret;
use crate::domain::time::Timestamp;

macro_rules! fixture {
    ($name:expr) => {
        std::fs::read(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../tests/sim/fixtures/esign/webhooks")
                .join($name),
        )
        .unwrap()
    };
}

fn vectors() -> Value {
    serde_json::from_slice(&fixture!("vectors.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}"))
}

fn secrets(keys: &[&str]) -> Vec<Secret> {
    keys.iter().map(|key| Secret::new(*key)).collect()
}

fn now() -> Timestamp {
    Timestamp::from_millis(1_793_660_000_000)
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

struct Sent<'a> {
    provider: ProviderName,
    keys: Vec<Secret>,
    headers: Pairs<'a>,
    query: Pairs<'a>,
    body: Vec<u8>,
}

impl Sent<'_> {
    fn check(&self) -> Result<String, BadSignature> {
        self.check_body(&self.body)
    }

    fn check_body(&self, body: &[u8]) -> Result<String, BadSignature> {
        let request = Unverified { headers: &self.headers, query: &self.query, body };
        verify(self.provider, &self.keys, &request, now()).map(|it| it.id().to_string())
    }

    /// No byte can be another one, be missing or be added.
    fn assert_every_byte_counts(&self, bytes: std::ops::Range<usize>) {
        for at in bytes {
            let mut body = self.body.clone();
            body[at] ^= [0x01, 0x20, 0x80][at % 3];
            assert!(self.check_body(&body).is_err(), "byte {at} became {}", body[at]);
        }
        let longer = [self.body.as_slice(), b" "].concat();
        assert!(self.provider == ProviderName::DropboxSign || self.check_body(&longer).is_err());
        let shorter = &self.body[..self.body.len() - 1];
        assert!(self.provider == ProviderName::DropboxSign || self.check_body(shorter).is_err());
    }
}

const ONE: &str = "X-DocuSign-Signature-1";
const TWO: &str = "X-DocuSign-Signature-2";

fn docusign<'a>(vector: &'a Value, keys: &[&str], headers: Pairs<'a>) -> Sent<'a> {
    let body = fixture!(text(vector, "file"));
    Sent { provider: ProviderName::DocuSign, keys: secrets(keys), headers, query: Vec::new(), body }
}

#[test]
fn every_docusign_vector_verifies_with_each_of_its_keys_during_a_rotation() {
    let vectors = vectors();
    let keys: Vec<&str> =
        vectors["docusign"]["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    let all = vectors["docusign"]["vectors"].as_array().unwrap();

    for vector in all {
        let (one, two) = (text(vector, ONE), text(vector, TWO));
        let both = vec![("x-docusign-signature-1", one), ("x-docusign-signature-2", two)];
        let id = docusign(vector, &keys, both.clone()).check().unwrap();

        assert_eq!(docusign(vector, &keys[..1], both.clone()).check().as_ref(), Ok(&id));
        assert_eq!(docusign(vector, &keys[1..], both).check().as_ref(), Ok(&id));
        assert_eq!(docusign(vector, &keys[1..], vec![(TWO, two)]).check().as_ref(), Ok(&id));
        // The number of the header is the provider's affair.
        assert_eq!(docusign(vector, &keys[..1], vec![(TWO, one)]).check().as_ref(), Ok(&id));

        let mismatch = Err(BadSignature::Mismatch);
        assert_eq!(docusign(vector, &keys[..1], vec![(TWO, two)]).check(), mismatch);
        assert_eq!(docusign(vector, &["another"], vec![(ONE, one)]).check(), mismatch);
        assert_eq!(docusign(vector, &[], vec![(ONE, one)]).check(), mismatch);
        assert_eq!(docusign(vector, &[""], vec![(ONE, one)]).check(), mismatch);
        assert_eq!(docusign(vector, &keys, Vec::new()).check(), Err(BadSignature::Missing));
        assert_eq!(docusign(vector, &keys, vec![("x-signature", one)]).check(), Err(BadSignature::Missing));
    }
    assert_eq!(all.len(), 12);
}

#[test]
fn every_byte_of_a_docusign_message_counts() {
    let vectors = vectors();
    for vector in vectors["docusign"]["vectors"].as_array().unwrap() {
        let sent = docusign(vector, &["DS-hmac-key-one-0f6b8a0e8d7e4c57="], vec![(ONE, text(vector, ONE))]);

        sent.assert_every_byte_counts(0..sent.body.len());
    }
}

const RAW: &str = "Content-Sha256 (base64 of the raw digest)";
const HEX: &str = "Content-Sha256 (base64 of the hex text)";

fn dropbox_sign<'a>(vector: &'a Value, keys: &[&str], digest: &'a str) -> Sent<'a> {
    let json = fixture!(text(vector, "file"));
    let body = signing::dropbox_sign_form(std::str::from_utf8(&json).unwrap()).into_bytes();
    let headers = vec![("content-type", text(vector, "content_type")), ("content-sha256", digest)];
    Sent { provider: ProviderName::DropboxSign, keys: secrets(keys), headers, query: Vec::new(), body }
}

#[test]
fn every_dropbox_sign_vector_verifies_in_both_forms_of_its_digest() {
    let vectors = vectors();
    let key = text(&vectors["dropbox-sign"], "api_key");
    let all = vectors["dropbox-sign"]["vectors"].as_array().unwrap();

    for vector in all {
        for form in [RAW, HEX] {
            let digest = text(vector, form);
            let id = dropbox_sign(vector, &[key], digest).check().unwrap();

            assert_eq!(dropbox_sign(vector, &["the-new-one", key], digest).check(), Ok(id), "rotation");
            let mismatch = Err(BadSignature::Mismatch);
            assert_eq!(dropbox_sign(vector, &["another"], digest).check(), mismatch);
            let mut bare = dropbox_sign(vector, &[key], digest);
            bare.headers.retain(|(name, _)| *name != "content-sha256");
            assert_eq!(bare.check(), Err(BadSignature::Missing));
        }
    }
    assert_eq!(all.len(), 13);
}

#[test]
fn the_form_of_the_sample_is_read_as_it_is() {
    let vectors = vectors();
    let all = vectors["dropbox-sign"]["vectors"].as_array().unwrap();
    let name = "dropbox-sign/signature_request_signed.json";
    let vector = all.iter().find(|it| it["file"] == name).unwrap();
    let mut sent = dropbox_sign(vector, &[text(&vectors["dropbox-sign"], "api_key")], text(vector, HEX));
    sent.body = fixture!("dropbox-sign/signature_request_signed.multipart");

    assert!(sent.check().is_ok());
}

#[test]
fn every_byte_of_a_dropbox_sign_event_counts() {
    let vectors = vectors();
    let key = text(&vectors["dropbox-sign"], "api_key");
    for vector in vectors["dropbox-sign"]["vectors"].as_array().unwrap() {
        let sent = dropbox_sign(vector, &[key], text(vector, HEX));
        let begin = sent.body.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        let end = begin + fixture!(text(vector, "file")).len();

        sent.assert_every_byte_counts(begin..end);
    }
}

#[test]
fn an_event_hash_of_another_body_opens_nothing() {
    // A captured pair of time, type and hash on a body of the attacker's own, without the key.
    let vectors = vectors();
    let all = vectors["dropbox-sign"]["vectors"].as_array().unwrap();
    let vector =
        all.iter().find(|it| it["file"] == "dropbox-sign/signature_request_all_signed.json").unwrap();
    let mut sent = dropbox_sign(vector, &[text(&vectors["dropbox-sign"], "api_key")], text(vector, HEX));
    let body = String::from_utf8(sent.body).unwrap();
    sent.body = body.replace("ada@client.example", "eve@client.example").into_bytes();

    assert_eq!(sent.check(), Err(BadSignature::Mismatch));
}

#[test]
fn a_body_that_is_signed_with_a_hash_of_something_else_opens_nothing() {
    // Both proofs are asked for, each for itself.
    let key = "k";
    let hash = signing::dropbox_sign_event(key, "1793617202", "signature_request_signed");
    for (time, kind, fine) in [
        ("1793617202", "signature_request_signed", true),
        ("1793617203", "signature_request_signed", false),
        ("1793617202", "signature_request_canceled", false),
    ] {
        let json =
            format!(r#"{{"event":{{"event_time":"{time}","event_type":"{kind}","event_hash":"{hash}"}}}}"#);
        let digest = signing::dropbox_sign_content(key, json.as_bytes(), false);
        let content_type = format!("multipart/form-data; boundary={}", signing::BOUNDARY);
        let sent = Sent {
            provider: ProviderName::DropboxSign,
            keys: secrets(&[key]),
            headers: vec![("content-type", content_type.as_str()), ("content-sha256", digest.as_str())],
            query: Vec::new(),
            body: signing::dropbox_sign_form(&json).into_bytes(),
        };

        assert_eq!(sent.check().is_ok(), fine, "{time} {kind}");
    }
}

#[test]
fn an_event_older_than_three_days_is_refused() {
    let vectors = vectors();
    let vector = &vectors["dropbox-sign"]["vectors"][1];
    let sent = dropbox_sign(vector, &[text(&vectors["dropbox-sign"], "api_key")], text(vector, HEX));
    let seconds: i64 = text(vector, "event_time").parse().unwrap();
    let request = Unverified { headers: &sent.headers, query: &sent.query, body: &sent.body };
    let check = |days: i64, more: i64| {
        let now = Timestamp::from_millis((seconds + days * 86_400 + more) * 1_000);
        verify(sent.provider, &sent.keys, &request, now).map(drop)
    };

    assert_eq!(check(3, 0), Ok(()));
    assert_eq!(check(3, 1), Err(BadSignature::Stale));
}

fn pandadoc<'a>(vector: &'a Value, keys: &[&str], signature: &'a str) -> Sent<'a> {
    let body = fixture!(text(vector, "file"));
    let query = vec![("tenant", "x"), ("signature", signature)];
    Sent { provider: ProviderName::PandaDoc, keys: secrets(keys), headers: Vec::new(), query, body }
}

#[test]
fn every_pandadoc_vector_verifies_and_every_byte_of_it_counts() {
    let vectors = vectors();
    let all = vectors["pandadoc"]["vectors"].as_array().unwrap();
    let key = text(&vectors["pandadoc"], "shared_key");

    for vector in all {
        let signature = text(vector, "signature");
        let sent = pandadoc(vector, &[key], signature);

        assert!(sent.check().is_ok(), "{vector}");
        assert!(pandadoc(vector, &["the-new-one", key], signature).check().is_ok(), "rotation");
        let mismatch = Err(BadSignature::Mismatch);
        assert_eq!(pandadoc(vector, &["another"], signature).check(), mismatch);
        let upper = signature.to_uppercase();
        assert_eq!(pandadoc(vector, &[key], &upper).check(), mismatch);
        let mut bare = pandadoc(vector, &[key], signature);
        bare.query.pop();
        assert_eq!(bare.check(), Err(BadSignature::Missing));
        let mut twice = pandadoc(vector, &[key], signature);
        twice.query.push(("signature", signature));
        assert_eq!(twice.check(), Err(BadSignature::Missing));
        sent.assert_every_byte_counts(0..sent.body.len());
    }
    assert_eq!(all.len(), 12);
}

#[test]
fn the_short_vectors_verify() {
    let check = |provider, headers: Pairs<'_>, query: Pairs<'_>, body: &str| {
        let request = Unverified { headers: &headers, query: &query, body: body.as_bytes() };
        verify(provider, &secrets(&["secret"]), &request, now()).map(drop)
    };
    let docusign = "eThXMyD1/Zoubgxw4RmYPmCN4tVrpt4HunvHiXcKH/c=";
    let body = r#"{"event":"envelope-completed"}"#;
    assert_eq!(check(ProviderName::DocuSign, vec![(ONE, docusign)], Vec::new(), body), Ok(()));

    let pandadoc = "00271c241368946f84ac2e14a5dd5111e9fb3f5b8ae5000a82924a179b248282";
    let body = r#"[{"event":"document_state_changed","data":{"id":"abc","status":"document.completed"}}]"#;
    assert_eq!(check(ProviderName::PandaDoc, Vec::new(), vec![("signature", pandadoc)], body), Ok(()));
}

#[test]
fn repeats_of_a_delivery_have_one_name_and_others_have_others() {
    let vectors = vectors();
    let key = ["DS-hmac-key-one-0f6b8a0e8d7e4c57="];
    let all = vectors["docusign"]["vectors"].as_array().unwrap();
    let id = |vector: &Value| docusign(vector, &key, vec![(ONE, text(vector, ONE))]).check().unwrap();
    let mut ids: Vec<String> = all.iter().map(id).collect();

    assert_eq!(id(&all[0]), ids[0]);
    ids.sort_unstable();
    ids.dedup();
    // `recipient-completed` and its short form are the same event.
    assert_eq!(ids.len(), all.len() - 1);

    // A retry of DocuSign's counts itself; it is the same event all the same.
    let retry = String::from_utf8(fixture!(text(&all[0], "file"))).unwrap();
    let retry = retry.replace("\"retryCount\":0", "\"retryCount\":\"1\"");
    let signature = signing::docusign(key[0], retry.as_bytes());
    let mut sent = docusign(&all[0], &key, vec![(ONE, &signature)]);
    sent.body = retry.into_bytes();
    assert_eq!(sent.check().unwrap(), id(&all[0]));
}

#[test]
fn bodies_that_are_signed_but_are_no_events_are_refused_and_nothing_panics() {
    for body in ["", "null", "[]", "{}", "[1]", "{\"event\":1}", "{\"event\":{}}", "\u{0}"] {
        let signature = signing::docusign("k", body.as_bytes());
        let headers = [(ONE, signature.as_str())];
        let request = Unverified { headers: &headers, query: &[], body: body.as_bytes() };
        let checked = verify(ProviderName::DocuSign, &secrets(&["k"]), &request, now()).map(drop);
        assert_eq!(checked, Err(BadSignature::Malformed), "{body}");
    }
    for provider in ProviderName::ALL {
        for body in ["", "null", "{}", "[1]"] {
            assert!(read_events(provider, body, now()).is_err(), "{provider} {body}");
        }
    }
    let invalid = [0xFF, 0xFE];
    let signature = STANDARD.encode(super::super::webhook::mac(&Secret::new("k"), &[&invalid]).unwrap());
    let headers = [(ONE, signature.as_str())];
    let request = Unverified { headers: &headers, query: &[], body: &invalid };
    let checked = verify(ProviderName::DocuSign, &secrets(&["k"]), &request, now()).map(drop);
    assert_eq!(checked, Err(BadSignature::Malformed));
}

#[test]
fn each_provider_reads_what_it_wants_to_read() {
    assert_eq!(receipt(ProviderName::DropboxSign), sim::esign::HELLO);
}
