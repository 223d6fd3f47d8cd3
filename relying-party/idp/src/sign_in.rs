//! The interactive sign-in: from an authorization request over the pages of proof and consent to a code.
//!
//! What is known so far lies in the database ([`state::State`]), under the hash of `ctx` and bound to the cookie of one
//! browser. Each page carries a flow token that is good for one form, and a canary that only this browser's cookie
//! gives. Which page comes next is never asked of the browser: [`flow::Flow::next`] decides from what was proved.
//!
//! A user who does not exist gets the same pages, the same words and the same waiting as one who does.

mod begin;
mod broker;
mod consent;
mod credentials;
mod device;
mod finish;
mod flow;
mod guesses;
mod interrupts;
mod new_app;
mod own;
mod passkey;
mod password;
mod problem;
mod reply;
mod set_up;
mod sign_out;
mod single_sign_on;
mod state;
mod steps;
mod view;
mod welcome;

pub use begin::{Asked, authorize};
pub use broker::{SecondFactorCall, begin_second_factor, credential_type, end_second_factor, fido_page};
pub(crate) use credentials::hashed;
pub use credentials::{EnrolError, add_totp, issue_pass, set_password};
pub use device::device_sign_in;
pub(crate) use guesses::password_locked_until;
pub(crate) use own::failed;
pub use own::{Destination, Entered, Entry, SignedIn, enter, set_up, visitor};
pub use passkey::relying_party;
pub use password::{PasswordAttempt, WrongPassword, check_password};
pub use reply::{Browser, Cookie, Credentials, Outcome, Reply};
pub use set_up::Credential;
pub use sign_out::{SignOut, confirmed_sign_out, sign_out};
pub use steps::{resume, step};
pub use welcome::{open_invitation, welcome};
