//! A user of an organisation who signs in at the identity provider's pages, over HTTP, whenever `latchkey` asks for it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::http::{Answer, Connection};
use crate::people::AppHolder;
use crate::process::run_attended;
use crate::totp::App;
use crate::visitor::Visitor;

/// No sign-in has more pages.
const PAGES: usize = 12;

/// The person: a password and an authenticator app.
#[derive(Debug)]
pub struct Employee {
    /// The user name.
    pub name: String,
    password: String,
    app: App,
    /// Whether they type the app's code, or give up where it is asked for.
    pub has_phone: bool,
}

impl Employee {
    /// Somebody whom [`crate::people::settle`] made.
    #[must_use]
    pub fn new(who: &AppHolder, password: &str) -> Self {
        let app = App::scan(&who.link);
        Self { name: who.name.clone(), password: password.to_owned(), app, has_phone: true }
    }

    /// Opens the page that the program printed, signs in, and goes where the provider sends the browser back to.
    ///
    /// # Panics
    /// When a page asks for what the person does not have.
    pub fn sign_in(&mut self, url: &str) {
        let (port, path) = taken_apart(url);
        let mut visitor = Visitor::new(Connection::open(port).expect("the provider listens"));
        let mut page = visitor.get(&path).expect("a page");
        for _ in 0..PAGES {
            if let Some(location) = page.header("location").map(str::to_owned) {
                let (next, path) = taken_apart(&location);
                if next != port {
                    let back = Connection::open(next).and_then(|mut program| program.get(&path, &[]));
                    assert_eq!(back.expect("the program listens").status, 200, "it takes the answer");
                    return;
                }
                page = visitor.get(&path).expect("a page");
                continue;
            }
            page = self.answer(&mut visitor, &page);
        }
        panic!("the sign-in does not end: {}", page.text());
    }

    /// The same with a code on any device.
    ///
    /// # Panics
    /// As [`Employee::sign_in`].
    pub fn type_code(&mut self, url: &str, code: &str) {
        let (port, path) = taken_apart(url);
        let mut visitor = Visitor::new(Connection::open(port).expect("the provider listens"));
        let page = visitor.get(&path).expect("a page");
        let mut page = visitor.submit(&page, "device-code", &[("otc", code)]).expect("a page");
        for _ in 0..PAGES {
            if page.text().contains("data-accepted=\"true\"") {
                return;
            }
            page = self.answer(&mut visitor, &page);
        }
        panic!("the sign-in does not end: {}", page.text());
    }

    fn answer(&mut self, visitor: &mut Visitor, page: &Answer) -> Answer {
        let html = page.text();
        let asks = |form: &str| html.contains(&format!("id=\"{form}-form\""));
        let code;
        let (step, fields) = if asks("user") {
            ("user", ("loginfmt", self.name.as_str()))
        } else if asks("password") {
            ("password", ("passwd", self.password.as_str()))
        } else if asks("code") && self.has_phone {
            code = self.app.code();
            ("code", ("otc", code.as_str()))
        } else if asks("new-passkey") {
            ("new-passkey", ("answer", "later"))
        } else if asks("device-confirm") {
            ("device-confirm", ("answer", "accept"))
        } else if asks("stay") {
            ("stay", ("LoginOptions", "3"))
        } else {
            panic!("nobody knows what to do at this page ({}): {html}", page.status)
        };
        visitor.submit(page, step, &[fields]).expect("a page")
    }

    /// Runs a command of `latchkey` to its end; `input` goes to its standard input. Whenever it says on standard error where
    /// to sign in, the person does.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn operate(&mut self, command: Command, input: &str) -> Output {
        run_attended(command, input, |line| {
            let told: Value = serde_json::from_str(line).unwrap_or_default();
            if let Some(url) = told["open"].as_str() {
                self.sign_in(url);
            }
            if let (Some(page), Some(code)) = (told["page"].as_str(), told["code"].as_str()) {
                self.type_code(page, code);
            }
        })
    }
}

/// Port and path of a URL on this machine.
fn taken_apart(url: &str) -> (u16, String) {
    let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("{url} is no URL"));
    let (host, path) = rest.split_once('/').unwrap_or_else(|| rest.split_once('?').unwrap_or((rest, "")));
    let port = host.rsplit(':').next().and_then(|port| port.parse().ok());
    let path = if rest.contains('/') { format!("/{path}") } else { format!("/?{path}") };
    (port.unwrap_or_else(|| panic!("{url} has no port")), path)
}
