//! Each sample renders to the file of its name in `snapshots/`. After a wanted change:
//! `UPDATE_SNAPSHOTS=1 cargo nextest run -p latchkey-idp pages`, then read the difference. To look at them in a browser:
//! `LATCHKEY_IDP_PAGES=/tmp/idp-pages cargo nextest run -p latchkey-idp pages::tests::preview`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::admin::*;
use super::assets::{ASSETS, asset};
use super::*;

/// Every page, with the policy that it is sent with.
fn samples() -> Vec<(&'static str, String, Policy)> {
    macro_rules! pages {
        ($($name:literal: $page:expr, $policy:ident($($part:ident)?);)*) => {
            vec![$({
                let page = $page;
                let policy = pages!(@policy page $policy $($part)?);
                ($name, page.render().unwrap(), policy)
            }),*]
        };
        (@policy $page:ident frame) => { $page.frame.policy() };
        (@policy $page:ident own) => { $page.policy() };
    }
    pages! {
        "sign-in": SignInPage::sample(), frame();
        "sign-in-unknown": SignInPage::sample_unknown_user(), frame();
        "account-picker": AccountPickerPage::sample(), frame();
        "password": PasswordPage::sample(), frame();
        "code": CodePage::sample(), frame();
        "access-pass": AccessPassPage::sample(), frame();
        "other-ways": OtherWaysPage::sample(), frame();
        "passkey": PasskeyPage::sample(), frame();
        "new-passkey": NewPasskeyPage::sample(), frame();
        "enrolment": EnrolmentPage::sample(), frame();
        "change-password": ChangePasswordPage::sample(), frame();
        "consent": ConsentPage::sample(), frame();
        "stay-signed-in": StaySignedInPage::sample(), frame();
        "device-code": DeviceCodePage::sample(), frame();
        "device-confirm": DeviceConfirmPage::sample(), frame();
        "device-done": DeviceDonePage::sample(), frame();
        "error": ErrorPage::sample(), frame();
        "form-post": FormPostPage::sample(), own();
        "confirm-sign-out": ConfirmSignOutPage::sample(), frame();
        "signed-out": SignedOutPage::sample(), own();
        "home": HomePage::sample(), frame();
        "home-signed-in": HomePage::sample_signed_in(), frame();
        "security": SecurityPage::sample(), frame();
        "security-new": SecurityPage::sample_new(), frame();
        "welcome": WelcomePage::sample(), frame();
        "welcome-ways": WelcomeWaysPage::sample(), frame();
        "new-passkey-first": NewPasskeyPage::sample_first(), frame();
        "new-passkey-own": NewPasskeyPage::sample_own(), frame();
        "enrolment-own": EnrolmentPage::sample_own(), frame();
        "new-password-first": ChangePasswordPage::sample_first(), frame();
        "admin-tenants": TenantsPage::sample(), frame();
        "admin-users": UsersPage::sample(), frame();
        "admin-users-empty": UsersPage::sample_empty(), frame();
        "admin-user": UserPage::sample(), frame();
        "admin-user-new": UserPage::sample_new(), frame();
        "admin-groups": GroupsPage::sample(), frame();
        "admin-groups-empty": GroupsPage::sample_empty(), frame();
        "admin-group": GroupPage::sample(), frame();
        "admin-group-empty": GroupPage::sample_empty(), frame();
        "admin-devices": DevicesPage::sample(), frame();
        "admin-devices-empty": DevicesPage::sample_empty(), frame();
        "admin-device": DevicePage::sample(), frame();
        "admin-device-bare": DevicePage::sample_bare(), frame();
        "admin-apps": AppsPage::sample(), frame();
        "admin-app-new": NewAppPage::sample(), frame();
        "admin-app": AppPage::sample(), frame();
        "admin-app-built-in": AppPage::sample_built_in(), frame();
        "admin-pin-resets": PinResetsPage::sample(), frame();
        "admin-pin-resets-empty": PinResetsPage::sample_empty(), frame();
        "admin-reset-keys": ResetKeysPage::sample(), frame();
        "admin-reset-keys-fixed": ResetKeysPage::sample_fixed(), frame();
        "admin-helpdesk": HelpdeskPage::sample(), frame();
        "admin-helpdesk-empty": HelpdeskPage::sample_empty(), frame();
        "admin-sign-ins": SignInLogPage::sample(), frame();
        "admin-audit": AuditPage::sample(), frame();
        "admin-audit-broken": AuditPage::sample_broken(), frame();
        "admin-policies": PoliciesPage::sample(), frame();
    }
}

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages/snapshots")
}

