//! Words for what storage keeps as codes.

use crate::storage::MethodCounts;

/// What a user can sign in with, in words.
pub(super) fn methods(counts: MethodCounts) -> Vec<String> {
    let several = |count: i64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(one.to_owned()),
        count => Some(format!("{count} {many}")),
    };
    [
        several(counts.passkeys, "Passkey", "passkeys"),
        counts.password.then(|| "Password".to_owned()),
        several(counts.apps, "Authenticator app", "authenticator apps"),
        counts.pass.then(|| "Access pass".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What an AADSTS number of the sign-in log means.
pub(super) const fn meaning(code: u32) -> &'static str {
    match code {
        50_034 => "There is no such user.",
        50_053 => "Locked: there were too many wrong tries.",
        50_055 => "The password must be changed.",
        50_057 => "The account is disabled.",
        50_072 | 50_079 => "A second factor is needed and none is set up.",
        50_074 | 50_076 => "A second factor is needed.",
        50_105 => "The user is not assigned to the application.",
        50_126 => "The user name or the password is wrong.",
        50_173 => "The session was revoked.",
        65_001 => "Nobody consented to what the application asks for.",
        65_004 => "The user declined.",
        70_018 => "The code of the device is wrong.",
        90_033 => "An error occurred in the service.",
        90_055 => "The service was busy.",
        130_503 => "The access pass is wrong, or its time is over.",
        135_010 => "The passkey was not accepted.",
        500_121 => "The code is wrong, or was used before.",
        _ => "",
    }
}

/// Where a key of the PIN reset service is; a place that is not known here stays the word that it is.
pub(super) fn place(word: &str) -> &str {
    match word {
        "software" => "In software, sealed at rest",
        "tpm" => "In the TPM of the machine",
        "pkcs11" => "In a security module (PKCS#11)",
        other => other,
    }
}

/// What an action of the audit log is, in words; one that is not known here stays the word that it is.
pub(super) fn action(word: &str) -> &str {
    match word {
        "tenant.created" => "Made a tenant",
        "user.created" => "Made a user",
        "user.invited" => "Made an invitation link",
        "user.enabled" => "Enabled a user",
        "user.disabled" => "Disabled a user",
        "user.promoted" => "Made an administrator",
        "user.demoted" => "Took administration away",
        "user.renamed" => "Changed a user's names",
        "user.deleted" => "Deleted a user",
        "user.password_reset" => "Gave a temporary password",
        "user.sessions_revoked" => "Revoked all sessions",
        "session.revoked" => "Revoked a session",
        "passkey.added" => "Added a passkey",
        "passkey.removed" => "Removed a passkey",
        "totp.added" => "Added an authenticator app",
        "totp.removed" => "Removed an authenticator app",
        "pass.issued" => "Issued a Temporary Access Pass",
        "pass.removed" => "Removed a Temporary Access Pass",
        "app.registered" => "Registered an application",
        "app.changed" => "Changed an application",
        "app.deleted" => "Deleted an application",
        "secret.added" => "Added a client secret",
        "secret.deleted" => "Deleted a client secret",
        "certificate.added" => "Added a certificate",
        "certificate.deleted" => "Deleted a certificate",
        "scope.exposed" => "Exposed a scope",
        "scope.removed" => "Removed a scope",
        "role.added" => "Added a role",
        "role.removed" => "Removed a role",
        "assignment.made" => "Assigned to an application",
        "assignment.removed" => "Took an assignment back",
        "consent.given" => "Consented",
        "consent.withdrawn" => "Withdrew consent",
        "device.registered" => "Registered a device",
        "device.refused" => "Was refused the registration of a device",
        "device.left" => "Removed itself",
        "device.leave_refused" => "Was refused its removal",
        "device.request_refused" => "Sent a request that was refused",
        "device.enabled" => "Enabled a device",
        "device.disabled" => "Disabled a device",
        "device.deleted" => "Deleted a device",
        "device.reported_lost" => "Reported a device lost",
        "attestation.refused" => "Was refused an attestation",
        "enterprise_key.registered" => "Registered an enterprise key",
        "enterprise_key.refused" => "Was refused the registration of an enterprise key",
        "enterprise_key.removed" => "Removed an enterprise key",
        "policy.changed" => "Changed the policies",
        "group.created" => "Made a group",
        "group.deleted" => "Deleted a group",
        "group.member_added" => "Put a user into a group",
        "group.member_removed" => "Took a user out of a group",
        "helpdesk.case_opened" => "Opened a case of the helpdesk",
        "helpdesk.opening_refused" => "Was refused a case of the helpdesk",
        "helpdesk.case_approved" => "Approved a case of the helpdesk",
        "helpdesk.approval_refused" => "Was refused the approval of a case",
        "helpdesk.case_declined" => "Refused a case of the helpdesk",
        "pin_reset.released" => "Reset a PIN",
        "pin_reset.refused" => "Was refused a PIN reset",
        "pin_reset.rule_changed" => "Decided who may reset a PIN",
        "pin_reset.keys_rotated" => "Rotated the PIN reset keys",
        "pin_reset.key_retired" => "Retired a PIN reset key",
        other => other,
    }
}
