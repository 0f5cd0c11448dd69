//! The SHA-256 of a file, as we write it, as S3 writes it, and as signatures write it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::error::FilesError;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(super) fn parse(hexadecimal: &str) -> Result<Self, FilesError> {
        let mut bytes = [0; 32];
        let read = hex::decode_to_slice(hexadecimal, &mut bytes);
        read.map(|()| Self(bytes)).map_err(|_| FilesError::Unusable("the recorded SHA-256 is none"))
    }

    pub(super) fn hex(&self) -> String {
        hex::encode(self.0)
    }

    pub(super) fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}
