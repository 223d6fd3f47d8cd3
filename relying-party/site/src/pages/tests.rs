//! Each sample renders to the file of its name in `snapshots/`. After a wanted change:
//! `UPDATE_SNAPSHOTS=1 cargo nextest run -p latchkey-site pages`, then read the difference.

use std::path::Path;

use super::*;

#[track_caller]
fn matches_snapshot(name: &str, page: &impl Template) {
    let html = page.render().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages/snapshots").join(format!("{name}.html"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &html).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(html == expected, "{} differs from what the page renders to now:\n{html}", file.display());
    is_sound(&html);
}

/// What holds for every page: the policy of the site allows no inline script or style, IDs are unique, labels and
/// buttons are complete, and values are escaped.
#[track_caller]
fn is_sound(html: &str) {
    for banned in [" style=", "<style", " onclick", " onload", "javascript:", "<b>", "http://", "https://"] {
        assert!(!html.contains(banned), "{banned:?} in a page");
    }
    for script in html.split("<script").skip(1) {
        let (tag, rest) = script.split_once('>').unwrap();
        assert!(tag.contains(" src=\"/static/"), "an inline script: {tag}");
        assert!(rest.starts_with("</script>"), "an inline script: {tag}");
    }
    let mut ids: Vec<&str> =
        html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "an ID is used twice");
    for label in html.split("<label for=\"").skip(1) {
        let id = label.split('"').next().unwrap();
        assert!(ids.contains(&id), "a label for {id:?}, which does not exist");
    }
    assert_eq!(html.matches("<h1").count(), 1);
    assert!(html.contains("aria-live=\"polite\"") && html.contains("<html lang=\"en\">"));
    let forms = html.matches("method=\"post\"").count();
    assert_eq!(html.matches("name=\"csrf\"").count(), forms, "a form without token");
}

#[test]
fn home() {
    matches_snapshot("home", &HomePage::sample());
    matches_snapshot("home-identities", &HomePage::sample_with_identities());
}

#[test]
fn register() {
    matches_snapshot("register", &RegisterPage::sample());
}

#[test]
fn confirm() {
    matches_snapshot("confirm", &ConfirmPage::sample());
}

#[test]
fn account() {
    matches_snapshot("account", &AccountPage::sample());
    matches_snapshot("account-one", &AccountPage::sample_with_one_passkey());
}

#[test]
fn identity() {
    matches_snapshot("identity", &IdentityPage::sample());
}

#[test]
fn error() {
    matches_snapshot("error", &ErrorPage::sample());
}

#[test]
fn every_notice_is_reached_by_its_word() {
    let words = [
        "registered",
        "added",
        "renamed",
        "deleted",
        "signed-out",
        "signed-out-here",
        "signed-out-everywhere",
        "sign-in-first",
        "confirmed",
    ];
    let mut texts: Vec<_> = words.iter().map(|word| Notice::parse(word).expect(word).text()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), words.len());
    assert_eq!(Notice::parse("anything else"), None);
}
