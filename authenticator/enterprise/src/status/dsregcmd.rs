//! The report's layout.

use std::fmt;

use jiff::Timestamp;
use latchkey_container::UnixTime;

use super::{Diagnostics, PrerequisiteCheck, Registration, Report, SsoState, Standing, UserState};
use crate::keyring::PrtAttempt;
use crate::web_sign_in::Purpose;

type Lines = Vec<(&'static str, String)>;

const RULE: &str = "+----------------------------------------------------------------------+\n";

pub(super) fn write(f: &mut fmt::Formatter<'_>, report: &Report, verbose: bool) -> fmt::Result {
    let registration = report.registration.as_ref();
    section(f, "Device State", device_state(registration.is_some()))?;
    if let Some(registration) = registration {
        section(f, "Device Details", device_details(registration))?;
        section(f, "Tenant Details", tenant_details(registration))?;
    }
    section(f, "User State", user_state(&report.user, registration, verbose))?;
    section(f, "SSO State", sso_state(&report.sso, registration))?;
    if let Some(diagnostics) = &report.diagnostics {
        section(f, "Diagnostic Data", diagnostic_data(diagnostics))?;
    }
    if let Some(check) = report.prerequisites {
        section(f, "Ngc Prerequisite Check", prerequisites(check))?;
    }
    f.write_str(RULE)
}

fn section(f: &mut fmt::Formatter<'_>, title: &str, lines: Lines) -> fmt::Result {
    write!(f, "{RULE}| {title:<69}|\n{RULE}\n")?;
    for (label, value) in lines {
        // One label of the original has its colon without a space before it, and readers know it so.
        match label {
            RECOVERY => writeln!(f, "{label:>27}: {value}")?,
            _ => writeln!(f, "{label:>26} : {value}")?,
        }
    }
    writeln!(f)
}

const RECOVERY: &str = "AadRecoveryEnabled";

fn device_state(joined: bool) -> Lines {
    vec![("AzureAdJoined", yes(joined)), ("EnterpriseJoined", yes(false)), ("DomainJoined", yes(false))]
}

fn device_details(registration: &Registration) -> Lines {
    let Registration { device, certificate, compartment, tpm, standing, .. } = registration;
    let provider = if *tpm { "Latchkey TPM Key Provider" } else { "Latchkey Software Key Provider" };
    let standing = match standing {
        Standing::Good => "SUCCESS",
        Standing::Gone => "FAILED. Device is either disabled or deleted",
        Standing::Unknown => "FAILED. ERROR",
    };
    vec![
        ("DeviceId", device.clone()),
        ("Thumbprint", certificate.thumbprint.clone()),
        (
            "DeviceCertificateValidity",
            format!("[ {} -- {} ]", time(certificate.from), time(certificate.until)),
        ),
        ("KeyContainerId", compartment.clone()),
        ("KeyProvider", provider.to_owned()),
        ("TpmProtected", yes(*tpm)),
        ("DeviceAuthStatus", standing.to_owned()),
    ]
}

/// The services of a provider that it does not have are empty, as the original shows them.
fn tenant_details(registration: &Registration) -> Lines {
    let Registration { tenant, tenant_name, provider, .. } = registration;
    let none = String::new;
    let version = || "1.0".to_owned();
    let service = || Purpose::DeviceRegistration.resource().to_owned();
    vec![
        ("TenantName", crate::http::printable(tenant_name)),
        ("TenantId", tenant.clone()),
        ("Idp", provider.url().host_str().unwrap_or_default().to_owned()),
        ("AuthCodeUrl", format!("{provider}/{tenant}/oauth2/authorize")),
        ("AccessTokenUrl", format!("{provider}/{tenant}/oauth2/token")),
        ("MdmUrl", none()),
        ("MdmTouUrl", none()),
        ("MdmComplianceUrl", none()),
        ("SettingsUrl", none()),
        ("JoinSrvVersion", version()),
        ("JoinSrvUrl", format!("{provider}/EnrollmentServer/device/")),
        ("JoinSrvId", service()),
        ("KeySrvVersion", version()),
        ("KeySrvUrl", format!("{provider}/EnrollmentServer/key/")),
        ("KeySrvId", service()),
        ("WebAuthNSrvVersion", none()),
        ("WebAuthNSrvUrl", none()),
        ("WebAuthNSrvId", none()),
        ("DeviceManagementSrvVer", none()),
        ("DeviceManagementSrvUrl", none()),
        ("DeviceManagementSrvId", none()),
    ]
}

fn user_state(user: &UserState, registration: Option<&Registration>, verbose: bool) -> Lines {
    let mut lines = vec![("NgcSet", yes(user.key.is_some()))];
    if let Some(key) = &user.key {
        lines.push(("NgcKeyId", format!("{{{}}}", key.to_ascii_uppercase())));
        lines.push(("CanReset", user.can_reset.can.to_string()));
        if verbose {
            lines.extend(user.can_reset.reasons.iter().map(|reason| ("CanResetReason", reason.clone())));
        }
    }
    lines.push(("WorkplaceJoined", yes(user.other_registrations)));
    // The account that applications get unless they ask for another one.
    lines.push(("WamDefaultSet", yes(registration.is_some())));
    if let Some(registration) = registration {
        let broker = Purpose::DeviceRegistration.client_id().to_ascii_uppercase();
        lines.push(("WamDefaultAuthority", "organizations".to_owned()));
        lines.push(("WamDefaultId", registration.provider.to_string()));
        lines.push(("WamDefaultGUID", format!("{{ {broker} }} (AzureAd)")));
    }
    lines
}

fn sso_state(sso: &SsoState, registration: Option<&Registration>) -> Lines {
    let mut lines = vec![("AzureAdPrt", yes(sso.token.is_some()))];
    if let Some((updated, expires)) = sso.token {
        lines.push(("AzureAdPrtUpdateTime", time(updated)));
        lines.push(("AzureAdPrtExpiryTime", time(expires)));
    }
    let authority =
        registration.map(|registration| format!("{}/{}", registration.provider, registration.tenant));
    lines.push(("AzureAdPrtAuthority", authority.unwrap_or_default()));
    if let Some((attempt, user)) = &sso.failure {
        lines.extend(prt_diagnostics(attempt, user));
    }
    lines.push(("EnterprisePrt", yes(false)));
    lines.push(("EnterprisePrtAuthority", String::new()));
    lines.push(("OnPremTgt", yes(false)));
    lines.push(("CloudTgt", yes(false)));
    lines.push(("KerbTopLevelNames", String::new()));
    lines
}

/// Only after a try that failed, as the original shows it. Its codes are NTSTATUS and `WinHTTP`'s.
fn prt_diagnostics(attempt: &PrtAttempt, user: &str) -> Lines {
    // STATUS_LOGON_FAILURE; STATUS_NETWORK_UNREACHABLE and ERROR_WINHTTP_CANNOT_CONNECT.
    let (status, error) =
        if attempt.status.is_some() { ("0xc000006d", "0x0") } else { ("0xc000023c", "0x80072efd") };
    let said = |text: &str| crate::http::printable(text);
    vec![
        ("AcquirePrtDiagnostics", "PRESENT".to_owned()),
        ("Previous Prt Attempt", time(UnixTime(attempt.at))),
        ("Attempt Status", status.to_owned()),
        ("User Identity", said(user)),
        ("Credential Type", "NGC".to_owned()),
        ("Correlation ID", said(attempt.correlation.as_deref().unwrap_or_default())),
        ("Endpoint URI", said(&attempt.endpoint)),
        ("HTTP Method", "POST".to_owned()),
        ("HTTP Error", error.to_owned()),
        ("HTTP status", attempt.status.unwrap_or_default().to_string()),
        ("Server Error Code", said(&attempt.error)),
        ("Server Error Description", said(&attempt.description)),
    ]
}

/// A device whose key does not sign can only be joined anew.
fn diagnostic_data(diagnostics: &Diagnostics) -> Lines {
    let test = if diagnostics.key_signs { "PASSED" } else { "FAILED" };
    vec![(RECOVERY, yes(!diagnostics.key_signs)), ("KeySignTest", test.to_owned())]
}

/// Without certificate trust the lines about it are not there.
fn prerequisites(check: PrerequisiteCheck) -> Lines {
    let result = if check.will_provision() { "WillProvision" } else { "WillNotProvision" };
    vec![
        ("IsDeviceJoined", yes(check.joined)),
        // Only a user of the provider can join a device to it.
        ("IsUserAzureAD", yes(check.joined)),
        ("PolicyEnabled", yes(check.policy)),
        ("PostLogonEnabled", yes(check.post_logon)),
        ("DeviceEligible", yes(check.eligible)),
        ("SessionIsNotRemote", yes(check.local)),
        ("CertEnrollment", "none".to_owned()),
        ("PreReqResult", result.to_owned()),
    ]
}

fn yes(is: bool) -> String {
    if is { "YES" } else { "NO" }.to_owned()
}

fn time(time: UnixTime) -> String {
    let known = i64::try_from(time.0).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    known.map(|known| known.strftime("%Y-%m-%d %H:%M:%S.000 UTC").to_string()).unwrap_or_default()
}
