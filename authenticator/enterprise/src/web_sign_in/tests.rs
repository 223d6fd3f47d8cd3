use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::Url;

use super::allowed::{AllowedUrls, AllowedUrlsError};
use super::loopback::{Loopback, returned};
use super::metadata::Metadata;
use super::token::person;
use super::{Purpose, SignInError};
use crate::http::Origin;

const TENANT: &str = "11111111-2222-4333-8444-555555555555";
const OBJECT: &str = "99999999-2222-4333-8444-555555555555";

fn allows(list: &str, provider: &str, page: &str) -> bool {
    let list = AllowedUrls::parse(list).unwrap();
    list.check(&Origin::parse(provider).unwrap(), &Url::parse(page).unwrap()).is_ok()
}

#[test]
fn pages_of_the_provider_and_of_listed_hosts_are_opened() {
    let provider = "https://id.example.org";
    let list = "signin.contoso.com; *.fabrikam.com;";
    for page in [
        "https://id.example.org/a",
        "https://signin.contoso.com/x?y",
        "https://SIGNIN.contoso.com/",
        "https://a.fabrikam.com/",
        "https://a.b.fabrikam.com/",
    ] {
        assert!(allows(list, provider, page), "{page}");
    }
    for page in [
        "https://evil.test/",
        "https://contoso.com/",
        "https://signin.contoso.com.evil.test/",
        "https://evilsignin.contoso.com/",
        "https://fabrikam.com/",
        "https://evilfabrikam.com/",
        "http://signin.contoso.com/",
        "https://signin.contoso.com:8443/",
        "https://signin.contoso.com@evil.test/",
        "http://id.example.org/",
        "https://id.example.org:444/",
        "https://203.0.113.7/",
        "file:///etc/passwd",
        "wss://signin.contoso.com/",
    ] {
        assert!(!allows(list, provider, page), "{page}");
    }
}

#[test]
fn a_sovereign_cloud_works_without_a_list_and_with_the_documented_one() {
    let provider = "https://login.microsoftonline.us";
    assert!(allows("", provider, "https://login.microsoft.us/"));
    assert!(!allows("", provider, "https://login.microsoftonline.com/"));
    assert!(allows(
        "login.microsoftonline.us",
        "https://id.example.org",
        "https://login.microsoftonline.us/x"
    ));
    assert!(!allows("", "https://id.example.org", "https://login.microsoftonline.us/x"));
}

#[test]
fn a_blocked_page_says_who_can_allow_it() {
    let (provider, page) = ("https://id.example.org", "https://evil.test/secret?code=1");
    let provider = Origin::parse(provider).unwrap();
    let blocked = AllowedUrls::default().check(&provider, &Url::parse(page).unwrap()).unwrap_err();
    let text = blocked.to_string();
    assert!(text.starts_with("We can't open that page right now: evil.test "), "{text}");
    assert!(text.contains("ConfigureWebSignInAllowedUrls") && !text.contains("code"), "{text}");
}

#[test]
fn mistakes_in_the_list_are_named() {
    for text in ["\"signin.contoso.com\"", "'a.example'", "\u{201C}a.example\u{201D}"] {
        assert_eq!(AllowedUrls::parse(text), Err(AllowedUrlsError::Quotes), "{text}");
    }
    let wrong = |text: &str| AllowedUrls::parse(text).unwrap_err();
    assert_eq!(wrong("a.example,b.example"), AllowedUrlsError::Separator("a.example,b.example".to_owned()));
    for text in ["https://a.example", "a.example/path", "a.example:8443", "*", "a.*.example", "203.0.113.7"] {
        assert_eq!(wrong(text), AllowedUrlsError::NotAHost(text.to_owned()), "{text}");
    }
    assert_eq!(wrong("*.com"), AllowedUrlsError::TooWide("*.com".to_owned()));
    assert_eq!(AllowedUrls::parse("a.example;*.b.example").unwrap().to_string(), "a.example;*.b.example");
}

#[test]
fn an_answer_counts_with_its_state_only() {
    let code = returned("/?code=c&state=s&iss=i", "s").unwrap();
    assert_eq!(code.outcome.unwrap().as_str(), "c");
    assert_eq!(code.issuer.as_deref(), Some("i"));
    let no = returned("/?error=access_denied&error_description=no%0a&state=s", "s").unwrap();
    assert_eq!(no.outcome.unwrap_err(), ("access_denied".to_owned(), "no ".to_owned()));
    for target in [
        "/?code=c&state=t",
        "/?code=c",
        "/?state=s",
        "/favicon.ico",
        "/x?code=c&state=s",
        "/?code=c&state=s&state=s",
    ] {
        assert!(returned(target, "s").is_none(), "{target}");
    }
}

#[tokio::test]
async fn whoever_else_knocks_ends_nothing() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let loopback = Loopback::open().await.unwrap();
    let address = loopback.redirect_uri().strip_prefix("http://").unwrap().to_owned();
    let knock = async {
        let mut said = String::new();
        for target in ["/?code=stolen&state=guess", "/?code=c&state=s&iss=i"] {
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_to_string(&mut said).await.unwrap();
        }
        said
    };
    let (returned, said) = tokio::join!(loopback.answer("s"), knock);
    assert_eq!(returned.unwrap().outcome.unwrap().as_str(), "c");
    assert!(said.starts_with("HTTP/1.1 404") && said.contains("HTTP/1.1 200 OK"), "{said}");
}

#[test]
fn the_issuer_of_all_tenants_is_any_tenant_and_nobody_else() {
    let all = Metadata::for_test("https://id.example.org/{tenantid}/");
    assert!(all.is_issuer(&format!("https://id.example.org/{TENANT}/")));
    let braces = format!("https://id.example.org/{{{TENANT}}}/");
    for issuer in ["https://evil.test/", "https://id.example.org//", &braces, ""] {
        assert!(!all.is_issuer(issuer), "{issuer}");
    }
    let one = Metadata::for_test(&format!("https://id.example.org/{TENANT}/"));
    assert!(one.is_issuer(&format!("https://id.example.org/{TENANT}/")));
    assert!(!one.is_issuer(&format!("https://id.example.org/{OBJECT}/")));
}

#[test]
fn an_id_token_is_for_this_sign_in() {
    let metadata = Metadata::for_test("https://id.example.org/{tenantid}/");
    let good = json!({
        "iss": format!("https://id.example.org/{TENANT}/"), "aud": Purpose::PinReset.client_id(), "nonce": "n",
        "tid": TENANT, "oid": OBJECT, "upn": "ada@example.org", "name": "Ada",
    });
    let token = |claims: &serde_json::Value| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let read = |claims: &serde_json::Value| person(&token(claims), Purpose::PinReset, &metadata, Some("n"));
    let ada = read(&good).unwrap();
    assert_eq!((ada.user_name.as_str(), ada.object.to_string().as_str()), ("ada@example.org", OBJECT));
    for (claim, value) in [("aud", "b743a22d-6705-4147-8670-d92fa515ee2b"), ("nonce", "m"), ("oid", "x")] {
        let mut bad = good.clone();
        bad[claim] = value.into();
        assert!(matches!(read(&bad), Err(SignInError::IdToken(_))), "{claim}");
    }
    let mut bad = good.clone();
    bad["iss"] = "https://evil.test/".into();
    assert!(matches!(read(&bad), Err(SignInError::OtherIssuer(_))));
    assert!(matches!(
        person(&token(&good), Purpose::PinReset, &metadata, None),
        Err(SignInError::IdToken(_))
    ));
}
