//! Passkeys at the user name field: the extension offers them where Chromium does not carry conditional requests to it.

use latchkey_tests::browser::popup;
use serde_json::json;

use crate::desk::Desk;

const FIELD: &str = "#signin-username";
/// The list's element; what is in it stays hidden from pages, and so from the test.
const LIST: &str = "html > div[popover]";
const DOWN: char = '\u{E015}';
const ESCAPE: char = '\u{E00C}';
const ENTER: char = '\u{E007}';

/// A conditional request of a page's own, with the page's way to call it off.
const REQUEST: &str = "
    globalThis.stop = new AbortController();
    globalThis.ended = 'waiting';
    navigator.credentials.get({ mediation: 'conditional', signal: stop.signal, publicKey: {
        rpId: 'localhost', challenge: new Uint8Array(32).fill(2), userVerification: 'required' } })
      .then(() => globalThis.ended = 'signed in', (error) => globalThis.ended = error.name);
";

impl Desk {
    /// Opens the sign-in page, and the list of its user name field.
    fn open_list(&self) {
        self.open("/");
        self.browser.expect("#signin-passkey", "");
        self.browser.click("h1");
        self.browser.expect_count(LIST, 0);
        self.browser.click(FIELD);
        self.browser.expect_count(LIST, 1);
    }

    fn available(&self) -> bool {
        self.browser.script("return await PublicKeyCredential.isConditionalMediationAvailable()") == true
    }
}

#[test]
fn a_passkey_is_chosen_at_the_user_name_field() {
    let desk = Desk::new();
    desk.register("ann");
    desk.sign_out();
    let _registered = desk.prompter.asked();
    desk.open_list();
    desk.browser.screenshot(&desk.folder.path().join("list.png"));
    desk.browser.press(&[DOWN, ENTER]);
    desk.browser.expect("#account-user", "ann");
    let asked = desk.prompter.asked();
    assert!(asked.len() == 1 && asked[0]["rp_id"] == "localhost" && asked[0]["want"] == "pin", "{asked:?}");
}

#[test]
fn a_passkey_is_chosen_by_name_while_the_list_of_the_popup_is_at_hand() {
    let desk = Desk::new();
    for user in ["ann", "bob"] {
        desk.register(user);
        desk.sign_out();
    }
    desk.browser.open(&popup());
    desk.browser.click("#show-passkeys");
    desk.browser.expect("#passkeys", "bob");
    // The extension's own page is another host: no script on it learns of this site's passkeys.
    let asked = "return await chrome.runtime.sendMessage({ page: 'passkeys', rpId: 'localhost' })";
    assert_eq!(desk.browser.script(asked), json!(null));
    let shown = desk
        .browser
        .script("return [...document.querySelectorAll('#passkeys .account')].map((n) => n.textContent)");
    let bob =
        shown.as_array().and_then(|all| all.iter().position(|name| name == "bob")).expect("bob is there");
    let _before = desk.prompter.asked();
    desk.open_list();
    desk.browser.screenshot(&desk.folder.path().join("names.png"));
    desk.browser.press(&[DOWN].repeat(bob + 1));
    desk.browser.press(&[ENTER]);
    desk.browser.expect("#account-user", "bob");
    let asked = desk.prompter.asked();
    assert!(asked.iter().all(|prompt| prompt["want"] == "pin"), "nothing is left to choose: {asked:?}");
}

#[test]
fn the_list_gives_way_and_comes_back() {
    let desk = Desk::new();
    desk.open_list();
    desk.browser.press(&[ESCAPE]);
    desk.browser.expect_count(LIST, 0);
    desk.browser.click(FIELD);
    desk.browser.expect_count(LIST, 1);
    desk.browser.press(&[DOWN, ESCAPE]);
    desk.browser.expect_count(LIST, 0);
    let focused = desk.browser.script("return document.activeElement.id");
    assert_eq!(focused, "signin-username", "Escape gives the focus back to the field");
    desk.browser.click(FIELD);
    desk.browser.expect_count(LIST, 1);
    desk.browser.press(&['a']);
    desk.browser.expect_count(LIST, 0);
    // Whoever cancels the prompt may choose again: the request of the page goes on.
    desk.open_list();
    desk.prompter.next(r#"{"deny":true}"#);
    desk.browser.press(&[DOWN, ENTER]);
    desk.browser.expect_count(LIST, 1);
    desk.browser.screenshot(&desk.folder.path().join("again.png"));
}

#[test]
fn a_page_calls_its_request_off() {
    let desk = Desk::new();
    desk.open("/register");
    // The field of this page takes no passkeys: nothing is shown there.
    let _begun = desk.browser.script(REQUEST);
    desk.browser.click("#register-username");
    let _as_one_that_does = desk.browser.script("document.getElementById('register-username').blur(); document.getElementById('register-username').autocomplete = 'username webauthn'");
    assert_eq!(desk.browser.count(LIST), 0);
    desk.browser.click("#register-username");
    desk.browser.expect_count(LIST, 1);
    let _newer = desk.browser.script(&format!("const first = ended; {REQUEST} return first"));
    assert_eq!(
        desk.browser.script(
            "stop.abort(); while (ended === 'waiting') await new Promise((go) => setTimeout(go, 10)); return ended"
        ),
        "AbortError"
    );
    desk.browser.expect_count(LIST, 0);
    desk.browser.click("#register-hint");
    desk.browser.click("#register-username");
    desk.open("/");
}

#[test]
fn only_an_attached_extension_offers_anything() {
    let desk = Desk::new();
    assert!(desk.available());
    // The way between the two scripts of the extension is taken: a page that calls is not heard.
    let heard = "let heard = 0; addEventListener('latchkey-port', () => heard++); dispatchEvent(new Event('latchkey-page')); return heard";
    assert_eq!(desk.browser.script(heard), 0);
    assert_eq!(desk.browser.script("return typeof chrome?.runtime?.sendMessage"), "undefined");
    desk.browser.open(&popup());
    desk.browser.click("#attached");
    desk.browser.expect_count("#attached:not(:checked):enabled", 1);
    desk.open("/");
    let native = desk.browser.script("return await PublicKeyCredential.isConditionalMediationAvailable()");
    desk.browser.click(FIELD);
    assert_eq!(desk.browser.count(LIST), 0, "the browser's own answer was {native}");
}
