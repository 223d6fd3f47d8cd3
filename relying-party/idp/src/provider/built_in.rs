//! The applications that every tenant knows (wire reference, section 1.0). They are written anew at each start.

use crate::clock::UnixTime;
use crate::domain::{
    App, ClientId, ExposedScope, RedirectKind, RedirectUri, Registration, TokenVersion, first_party,
};
use crate::pin_reset;
use crate::strength::Strength;

/// Where codes of brokers go: to a program on the device, whichever way it waits for them.
const BROKER_REDIRECTS: [&str; 6] = [
    "ms-aadj-redir://auth/drs",
    "msauth://Microsoft.AAD.BrokerPlugin",
    "https://login.microsoftonline.com/common/oauth2/nativeclient",
    "ms-appx-web://Microsoft.AAD.BrokerPlugin/DRS",
    "http://localhost",
    "http://127.0.0.1",
];
const LINUX_BROKER_REDIRECTS: [&str; 5] = [
    "companyportal://com.microsoft.CompanyPortal",
    "himmelblau://Himmelblau.EntraId.BrokerPlugin",
    "https://login.microsoftonline.com/common/oauth2/nativeclient",
    "http://localhost",
    "http://127.0.0.1",
];

/// All of them.
pub(super) fn apps(now: UnixTime) -> Vec<App> {
    let app = |id: ClientId, name: &str, uri: Option<&str>, registration| App {
        id,
        home: None,
        name: name.to_owned(),
        identifier_uri: uri.map(str::to_owned),
        registration: Registration { multi_tenant: true, ..registration },
        created_at: now,
    };
    let graph = Registration {
        access_token_version: TokenVersion::V1,
        scopes: crate::graph::scopes(),
        roles: crate::graph::roles(),
        ..Registration::default()
    };
    let drs = Registration {
        access_token_version: TokenVersion::V1,
        amr_claim: true,
        scopes: vec![ExposedScope {
            name: "self_service_device_delete".to_owned(),
            description: "Register your devices and remove them".to_owned(),
            administrators_only: false,
        }],
        ..Registration::default()
    };
    vec![
        app(first_party::GRAPH, "Directory", Some("https://graph.microsoft.com"), graph.clone()),
        app(first_party::GRAPH_V1, "Directory (v1)", Some("https://graph.windows.net"), graph),
        app(first_party::OWN_PAGES, "Latchkey ID", None, Registration::default()),
        app(
            first_party::DEVICE_REGISTRATION,
            "Device registration",
            Some("urn:ms-drs:enterpriseregistration.windows.net"),
            drs,
        ),
        app(first_party::PIN_RESET, "PIN reset service", Some(pin_reset::RESOURCE), reset_service()),
        app(first_party::PIN_RESET_CLIENT, "PIN reset", None, reset_client()),
        app(
            first_party::PRT,
            "Sign-in on a device",
            None,
            Registration { consented: true, amr_claim: true, ..Registration::default() },
        ),
        app(first_party::BROKER, "Authentication broker", None, broker(&BROKER_REDIRECTS)),
        app(first_party::LINUX_BROKER, "Linux broker", None, broker(&LINUX_BROKER_REDIRECTS)),
    ]
}

/// A program of the device that signs in for other programs on it.
fn broker(redirects: &[&str]) -> Registration {
    let redirect = |uri: &&str| RedirectUri { uri: (*uri).to_owned(), kind: RedirectKind::Native };
    Registration {
        redirect_uris: redirects.iter().map(redirect).collect(),
        consented: true,
        family: true,
        public_flows: true,
        amr_claim: true,
        ..Registration::default()
    }
}

/// The PIN reset service as an API: v1.0 tokens, which say how and when the user signed in.
fn reset_service() -> Registration {
    let scope = ExposedScope {
        name: pin_reset::SCOPE.to_owned(),
        description: "Reset your PIN".to_owned(),
        administrators_only: false,
    };
    Registration { access_token_version: TokenVersion::V1, scopes: vec![scope], ..Registration::default() }
}

/// The program that a device signs its user in with before a PIN is reset: on the machine itself, or with a code on another one.
fn reset_client() -> Registration {
    let native = |uri: &str| RedirectUri { uri: uri.to_owned(), kind: RedirectKind::Native };
    Registration {
        redirect_uris: vec![native("http://127.0.0.1"), native("http://localhost")],
        consented: true,
        public_flows: true,
        strength: Strength::Multifactor,
        ..Registration::default()
    }
}
