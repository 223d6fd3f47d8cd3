//! Addresses that an application registers: whatever is in the list, a browser can be sent to.

use url::{Host, Url};

use super::Refused;
use crate::domain::{App, RedirectKind, RedirectUri};

const LONGEST: usize = 2048;
const MOST: usize = 100;
/// Schemes whose addresses browsers carry out or read from the disk.
const DANGEROUS: [&str; 9] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "ws"];

/// Whether an application may register these addresses.
pub(super) fn check(app: &App) -> Result<(), Refused> {
    let registration = &app.registration;
    let redirects = registration.redirect_uris.iter();
    let after = registration.post_logout_redirect_uris.iter();
    if redirects.len() > MOST || after.len() > MOST {
        return Err(Refused::Invalid(format!("An application has at most {MOST} redirect URIs.")));
    }
    for RedirectUri { uri, kind } in redirects {
        redirect(uri, *kind)?;
    }
    for uri in after {
        web("The address after sign-out", uri)?;
    }
    if let Some(uri) = &registration.front_channel_logout_uri {
        web("The front-channel logout address", uri)?;
    }
    match &app.identifier_uri {
        Some(uri) => identifier(uri),
        None => Ok(()),
    }
}

fn redirect(uri: &str, kind: RedirectKind) -> Result<(), Refused> {
    match kind {
        RedirectKind::Web | RedirectKind::Spa => web("The redirect URI", uri),
        RedirectKind::Native => {
            let url = parse("The redirect URI", uri)?;
            match url.scheme() {
                "http" | "https" => web("The redirect URI", uri),
                scheme if DANGEROUS.contains(&scheme) => {
                    invalid("The redirect URI", uri, "its scheme is not allowed")
                }
                _ => Ok(()),
            }
        }
    }
}

/// An address of a website: https, or http on this machine (RFC 8252 §7.3).
fn web(what: &str, uri: &str) -> Result<(), Refused> {
    let url = parse(what, uri)?;
    let local = match url.host() {
        Some(Host::Domain(host)) => host == "localhost" || host.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && local) {
        return Ok(());
    }
    invalid(what, uri, "it must begin with https://, or with http://localhost on the developer's machine")
}

/// What every address must be: absolute, without a fragment (RFC 6749 §3.1.2), a user or a wildcard, and written as it is
/// compared.
fn parse(what: &str, uri: &str) -> Result<Url, Refused> {
    let printable = uri.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\');
    if uri.len() > LONGEST || !printable {
        return invalid(what, uri, "it is too long, or has spaces or letters that an address does not have");
    }
    let Ok(url) = Url::parse(uri) else { return invalid(what, uri, "it is not an address") };
    if url.fragment().is_some() || uri.contains(['#', '*', '<', '>', '"']) {
        return invalid(what, uri, "it may have no fragment and no wildcard");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return invalid(what, uri, "it may name no user");
    }
    Ok(url)
}

/// An App ID URI: what others ask for tokens with. Never one of ours or of the built-in APIs, which the database refuses.
fn identifier(uri: &str) -> Result<(), Refused> {
    let url = parse("The App ID URI", uri)?;
    if matches!(url.scheme(), "api" | "https" | "urn") && !uri.ends_with('/') && !uri.contains(' ') {
        return Ok(());
    }
    invalid("The App ID URI", uri, "it must begin with api://, https:// or urn:, and end without a slash")
}

fn invalid<T>(what: &str, uri: &str, why: &str) -> Result<T, Refused> {
    let shown: String = uri.chars().filter(|letter| !letter.is_control()).take(120).collect();
    Err(Refused::Invalid(format!("{what} “{shown}” cannot be used: {why}.")))
}
