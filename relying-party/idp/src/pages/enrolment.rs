//! What an account must get before a sign-in goes on: an authenticator app, a new password.

use askama::Template;

use super::frame::{Account, Flow, Frame, ShownSecret};
use super::qr::QrPicture;

/// Why somebody sets up a way to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occasion {
    /// A sign-in asks for it.
    #[default]
    SignIn,
    /// It is the first one of a new user.
    Welcome,
    /// The user wanted another one.
    Own,
}

impl Occasion {
    /// What the button says that sets nothing up now.
    #[must_use]
    pub const fn later(self) -> &'static str {
        match self {
            Self::SignIn => "Not now",
            Self::Welcome => "Choose another way",
            Self::Own => "Cancel",
        }
    }
}

/// Add an authenticator app. `step=enrol` with `otc`, or `answer=later`.
#[derive(Template)]
#[template(path = "enrolment.html")]
pub struct EnrolmentPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose app.
    pub account: Account,
    /// How many digits the app shows.
    pub digits: u32,
    /// Whether it may be postponed.
    pub later: bool,
    /// Why it is added.
    pub occasion: Occasion,
    /// The address that the picture encodes (`otpauth://totp/…`).
    address: ShownSecret,
    /// The same secret for typing.
    secret: ShownSecret,
    picture: Option<QrPicture>,
}

impl EnrolmentPage {
    /// The page for the secret `secret` (base32) and the address `address` that holds it.
    #[must_use]
    pub fn new(frame: Frame, flow: Flow, account: Account, address: String, secret: &str) -> Self {
        let picture = QrPicture::of(&address);
        let (address, secret) = (ShownSecret::new(address), ShownSecret::new(in_groups(secret)));
        Self {
            frame,
            flow,
            account,
            digits: 6,
            later: false,
            occasion: Occasion::SignIn,
            address,
            secret,
            picture,
        }
    }
}

/// Four characters a group, for the eyes that copy them.
fn in_groups(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().filter(|letter| *letter != '=').collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// Choose a new password. `step=change-password` with `passwd` (the old one, unless `forced` after a reset by pass),
/// `newpasswd` and `confirmnewpasswd`.
#[derive(Debug, Template)]
#[template(path = "change-password.html")]
pub struct ChangePasswordPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose password.
    pub account: Account,
    /// Whether the old one must be typed.
    pub ask_old: bool,
    /// The fewest characters that a new one has.
    pub minimum_length: u32,
    /// Why it is chosen.
    pub occasion: Occasion,
}

#[cfg(test)]
mod tests {
    use super::in_groups;

    #[test]
    fn secrets_stand_in_groups_of_four() {
        assert_eq!(in_groups("JBSWY3DPEHPK3PXP"), "JBSW Y3DP EHPK 3PXP");
        assert_eq!(in_groups("JBSWY3DPEH======"), "JBSW Y3DP EH");
        assert_eq!(in_groups(""), "");
    }
}
