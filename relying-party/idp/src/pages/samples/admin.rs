//! The samples of the administrators' pages.

mod devices;
mod groups;
mod logs;
mod pin_resets;

use uuid::Uuid;

use super::when;
use crate::domain::{DeviceAttestation, SecondFactor};
use crate::pages::admin::*;
use crate::pages::{Csrf, Notice, ShownSecret};

const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const CLIENT: &str = "6f0d3b52-77aa-4a35-8f4e-0c1f3d3c9e10";

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

impl AdminFrame {
    fn sample(notice: Option<Notice>) -> Self {
        Self {
            tenant: Some(TenantName { id: TENANT.to_owned(), name: "Contoso <b> & Sons".to_owned() }),
            admin: "root@contoso.example".to_owned(),
            csrf: Csrf("csrf-token-of-the-session".to_owned()),
            notice,
        }
    }
}

impl TenantsPage {
    pub(in crate::pages) fn sample() -> Self {
        let row = |id: &str, name: &str, domains: &[&str]| TenantRow {
            id: id.to_owned(),
            yours: id == TENANT,
            name: name.to_owned(),
            domains: words(domains),
            users: 128,
            apps: 7,
            created: when(-9_000_000),
        };
        Self {
            frame: AdminFrame { tenant: None, ..AdminFrame::sample(None) },
            tenants: vec![
                row(TENANT, "Contoso <b> & Sons", &["contoso.example", "sons.example"]),
                row("99999999-2222-4333-8444-555555555555", "Fabrikam", &["fabrikam.example"]),
            ],
            may_create: true,
            issued: Some(IssuedPass {
                kind: "Invitation link",
                recipient: "root@fabrikam.example".to_owned(),
                secret: ShownSecret::new("https://id.example/welcome#k7&x2".to_owned()),
                until: Some(when(86_400)),
            }),
        }
    }
}

impl UserRow {
    fn sample(number: u128) -> Self {
        let (user_name, display_name) =
            [("anna@contoso.example", "Anna \"Ann\" <b>Berg"), ("o'neil+<b>@contoso.example", "Sean O'Neil")]
                [usize::from(number % 2 == 1)];
        Self {
            id: Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number),
            user_name: user_name.to_owned(),
            display_name: display_name.to_owned(),
            enabled: number != 1,
            admin: number == 0,
            methods: if number == 1 {
                Vec::new()
            } else {
                words(&["Passkey", "Password", "Authenticator app"])
            },
            last_sign_in: (number != 1).then(|| when(0)),
        }
    }
}

impl UsersPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            frame: AdminFrame::sample(None),
            query: "\"n<b>".to_owned(),
            users: (0..3).map(UserRow::sample).collect(),
            total: 3,
            pager: Pager { before: None, after: Some("?q=%22n&after=3".to_owned()) },
            domain: "contoso.example".to_owned(),
        }
    }

    pub(in crate::pages) fn sample_empty() -> Self {
        Self { users: Vec::new(), total: 0, pager: Pager::default(), ..Self::sample() }
    }
}

impl PasskeyMethod {
    fn sample(id: &str, trust: Trust) -> Self {
        let verified = matches!(trust, Trust::Verified { .. });
        Self {
            id: id.to_owned(),
            name: format!("\"Key\" <b>{id}"),
            model: verified.then(|| "YubiKey 5 <b>Series".to_owned()),
            aaguid: Uuid::from_u128(0xfa2b_99dc_9e39_4257_8f92_4a30_d23c_4118),
            trust,
            synced: !verified,
            created: when(-900_000),
            last_used: verified.then(|| when(-3_000)),
            warning: (!verified).then(|| "Its counter went back: a copy of it <b>may exist.".to_owned()),
        }
    }
}

impl UserPage {
    pub(in crate::pages) fn sample() -> Self {
        let session = |id: &str, client: &str| SessionRow {
            id: id.to_owned(),
            client: client.to_owned(),
            address: "192.0.2.17".to_owned(),
            methods: words(&["fido", "mfa"]),
            started: when(-90_000),
            last_used: when(-60),
            apps: words(&["Field notes <b>", "Payroll"]),
        };
        Self {
            frame: AdminFrame::sample(Some(Notice::success("The pass is ready."))),
            user: UserRow::sample(0),
            created: when(-9_000_000),
            given_name: "Anna".to_owned(),
            family_name: "\"<b>Berg".to_owned(),
            email: "anna@mail.example".to_owned(),
            locked_until: Some(when(600)),
            issued: Some(IssuedPass {
                kind: "Temporary Access Pass",
                recipient: "Anna <b>Berg".to_owned(),
                secret: ShownSecret::new("k7&Rt<b>w9x2".to_owned()),
                until: Some(when(3_600)),
            }),
            passkeys: vec![
                PasskeyMethod::sample("p1", Trust::Verified { format: "packed<b>".to_owned() }),
                PasskeyMethod::sample("p2", Trust::SelfSigned),
            ],
            password: Some(PasswordMethod { changed: when(-800_000), must_change: true }),
            apps: vec![AppMethod {
                id: "t1".to_owned(),
                created: when(-700_000),
                last_used: Some(when(-90_000)),
            }],
            pass: Some(PassMethod { id: "tap".to_owned(), until: when(3_600), once: true }),
            pass_max_minutes: 480,
            sessions: vec![session("s1", "Firefox on Linux <b>"), session("s2", "Chromium on Linux")],
            devices: vec![
                DeviceRow::sample(0, DeviceAttestation::Trusted),
                DeviceRow::sample(1, DeviceAttestation::None),
            ],
            keys: vec![UserKeyRow::sample(0), UserKeyRow::sample(1)],
        }
    }

