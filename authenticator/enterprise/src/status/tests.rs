use latchkey_container::UnixTime;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd};

use super::{
    CanReset, Certificate, Diagnostics, Page, PrerequisiteCheck, Registration, Report, ResetFacts, SsoState,
    Standing, UserState, Verdict, can_reset,
};
use crate::http::Origin;
use crate::keyring::PrtAttempt;

const NOW: UnixTime = UnixTime(1_767_225_600);

const GOOD: ResetFacts = ResetFacts {
    enabled: true,
    service: Some(true),
    protector: true,
    key_until: Some(UnixTime(NOW.0 + 1)),
    may_provision: true,
};

fn joined() -> Report {
    let registration = Registration {
        device: "2b7c3a1e-5f0d-4c8b-9a63-0d4e1f2a3b4c".to_owned(),
        certificate: Certificate {
            thumbprint: "D293213EF327483560EED8410CAE36BB67208179".to_owned(),
            from: UnixTime(1_735_689_600),
            until: UnixTime(2_051_222_400),
        },
        compartment: "00112233445566778899aabbccddeeff".to_owned(),
        tpm: true,
        standing: Standing::Good,
        tenant_name: "Example".to_owned(),
        tenant: "72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned(),
        provider: Origin::parse("https://id.example.org").unwrap(),
    };
    Report {
        registration: Some(registration),
        user: UserState {
            key: Some("fa0db076-a5d7-4844-82d8-50a2fb42ec7b".to_owned()),
            can_reset: can_reset(Ok(GOOD), NOW),
            other_registrations: false,
        },
        sso: SsoState { token: Some((NOW, UnixTime(NOW.0 + 1_209_600))), failure: None },
        diagnostics: Some(Diagnostics { key_signs: true }),
        prerequisites: None,
    }
}

fn unjoined() -> Report {
    Report {
        registration: None,
        user: UserState {
            key: None,
            can_reset: can_reset(Err("this device is not registered".to_owned()), NOW),
            other_registrations: false,
        },
        sso: SsoState { token: None, failure: None },
        diagnostics: None,
        prerequisites: Some(PrerequisiteCheck {
            joined: false,
            policy: true,
            post_logon: true,
            eligible: true,
            local: true,
            remotely: false,
        }),
    }
}

fn page(report: &Report, verbose: bool) -> String {
    Page { report, verbose }.to_string()
}

#[test]
fn a_joined_device_reads_line_for_line_as_it_should() {
    assert_eq!(page(&joined(), false), include_str!("golden/joined.txt"));
}

#[test]
fn a_device_that_is_not_joined_shows_what_provisioning_wants() {
    assert_eq!(page(&unjoined(), false), include_str!("golden/unjoined.txt"));
}

#[test]
fn a_remote_session_provisions_only_where_the_policy_says_so() {
    let mut report = unjoined();
    for (local, remotely, result) in
        [(true, false, "WillProvision"), (false, false, "WillNotProvision"), (false, true, "WillProvision")]
    {
        let check = report.prerequisites.as_mut().unwrap();
        (check.joined, check.local, check.remotely) = (true, local, remotely);
        let page = page(&report, false);
        let answer = if local { "YES" } else { "NO" };
        assert!(page.contains(&format!("SessionIsNotRemote : {answer}\n")), "{page}");
        assert!(page.contains(&format!("PreReqResult : {result}\n")), "{page}");
    }
}

#[test]
fn reasons_are_given_when_asked_for() {
    let mut report = joined();
    report.user.can_reset = can_reset(Ok(ResetFacts { protector: false, ..GOOD }), NOW);
    assert!(!page(&report, false).contains("CanResetReason"));
    let verbose = page(&report, true);
    assert!(verbose.contains("                  CanReset : DestructiveOnly\n"), "{verbose}");
    assert!(
        verbose.contains("            CanResetReason : the container has no PIN reset protector yet"),
        "{verbose}"
    );
}

