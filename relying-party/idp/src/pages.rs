//! What people see: one struct a page, whose template is in `web/idp/templates`. No page reads storage, clock or request;
//! handlers fill the fields. Every field is escaped by its template, so handlers pass plain text.
//!
//! Forms of a sign-in carry [`Flow`]'s fields (`canary` is the CSRF token) and `step`, which names the form; all others
//! carry `csrf`. Each page's [`Frame::policy`] is the `Content-Security-Policy` header it must be sent with.

pub mod admin;
pub mod assets;
pub mod config;
pub mod policy;

mod agent;
mod consent;
mod device;
mod enrolment;
mod finish;
mod frame;
mod passkey;
mod qr;
mod security;
mod sign_in;
mod welcome;

pub(crate) use agent::browser;
pub use consent::{ConsentPage, ScopeLine, StaySignedInPage};
pub use device::{DeviceCodePage, DeviceConfirmPage, DeviceDonePage};
pub use enrolment::{ChangePasswordPage, EnrolmentPage, Occasion};
pub use finish::{ConfirmSignOutPage, ErrorPage, FormPostPage, HomePage, SignedOutPage};
pub use frame::{Account, Csrf, Flow, Frame, Notice, NoticeKind, ShownSecret, When};
pub use passkey::{NewPasskeyPage, PasskeyPage};
pub use policy::Policy;
pub use qr::QrPicture;
pub use security::{OwnDevice, OwnMethod, OwnPinReset, OwnSession, SecurityPage};
pub use sign_in::{
    AccessPassPage, AccountPickerPage, CodePage, KnownAccount, OtherWay, OtherWaysPage, PasswordPage,
    SignInPage, WayKind,
};
pub use welcome::{WelcomePage, WelcomeWaysPage};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
