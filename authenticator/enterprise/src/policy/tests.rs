use std::path::{Path, PathBuf};

use latchkey_container::{CharacterRule, PinComplexity, PinRefusal};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    LocalPolicy, PolicyDocument, PolicyError, RecoveryProtocol, Source, TenantIdError, resolve, tenant_id,
};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn document(changes: &Value) -> Value {
    let mut document = json!({
        "tenantId": TENANT, "tenantName": "Example", "version": 3,
        "UsePassportForWork": true, "DisablePostLogonProvisioning": false, "RequireSecurityDevice": false,
        "EnablePinRecovery": true, "PinRecoveryProtocol": "hpke-p256",
        "PINComplexity": {
            "MinimumPINLength": 6, "MaximumPINLength": 127, "UppercaseLetters": 0, "LowercaseLetters": 0,
            "SpecialCharacters": 0, "Digits": 1, "History": 0, "Expiration": 0,
        },
        "Biometrics": { "UseBiometrics": true, "Persistent": false },
        "PinReset": { "Url": "https://cred.example.org", "Anchor": "MAA=", "Allowed": true },
        "ConfigureWebSignInAllowedUrls": "signin.contoso.com;portal.contoso.com",
    });
    for (key, value) in changes.as_object().unwrap() {
        document[key] = value.clone();
    }
    document
}

fn read(changes: &Value) -> Result<PolicyDocument, PolicyError> {
    PolicyDocument::of_tenant(document(changes), TENANT.parse().unwrap())
}

fn file(text: &str) -> Result<LocalPolicy, PolicyError> {
    LocalPolicy::parse(Path::new("/etc/latchkey/policy.toml"), text)
}

#[test]
fn a_document_is_read_kept_and_read_again() {
    let read = read(&json!({})).unwrap();
    let service = read.pin_reset().unwrap();
    assert_eq!((service.origin.to_string().as_str(), service.allowed), ("https://cred.example.org", true));
    assert_eq!((read.tenant_name(), read.version()), ("Example", 3));
    let policy = resolve(Some(&read), &[]).policy;
    assert!(policy.enable_pin_recovery && policy.use_passport_for_work && !policy.require_security_device);
    assert_eq!(policy.pin_recovery_protocol, RecoveryProtocol::HpkeP256);
    let stored = serde_json::to_vec(&read).unwrap();
    assert_eq!(serde_json::from_slice::<PolicyDocument>(&stored).unwrap(), read);
}

#[test]
fn a_document_with_a_wrong_value_is_refused() {
    for changes in [
        json!({ "tenantId": format!("{{{TENANT}}}") }),
        json!({ "version": -1 }),
        json!({ "EnablePinRecovery": "yes" }),
        json!({ "PinRecoveryProtocol": "rsa" }),
        json!({ "PINComplexity": { "MinimumPINLength": 3 } }),
        json!({ "PINComplexity": { "MaximumPINLength": 128 } }),
        json!({ "PINComplexity": { "Digits": 3 } }),
        json!({ "PINComplexity": { "History": 51 } }),
        json!({ "PINComplexity": { "Expiration": 731 } }),
        json!({ "SessionIdleMinutes": 0 }),
        json!({ "ConfigureWebSignInAllowedUrls": "\"signin.contoso.com\"" }),
        json!({ "PinReset": { "Url": "https://cred.example.org", "Anchor": "", "Allowed": true } }),
    ] {
        assert!(matches!(read(&changes), Err(PolicyError::Document(_))), "{changes}");
    }
    let plain =
        json!({ "PinReset": { "Url": "http://cred.example.org", "Anchor": "MAA=", "Allowed": true } });
    assert!(matches!(read(&plain), Err(PolicyError::PinResetUrl(_))));
    let other = PolicyDocument::of_tenant(document(&json!({})), Uuid::nil());
    assert!(matches!(other, Err(PolicyError::OtherTenant { .. })));
}

