//! Codes that a helpdesk reads out: 100 random bits in letters and digits that sound and look apart.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::domain::{Opaque, OpaqueHash};

/// Without I, L, O and U (Crockford's base 32).
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'M',
    'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];
const LENGTH: usize = 20;
/// People read and type groups of so many.
const GROUP: usize = 5;

/// A new code, in groups: `ABCDE-FGHJK-MNPQR-STVWX`.
pub(crate) fn random(rng: &mut dyn CryptoRng) -> Opaque {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    rng.fill_bytes(&mut *bytes);
    let mut text = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / GROUP));
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % GROUP == 0 {
            text.push('-');
        }
        text.push(ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or_default());
    }
    Opaque::presented(&text)
}

/// The hash of a code, however it was typed.
pub(crate) fn hash(typed: &str) -> OpaqueHash {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    OpaqueHash::of(&Zeroizing::new(letters.collect::<String>()))
}
