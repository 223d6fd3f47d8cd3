//! What the client needs from whoever carries its bytes.

use std::time::Duration;

/// An authenticator, seen through the bytes that go to it and come back.
pub trait Authenticator {
    /// Sends one request (command byte and CBOR) and blocks until the response (status byte and CBOR) is there.
    ///
    /// # Errors
    ///
    /// When no response comes: the ceremony was cancelled, its time ran out, or the authenticator is out of reach.
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError>;

    /// Called once, before a ceremony's first request, with the time that the whole ceremony may take. Whoever
    /// carries the bytes owns the clock: after `limit` it cancels and answers [`TransactError::TimedOut`].
    fn ceremony_begins(&mut self, limit: Duration) {
        let _ = limit;
    }

    /// How this authenticator is attached to the client device (WebAuthn Level 3 §6.2.1).
    ///
    /// The carrier says so, because getInfo cannot: Latchkey reports `plat: false` and the transport "usb" so that
    /// browsers accept it as a HID device, although for a client on the same machine it is a platform authenticator.
    fn attachment(&self) -> Attachment;
}

/// `AuthenticatorAttachment` (WebAuthn Level 3 §5.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// Built into the client device.
    Platform,
    /// Can be carried to another device.
    CrossPlatform,
}

impl Attachment {
    /// The value as pages see it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::CrossPlatform => "cross-platform",
        }
    }
}

/// Why a request got no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactError {
    /// The client side called the ceremony off.
    #[error("The request was cancelled.")]
    Cancelled,
    /// The ceremony's time ran out.
    #[error("The request took too long.")]
    TimedOut,
    /// The authenticator cannot be reached.
    #[error("The authenticator cannot be reached: {0}.")]
    Unreachable(String),
}

/// One of several accounts that the user may sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user handle.
    pub user_handle: Vec<u8>,
    /// The account's name, if the authenticator tells it.
    pub name: Option<String>,
    /// The person's name, if the authenticator tells it.
    pub display_name: Option<String>,
}

/// Asks the user which account to sign in with.
pub trait Chooser {
    /// The index of the chosen account, or `None` when the user chooses none. Called with two accounts or more.
    fn choose(&mut self, rp_id: &str, accounts: &[Account]) -> Option<usize>;
}

impl<F: FnMut(&str, &[Account]) -> Option<usize>> Chooser for F {
    fn choose(&mut self, rp_id: &str, accounts: &[Account]) -> Option<usize> {
        self(rp_id, accounts)
    }
}