#[test]
fn what_a_newer_tenant_says_is_kept_and_named() {
    let newer = read(&json!({ "DynamicLock": true, "Biometrics": { "Face": 1 } })).unwrap();
    assert_eq!(newer.unknown(), ["Biometrics.Face", "DynamicLock"]);
    let remarks = resolve(Some(&newer), &[]).remarks;
    assert!(remarks.iter().any(|remark| remark.contains("DynamicLock")), "{remarks:?}");
}

#[test]
fn a_tenant_id_has_no_braces() {
    assert!(tenant_id(TENANT).is_ok() && tenant_id(&TENANT.to_uppercase()).is_ok());
    let braces = format!("{{{TENANT}}}");
    assert_eq!(tenant_id(&braces), Err(TenantIdError::Braces(braces.clone())));
    for text in ["", "contoso.com", "72f988bf86f141af91ab2d7cd011db47", &format!("urn:uuid:{TENANT}")] {
        assert_eq!(tenant_id(text), Err(TenantIdError::NotAGuid(text.to_owned())));
    }
    let error = file(&format!("[Tenant.\"{braces}\"]\nEnablePinRecovery = true")).unwrap_err().to_string();
    assert!(error.contains("without braces"), "{error}");
}

#[test]
fn a_misspelt_file_is_refused() {
    for (text, named) in [
        ("[AllTenants]\nEnablePINRecovery = true", "EnablePINRecovery"),
        ("[AllTenants.PINComplexity]\nMinimumLength = 8", "PINComplexity.MinimumLength"),
        ("EnablePinRecovery = true", "EnablePinRecovery"),
        ("[AllTenants.PINComplexity]\nMinimumPINLength = 2", "2 is not from 4 to 127"),
        ("[AllTenants]\nConfigureWebSignInAllowedUrls = '\"a.example\"'", "quotation marks"),
        ("[AllTenants\n", "AllTenants"),
    ] {
        let error = file(text).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("/etc/latchkey/policy.toml"), "{error}");
    }
}

#[test]
fn the_strictest_wins_and_the_report_says_whose_it_is() {
    let tenant = read(&json!({ "ConfigureWebSignInAllowedUrls": "a.example" })).unwrap();
    let local = file(&format!(
        "[AllTenants]\nRequireSecurityDevice = true\nConfigureWebSignInAllowedUrls = \"b.example\"\n\
         [AllTenants.PINComplexity]\nMinimumPINLength = 8\nMaximumPINLength = 127\nExpiration = 90\n\
         [Tenant.{TENANT}]\nEnablePinRecovery = false\nPinRecoveryProtocol = \"blind-p256\"\n\
         [Tenant.00000000-0000-0000-0000-000000000000]\nUsePassportForWork = false\n"
    ))
    .unwrap();
    let resolved = resolve(Some(&tenant), &[local]);
    let policy = &resolved.policy;
    assert!(policy.require_security_device && policy.use_passport_for_work && !policy.enable_pin_recovery);
    assert_eq!(policy.pin_recovery_protocol, RecoveryProtocol::BlindP256);
    assert_eq!((policy.pin.minimum_length, policy.pin.expiration), (8, 90));
    assert_eq!(policy.allowed_urls.to_string(), "b.example");
    let setting = |name: &str| resolved.settings.iter().find(|setting| setting.name == name).unwrap();
    let minimum = setting("PINComplexity.MinimumPINLength");
    assert_eq!(minimum.source, Source::File(PathBuf::from("/etc/latchkey/policy.toml")));
    assert_eq!(minimum.overruled, [(Source::Tenant, "6".to_owned())]);
    assert_eq!(setting("UsePassportForWork").source, Source::Tenant);
}

