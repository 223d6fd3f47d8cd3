//! An authenticator app: one-time codes from what a QR code says (RFC 6238, SHA-1, six digits, half a minute).

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

const PERIOD: u64 = 30;

/// One account in the app.
#[derive(Clone, Debug)]
pub struct App {
    secret: Vec<u8>,
    /// The newest time step whose code was shown; a provider takes each code once.
    used: u64,
}

impl App {
    /// Reads `otpauth://totp/…?secret=…`.
    ///
    /// # Panics
    /// When the link has no secret in base32.
    #[must_use]
    pub fn scan(link: &str) -> Self {
        let (_, query) = link.split_once('?').unwrap_or_else(|| panic!("{link} has no secret"));
        let secret = query.split('&').find_map(|pair| pair.strip_prefix("secret="));
        Self { secret: base32(secret.unwrap_or_else(|| panic!("{link} has no secret"))), used: 0 }
    }

    /// A code that was not shown before: the one of now, or the next one a little early, which providers allow.
    pub fn code(&mut self) -> String {
        let step = self.used.saturating_add(1).max(now() / PERIOD);
        while now() / PERIOD + 1 < step {
            sleep(Duration::from_millis(200));
        }
        self.used = step;
        self.at(step)
    }

    /// Shows codes again that were shown before, to a provider that has forgotten them.
    pub const fn forget_shown(&mut self) {
        self.used = 0;
    }

    /// The code that the app shows so many steps from now, whichever were shown before.
    #[must_use]
    pub fn code_in(&self, steps: i64) -> String {
        self.at((now() / PERIOD).saturating_add_signed(steps))
    }

    fn at(&self, step: u64) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.secret).expect("HMAC takes a key of any length");
        mac.update(&step.to_be_bytes());
        let hash: [u8; 20] = mac.finalize().into_bytes().into();
        // Dynamic truncation (RFC 4226 §5.3).
        let offset = usize::from(hash[19] & 0xF);
        let word: [u8; 4] = hash[offset..offset + 4].try_into().expect("four bytes");
        format!("{:06}", (u32::from_be_bytes(word) & 0x7FFF_FFFF) % 1_000_000)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set").as_secs()
}

/// RFC 4648 §6, without padding.
fn base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            other => panic!("{other} is no letter of base32"),
        };
        held = (held << 5 | u32::from(value)) & 0xFFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).expect("eight bits"));
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
