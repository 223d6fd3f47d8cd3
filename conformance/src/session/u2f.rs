//! U2F over `CTAPHID_MSG`.

use std::time::{Duration, Instant};

use super::Session;
use crate::case::{Stop, ensure};
use crate::ctap::u2f::{AUTHENTICATE, Apdu, REGISTER, Registration, Reply};
use crate::target::{Command, Flow};

/// How long a touch is waited for, and how often it is asked for.
const TOUCH_WITHIN: Duration = Duration::from_secs(30);
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// The hash of the runner's application.
pub const APPLICATION: [u8; 32] = [0xA9; 32];
/// The hash of a challenge.
pub const CHALLENGE: [u8; 32] = [0xC4; 32];

impl Session {
    /// Sends a message of U2F, once.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn u2f(&mut self, message: &[u8]) -> Result<Reply, Stop> {
        let bytes = self.channel().exchange(Command::MSG, message, &mut |_| Flow::Wait)?;
        let reply = Reply::parse(&bytes)
            .ok_or_else(|| Stop::failed("an answer of less than 2 bytes", "a status word"))?;
        self.note(
            format!("U2F 0x{:02x}", message.get(1).copied().unwrap_or_default()),
            message,
            format!("SW 0x{:04x}", reply.status),
            &bytes,
        );
        Ok(reply)
    }

    /// Sends a message of U2F until it was touched.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn u2f_touched(&mut self, apdu: &Apdu) -> Result<Reply, Stop> {
        let until = Instant::now() + TOUCH_WITHIN;
        loop {
            let reply = self.u2f(&apdu.extended())?;
            if reply.status != Reply::TOUCH || Instant::now() > until {
                return Ok(reply);
            }
            self.hook.touch()?;
            std::thread::sleep(ASKED_EVERY);
        }
    }

    /// The registration that cases of U2F share.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn u2f_registration(&mut self) -> Result<Registration, Stop> {
        if let Some(registration) = &self.registration {
            return Ok(registration.clone());
        }
        let reply = self.u2f_touched(&Apdu::new(REGISTER, 0, &[CHALLENGE, APPLICATION].concat()))?;
        ensure(reply.status == Reply::OK, format!("SW 0x{:04x}", reply.status), "SW 0x9000")?;
        let registration =
            Registration::parse(&reply.data).map_err(|error| Stop::failed(error, "a registration"))?;
        self.registration = Some(registration.clone());
        Ok(registration)
    }

    /// `U2F_AUTHENTICATE` of a key handle.
    pub fn u2f_authenticate(p1: u8, application: &[u8], handle: &[u8]) -> Apdu {
        let length = u8::try_from(handle.len()).unwrap_or(u8::MAX);
        Apdu::new(AUTHENTICATE, p1, &[&CHALLENGE, application, &[length], handle].concat())
    }
}