#[test]
fn remote_provisioning_is_for_the_machine_to_allow_and_for_anybody_to_forbid() {
    let allows = |text: &str| file(&format!("[AllTenants]\nProvisionInRemoteSession = {text}")).unwrap();
    let allowed = |document: &PolicyDocument, files: &[LocalPolicy]| {
        resolve(Some(document), files).policy.provision_in_remote_session
    };
    let silent = read(&json!({})).unwrap();
    assert!(!allowed(&silent, &[]) && allowed(&silent, &[allows("true")]));
    assert!(!allowed(&silent, &[allows("true"), allows("false")]));
    let strict = read(&json!({ "ProvisionInRemoteSession": false })).unwrap();
    assert!(!allowed(&strict, &[allows("true")]));
}

#[test]
fn a_device_shows_which_one_it_is_to_those_on_every_list() {
    let list = |text: &str| file(&format!("[AllTenants]\nAttestationRelyingParties = {text}")).unwrap();
    let listed = |document: &PolicyDocument, files: &[LocalPolicy]| {
        resolve(Some(document), files).policy.attestation_relying_parties.to_string()
    };
    let silent = read(&json!({})).unwrap();
    assert_eq!(listed(&silent, &[]), "");
    assert_eq!(listed(&silent, &[list("['b.example', 'a.example']")]), "a.example b.example");
    let tenant = read(&json!({ "AttestationRelyingParties": ["a.example", "c.example"] })).unwrap();
    assert_eq!(listed(&tenant, &[]), "a.example c.example");
    assert_eq!(listed(&tenant, &[list("['b.example', 'a.example']")]), "a.example");
    assert_eq!(listed(&tenant, &[list("[]")]), "");
    for wrong in ["['https://a.example']", "['A.example']", "['*.example']", "['']"] {
        let error = file(&format!("[AllTenants]\nAttestationRelyingParties = {wrong}")).unwrap_err();
        assert!(error.to_string().contains("is no RP ID"), "{error}");
    }
}

#[test]
fn one_certificate_for_all_passkeys_is_there_when_everybody_who_speaks_wants_it() {
    let says = |text: &str| file(&format!("[AllTenants]\nAttestationCertificate = {text}")).unwrap();
    let wanted = |document: &PolicyDocument, files: &[LocalPolicy]| {
        resolve(Some(document), files).policy.attestation_certificate
    };
    let silent = read(&json!({})).unwrap();
    assert!(!wanted(&silent, &[]) && wanted(&silent, &[says("true")]));
    assert!(!wanted(&silent, &[says("true"), says("false")]));
    let strict = read(&json!({ "AttestationCertificate": false })).unwrap();
    assert!(!wanted(&strict, &[says("true")]));
    assert!(resolve(None, &[says("true")]).policy.attestation_certificate, "before any tenant");
}

#[test]
fn a_looser_file_changes_nothing() {
    let tenant = read(&json!({
        "EnablePinRecovery": false, "RequireSecurityDevice": true, "PinRecoveryProtocol": "blind-p256",
        "SessionIdleMinutes": 10,
        "PINComplexity": { "MinimumPINLength": 10, "Digits": 2, "UppercaseLetters": 1, "Expiration": 30 },
    }))
    .unwrap();
    let loose = file(
        "[AllTenants]\nEnablePinRecovery = true\nRequireSecurityDevice = false\nPinRecoveryProtocol = 'hpke-p256'\n\
         SessionIdleMinutes = 60\nExcludeSecurityDevices.TPM12 = false\n\
         [AllTenants.PINComplexity]\nMinimumPINLength = 4\nDigits = 0\nUppercaseLetters = 0\nExpiration = 0\n",
    )
    .unwrap();
    let resolved = resolve(Some(&tenant), &[loose]);
    assert_eq!(resolved.policy, resolve(Some(&tenant), &[]).policy);
    assert_eq!(resolved.policy.session_idle_minutes, 10);
    let old =
        resolved.settings.iter().find(|setting| setting.name == "ExcludeSecurityDevices.TPM12").unwrap();
    assert_eq!(old.value, "true", "the older TPM is never used");
}

