//! The whole journey, from joining to a PIN that is forgotten and reset.

use super::office::{FIRST_PIN, NEXT_PIN, Office};

#[test]
fn a_forgotten_pin_is_reset_and_every_key_stays() {
    let mut office = Office::open();
    let joined = office.join();
    assert_eq!(joined["unprovisioned"], serde_json::Value::Null, "provisioning starts by itself: {joined}");
    assert!(
        joined["device"]["device"]["attestation_certificate"].is_string(),
        "the TPM is attested: {joined}"
    );
    let key = joined["device"]["key"].clone();
    assert!(key["kid"].is_string(), "{joined}");
    assert_eq!(office.at_provider("enterprise_keys"), 1);

    let passkey = office.register("ann");
    assert_eq!(office.use_passkey(), passkey);
    let signed_in = office.sign_in(FIRST_PIN);
    assert!(signed_in["device"]["prt"]["expires"].is_u64(), "{signed_in}");
    let token = office.latchkey(&["token", "--resource", "00000002-0000-0000-c000-000000000000"], "");
    assert!(token["access_token"].as_str().is_some_and(|token| token.split('.').count() == 3), "{token}");

    // Nobody knows the PIN any more; whoever guesses, guesses wrong.
    let wrong = office.attempt(&["signin", "--pin-stdin"], "000000\n");
    assert_eq!(wrong.map_err(|(code, _)| code), Err(4));
    let reset = office.reset_pin(&["--above-lock"], NEXT_PIN);
    assert_eq!(reset["pin"], "reset");

    office.prompter.knows(NEXT_PIN);
    assert_eq!(office.use_passkey(), passkey, "the same passkey signs in at the same site");
    let signed_in = office.sign_in(NEXT_PIN);
    assert_eq!(signed_in["device"]["key"], key, "the enterprise key is what it was");
    assert_eq!(office.at_provider("enterprise_keys"), 1, "the provider saw no new key");
    let old = office.attempt(&["signin", "--pin-stdin"], &format!("{FIRST_PIN}\n"));
    assert_eq!(old.map_err(|(code, _)| code), Err(4), "the forgotten PIN opens nothing");
}
