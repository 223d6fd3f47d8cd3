use super::*;

fn all(text: &str) -> Vec<(String, Operator, String)> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("$filter", text).finish();
    let parsed = Query::parse(&query).unwrap();
    parsed.filter.into_iter().map(|found| (found.name, found.operator, found.value)).collect()
}

fn one(name: &str, operator: Operator, value: &str) -> (String, Operator, String) {
    (name.to_owned(), operator, value.to_owned())
}

#[test]
fn filters_are_read() {
    use Operator::{AtLeast, Equal, NotEqual};
    assert_eq!(all("userPrincipalName eq 'a@b'"), [one("userprincipalname", Equal, "a@b")]);
    assert_eq!(all("displayName  EQ 'O''Hara and ''x'''"), [one("displayname", Equal, "O'Hara and 'x'")]);
    assert_eq!(
        all("status/errorCode ne 0 and createdDateTime ge 2026-01-01T00:00:00Z"),
        [one("status/errorcode", NotEqual, "0"), one("createddatetime", AtLeast, "2026-01-01T00:00:00Z")]
    );
    for wrong in [
        "",
        "x",
        "x eq",
        "x eq 'open",
        "x gt 1",
        "x eq 1 or y eq 2",
        "x eq 1 and",
        "startswith(displayName,'a')",
        &["x eq 1"; 11].join(" and "),
        &"x".repeat(3_000),
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("$filter", wrong).finish();
        assert!(Query::parse(&query).is_err(), "{wrong}");
    }
}

#[test]
fn a_page_says_where_the_next_one_begins() {
    let query = Query::parse("%24top=2&$select=displayName&$count=true&$skiptoken=old").unwrap();
    assert_eq!((query.most(), query.after.as_deref()), (2, Some("old")));
    let row = serde_json::json!({ "id": "1", "displayName": "A", "mail": "m" });
    let page = query.page("https://x/v1.0/users", vec![row], Some("a+b&c"), Some(7));
    assert_eq!(
        page,
        serde_json::json!({
            "@odata.count": 7,
            "@odata.nextLink":
                "https://x/v1.0/users?%24top=2&%24select=displayName&%24count=true&%24skiptoken=a%2Bb%26c",
            "value": [{ "id": "1", "displayName": "A" }],
        })
    );
    for (query, most) in [("$top=0", 1), ("$top=5000", 999), ("", 100)] {
        assert_eq!(Query::parse(query).unwrap().most(), most, "{query}");
    }
    for wrong in ["$top=x", "$top=-1", "$orderby=displayName", "$skip=3", "$expand=manager"] {
        assert!(Query::parse(wrong).is_err(), "{wrong}");
    }
    assert_eq!(Query::parse("$search=\"displayName:ali\"").unwrap().search, "ali");
    assert_eq!(Query::parse("$search=ali").unwrap().search, "ali");
}

#[test]
fn times_are_read_and_written() {
    assert_eq!(time("2026-01-31T12:00:00Z").unwrap(), time("2026-01-31T13:00:00+01:00").unwrap());
    assert_eq!(stamp(time("2026-01-31T12:00:00Z").unwrap()), "2026-01-31T12:00:00Z");
    assert!(time("yesterday").is_err());
}