    pub(in crate::pages) fn sample_new() -> Self {
        Self {
            frame: AdminFrame::sample(None),
            user: UserRow::sample(1),
            locked_until: None,
            issued: None,
            passkeys: Vec::new(),
            password: None,
            apps: Vec::new(),
            pass: None,
            sessions: Vec::new(),
            devices: Vec::new(),
            keys: Vec::new(),
            ..Self::sample()
        }
    }
}

impl AppRow {
    fn sample(name: &str, confidential: bool, built_in: bool) -> Self {
        Self {
            client_id: CLIENT.to_owned(),
            name: name.to_owned(),
            confidential,
            built_in,
            foreign: false,
            created: when(-5_000_000),
        }
    }
}

impl AppsPage {
    pub(in crate::pages) fn sample() -> Self {
        let apps = vec![
            AppRow::sample("Field notes & \"drafts\" <b>", true, false),
            AppRow::sample("Command line", false, false),
            AppRow::sample("Authentication broker", false, true),
        ];
        Self { frame: AdminFrame::sample(None), apps }
    }
}

impl NewAppPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            frame: AdminFrame::sample(Some(Notice::error(
                "The second redirect URI is not an address.",
                None,
            ))),
            name: "Field \"notes\" <b>".to_owned(),
            kind: "web".to_owned(),
            redirect_uris: "https://notes.example/signed-in\n</textarea><b>".to_owned(),
        }
    }
}

impl AppPage {
    pub(in crate::pages) fn sample() -> Self {
        let secret = |id: &str, expired| SecretRow {
            id: id.to_owned(),
            description: "Production <b>".to_owned(),
            hint: "q8~".to_owned(),
            until: when(8_000_000),
            expired,
        };
        Self {
            frame: AdminFrame::sample(None),
            app: AppRow::sample("Field notes & \"drafts\" <b>", true, false),
            issuer: format!("https://id.example/{TENANT}/v2.0"),
            settings: AppSettings {
                identifier_uri: "api://notes\"".to_owned(),
                redirect_uris: words(&["https://notes.example/signed-in", "http://localhost/</textarea><b>"]),
                native_redirect_uris: words(&["com.example.notes://back"]),
                post_logout_redirect_uris: words(&["https://notes.example/"]),
                front_channel_logout_uri: "https://notes.example/out".to_owned(),
                signing: "ES256".to_owned(),
                token_version: 2,
                confidential: true,
                par: true,
                ..AppSettings::default()
            },
            secrets: vec![secret("k1", false), secret("k2", true)],
            new_secret: Some(ShownSecret::new("q8~8Q<b>&secret-of-the-application".to_owned())),
            certificates: vec![CertificateRow {
                thumbprint: "xJ2i-thumbprint".to_owned(),
                kind: "RSA".to_owned(),
                until: when(9_000_000),
                expired: false,
            }],
            scopes: vec![ScopeRow {
                name: "Notes.Read".to_owned(),
                description: "Read your <b>notes".to_owned(),
                reserved: true,
            }],
            roles: vec![("Writer".to_owned(), "May \"write\"".to_owned())],
            assignments: vec![AssignmentRow {
                principal: CLIENT.to_owned(),
                name: "anna@contoso.example <b>".to_owned(),
                role: "Writer".to_owned(),
            }],
            consents: vec![ConsentRow {
                user: String::new(),
                name: "Everyone".to_owned(),
                resource: "Directory <b>".to_owned(),
                scopes: words(&["User.Read"]),
                given: when(-80_000),
            }],
            permissions: vec![(format!("{CLIENT} User.Read"), "Directory <b>: User.Read".to_owned())],
        }
    }

    pub(in crate::pages) fn sample_built_in() -> Self {
        Self { app: AppRow::sample("Authentication broker", false, true), new_secret: None, ..Self::sample() }
    }
}

impl PoliciesPage {
    pub(in crate::pages) fn sample() -> Self {
        let switch = |name, label, hint, on| Switch { name, label, hint, on };
        let strength = |client_id: Option<&str>, name: &str, strength| AppStrength {
            client_id: client_id.map(str::to_owned),
            name: name.to_owned(),
            strength,
        };
        let formats = [("packed", true), ("tpm", true), ("none", false)];
        Self {
            frame: AdminFrame::sample(None),
            switches: vec![
                switch(
                    "hide_accounts",
                    "Hide which accounts exist",
                    "an unknown user name is asked for a password too",
                    true,
                ),
                switch(
                    "password_grant",
                    "Allow the password grant",
                    "for old clients; it bypasses the second factor",
                    false,
                ),
            ],
            second_factor: SecondFactor::Offered,
            lockout_threshold: 10,
            lockout_seconds: 60,
            pass_max_minutes: 480,
            attestation_required: true,
            formats: formats.map(|(name, accepted)| FormatRow { name: name.to_owned(), accepted }).into(),
            known_only: true,
            listed_only: true,
            aaguids: vec![
                AaguidRow {
                    aaguid: Uuid::from_u128(0xfa2b_99dc_9e39_4257_8f92_4a30_d23c_4118),
                    model: Some("YubiKey 5 <b>Series".to_owned()),
                    note: "Ordered in \"2025\"".to_owned(),
                    warning: None,
                },
                AaguidRow {
                    aaguid: Uuid::from_u128(7),
                    model: None,
                    note: String::new(),
                    warning: Some("Revoked in the metadata <b>".to_owned()),
                },
            ],
            metadata: Some(MetadataState {
                number: 97,
                entries: 256,
                next_update: "1 October 2026".to_owned(),
                stale: false,
                loaded: when(-86_400),
            }),
            strengths: vec![
                strength(None, "All other applications", Strength::Mfa),
                strength(Some(CLIENT), "Field notes <b>", Strength::PhishingResistant),
            ],
            devices: DeviceRules::sample(),
        }
    }
}
