//! Fresh identifiers and random bytes. Nothing else may make them.

use crate::domain::time::Timestamp;

/// Random bytes from the operating system could not be had.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub(crate) struct NoRandomness;

/// `N` random bytes, fit for keys.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// An identifier that sorts by time: `run_01914f6e2c00-9f3c…`.
pub(crate) fn by_time(prefix: &str, now: Timestamp) -> Result<String, NoRandomness> {
    Ok(format!("{prefix}_{:012x}-{}", now.millis(), hex::encode(random::<8>()?)))
}

/// An unguessable text of 128 bits.
pub(crate) fn unguessable() -> Result<String, NoRandomness> {
    Ok(hex::encode(random::<16>()?))
}
