use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use serde::Deserialize;
use sha2::Sha256;
use standardwebhooks::Webhook;

use crate::domain::grant::Secret;
use crate::domain::id::{EndpointId, WorkspaceId};
use crate::domain::time::Timestamp;
use crate::whop::webhook::{BadSignature, Undeliverable, Unverified, deliver, verify};

#[derive(Deserialize)]
struct Vector {
    secret: String,
    id: String,
    timestamp: String,
    body: String,
    signature: String,
    bad: Vec<Bad>,
}

#[derive(Deserialize)]
struct Bad {
    why: String,
    secret: Option<String>,
    id: Option<String>,
}

impl Vector {
    fn load() -> Self {
        serde_json::from_str(include_str!("../samples/signature-vector.json")).unwrap()
    }

    fn request(&self) -> Unverified<'_> {
        Unverified {
            id: &self.id,
            timestamp: &self.timestamp,
            signature: &self.signature,
            body: self.body.as_bytes(),
        }
    }

    fn secrets(&self) -> [Secret; 1] {
        [Secret::new(self.secret.as_str())]
    }

    /// Seconds after it was sent.
    fn after(&self, seconds: i64) -> Timestamp {
        let sent: i64 = self.timestamp.parse().unwrap();
        Timestamp::from_millis((sent + seconds) * 1000)
    }
}

fn endpoint() -> EndpointId {
    let workspace = WorkspaceId::of("https://crm.example.com", uuid::Uuid::nil());
    EndpointId::new(workspace, "0123456789abcdef").unwrap()
}

#[test]
fn the_published_vector_is_accepted_and_its_bad_cases_are_not() {
    let vector = Vector::load();
    let request = vector.request();

    assert!(verify(&vector.secrets(), &request, vector.after(0)).is_ok());

    for bad in &vector.bad {
        let secret = [Secret::new(bad.secret.as_deref().unwrap_or(&vector.secret))];
        let id = bad.id.as_deref().unwrap_or(&vector.id);
        let other_time = bad.secret.is_none() && bad.id.is_none();
        let now = vector.after(if other_time { 301 } else { 0 });
        assert!(verify(&secret, &Unverified { id, ..request }, now).is_err(), "{}", bad.why);
    }
}

#[test]
fn a_timestamp_is_accepted_up_to_three_hundred_seconds_away() {
    let vector = Vector::load();

    for (seconds, expected) in
        [(-301, Some(BadSignature::Stale)), (-300, None), (300, None), (301, Some(BadSignature::Stale))]
    {
        let answer = verify(&vector.secrets(), &vector.request(), vector.after(seconds));
        assert_eq!(answer.err(), expected, "{seconds} s");
    }

    for timestamp in ["", "now", "1794787200.5", "99999999999999999999", "-9223372036854775808"] {
        let request = Unverified { timestamp, ..vector.request() };
        assert!(verify(&vector.secrets(), &request, vector.after(0)).is_err());
    }
}

#[test]
fn one_fitting_signature_among_several_is_enough_during_a_rotation() {
    let vector = Vector::load();
    let header = format!("v2,abc v1,!!! v1,AAAA {} v1a,xyz", vector.signature);
    let request = Unverified { signature: &header, ..vector.request() };
    let secrets = [Secret::new("ws_new"), Secret::new(vector.secret.as_str())];

    assert!(verify(&secrets, &request, vector.after(0)).is_ok());
    assert_eq!(verify(&secrets[..1], &request, vector.after(0)).err(), Some(BadSignature::Mismatch));
}

#[test]
fn what_is_not_a_v1_signature_fits_nothing() {
    let vector = Vector::load();
    let bare = vector.signature.trim_start_matches("v1,");
    for signature in [
        "",
        "v1",
        "v1,",
        bare,
        &format!("v2,{bare}"),
        &format!("v1,{}", bare.trim_end_matches('=')),
        "v1,9GnkuPka",
        &format!("V1,{bare}"),
    ] {
        let request = Unverified { signature, ..vector.request() };
        let answer = verify(&vector.secrets(), &request, vector.after(0));
        assert_eq!(answer.err(), Some(BadSignature::Mismatch), "{signature}");
    }
}

