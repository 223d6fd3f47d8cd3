use super::*;
use crate::ErrorName;

/// Which RP ID a caller gets, or that it gets none.
#[derive(Debug, PartialEq)]
enum Gets {
    Default(&'static str),
    Asked,
    Refused,
}
use Gets::{Asked, Default, Refused};

/// Origin, RP ID asked for, outcome. A row a rule.
const TABLE: &[(&str, Option<&str>, Gets)] = &[
    // The caller's own domain is the default.
    ("https://example.org", None, Default("example.org")),
    ("https://login.example.org", None, Default("login.example.org")),
    ("https://example.org:8443", None, Default("example.org")),
    ("http://localhost", None, Default("localhost")),
    ("http://localhost:8080", None, Default("localhost")),
    ("https://localhost", None, Default("localhost")),
    ("http://site.localhost:3000", None, Default("site.localhost")),
    ("https://intranet", None, Default("intranet")),
    ("https://xn--bcher-kva.example", None, Default("xn--bcher-kva.example")),
    // Equal, or a registrable suffix.
    ("https://example.org", Some("example.org"), Asked),
    ("https://login.example.org", Some("example.org"), Asked),
    ("https://a.b.c.example.org:444", Some("c.example.org"), Asked),
    ("https://www.example.co.uk", Some("example.co.uk"), Asked),
    ("https://alice.github.io", Some("alice.github.io"), Asked),
    ("https://x.alice.github.io", Some("alice.github.io"), Asked),
    ("https://github.io", Some("github.io"), Asked),
    ("https://www.xn--bcher-kva.example", Some("xn--bcher-kva.example"), Asked),
    ("http://localhost:8080", Some("localhost"), Asked),
    ("http://a.b.localhost", Some("b.localhost"), Asked),
    // Not the caller's.
    ("https://example.org", Some("example.com"), Refused),
    ("https://example.org", Some("login.example.org"), Refused),
    ("https://evilexample.org", Some("example.org"), Refused),
    ("https://example.org.evil.test", Some("example.org"), Refused),
    ("https://alice.github.io", Some("bob.github.io"), Refused),
    ("http://localhost", Some("example.org"), Refused),
    ("https://example.org", Some("localhost"), Refused),
    // Public suffixes, from registries, private, by wildcard and by the default rule.
    ("https://example.org", Some("org"), Refused),
    ("https://www.example.co.uk", Some("co.uk"), Refused),
    ("https://www.example.co.uk", Some("uk"), Refused),
    ("https://co.uk", None, Refused),
    ("https://com", Some("com"), Refused),
    ("https://alice.github.io", Some("github.io"), Refused),
    ("https://alice.github.io", Some("io"), Refused),
    ("https://www.example.foo.ck", Some("foo.ck"), Refused),
    ("https://foo.bar.compute.amazonaws.com", Some("amazonaws.com"), Refused),
    ("http://site.localhost", Some("localhost"), Refused),
    ("https://printer.intranet", Some("intranet"), Refused),
    // Spellings of an RP ID that are not the one spelling.
    ("https://example.org", Some(""), Refused),
    ("https://example.org", Some("."), Refused),
    ("https://example.org", Some("example.org."), Refused),
    ("https://example.org", Some(".example.org"), Refused),
    ("https://example.org", Some("example..org"), Refused),
    ("https://example.org", Some("Example.org"), Refused),
    ("https://example.org", Some("EXAMPLE.ORG"), Refused),
    ("https://example.org", Some("example\u{3002}org"), Refused),
    ("https://example.org", Some("example\u{ff0e}org"), Refused),
    ("https://example.org", Some("\u{ff45}xample.org"), Refused),
    ("https://example.org", Some("ex\u{430}mple.org"), Refused),
    ("https://example.org", Some("example.org\u{200b}"), Refused),
    ("https://example.org", Some("exam\u{ad}ple.org"), Refused),
    ("https://xn--bcher-kva.example", Some("b\u{fc}cher.example"), Refused),
    ("https://xn--bcher-kva.example", Some("XN--BCHER-KVA.example"), Refused),
    ("https://example.org", Some("xn--.example.org"), Refused),
    ("https://example.org", Some("example.org:443"), Refused),
    ("https://example.org", Some("user@example.org"), Refused),
    ("https://example.org", Some("https://example.org"), Refused),
    ("https://example.org", Some("example.org/"), Refused),
    ("https://example.org", Some("example%2eorg"), Refused),
    ("https://example.org", Some(" example.org"), Refused),
    ("https://example.org", Some("example.org\0"), Refused),
    ("https://example.org", Some("*.org"), Refused),
    // Hosts that are no domain.
    ("https://127.0.0.1", None, Refused),
    ("http://127.0.0.1:8080", None, Refused),
    ("http://127.0.0.1:8080", Some("127.0.0.1"), Refused),
    ("https://[::1]", None, Refused),
    ("https://10.0.0.1", Some("0.1"), Refused),
    ("https://0x7f000001", None, Refused),
    ("https://example.org.", None, Refused),
    ("https://example.org.", Some("example.org"), Refused),
    ("https://foo_bar.example.org", None, Refused),
    // Origins that are not secure.
    ("http://example.org", None, Refused),
    ("http://example.org", Some("example.org"), Refused),
    ("http://notlocalhost", None, Refused),
    ("http://localhost.example.org", None, Refused),
    ("ws://localhost", None, Refused),
    ("ftp://example.org", None, Refused),
    ("file:///etc/passwd", None, Refused),
    ("chrome-extension://cfapiilgphalkjnmlfngbnjjenjbcmop", None, Refused),
    ("data:text/html,hi", None, Refused),
    // Texts that are not serialised origins.
    ("", None, Refused),
    ("null", None, Refused),
    ("example.org", None, Refused),
    ("https://", None, Refused),
    ("https://example.org/", None, Refused),
    ("https://example.org/path", None, Refused),
    ("https://example.org?query", None, Refused),
    ("https://example.org#fragment", None, Refused),
    ("https://user@example.org", None, Refused),
    ("https://user:pass@example.org", None, Refused),
    ("https://example.org:443", None, Refused),
    ("http://localhost:80", None, Refused),
    ("HTTPS://example.org", None, Refused),
    ("https://Example.org", None, Refused),
    ("https://b\u{fc}cher.example", None, Refused),
    ("https://example\u{3002}org", None, Refused),
    ("https://example.org\\@evil.test", None, Refused),
    (" https://example.org", None, Refused),
    ("https://exam\nple.org", None, Refused),
];

#[test]
fn a_caller_speaks_for_its_own_domain_and_registrable_suffixes_of_it() {
    for (origin, asked, gets) in TABLE {
        let outcome = Caller { origin, cross_origin: false }.rp_id(*asked);
        match gets {
            Default(domain) => assert_eq!(outcome.as_deref(), Ok(*domain), "{origin:?} {asked:?}"),
            Asked => assert_eq!(outcome.as_deref().ok(), *asked, "{origin:?} {asked:?}: {outcome:?}"),
            Refused => {
                let name = outcome.map_err(|error| error.name);
                assert_eq!(name, Err(ErrorName::SecurityError), "{origin:?} {asked:?}");
            }
        }
    }
}

#[test]
fn the_table_has_both_sides() {
    let refused = TABLE.iter().filter(|(_, _, gets)| *gets == Refused).count();
    assert!(refused >= 40 && TABLE.len() - refused >= 15);
}

proptest::proptest! {
    /// Whatever is asked for: what is granted is the caller's domain or a parent of it, in canonical spelling.
    #[test]
    fn nothing_is_granted_outside_the_callers_domain(asked in "[a-zA-Z0-9.\\-\u{3002}:@/ ]{0,20}") {
        let caller = Caller { origin: "https://a.b.example.co.uk", cross_origin: false };
        if let Ok(granted) = caller.rp_id(Some(&asked)) {
            proptest::prop_assert!(
                ["a.b.example.co.uk", "b.example.co.uk", "example.co.uk"].contains(&granted.as_str())
            );
        }
    }
}
