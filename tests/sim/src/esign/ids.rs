//! Identifiers in the shapes of the three providers. They follow from a counter, so that a run can be repeated.

use sha2::{Digest, Sha256};

fn digest(kind: &str, number: usize) -> [u8; 32] {
    Sha256::digest(format!("{kind} {number}")).into()
}

/// A GUID as DocuSign writes them.
pub(super) fn guid(kind: &str, number: usize) -> String {
    let hex = hex::encode(digest(kind, number));
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// Lower-case hex of a length up to 64, as Dropbox Sign writes ids.
pub(super) fn hexadecimal(kind: &str, number: usize, length: usize) -> String {
    hex::encode(digest(kind, number))[..length].to_owned()
}

/// Twenty-two letters and digits, as PandaDoc writes ids.
pub(super) fn short(kind: &str, number: usize) -> String {
    const LETTERS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let bytes = digest(kind, number);
    bytes[..22].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// A secret nobody can foresee from the outside, but that a run repeats.
pub(super) fn secret(kind: &str, number: usize) -> String {
    hex::encode(digest(&format!("secret {kind}"), number))
}
