//! A user of an organisation who signs in at the identity provider's pages, over HTTP, whenever `latchkey` asks for it.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{Answer, Connection, Line};
use crate::people::AppHolder;
use crate::process::run_attended;
use crate::totp::App;
use crate::visitor::Visitor;

/// No sign-in has more pages.
const PAGES: usize = 12;

/// The person: a password with an authenticator app, or a Temporary Access Pass.
#[derive(Debug)]
pub struct Employee {
    /// The user name.
    pub name: String,
    password: String,
    app: Option<App>,
    /// A pass, which they use where they have one: it is two factors, and no wait for the next code.
    pub pass: Option<String>,
    /// The file with the CA that their browser trusts, for a provider over https.
    pub ca: Option<PathBuf>,
    /// Whether the device that shows a code is theirs.
    pub owns_device: bool,
    /// How long all their sign-ins have taken.
    pub took: Duration,
}

/// Their browser.
pub type Browser = Visitor<Box<dyn Line>>;

impl Employee {
    /// Somebody whom [`crate::people::settle`] made.
    #[must_use]
    pub fn new(who: &AppHolder, password: &str) -> Self {
        let (app, password) = (Some(App::scan(&who.link)), password.to_owned());
        Self {
            name: who.name.clone(),
            password,
            app,
            pass: None,
            ca: None,
            owns_device: true,
            took: Duration::ZERO,
        }
    }

    /// Somebody who has a pass and nothing else.
    #[must_use]
    pub fn with_pass(name: &str, pass: String) -> Self {
        let (name, password) = (name.to_owned(), String::new());
        Self {
            name,
            password,
            app: None,
            pass: Some(pass),
            ca: None,
            owns_device: true,
            took: Duration::ZERO,
        }
    }

    /// Types codes again that were typed before, to a provider that has forgotten them.
    pub const fn forget_codes(&mut self) {
        if let Some(app) = &mut self.app {
            app.forget_shown();
        }
    }

    /// Opens the page that the program printed, signs in, and goes where the provider sends the browser back to.
    ///
    /// # Panics
    /// When a page asks for what the person does not have.
    pub fn sign_in(&mut self, url: &str) {
        let (port, path) = taken_apart(url);
        let (_browser, last) = self.go(port, &path);
        let location = last.header("location").unwrap_or_else(|| unanswerable(&last)).to_owned();
        let (program, path) = taken_apart(&location);
        let back = Connection::open(program).and_then(|mut program| program.get(&path, &[]));
        assert_eq!(back.expect("the program listens").status, 200, "it takes the answer");
    }

    /// Opens a page of the provider at `port`, signs in where that is asked for, and stays on the page.
    ///
    /// # Panics
    /// As [`Employee::sign_in`].
    pub fn visit(&mut self, port: u16, path: &str) -> (Browser, Answer) {
        let (browser, page) = self.go(port, path);
        assert_eq!(page.status, 200, "{}", page.text());
        (browser, page)
    }

    /// Goes on until a page asks for nothing, or the browser is sent to another port.
    fn go(&mut self, port: u16, path: &str) -> (Browser, Answer) {
        let mut browser = self.browser(port);
        let mut page = browser.get(path).expect("a page");
        for _ in 0..PAGES {
            page = match page.header("location").map(str::to_owned) {
                Some(path) if path.starts_with('/') => browser.get(&path).expect("a page"),
                Some(location) => match taken_apart(&location) {
                    (next, path) if next == port => browser.get(&path).expect("a page"),
                    _elsewhere => return (browser, page),
                },
                None => match self.answer(&mut browser, &page) {
                    Some(next) => next,
                    None => return (browser, page),
                },
            };
        }
        panic!("the sign-in does not end: {}", page.text());
    }

    /// The same with a code on any device.
    ///
    /// # Panics
    /// As [`Employee::sign_in`].
    pub fn type_code(&mut self, url: &str, code: &str) {
        let (port, path) = taken_apart(url);
        let mut visitor = self.browser(port);
        let page = visitor.get(&path).expect("a page");
        let mut page = visitor.submit(&page, "device-code", &[("otc", code)]).expect("a page");
        for _ in 0..PAGES {
            if page.text().contains("data-accepted=") {
                return;
            }
            page = self.answer(&mut visitor, &page).unwrap_or_else(|| unanswerable(&page));
        }
        panic!("the sign-in does not end: {}", page.text());
    }

    fn browser(&self, port: u16) -> Browser {
        Visitor::new(Connection::open_as(port, self.ca.as_deref()).expect("the provider listens"))
    }

    /// Sends what a page asks for; nothing where it asks for nothing.
    fn answer(&mut self, visitor: &mut Browser, page: &Answer) -> Option<Answer> {
        let html = page.text();
        let asks = |form: &str| html.contains(&format!("name=\"step\" value=\"{form}\""));
        let code;
        let (step, fields) = if asks("user") {
            ("user", ("loginfmt", self.name.as_str()))
        } else if asks("pass") {
            ("pass", ("accesspass", self.pass.as_deref()?))
        } else if asks("password") && self.pass.is_some() {
            ("way", ("way", "pass"))
        } else if asks("password") {
            ("password", ("passwd", self.password.as_str()))
        } else if asks("code") {
            code = self.app.as_mut()?.code();
            ("code", ("otc", code.as_str()))
        } else if asks("new-passkey") {
            ("new-passkey", ("answer", "later"))
        } else if asks("device-confirm") {
            ("device-confirm", ("answer", if self.owns_device { "accept" } else { "decline" }))
        } else if asks("stay") {
            ("stay", ("LoginOptions", "3"))
        } else {
            return None;
        };
        Some(visitor.submit(page, step, &[fields]).expect("a page"))
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
            let begin = Instant::now();
            if let Some(url) = told["open"].as_str() {
                self.sign_in(url);
            }
            if let (Some(page), Some(code)) = (told["page"].as_str(), told["code"].as_str()) {
                self.type_code(page, code);
            }
            self.took += begin.elapsed();
        })
    }
}

fn unanswerable<T>(page: &Answer) -> T {
    panic!("nobody knows what to do at this page ({}): {}", page.status, page.text())
}

/// Port and path of a URL on this machine.
fn taken_apart(url: &str) -> (u16, String) {
    let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("{url} is no URL"));
    let (host, path) = rest.split_once('/').unwrap_or_else(|| rest.split_once('?').unwrap_or((rest, "")));
    let port = host.rsplit(':').next().and_then(|port| port.parse().ok());
    let path = if rest.contains('/') { format!("/{path}") } else { format!("/?{path}") };
    (port.unwrap_or_else(|| panic!("{url} has no port")), path)
}
