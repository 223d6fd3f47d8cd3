use super::*;

#[test]
fn origins_that_work() {
    for (origin, rp_id, expected_origin, expected_rp_id) in [
        ("http://localhost:8080", None, "http://localhost:8080", "localhost"),
        ("https://example.org/", None, "https://example.org", "example.org"),
        ("https://www.example.org:443", Some("example.org"), "https://www.example.org", "example.org"),
        ("https://bücher.example", None, "https://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ] {
        let settings = Settings::new(origin, rp_id).expect(origin);
        assert_eq!(settings.origin, expected_origin);
        assert_eq!(settings.rp_id, expected_rp_id);
    }
}

#[test]
fn origins_that_do_not() {
    for (origin, rp_id, word) in [
        ("localhost", None, "not a URL"),
        ("https://example.org/path", None, "end after"),
        ("https://user@example.org", None, "end after"),
        ("http://example.org", None, "must use https"),
        ("https://192.0.2.1", None, "IP address"),
        ("http://127.0.0.1:8080", None, "IP address"),
        ("https://example.org", Some("other.org"), "or a domain above"),
        ("https://example.org", Some("org"), "or a domain above"),
        ("https://badexample.org", Some("example.org"), "or a domain above"),
    ] {
        let error = Settings::new(origin, rp_id).expect_err(origin).to_string();
        assert!(error.contains(word), "{origin}: {error}");
    }
}

#[test]
fn issuers_that_work_and_that_do_not() {
    for issuer in
        ["https://id.example.org/t/v2.0", "http://localhost:8090/t", "http://127.0.0.1:1", "http://[::1]:1"]
    {
        assert!(IdentityProviderSettings::new(issuer, "c", None, None).is_ok(), "{issuer}");
    }
    for issuer in [
        "id.example.org",
        "http://id.example.org",
        "https://id.example.org/?t",
        "https://u@id.example.org",
        "ftp://localhost",
    ] {
        let error = IdentityProviderSettings::new(issuer, "c", None, None).expect_err(issuer).to_string();
        assert!(error.contains("must be an https URL"), "{error}");
    }
}
