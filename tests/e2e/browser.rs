//! The whole path in headless Chromium: page, extension, native messaging, client, daemon, container, emulated TPM.

use std::path::Path;

use latchkey_tests::browser::popup;

use crate::desk::{Desk, PIN};

impl Desk {
    /// Runs a script in the page and returns `Name` of the error it rejects with.
    fn rejected(&self, call: &str) -> String {
        let body = format!(
            "{HELPERS} try {{ await ({call}); return 'nothing' }} catch (error) {{ return error.name }}"
        );
        self.browser.script(&body).as_str().unwrap_or_default().to_owned()
    }
}

/// Calls of the page's own that do not go through the site.
const HELPERS: &str = "
    const bytes = (length, value) => new Uint8Array(length).fill(value);
    const registration = (changes) => navigator.credentials.create({ publicKey: {
        rp: { name: 'Test', id: 'localhost' }, user: { id: bytes(16, 7), name: 'ann', displayName: 'Ann' },
        challenge: bytes(32, 1), pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' }, ...changes } });
    const signIn = (changes) => navigator.credentials.get({ publicKey: {
        rpId: 'localhost', challenge: bytes(32, 2), userVerification: 'required', ...changes } });
    const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
";

#[test]
fn a_person_registers_signs_in_and_manages_passkeys_on_the_demo_site() {
    let desk = Desk::new();
    desk.register("ann");
    assert_eq!(desk.browser.count(".passkey-name"), 1);
    desk.browser.expect("#passkey-list", "Latchkey (virtual TPM)");
    desk.sign_out();
    desk.browser.click("#signin-passkey");
    desk.browser.expect("#account-user", "ann");
    let prompts = desk.prompter.asked();
    assert!(
        prompts.iter().all(|prompt| prompt["rp_id"] == "localhost" && prompt["want"] == "pin"),
        "each prompt names the relying party and wants the PIN: {prompts:?}"
    );
    assert!(prompts[0]["text"].as_str().unwrap_or_default().contains("ann"), "{prompts:?}");
    desk.sign_out();
    desk.browser.fill("#signin-username", "ann");
    desk.browser.click("#signin-submit");
    desk.browser.expect("#account-user", "ann");
    let listed = desk.home.json(&["passkeys", "list", "--pin-stdin"], &format!("{PIN}\n"));
    assert_eq!(listed["passkeys"].as_array().map(Vec::len), Some(1), "{listed}");
}

#[test]
fn a_wrong_pin_is_said_and_a_denied_prompt_reaches_the_page() {
    let desk = Desk::new();
    desk.prompter.next_pin("wrong-pin-99");
    desk.register("ann");
    let asked = desk.prompter.asked();
    let notice = asked.iter().find_map(|prompt| prompt["notice"].as_str());
    assert!(
        notice.is_some_and(|notice| notice.contains('7')),
        "the second prompt says how many tries are left: {asked:?}"
    );
    desk.sign_out();
    desk.prompter.next(r#"{"deny":true}"#);
    desk.browser.click("#signin-passkey");
    // Until the page has heard of it the request is pending, and Chromium refuses a second one.
    desk.browser.expect("#message", "You are not signed in");
    assert_eq!(desk.rejected_after_denial(), "NotAllowedError");
}

impl Desk {
    fn rejected_after_denial(&self) -> String {
        self.prompter.next(r#"{"deny":true}"#);
        self.rejected("registration({})")
    }
}

#[test]
fn errors_have_the_names_that_pages_expect() {
    let desk = Desk::new();
    assert_eq!(desk.rejected("registration({ rp: { name: 'Evil', id: 'example.org' } })"), "SecurityError");
    assert_eq!(
        desk.rejected("registration({ pubKeyCredParams: [{ type: 'public-key', alg: -65535 }] })"),
        "NotSupportedError"
    );
    let excluded = "registration({}).then((made) => registration({ excludeCredentials: [{ type: 'public-key', id: made.rawId }] }))";
    assert_eq!(desk.rejected(excluded), "InvalidStateError");
    let unknown = "signIn({ allowCredentials: [{ type: 'public-key', id: bytes(32, 9) }] })";
    assert_eq!(desk.rejected(unknown), "NotAllowedError");
}

#[test]
fn a_page_that_changes_its_mind_ends_the_prompt() {
    let desk = Desk::new();
    desk.prompter.next("hold");
    let aborted = "(() => { const stop = new AbortController(); setTimeout(() => stop.abort(), 1500); \
        return navigator.credentials.create({ signal: stop.signal, publicKey: { rp: { name: 'Test', id: 'localhost' }, \
        user: { id: bytes(16, 7), name: 'ann', displayName: 'Ann' }, challenge: bytes(32, 1), \
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }] } }) })()";
    assert_eq!(desk.rejected(aborted), "AbortError");
    desk.register("ann");
}

#[test]
fn extensions_work_from_the_page() {
    let desk = Desk::new();
    let body = format!(
        "{HELPERS}
        const blob = crypto.getRandomValues(new Uint8Array(2048));
        const made = await registration({{ extensions: {{ credProps: true, prf: {{ eval: {{ first: bytes(32, 1) }} }},
            largeBlob: {{ support: 'required' }}, credBlob: bytes(20, 5), minPinLength: true,
            credentialProtectionPolicy: 'userVerificationRequired', enforceCredentialProtectionPolicy: true }} }});
        const allowCredentials = [{{ type: 'public-key', id: made.rawId }}];
        const ask = async (extensions) =>
            (await signIn({{ allowCredentials, extensions }})).getClientExtensionResults();
        const prf = async (salt) => hex((await ask({{ prf: {{ eval: {{ first: bytes(32, salt) }} }} }})).prf.results.first);
        const results = made.getClientExtensionResults();
        const written = await ask({{ largeBlob: {{ write: blob }} }});
        const read = await ask({{ largeBlob: {{ read: true }}, getCredBlob: true }});
        return {{ made: results, atOnce: hex(results.prf.results.first), same: await prf(1), other: await prf(2),
            written, same_blob: hex(read.largeBlob.blob) === hex(blob),
            credBlob: read.getCredBlob ? hex(read.getCredBlob) : null }};"
    );
    let results = desk.browser.script(&body);
    assert_eq!(results["made"]["credProps"]["rk"], true, "{results}");
    assert_eq!(results["made"]["prf"]["enabled"], true, "{results}");
    assert_eq!(results["made"]["largeBlob"]["supported"], true, "{results}");
    assert_eq!(results["atOnce"].as_str().map(str::len), Some(64), "{results}");
    assert_eq!(results["atOnce"], results["same"], "what was told at registration");
    assert_ne!(results["same"], results["other"], "another salt gives another secret");
    assert_eq!(results["written"]["largeBlob"]["written"], true, "{results}");
    assert_eq!(results["same_blob"], true, "{results}");
    assert_eq!(results["made"]["credBlob"], true, "{results}");
    assert_eq!(results["credBlob"], "05".repeat(20), "{results}");
    let listed = desk.home.json(&["passkeys", "list", "--pin-stdin"], &format!("{PIN}\n"));
    let passkey = &listed["passkeys"][0];
    assert_eq!(passkey["extensions"], serde_json::json!(["prf", "credBlob", "largeBlob"]), "{listed}");
}

#[test]
fn the_popup_shows_the_state_of_the_container() {
    let desk = Desk::new();
    desk.register("ann");
    desk.browser.open(&popup());
    desk.browser.expect("body", "1 passkey");
    desk.browser.screenshot(Path::new(&desk.folder.path().join("popup.png")));
}
