//! A computer that is signed in at its organisation: the extension brings its token to the provider's pages, and nobody is
//! asked anything.

use latchkey_tests::browser::popup;
use serde_json::Value;

use crate::desk::PIN;
use crate::identity::Organization;

impl Organization {
    fn join(&mut self) -> Value {
        let url = self.idp.place.url.clone();
        let arguments = ["device", "join", "--idp", &url, "--pin-stdin"];
        let input = format!("{PIN}\n");
        self.person.operate(&self.desk.browser, (&self.desk.home, &arguments), &input, |_| ())
    }

    fn sign_in_with_the_pin(&self) {
        let told = self.desk.home.json(&["signin", "--pin-stdin"], &format!("{PIN}\n"));
        assert!(told["device"]["prt"]["expires"].is_u64(), "{told}");
    }

    fn press_sign_in(&self) {
        self.desk.open("/");
        self.desk.browser.click("#signin-identity");
    }

    fn credential(&self, origin: &str) -> Result<Value, Value> {
        let mut host = latchkey_tests::native_host::NativeHost::start(&self.desk.home);
        host.ask("credential", serde_json::json!({ "origin": origin }))
    }
}

#[test]
fn a_signed_in_computer_signs_in_on_the_site_and_a_signed_out_one_is_asked() {
    let mut organization = Organization::new(false);
    organization.set_up();
    let joined = organization.join();
    assert!(joined["device"]["key"]["kid"].is_string(), "{joined}");
    organization.forget_the_session();
    organization.press_sign_in();
    organization.desk.browser.expect_count("#user-form", 1);

    organization.sign_in_with_the_pin();
    organization.desk.browser.open(&popup());
    organization.desk.browser.expect("#devices", "Signed in");
    let _earlier = organization.desk.prompter.asked();
    organization.press_sign_in();
    organization.desk.browser.expect("#account-user", "admin@example.org");
    assert_eq!(organization.desk.prompter.asked(), Vec::<Value>::new(), "nobody was asked for a PIN");

    let url = organization.idp.place.url.clone();
    let credential = organization.credential(&url).expect("it is signed in there");
    assert!(credential["credential"].as_str().is_some_and(|text| text.split('.').count() == 3));
    for stranger in
        ["https://evil.test", "http://localhost:1", &format!("{url}.evil.test"), &format!("{url}/")]
    {
        let refused = organization.credential(stranger).expect_err("nobody is signed in there");
        assert!(!refused.to_string().contains(credential["credential"].as_str().unwrap_or("?")), "{refused}");
    }

    organization.desk.browser.click("#signout-here");
    let _out = organization.desk.home.json(&["signout"], "");
    assert!(organization.credential(&url).is_err());
    organization.forget_the_session();
    organization.press_sign_in();
    organization.desk.browser.expect_count("#user-form", 1);
}
