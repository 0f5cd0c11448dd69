//! WIP.
use super::super::webhook::*;
use crate::domain::grant::Secret;
use crate::domain::time::Timestamp;

pub(in crate::esign) fn verify(
    _: &[Secret],
    _: &Unverified<'_>,
    _: Timestamp,
) -> Result<Verified, BadSignature> {
    Err(BadSignature::Missing)
}

pub(in crate::esign) fn read(_: &str, _: Timestamp) -> Result<Vec<Hint>, Unreadable> {
    Err(Unreadable)
}
