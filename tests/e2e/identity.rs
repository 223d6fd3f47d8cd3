//! "Sign in with Latchkey ID": the demo site, the identity provider, the extension and the daemon, all real.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use latchkey_tests::browser::Browser;
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::person::Person;
use latchkey_tests::programs;
use latchkey_tests::site::{Site, SiteIdp};

use crate::desk::Desk;

/// A desk, and the provider that its site sends people to.
pub struct Organization {
    pub desk: Desk,
    pub idp: Idp,
    pub person: Person,
}

impl Organization {
    pub fn new(wants_passkey: bool) -> Self {
        let mut idp = None;
        let desk = Desk::with(|folder, site_port| {
            let place = IdpPlace::local(&folder.join("idp"), programs::free_port());
            let site = place.add_site(&format!("http://localhost:{site_port}"), &folder.join("secret"));
            idp = Some(Idp::start(&place, &folder.join("log")));
            Some(site)
        });
        let note = desk.folder.path().join("person.json");
        let mut person = Person::known(note, "admin@example.org", "seven-quiet-herons-wade");
        person.wants_passkey = wants_passkey;
        Self { desk, idp: idp.expect("it was started"), person }
    }

    /// Opens the first administrator's link, sets up a way to sign in, and signs out again.
    pub fn set_up(&mut self) {
        let link = self.idp.place.first_link.clone().expect("init prints it");
        self.desk.browser.open(&link);
        let asked = self.idp.place.url.clone();
        let done =
            |browser: &Browser| !browser.url().contains("/welcome") && browser.url().starts_with(&asked);
        self.carry_on(done);
        self.forget_the_session();
    }

    /// Ends the browser's session at the provider.
    pub fn forget_the_session(&mut self) {
        let out = format!("{}/{}/oauth2/v2.0/logout", self.idp.place.url, self.idp.place.tenant);
        self.desk.browser.open(&out);
        self.carry_on(|browser| browser.count("#signed-out") > 0);
    }

    fn sign_in(&mut self) {
        self.desk.open("/");
        self.desk.browser.click("#signin-identity");
        self.carry_on(|browser| browser.count("#identity-how") > 0);
        self.desk.browser.expect("#account-user", "admin@example.org");
        self.desk.browser.expect("#identity-how", "signed in with Latchkey ID");
        self.desk.browser.expect("#identity-provider", "id.localhost");
    }

    fn sign_out_everywhere(&mut self) {
        self.desk.browser.click("#signout-everywhere");
        self.carry_on(|browser| browser.count("#signin-identity") > 0);
        self.desk.browser.expect("#message", "signed out here and at Latchkey ID");
        // The provider asks again, so its session is over.
        self.desk.browser.click("#signin-identity");
        self.desk.browser.expect_count("#user-form", 1);
    }

    fn carry_on(&mut self, done: impl Fn(&Browser) -> bool) {
        self.person.carry_on(&self.desk.browser, done, |_| ());
    }
}

#[test]
fn a_person_signs_in_with_password_and_code_and_out_of_both() {
    let mut organization = Organization::new(false);
    organization.set_up();
    organization.sign_in();
    // Out of the site only: the provider still knows them, and asks for nothing.
    organization.desk.browser.click("#signout-here");
    organization.desk.browser.click("#signin-identity");
    organization.desk.browser.expect("#account-user", "admin@example.org");
    organization.sign_out_everywhere();
}

#[test]
fn a_person_signs_in_with_a_passkey_from_the_list_at_the_providers_user_name_field() {
    let mut organization = Organization::new(true);
    organization.set_up();
    assert!(organization.person.passkey, "the link led to a passkey");
    organization.sign_in();
    let asked = organization.desk.prompter.asked();
    assert!(asked.iter().all(|prompt| prompt["rp_id"] == "id.localhost"), "{asked:?}");
    organization.sign_out_everywhere();
}

#[test]
fn the_site_trusts_the_providers_own_ca_when_told_to() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name);
    let place = IdpPlace::init(folder.path(), programs::free_port());
    let _idp = Idp::start(&place, &at("log"));
    let port = programs::free_port();
    let known = place.add_site(&format!("http://localhost:{port}"), &at("secret"));
    assert!(known.ca.is_some());
    for (idp, answer) in [
        (known.clone(), format!("location: {}/{}/oauth2/v2.0/authorize?", place.url, place.tenant)),
        (SiteIdp { ca: None, ..known }, "data-code=\"identity-unreachable\"".to_owned()),
    ] {
        let site = Site::start(&at("site.db"), port, Some(&idp), &at("log"));
        let said = press_the_button(port);
        assert!(said.contains(&answer), "{answer} is not in {said}");
        drop(site);
    }
}

/// Opens the start page and sends its form, without a browser. Returns the answer, head and body.
fn press_the_button(port: u16) -> String {
    let page = exchange(port, "GET / HTTP/1.1\r\n", "");
    let between = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap_or_else(|| panic!("{start} is not in {page}"));
        rest.split(end).next().unwrap_or_default().to_owned()
    };
    let cookie = between("set-cookie: ", ";");
    let body = format!("csrf={}", between("name=\"csrf-token\" content=\"", "\""));
    let head = format!(
        "POST /identity/sign-in HTTP/1.1\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n",
        body.len()
    );
    exchange(port, &head, &body)
}

fn exchange(port: u16, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the site listens");
    write!(stream, "{head}Host: localhost\r\nConnection: close\r\n\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}
