use super::*;
use crate::clock::UnixTime;

#[test]
fn an_identifier_has_one_spelling() {
    let id: TenantId = "29D9ed98-a469-4536-ade2-f981bc1d605e".parse().unwrap();
    assert_eq!(id.to_string(), "29d9ed98-a469-4536-ade2-f981bc1d605e");
    for wrong in [
        "",
        "29d9ed98a4694536ade2f981bc1d605e",
        "{29d9ed98-a469-4536-ade2-f981bc1d605e}",
        "urn:uuid:29d9ed98-a469-4536-ade2-f981bc1d605e",
    ] {
        assert_eq!(wrong.parse::<TenantId>(), Err(IdError), "{wrong}");
    }
}

#[test]
fn scopes_are_told_apart() {
    let scopes = Scopes::parse("openid api://x/Files.Read  User.Read https://y//.default openid").unwrap();
    let told: Vec<_> = scopes.iter().collect();
    assert_eq!(
        told,
        [
            Scope::OpenId("openid"),
            Scope::Resource { resource: Some("api://x"), name: "Files.Read" },
            Scope::Resource { resource: None, name: "User.Read" },
            Scope::Resource { resource: Some("https://y/"), name: ".default" },
        ]
    );
    for wrong in ["a\"b", "a\\b", "a\tb", "ä", &"x".repeat(5000)] {
        assert_eq!(Scopes::parse(wrong), Err(ScopeError));
    }
}

fn app(redirects: &[(&str, RedirectKind)]) -> App {
    let redirect_uris =
        redirects.iter().map(|(uri, kind)| RedirectUri { uri: (*uri).to_owned(), kind: *kind }).collect();
    App {
        id: first_party::GRAPH,
        home: None,
        name: "x".to_owned(),
        identifier_uri: None,
        registration: Registration { redirect_uris, ..Registration::default() },
        created_at: UnixTime::from_seconds(0),
    }
}

#[test]
fn a_redirect_uri_is_compared_as_it_is_written() {
    let app = app(&[
        ("https://a.example/cb", RedirectKind::Web),
        ("http://localhost", RedirectKind::Native),
        ("http://127.0.0.1/cb", RedirectKind::Native),
        ("http://localhost:3000/spa", RedirectKind::Spa),
    ]);
    for (uri, kind) in [
        ("https://a.example/cb", Some(RedirectKind::Web)),
        ("https://a.example/cb/", None),
        ("https://a.example/cb?x=1", None),
        ("https://a.example/cb#x", None),
        ("https://A.example/cb", None),
        ("https://a.example:443/cb", None),
        ("https://a.example/x/../cb", None),
        ("https://a.example.evil/cb", None),
        ("https://a.example@evil/cb", None),
        ("http://a.example/cb", None),
        ("http://localhost", Some(RedirectKind::Native)),
        ("http://localhost:5678", Some(RedirectKind::Native)),
        ("http://localhost:5678/", Some(RedirectKind::Native)),
        ("http://localhost:5678/other", None),
        ("http://localhost:5678@evil/", None),
        ("http://localhost.evil/", None),
        ("http://localhost:", None),
        ("http://localhost:123456", None),
        ("http://127.0.0.1:1/cb", Some(RedirectKind::Native)),
        ("https://127.0.0.1:1/cb", None),
        ("http://localhost:3000/spa", Some(RedirectKind::Spa)),
        ("http://localhost:3001/spa", None),
    ] {
        assert_eq!(app.redirect(uri), kind, "{uri}");
    }
}

#[test]
fn an_authority_is_read_in_any_case() {
    assert_eq!(Authority::parse("Common"), Authority::Common);
    assert_eq!(Authority::parse("ORGANIZATIONS"), Authority::Organizations);
    assert_eq!(Authority::parse("Example.ORG"), Authority::Domain("example.org".to_owned()));
    for odd in ["/evil.example", "a/b", "a?b", "a#b", "a@b", "a b", "a\\b", "a\r\nb", "ä"] {
        assert_eq!(Authority::parse(odd), Authority::Domain("invalid".to_owned()), "{odd}");
    }
    let guid = "29D9ED98-a469-4536-ade2-f981bc1d605e";
    assert_eq!(Authority::parse(guid), Authority::Tenant(guid.parse().unwrap()));
}