/// What follows each `start` up to the next `end`.
fn between<'a>(html: &'a str, start: &'a str, end: char) -> impl Iterator<Item = &'a str> {
    html.split(start).skip(1).map(move |rest| rest.split(end).next().unwrap())
}

#[test]
fn every_page_matches_its_snapshot() {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    let mut expected_files = BTreeSet::new();
    for (name, html, _) in samples() {
        let file = snapshots().join(format!("{name}.html"));
        if update {
            std::fs::write(&file, &html).unwrap();
        }
        assert!(
            std::fs::read_to_string(&file).unwrap_or_default() == html,
            "{} is different:\n{html}",
            file.display()
        );
        expected_files.insert(format!("{name}.html"));
    }
    let files: BTreeSet<String> = std::fs::read_dir(snapshots())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, expected_files);
}

#[test]
fn no_text_of_a_person_becomes_markup() {
    for (name, html, _) in samples() {
        let html = html.replace("<span>Latchkey <b>ID</b></span>", "");
        assert!(!html.contains("<b>") && !html.contains("alert(1)</script>"), "{name}");
        assert_eq!(html.matches("</textarea>").count(), html.matches("<textarea ").count(), "{name}");
        // An unescaped quote would end the attribute and leave a stray one before the next space or bracket.
        for tag in between(&html, "<", '>').filter(|tag| !tag.starts_with('/')) {
            assert_eq!(tag.matches('"').count() % 2, 0, "{name}: {tag}");
        }
    }
    // The other side: what is escaped is still there.
    let html = PasswordPage::sample().render().unwrap();
    assert!(html.contains("o&#39;neil+&#60;b&#62;@contoso.example"));
}

#[test]
fn the_policy_of_a_page_allows_all_that_it_has_and_nothing_inline_besides() {
    for (name, html, policy) in samples() {
        let header = policy.header();
        for banned in [" style=", "<style", " onclick", " onload", " onsubmit", "javascript:", "data:"] {
            assert!(!html.contains(banned), "{banned:?} in {name}");
        }
        let mut inline = 0;
        for script in html.split("<script").skip(1) {
            let (tag, rest) = script.split_once('>').unwrap();
            let content = rest.split("</script>").next().unwrap();
            if let Some(file) = tag.split("src=\"/static/").nth(1) {
                assert!(
                    content.is_empty() && asset(file.split('"').next().unwrap()).is_some(),
                    "{name}: {tag}"
                );
            } else {
                inline += 1;
                let hash = format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content)));
                assert!(header.contains(&hash), "{name}: a script that the policy refuses: {content}");
            }
        }
        assert_eq!(header.matches("'sha256-").count(), inline, "{name}");
        for file in between(&html, "\"/static/", '"') {
            assert!(asset(file).is_some(), "{name}: {file}");
        }
        assert_eq!(html.contains("<iframe"), header.contains("frame-src"), "{name}");
    }
}

#[test]
fn scripts_import_only_files_of_the_table() {
    for file in ASSETS {
        for import in between(file.text, "from \"./", '"') {
            assert!(asset(import).is_some(), "{} imports {import}", file.name);
        }
    }
}

