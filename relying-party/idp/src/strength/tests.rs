use super::*;

const NOW: UnixTime = UnixTime::from_seconds(1_000_000);

fn shown(methods: &[Method]) -> Proofs {
    methods.iter().fold(Proofs::default(), |proofs, method| proofs.with(*method, NOW))
}

fn words(proofs: &Proofs, now: UnixTime) -> Vec<&'static str> {
    proofs.amr(now).into_iter().map(Amr::word).collect()
}

fn minutes_ago(minutes: u64) -> UnixTime {
    NOW.minus(Duration::from_mins(minutes))
}

#[test]
fn what_methods_prove() {
    use Method::{AccessPass, HelloKey, Passkey, PasskeyPresenceOnly, Password, Phone, Totp};
    use Strength::{Multifactor, Passwordless, PhishingResistant, SingleFactor};
    for (methods, strength, amr) in [
        (&[Password][..], SingleFactor, &["pwd"][..]),
        (&[Totp], SingleFactor, &["otp"]),
        (&[PasskeyPresenceOnly], SingleFactor, &["fido"]),
        // Two things that one has are one factor.
        (&[Totp, PasskeyPresenceOnly], SingleFactor, &["fido", "otp"]),
        (&[Password, Totp], Multifactor, &["pwd", "otp", "mfa", "ngcmfa"]),
        (&[Totp, Password], Multifactor, &["pwd", "otp", "mfa", "ngcmfa"]),
        (&[Password, PasskeyPresenceOnly], Multifactor, &["pwd", "fido", "mfa", "ngcmfa"]),
        (&[AccessPass], Multifactor, &["tap", "mfa", "ngcmfa"]),
        (&[AccessPass, Totp], Multifactor, &["otp", "tap", "mfa", "ngcmfa"]),
        (&[Phone], Passwordless, &["hwk", "mfa", "ngcmfa"]),
        (&[Passkey], PhishingResistant, &["fido", "mfa", "ngcmfa"]),
        (&[HelloKey], PhishingResistant, &["rsa", "mfa", "ngcmfa"]),
        (&[Password, Passkey], PhishingResistant, &["pwd", "fido", "mfa", "ngcmfa"]),
    ] {
        let proofs = shown(methods);
        assert_eq!(proofs.strength(), Some(strength), "{methods:?}");
        assert_eq!(words(&proofs, NOW), amr, "{methods:?}");
        for required in [SingleFactor, Multifactor, Passwordless, PhishingResistant] {
            assert_eq!(proofs.satisfy(required), required <= strength, "{methods:?} for {required:?}");
        }
    }
}

#[test]
fn nothing_proves_nothing() {
    let nothing = Proofs::default();
    assert_eq!(nothing.strength(), None);
    assert!(!nothing.satisfy(Strength::SingleFactor));
    assert!(nothing.amr(NOW).is_empty());
    assert!(!nothing.is_fresh(NOW));
    assert_eq!(nothing.latest(), None);
}

#[test]
fn multifactor_is_fresh_for_ten_minutes() {
    let proofs = Proofs::default().with(Method::Passkey, minutes_ago(10));
    assert_eq!(words(&proofs, NOW), ["fido", "mfa", "ngcmfa"]);
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(words(&proofs, later), ["fido", "mfa"]);
    assert!(proofs.satisfy(Strength::PhishingResistant));
    // A clock that went back makes nothing fresh.
    assert!(!proofs.is_fresh(minutes_ago(11)));
}

#[test]
fn the_older_factor_decides() {
    let proofs = Proofs::default().with(Method::Password, minutes_ago(60)).with(Method::Totp, NOW);
    assert_eq!(proofs.multifactor_at(), Some(minutes_ago(60)));
    assert!(!proofs.is_fresh(NOW));
    assert_eq!(proofs.latest(), Some(NOW));
    // The password again: now both are recent.
    assert!(proofs.with(Method::Password, minutes_ago(1)).is_fresh(NOW));
    // A method that is enough alone needs no other.
    assert!(proofs.with(Method::Passkey, NOW).is_fresh(NOW));
}

#[test]
fn single_factors_are_never_fresh_multifactor() {
    for method in [Method::Password, Method::Totp, Method::PasskeyPresenceOnly] {
        let proofs = shown(&[method]);
        assert!(!proofs.is_fresh(NOW) && proofs.multifactor_at().is_none(), "{method:?}");
    }
}

#[test]
fn proofs_are_kept_as_json() {
    let proofs = shown(&[Method::Password, Method::PasskeyPresenceOnly]);
    let text = serde_json::to_string(&proofs).unwrap();
    assert_eq!(
        text,
        r#"[{"method":"password","at":1000000},{"method":"passkey_presence_only","at":1000000}]"#
    );
    assert_eq!(serde_json::from_str::<Proofs>(&text).unwrap(), proofs);
}
