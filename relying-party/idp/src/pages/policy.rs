//! The Content-Security-Policy of a page, made where the page is known.

use url::{Host, Url};

/// Scripts, styles and images of our own files only; forms go to ourselves and to what is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    scripts: Vec<String>,
    forms: Vec<String>,
    frames: Vec<String>,
}

impl Policy {
    /// The policy of a page without exceptions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows the one inline script with this hash.
    #[must_use]
    pub fn with_script_hash(mut self, hash: String) -> Self {
        self.scripts.push(hash);
        self
    }

    /// Allows a form to go, also through a redirect, to this address. Browsers apply `form-action` to the redirects
    /// after a form, so every page whose form may end at a client application needs the application's redirect URI.
    #[must_use]
    pub fn with_form_target(mut self, target: &Url) -> Self {
        self.forms.extend(source(target));
        self
    }

    /// Allows this address in a frame (front-channel sign-out).
    #[must_use]
    pub fn with_frame(mut self, target: &Url) -> Self {
        self.frames.extend(source(target));
        self
    }

    /// The header's value.
    #[must_use]
    pub fn header(&self) -> String {
        let mut header = String::from("default-src 'none'; script-src 'self'");
        append(&mut header, &self.scripts);
        header.push_str("; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'");
        append(&mut header, &self.forms);
        if !self.frames.is_empty() {
            header.push_str("; frame-src");
            append(&mut header, &self.frames);
        }
        header.push_str("; frame-ancestors 'none'; base-uri 'none'");
        header
    }
}

fn append(header: &mut String, sources: &[String]) {
    for source in sources {
        header.push(' ');
        header.push_str(source);
    }
}

/// The CSP source of an address. A host may hold `;` (WHATWG URL §3.2 does not forbid it), which would start a new directive: such
/// an address gets no source. CSP has no syntax for IPv6 hosts (CSP3 §2.3.1), so these are named by scheme.
fn source(target: &Url) -> Option<String> {
    let source = match (target.scheme(), target.host()) {
        ("http" | "https", Some(Host::Domain(_) | Host::Ipv4(_))) => target.origin().ascii_serialization(),
        ("javascript" | "data" | "blob" | "filesystem", _) => return None,
        (scheme, _) => format!("{scheme}:"),
    };
    source.chars().all(|letter| letter.is_ascii_alphanumeric() || ":/.-+".contains(letter)).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_action(target: &str) -> String {
        let header = Policy::new().with_form_target(&Url::parse(target).unwrap()).header();
        header.split("; ").find_map(|part| part.strip_prefix("form-action 'self'")).unwrap().to_owned()
    }

    #[test]
    fn a_form_may_end_at_the_named_address_only() {
        for (target, expected) in [
            ("https://notes.example/signed-in?x=1", " https://notes.example"),
            ("https://notes.example:8443/cb", " https://notes.example:8443"),
            ("http://127.0.0.1:5000/cb", " http://127.0.0.1:5000"),
            ("http://[::1]:5000/cb", " http:"),
            ("ms-aadj-redir://auth/drs", " ms-aadj-redir:"),
            ("urn:ietf:wg:oauth:2.0:oob", " urn:"),
            ("javascript:alert(1)", ""),
            ("data:text/html,x", ""),
        ] {
            assert_eq!(form_action(target), expected, "{target}");
        }
    }

    #[test]
    fn a_host_cannot_add_a_directive() {
        for target in [
            "https://a;script-src.example/",
            "https://a,b.example/",
            "https://*.example/",
            "https://'x'.example/",
        ] {
            if let Ok(target) = Url::parse(target) {
                assert_eq!(Policy::new().with_form_target(&target), Policy::new(), "{target}");
            }
        }
    }

    #[test]
    fn nothing_inline_without_its_hash() {
        let plain = Policy::new().header();
        assert!(
            !plain.contains("unsafe")
                && !plain.contains("sha256")
                && plain.contains("frame-ancestors 'none'")
        );
        assert!(!plain.contains("frame-src"));
        let hashed = Policy::new().with_script_hash("'sha256-abc='".to_owned()).header();
        assert!(hashed.contains("script-src 'self' 'sha256-abc=';"));
        let framed = Policy::new().with_frame(&Url::parse("https://notes.example/out").unwrap()).header();
        assert!(framed.contains("; frame-src https://notes.example; "));
    }
}