#[test]
fn every_form_is_protected_against_forgery() {
    for (name, html, _) in samples() {
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let tokens = form.matches("name=\"canary\" value=\"canary-").count()
                + form.matches("name=\"csrf\" value=\"csrf-").count();
            let own = form.contains("method=\"post\"") && name != "form-post";
            assert_eq!(tokens, usize::from(own), "{name}: {form}");
            assert!(own || form.contains("method=\"get\"") || name == "form-post", "{name}: {form}");
            assert_eq!(form.contains("name=\"canary\""), form.contains("name=\"step\""), "{name}: {form}");
        }
        for token in ["canary-of-the-browser", "csrf-token-of-the-session"] {
            for attribute in ["href=\"", "action=\"", "src=\""] {
                assert!(
                    between(&html, attribute, '"').all(|url| !url.contains(token)),
                    "{name}: a token in an address"
                );
            }
        }
    }
}

#[test]
fn every_page_works_with_keyboard_and_screen_reader() {
    for (name, html, _) in samples() {
        let ids: Vec<&str> = between(&html, " id=\"", '"').collect();
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: an ID is used twice");
        let references = [
            "<label for=\"",
            "aria-labelledby=\"",
            "aria-describedby=\"",
            "data-reveal=\"",
            "data-copy=\"",
            "data-autofill=\"",
            "data-same-as=\"",
            "href=\"#",
        ];
        for list in references.iter().flat_map(|reference| between(&html, reference, '"')) {
            for id in list.split(' ') {
                assert!(unique.contains(id), "{name}: {id:?} does not exist");
            }
        }
        let labels: BTreeSet<&str> = between(&html, " for=\"", '"').collect();
        for field in ["<input ", "<select ", "<textarea "].iter().flat_map(|start| between(&html, start, '>'))
        {
            if field.contains("type=\"hidden\"") || field.contains("aria-hidden=\"true\"") {
                continue;
            }
            let id =
                between(field, "id=\"", '"').next().unwrap_or_else(|| panic!("{name}: {field} has no ID"));
            assert!(labels.contains(id), "{name}: {id} has no label");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert!(html.matches(" autofocus").count() <= 1, "{name}");
        for part in [
            "<html lang=\"en\">",
            "aria-live=\"polite\"",
            "class=\"skip\" href=\"#main\"",
            "width=device-width",
            "<main id=\"main\"",
        ] {
            assert!(html.contains(part), "{name}: {part}");
        }
        for button in html.split("<button ").skip(1) {
            let (tag, text) = button.split_once('>').unwrap();
            assert!(tag.contains("type=\"") && !text.starts_with("</button>"), "{name}: {tag}");
        }
    }
}

/// Brokers take these for a page that sends itself (idp-wire §1.7).
#[test]
fn no_page_looks_to_a_broker_like_one_that_sends_itself() {
    for (name, html, _) in samples() {
        for banned in ["Working...", "Click Submit to continue", "<input type=\"submit\""] {
            assert!(!html.contains(banned), "{name}: {banned}");
        }
    }
}

#[test]
fn secrets_are_on_their_page_and_not_in_debug_output() {
    let page = UserPage::sample();
    assert!(page.render().unwrap().contains("k7&#38;Rt&#60;b&#62;w9x2"));
    let debug = format!("{page:?} {:?} {:?}", AppPage::sample(), PasswordPage::sample());
    for secret in ["k7&Rt", "q8~8Q", "csrf-token", "canary-of", "flow-token", "ctx-of"] {
        assert!(!debug.contains(secret), "{secret}");
    }
}

/// Writes the pages, their policies and the files that they load, if asked to. Serve the folder at the root of some port.
#[test]
fn preview() {
    let Some(folder) = std::env::var_os("LATCHKEY_IDP_PAGES").map(PathBuf::from) else { return };
    std::fs::create_dir_all(folder.join("static")).unwrap();
    for (name, html, policy) in samples() {
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
        std::fs::write(folder.join(format!("{name}.csp")), policy.header()).unwrap();
    }
    for file in ASSETS {
        std::fs::write(folder.join("static").join(file.name), file.text).unwrap();
    }
}
