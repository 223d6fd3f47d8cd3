//! Who calls, and for which relying party it may speak (WebAuthn Level 3 §5.1.3 steps 5 to 9, §5.1.4.1 steps 5 to 9).

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use url::{Host, Url};

use crate::DomException;

/// Who calls: the frame whose script called `navigator.credentials`, as the browser (never the page) states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// The serialised origin of that frame, such as `https://example.org` or `http://localhost:8080`.
    pub origin: &'a str,
    /// Whether that frame sits in a page of another origin (not same-origin with its ancestors).
    pub cross_origin: bool,
}

impl Caller<'_> {
    /// The RP ID that this caller speaks for: the one it asks for, or by default its own domain.
    ///
    /// # Errors
    /// `SecurityError` if the origin may not use WebAuthn at all, or not this RP ID.
    pub(crate) fn rp_id(&self, requested: Option<&str>) -> Result<String, DomException> {
        let domain = effective_domain(self.origin)?;
        match requested {
            None => own(&domain)?,
            Some(requested) => allowed(requested, &domain)?,
        }
        Ok(requested.map_or(domain, str::to_owned))
    }
}

/// The effective domain of an origin, if the origin is a secure context with a domain for a host.
fn effective_domain(origin: &str) -> Result<String, DomException> {
    let url = Url::parse(origin).map_err(|_| DomException::security(format!("{origin:?} is no origin.")))?;
    // Exactly one spelling: no path, user, default port, upper case or Unicode. Whatever differs was not written by
    // a browser, and what is signed is this text.
    if url.origin().ascii_serialization() != origin {
        return Err(DomException::security(format!("{origin:?} is not a serialised origin.")));
    }
    let Some(Host::Domain(domain)) = url.host() else {
        return Err(DomException::security("Passkeys need a domain: an IP address cannot have any."));
    };
    let secure = match url.scheme() {
        "https" => true,
        // Secure Contexts §3.1: loopback by name. Loopback addresses have no domain and were refused above.
        "http" => domain == "localhost" || domain.ends_with(".localhost"),
        _ => false,
    };
    if !secure {
        return Err(DomException::security(format!("{origin} is not a secure origin: passkeys need https.")));
    }
    if !is_valid_domain(domain) {
        return Err(DomException::security(format!("{domain:?} is not a valid domain.")));
    }
    Ok(domain.to_owned())
}

/// Whether this is a valid domain in the one spelling that may be hashed: lower-case A-labels, no empty label, no
/// trailing dot (URL Standard §3.3 "valid domain string", with `beStrict`).
fn is_valid_domain(domain: &str) -> bool {
    Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
        .is_ok_and(|ascii| ascii == domain)
}

/// Whether a caller in `domain` may use the RP ID `requested`: equal, or a registrable domain suffix of it (HTML
/// Standard §7.1.1.2).
///
/// Deviation: HTML parses `requested` as a host first, so `EXAMPLE.com` would be as good as `example.com`. Relying
/// party and authenticator hash the text as it stands, so only the canonical spelling is taken; Chromium does the same.
fn allowed(requested: &str, domain: &str) -> Result<(), DomException> {
    if !is_valid_domain(requested) {
        return Err(DomException::security(format!(
            "{requested:?} cannot be an RP ID: it must be a domain in lower-case ASCII."
        )));
    }
    if requested == domain {
        return own(domain);
    }
    if !is_below(domain, requested) {
        return Err(DomException::security(format!(
            "The RP ID {requested:?} does not belong to {domain:?}."
        )));
    }
    if [requested, domain].iter().any(|name| {
        public_suffix(name).is_none_or(|suffix| suffix == requested || is_below(suffix, requested))
    }) {
        return Err(DomException::security(format!(
            "{requested:?} cannot be an RP ID: unrelated sites share that suffix."
        )));
    }
    Ok(())
}

/// Whether a domain may be its own RP ID. Equality is enough for HTML, also for a single label such as `localhost`.
///
/// Deviation: suffixes that registries sell names under (`com`, `co.uk`) are refused. No site lives there, and a
/// passkey for one would be a passkey for nobody. Privately run suffixes (`github.io`) do host their own site.
fn own(domain: &str) -> Result<(), DomException> {
    let registry = psl::suffix(domain.as_bytes()).is_some_and(|suffix| {
        suffix.as_bytes() == domain.as_bytes() && suffix.typ() == Some(psl::Type::Icann)
    });
    if registry {
        return Err(DomException::security(format!("{domain:?} cannot be an RP ID: it is a public suffix.")));
    }
    Ok(())
}

fn public_suffix(domain: &str) -> Option<&str> {
    psl::suffix_str(domain)
}

/// Whether `domain` ends in `.` and `parent`.
fn is_below(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
