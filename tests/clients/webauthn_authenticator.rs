//! What is done with the crate webauthn-authenticator-rs: its client and its CTAP, and webauthn-rs as the site.

use futures_util::FutureExt as _;
use webauthn_authenticator_rs::WebauthnAuthenticator as _;
use webauthn_authenticator_rs::ctap2::CtapAuthenticator;
use webauthn_authenticator_rs::prelude::{Url, WebauthnCError};
use webauthn_rs::prelude::{Uuid, Webauthn, WebauthnBuilder};

use crate::token::{Reports, Typist};

const RP: &str = "webauthn-rs.example";
const OTHER_PIN: &str = "silver-birch-9";

/// A security key as this client has it.
type Key<'a> = CtapAuthenticator<'a, Reports, Typist>;

/// Registers, signs in, and changes the PIN there and back. `pin` is the one that is set.
pub fn exercise(reports: Reports, pin: &'static str) {
    let typist = Typist(pin);
    let mut key =
        now(CtapAuthenticator::new(reports, &typist)).expect("it speaks CTAP 2.1 with the security key");
    register_and_sign_in(&mut key);
    let stored = now(key.credential_management().expect("it can be managed").get_credentials_metadata());
    assert!(stored.expect("what is stored is told").max_possible_remaining_resident_credentials_count > 0);
    let wrong = now(key.change_pin(OTHER_PIN, pin)).expect_err("that is not the PIN");
    assert!(matches!(wrong, WebauthnCError::Ctap(_)), "{wrong:?}");
    now(key.change_pin(pin, OTHER_PIN)).expect("the PIN can be changed");
    now(key.change_pin(OTHER_PIN, pin)).expect("and back");
}

fn register_and_sign_in(key: &mut Key<'_>) {
    let origin = Url::parse(&format!("https://{RP}")).expect("an address");
    let site = site(&origin);
    let (asked, state) =
        site.start_passkey_registration(Uuid::from_u128(1), "ann", "Ann", None).expect("a challenge");
    let made = key.do_registration(origin.clone(), asked).expect("a passkey is made");
    let passkey = site.finish_passkey_registration(&made, &state).expect("the site takes it");
    let (asked, state) =
        site.start_passkey_authentication(std::slice::from_ref(&passkey)).expect("a challenge");
    let given = key.do_authentication(origin.clone(), asked).expect("an assertion is given");
    let signed_in = site.finish_passkey_authentication(&given, &state).expect("the site takes it");
    assert!(signed_in.user_verified() && signed_in.cred_id() == passkey.cred_id());
    let (asked, _state) = site
        .start_passkey_registration(Uuid::from_u128(1), "ann", "Ann", Some(vec![passkey.cred_id().clone()]))
        .expect("a challenge");
    let again = key.do_registration(origin, asked).expect_err("it is there already");
    assert!(matches!(again, WebauthnCError::Ctap(_)), "{again:?}");
}

fn site(origin: &Url) -> Webauthn {
    WebauthnBuilder::new(RP, origin).expect("its domain").build().expect("a site")
}

/// The token blocks, so whoever waits for it is done at once.
fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("nothing is waited for")
}