#[test]
fn nobody_can_sign_with_an_empty_secret_or_where_there_is_none() {
    let vector = Vector::load();
    let sent: i64 = vector.timestamp.parse().unwrap();
    let forged =
        Webhook::from_bytes(Vec::new()).unwrap().sign(&vector.id, sent, vector.body.as_bytes()).unwrap();
    let request = Unverified { signature: &forged, ..vector.request() };

    assert!(verify(&[Secret::new("")], &request, vector.after(0)).is_err());
    assert!(verify(&[], &request, vector.after(0)).is_err());
}

#[test]
fn a_delivery_keeps_the_verified_id_and_every_byte() {
    let vector = Vector::load();
    let verified = verify(&vector.secrets(), &vector.request(), vector.after(0)).unwrap();

    let delivery = deliver(&verified, endpoint(), vector.after(1)).unwrap();

    assert_eq!(delivery.id.as_str(), vector.id);
    assert_eq!(delivery.body, vector.body);
    assert_eq!(delivery.endpoint, endpoint());
}

#[test]
fn what_is_signed_but_is_no_text_or_has_no_usable_id_is_not_kept() {
    let vector = Vector::load();
    let keep = |id: &str, body: &[u8]| {
        // The independent signer refuses to sign what is not text, so this one is signed by hand.
        let mut mac = Hmac::<Sha256>::new_from_slice(vector.secret.as_bytes()).unwrap();
        mac.update(format!("{id}.{}.", vector.timestamp).as_bytes());
        mac.update(body);
        let request = Unverified {
            id,
            body,
            signature: &format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())),
            timestamp: &vector.timestamp,
        };
        let verified = verify(&vector.secrets(), &request, vector.after(0)).unwrap();
        deliver(&verified, endpoint(), vector.after(0)).err()
    };

    assert_eq!(keep("msg_1", b"{}"), None);
    assert_eq!(keep("msg_1", b"{\xff}"), Some(Undeliverable::NotText));
    assert!(matches!(keep("", b"{}"), Some(Undeliverable::Id(_))));
    assert!(matches!(keep("msg 1", b"{}"), Some(Undeliverable::Id(_))));
}

proptest! {
    #[test]
    fn whatever_an_independent_signer_signs_is_accepted(
        secret in "ws_[0-9a-f]{8,64}",
        id in "msg_[0-9A-Za-z]{1,24}",
        body in ".{0,400}",
        seconds in 0_i64..4_000_000_000,
    ) {
        let signer = Webhook::from_bytes(secret.clone().into_bytes()).unwrap();
        let signature = signer.sign(&id, seconds, body.as_bytes()).unwrap();
        let request = Unverified {
            id: &id,
            timestamp: &seconds.to_string(),
            signature: &signature,
            body: body.as_bytes(),
        };
        let now = Timestamp::from_millis(seconds * 1000);

        prop_assert!(verify(&[Secret::new(secret)], &request, now).is_ok());
    }

    #[test]
    fn a_change_of_any_single_byte_is_refused(place in any::<prop::sample::Index>(), change in 1_u8..=255) {
        let vector = Vector::load();
        let mut bytes = [vector.id.as_bytes(), vector.timestamp.as_bytes(), vector.body.as_bytes()].concat();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let (id, rest) = bytes.split_at(vector.id.len());
        let (timestamp, body) = rest.split_at(vector.timestamp.len());
        let (Ok(id), Ok(timestamp)) = (std::str::from_utf8(id), std::str::from_utf8(timestamp)) else {
            return Ok(()); // Headers that are not text never come this far.
        };
        let request = Unverified { id, timestamp, body, signature: &vector.signature };

        prop_assert!(verify(&vector.secrets(), &request, vector.after(0)).is_err());
        if let Ok(sent) = timestamp.parse::<i64>() {
            let then = Timestamp::from_millis(sent.saturating_mul(1000));
            prop_assert!(verify(&vector.secrets(), &request, then).is_err());
        }
    }
}