#[test]
fn trouble_shows() {
    let mut report = joined();
    report.diagnostics = Some(Diagnostics { key_signs: false });
    let registration = report.registration.as_mut().unwrap();
    registration.standing = Standing::Gone;
    registration.tpm = false;
    let page = page(&report, false);
    for line in [
        "          DeviceAuthStatus : FAILED. Device is either disabled or deleted\n",
        "              TpmProtected : NO\n",
        "         AadRecoveryEnabled: YES\n",
        "               KeySignTest : FAILED\n",
    ] {
        assert!(page.contains(line), "{line}{page}");
    }
}

#[test]
fn a_try_to_get_a_token_that_failed_shows_where_the_original_shows_it() {
    let mut report = joined();
    let refused = PrtAttempt {
        at: NOW.0,
        endpoint: "https://id.example.org/t/oauth2/token".to_owned(),
        status: Some(400),
        error: "invalid_grant".to_owned(),
        description: "AADSTS135011: the device\nis disabled".to_owned(),
        correlation: Some("63648321-fc5c-46eb-996e-ed1f3ba7740f".to_owned()),
    };
    report.sso.failure = Some((refused.clone(), "ann@example.org".to_owned()));
    let expected = "\
       AzureAdPrtAuthority : https://id.example.org/72f988bf-86f1-41af-91ab-2d7cd011db47
     AcquirePrtDiagnostics : PRESENT
      Previous Prt Attempt : 2026-01-01 00:00:00.000 UTC
            Attempt Status : 0xc000006d
             User Identity : ann@example.org
           Credential Type : NGC
            Correlation ID : 63648321-fc5c-46eb-996e-ed1f3ba7740f
              Endpoint URI : https://id.example.org/t/oauth2/token
               HTTP Method : POST
                HTTP Error : 0x0
               HTTP status : 400
         Server Error Code : invalid_grant
  Server Error Description : AADSTS135011: the device is disabled
             EnterprisePrt : NO
";
    let text = page(&report, false);
    assert!(text.contains(expected), "{text}");
    let unreachable = PrtAttempt { status: None, error: String::new(), correlation: None, ..refused };
    report.sso.failure = Some((unreachable, "ann@example.org".to_owned()));
    let text = page(&report, false);
    assert!(text.contains("            Attempt Status : 0xc000023c\n"), "{text}");
    assert!(text.contains("                HTTP Error : 0x80072efd\n"), "{text}");
}

/// Policy, protector, service key: each combination, by a rule written another way.
#[test]
fn can_reset_follows_policy_protector_and_service_key() {
    let expired = Some(UnixTime(NOW.0));
    let mut tried = 0;
    for enabled in [false, true] {
        for service in [None, Some(false), Some(true)] {
            for protector in [false, true] {
                for key_until in [None, GOOD.key_until, expired] {
                    for may_provision in [false, true] {
                        let facts = ResetFacts { enabled, service, protector, key_until, may_provision };
                        let keeps = [enabled, service == Some(true), protector, key_until != expired];
                        let expected = match (keeps == [true; 4], may_provision) {
                            (true, true) => CanReset::DestructiveAndNonDestructive,
                            (true, false) => CanReset::NonDestructiveOnly,
                            (false, true) => CanReset::DestructiveOnly,
                            (false, false) => CanReset::Unknown,
                        };
                        let Verdict { can, reasons } = can_reset(Ok(facts), NOW);
                        assert_eq!(can, expected, "{facts:?}");
                        assert_eq!(reasons.is_empty(), can == CanReset::DestructiveAndNonDestructive);
                        tried += 1;
                    }
                }
            }
        }
    }
    assert_eq!(tried, 72);
}

#[test]
fn what_cannot_be_read_is_unknown() {
    let verdict = can_reset(Err("the policy file is wrong".to_owned()), NOW);
    assert_eq!((verdict.can, verdict.reasons.len()), (CanReset::Unknown, 1));
    assert_eq!(verdict.can.to_string(), "Unknown");
}

#[test]
fn a_certificate_is_named_by_its_thumbprint() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2035, 1, 1);
    let der = params.self_signed(&key).unwrap().der().to_vec();
    let read = Certificate::read(&der).unwrap();
    assert_eq!((read.from, read.until), (UnixTime(1_735_689_600), UnixTime(2_051_222_400)));
    assert_eq!(read.thumbprint.len(), 40);
    assert!(Certificate::read(b"none").is_err() && Certificate::read(&[der, vec![0]].concat()).is_err());
}
