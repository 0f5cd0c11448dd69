//! Ids, secrets and chance, all derived: the same calls make the same world. An id hides a row number, so
//! that looking one up needs no map; nobody outside may rely on that.

use sha2::{Digest, Sha256};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
const INVERSE: u64 = inverse(ODD);

/// The number that undoes a multiplication by `odd` modulo 2⁶⁴.
const fn inverse(odd: u64) -> u64 {
    let mut x = odd;
    let mut round = 0;
    while round < 5 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x
}

fn salt(prefix: &str) -> u64 {
    prefix
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
}

/// The id of a row, such as `mem_4cLrXt7VzBn`.
pub(super) fn name(prefix: &str, row: usize) -> String {
    let mut rest = (row as u64 + 1).wrapping_mul(ODD).wrapping_add(salt(prefix));
    let mut digits = [0u8; 11];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    let mut id = String::with_capacity(prefix.len() + digits.len());
    id.push_str(prefix);
    id.extend(digits.map(char::from));
    id
}

/// The row behind an id, if the id has this prefix and could have been made by [`name`].
pub(super) fn row(prefix: &str, id: &str) -> Option<usize> {
    let digits = id.strip_prefix(prefix)?;
    let mut value = 0u64;
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|known| *known == byte)?;
        value = value.checked_mul(62)?.checked_add(digit as u64)?;
    }
    let row = value.wrapping_sub(salt(prefix)).wrapping_mul(INVERSE).checked_sub(1)?;
    let row = usize::try_from(row).ok().filter(|row| *row < 1 << 32)?;
    (name(prefix, row) == id).then_some(row)
}

/// 64 hex characters that nobody would guess by accident.
pub(super) fn secret(label: &str, number: u64) -> String {
    hex::encode(Sha256::digest(format!("{label} {number} of the Whop stand-in")))
}

/// A number that depends on a text and nothing else.
pub(super) fn hash(text: &str) -> u64 {
    Dice(salt(text)).next()
}

/// Repeatable chance (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(ODD);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One chance in `many`.
    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len() as u64) as usize]
    }
}
