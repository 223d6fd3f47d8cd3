use zeroize::Zeroizing;

use super::{Http, HttpAnswer, HttpError, Origin, OriginError};

#[test]
fn an_origin_is_https_or_this_machine() {
    for (text, shown) in [
        ("https://id.example.org", "https://id.example.org"),
        (" https://id.example.org:8443/ ", "https://id.example.org:8443"),
        ("http://localhost:8090", "http://localhost:8090"),
        ("http://id.localhost:8090", "http://id.localhost:8090"),
        ("http://[::1]:1", "http://[::1]:1"),
    ] {
        assert_eq!(Origin::parse(text).map(|origin| origin.to_string()).as_deref(), Ok(shown), "{text}");
    }
    let insecure = OriginError::Insecure("http://id.example.org".to_owned());
    assert_eq!(Origin::parse("http://id.example.org"), Err(insecure));
    for text in ["https://id.example.org/tenant", "https://a@id.example.org", "https://id.example.org/?x=1"] {
        assert_eq!(Origin::parse(text), Err(OriginError::More(text.to_owned())));
    }
    assert_eq!(Origin::parse("id.example.org"), Err(OriginError::NotAUrl("id.example.org".to_owned())));
}

#[test]
fn requests_stay_at_the_provider() {
    let origin = Origin::parse("https://id.example.org").unwrap();
    let http = Http::new(origin, None).unwrap();
    assert!(http.own("https://id.example.org/token").is_ok());
    for elsewhere in ["https://evil.test/token", "http://id.example.org/token", "https://id.example.org:444/"]
    {
        assert!(matches!(http.own(elsewhere), Err(HttpError::Elsewhere { .. })), "{elsewhere}");
    }
}

#[test]
fn a_ca_file_without_a_certificate_is_refused() {
    let origin = Origin::parse("https://id.example.org").unwrap();
    assert!(matches!(Http::new(origin, Some(b"no certificate")), Err(HttpError::Ca)));
}

#[test]
fn refusals_of_all_services_are_read() {
    for (body, error, description) in [
        (r#"{"error":"invalid_grant","error_description":"AADSTS1: no"}"#, "invalid_grant", "AADSTS1: no"),
        (
            r#"{"ErrorType":"DirectoryError","Message":"no\u001b[31m","TraceId":"t"}"#,
            "DirectoryError",
            "no [31m",
        ),
        (r#"{"code":"mfa_required","message":"no"}"#, "mfa_required", "no"),
        (r#"{"ErrorType":"X","code":"x","Message":"no","message":"no"}"#, "x", "no"),
        ("<html>", "", ""),
    ] {
        let refused = HttpAnswer::new(400, Zeroizing::new(body.as_bytes().to_vec())).refusal();
        assert_eq!((refused.error.as_str(), refused.description.as_str()), (error, description));
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_not_shown() {
    let answer = HttpAnswer::new(200, Zeroizing::new(br#"{"access_token": "secret""#.to_vec()));
    let error = answer.read::<serde_json::Value>().unwrap_err().to_string();
    assert!(!error.contains("secret"), "{error}");
    assert!(!format!("{answer:?}").contains("secret"));
}
