//! The steps of a sign-in that take a typed answer.

use askama::Template;

use super::frame::{Account, Flow, Frame, initial};

/// Who signs in. `step=user` with `loginfmt`; or `step=passkey` with `credential`, by autofill or button.
#[derive(Debug, Template)]
#[template(path = "sign-in.html")]
pub struct SignInPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// The name of the application that asks, when one does.
    pub application: Option<String>,
    /// `login_hint`, or what was typed before.
    pub user_name: String,
    /// The options of a discoverable sign-in as JSON (webauthn-rs `RequestChallengeResponse`); `None` where passkeys are off.
    pub passkey_options: Option<String>,
    /// Where a fresh page of this sign-in is, for when the challenge is too old.
    pub resume_url: String,
    /// How long the challenge lives, in seconds.
    pub challenge_lifetime: u32,
    /// The page with other ways to sign in.
    pub other_ways_url: Option<String>,
}

/// Which of the browser's accounts (`prompt=select_account`). `step=account` with `account`.
#[derive(Debug, Template)]
#[template(path = "account-picker.html")]
pub struct AccountPickerPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// The name of the application that asks.
    pub application: Option<String>,
    /// The accounts that this browser knows.
    pub accounts: Vec<KnownAccount>,
}

/// An account of the picker.
#[derive(Debug)]
pub struct KnownAccount {
    /// What `account` says for it.
    pub id: String,
    /// The person's name.
    pub display_name: String,
    /// The user principal name.
    pub user_name: String,
    /// Whether its session is open.
    pub signed_in: bool,
}

impl KnownAccount {
    /// The letter in the account's circle.
    #[must_use]
    pub fn initial(&self) -> String {
        initial(&self.display_name)
    }
}

/// The password. `step=password` with `loginfmt`, `login`, `passwd`.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub struct PasswordPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose password.
    pub account: Account,
    /// The page with other ways to sign in.
    pub other_ways_url: Option<String>,
}

/// The code of an authenticator app. `step=code` with `otc` and `mfaAuthMethod=PhoneAppOTP`.
#[derive(Debug, Template)]
#[template(path = "code.html")]
pub struct CodePage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose code.
    pub account: Account,
    /// How many digits it has.
    pub digits: u32,
    /// The page with other ways to sign in.
    pub other_ways_url: Option<String>,
}

/// The Temporary Access Pass. `step=pass` with `loginfmt`, `login`, `accesspass`.
#[derive(Debug, Template)]
#[template(path = "access-pass.html")]
pub struct AccessPassPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose pass.
    pub account: Account,
    /// The page with other ways to sign in.
    pub other_ways_url: Option<String>,
}

/// The choice of a way to sign in. `step=way` with `way`.
#[derive(Debug, Template)]
#[template(path = "other-ways.html")]
pub struct OtherWaysPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Whose sign-in, when that is known.
    pub account: Option<Account>,
    /// What can be chosen.
    pub ways: Vec<OtherWay>,
    /// Back to the step before.
    pub back_url: String,
}

/// A choice of [`OtherWaysPage`].
#[derive(Clone, Debug)]
pub struct OtherWay {
    /// Which one.
    pub kind: WayKind,
    /// Something to recognise it by, such as the name of an authenticator app.
    pub hint: Option<String>,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayKind {
    /// A passkey.
    Passkey,
    /// A password.
    Password,
    /// An authenticator app's code.
    Code,
    /// A Temporary Access Pass.
    AccessPass,
}

impl WayKind {
    /// What the form field `way` says.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passkey => "passkey",
            Self::Password => "password",
            Self::Code => "code",
            Self::AccessPass => "pass",
        }
    }

    /// What the button says.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Passkey => "Use a passkey",
            Self::Password => "Enter my password",
            Self::Code => "Enter a code from my authenticator app",
            Self::AccessPass => "Enter a Temporary Access Pass",
        }
    }

    /// What stands under it.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Passkey => "On this device, on a phone nearby, or on a security key.",
            Self::Password => "You may be asked for a second step afterwards.",
            Self::Code => "The digits that change every half minute.",
            Self::AccessPass => "A code that your administrator gave you for a short time.",
        }
    }
}
