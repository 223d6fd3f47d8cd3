use super::*;

#[test]
fn what_browsers_would_refuse_is_refused_first() {
    for (url, rp_id, fits) in [
        ("https://id.example.org", None, true),
        ("https://id.example.org:8443", Some("example.org"), true),
        ("http://localhost:8090", None, true),
        ("http://127.0.0.1:8090", None, true),
        ("http://id.example.org", None, false),
        ("https://id.example.org/path", None, false),
        ("https://id.example.org?x", None, false),
        ("https://user@id.example.org", None, false),
        ("ftp://id.example.org", None, false),
        ("id.example.org", None, false),
        ("https://id.example.org", Some("ample.org"), false),
        ("https://id.example.org", Some("other.org"), false),
        ("https://id.example.org", Some("org"), false),
    ] {
        assert_eq!(Settings::new(url, rp_id, &[]).is_ok(), fits, "{url} {rp_id:?}");
    }
    let settings = Settings::new("https://id.example.org:8443/", None, &[]).unwrap();
    assert_eq!(settings.public_url(), "https://id.example.org:8443");
    assert_eq!(settings.authority(), "id.example.org:8443");
}

#[test]
fn a_further_origin_may_bring_another_rp_id() {
    let origins = ["https://login.microsoft.com".to_owned()];
    let settings = Settings::new("https://id.example.org", Some("login.microsoft.com"), &origins).unwrap();
    assert_eq!(settings.origins().len(), 2);
    assert!(Settings::new("https://id.example.org", None, &["https://x/y".to_owned()]).is_err());
}