#[test]
fn rules_that_no_pin_can_keep_are_replaced() {
    let nonsense = read(&json!({ "PINComplexity": { "MinimumPINLength": 9, "MaximumPINLength": 8,
        "UppercaseLetters": 0, "LowercaseLetters": 0, "SpecialCharacters": 0, "Digits": 0 } }))
    .unwrap();
    let resolved = resolve(Some(&nonsense), &[]);
    assert_eq!(resolved.policy.pin, PinComplexity::default());
    assert_eq!(resolved.remarks.len(), 2);
}

#[test]
fn a_rule_that_contradicts_an_earlier_one_loosens_nothing() {
    let tenant =
        read(&json!({ "PINComplexity": { "MinimumPINLength": 10, "UppercaseLetters": 1, "Digits": 1 } }));
    let tenant = tenant.unwrap();
    let alone = resolve(Some(&tenant), &[]).policy.pin;
    for nonsense in [
        "MinimumPINLength = 127",
        "MaximumPINLength = 9",
        "UppercaseLetters = 2\nLowercaseLetters = 2\nSpecialCharacters = 2\nDigits = 2",
    ] {
        let nonsense = file(&format!("[AllTenants.PINComplexity]\n{nonsense}\n")).unwrap();
        let resolved = resolve(Some(&tenant), &[nonsense]);
        assert_eq!((resolved.policy.pin, resolved.remarks.len()), (alone, 1));
    }
    let other = PinComplexity { minimum_length: 126, history: 3, ..PinComplexity::default() };
    let other = PinComplexity { maximum_length: 127, ..other };
    let narrow = PinComplexity { maximum_length: 20, ..alone };
    assert_eq!(narrow.and(other), PinComplexity { history: 3, ..narrow }, "nor does a second tenant");
}

#[test]
fn simple_pins_are_refused() {
    let rule = PinComplexity { minimum_length: 4, ..PinComplexity::default() };
    for pin in ["1111", "1234", "1357", "9630", "1593", "7036", "0987654321"] {
        assert_eq!(rule.check(pin), Err(PinRefusal::Simple), "{pin}");
    }
    for pin in ["1231", "1872", "271828"] {
        assert_eq!(rule.check(pin), Ok(()), "{pin}");
    }
    let simple =
        (0..10_000).filter(|pin| rule.check(&format!("{pin:04}")) == Err(PinRefusal::Simple)).count();
    assert_eq!(simple, 100);
}

#[test]
fn lengths_and_classes_count_as_they_are_set() {
    let letters = PinComplexity {
        maximum_length: 8,
        lowercase_letters: CharacterRule::Require,
        special_characters: CharacterRule::Allow,
        digits: CharacterRule::Allow,
        ..PinComplexity::default()
    };
    for (pin, verdict) in [
        ("abcdef", Ok(())),
        ("a!1111", Ok(())),
        ("a\u{308}bcdef", Ok(())),
        ("abcde", Err(PinRefusal::TooShort(6))),
        // One character less once it is composed.
        ("a\u{308}bcde", Err(PinRefusal::TooShort(6))),
        ("abcdefghi", Err(PinRefusal::TooLong(8))),
        ("ABCDEf", Err(PinRefusal::Unwanted("capital letters"))),
        ("271828", Err(PinRefusal::Missing("small letters"))),
    ] {
        assert_eq!(letters.check(pin), verdict, "{pin}");
    }
}

proptest! {
    /// What two tenants' rules both take, the joined rule takes, unless no PIN could keep it.
    #[test]
    fn the_joined_rule_is_at_least_as_strict(pin in "[a-zA-Z0-9!]{4,12}", low in 4_u32..9, high in 9_u32..12) {
        let one = PinComplexity { minimum_length: low, uppercase_letters: CharacterRule::Allow, ..PinComplexity::default() };
        let other = PinComplexity { maximum_length: high, lowercase_letters: CharacterRule::Allow, ..PinComplexity::default() };
        if one.and(other).check(&pin).is_ok() {
            prop_assert_eq!((one.check(&pin), other.check(&pin)), (Ok(()), Ok(())));
        }
    }
}
