//! Firefox, driven through Marionette, the remote protocol that it speaks itself: a length, a colon, and JSON.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::browser::patience;
use crate::process::Process;

/// What keeps Firefox quiet and off the network; it chooses Marionette's port and says it in [`PORT`].
const PREFERENCES: &str = r#"
user_pref("marionette.port", 0);
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,nowhere");
user_pref("toolkit.telemetry.enabled", false);
"#;
/// The file in the profile that names Marionette's port.
const PORT: &str = "MarionetteActivePort";
/// The key under which `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const POLL: Duration = Duration::from_millis(50);

/// A window of Firefox. Stopped on drop.
#[derive(Debug)]
pub struct Firefox {
    marionette: RefCell<Marionette>,
    _process: Process,
}

impl Firefox {
    /// Starts headless Firefox on the profile folder `profile`, which is made.
    #[must_use]
    pub fn start(profile: &Path, log: &Path) -> Self {
        fs::create_dir_all(profile).expect("a profile's folder can be made");
        fs::write(profile.join("user.js"), PREFERENCES).expect("preferences can be written");
        let mut command = Command::new("firefox-esr");
        command.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(profile);
        let mut process = Process::start("firefox-esr", command, log);
        let port = until("Firefox says where it listens", || {
            assert!(process.ended().is_none(), "Firefox ended:\n{}", process.output());
            fs::read_to_string(profile.join(PORT)).ok()?.trim().parse().ok()
        });
        let mut marionette = Marionette::connect(port);
        let _session = marionette.call("WebDriver:NewSession", &json!({})).expect("Firefox opens a session");
        Self { marionette: RefCell::new(marionette), _process: process }
    }

    /// Opens `url`.
    pub fn open(&self, url: &str) {
        let opened = self.call("WebDriver:Navigate", &json!({ "url": url }));
        opened.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// Types `text` into the field that the CSS selector names.
    pub fn fill(&self, css: &str, text: &str) {
        let field = self.find(css);
        let typed = self.call("WebDriver:ElementSendKeys", &json!({ "id": field, "text": text }));
        typed.unwrap_or_else(|error| panic!("{css} takes no text: {error}"));
    }

    /// Clicks what the CSS selector names.
    pub fn click(&self, css: &str) {
        let clicked = self.call("WebDriver:ElementClick", &json!({ "id": self.find(css) }));
        clicked.unwrap_or_else(|error| panic!("{css} cannot be clicked: {error}"));
    }

    /// Waits until what the CSS selector names shows `text`.
    ///
    /// # Panics
    /// When it does not in time; the message shows what the page says instead.
    pub fn expect(&self, css: &str, text: &str) {
        let start = Instant::now();
        while !self.shown(css).is_some_and(|shown| shown.contains(text)) {
            let page = || self.shown("body").unwrap_or_default();
            assert!(start.elapsed() < patience(), "{css} does not show {text:?}; the page says:\n{}", page());
            sleep(POLL);
        }
    }

    fn shown(&self, css: &str) -> Option<String> {
        let found = self.call("WebDriver:FindElement", &by(css)).ok()?;
        let shown = self.call("WebDriver:GetElementText", &json!({ "id": element(&found) })).ok()?;
        shown["value"].as_str().map(str::to_owned)
    }

    fn find(&self, css: &str) -> Value {
        until(css, || self.call("WebDriver:FindElement", &by(css)).ok().map(|found| element(&found)))
    }

    fn call(&self, command: &str, parameters: &Value) -> Result<Value, Value> {
        self.marionette.borrow_mut().call(command, parameters)
    }
}

fn by(css: &str) -> Value {
    json!({ "using": "css selector", "value": css })
}

fn element(found: &Value) -> Value {
    found["value"][ELEMENT].clone()
}

/// Looks until there is what is wanted.
fn until<T>(wanted: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < patience(), "in vain: {wanted}");
        sleep(POLL);
    }
}

/// The connection: one command at a time.
#[derive(Debug)]
struct Marionette {
    stream: BufReader<TcpStream>,
    commands: u64,
}

impl Marionette {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("Firefox listens");
        let mut connection = Self { stream: BufReader::new(stream), commands: 0 };
        let greeting = connection.read();
        assert_eq!(greeting["marionetteProtocol"], 3, "the protocol that is spoken here: {greeting}");
        connection
    }

    /// Gives a command; the error is what Firefox says of it.
    fn call(&mut self, command: &str, parameters: &Value) -> Result<Value, Value> {
        self.commands += 1;
        let message = json!([0, self.commands, command, parameters]).to_string();
        let framed = format!("{}:{message}", message.len());
        self.stream.get_mut().write_all(framed.as_bytes()).expect("Firefox reads");
        let answer = self.read();
        assert_eq!(answer[1], self.commands, "answers come in order: {answer}");
        if answer[2].is_null() { Ok(answer[3].clone()) } else { Err(answer[2].clone()) }
    }

    fn read(&mut self) -> Value {
        let mut length = Vec::new();
        let _bytes = self.stream.read_until(b':', &mut length).expect("Firefox answers");
        let length = String::from_utf8_lossy(&length);
        let length = length.trim_end_matches(':').parse().expect("a message begins with its length");
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).expect("a message comes whole");
        serde_json::from_slice(&message).expect("a message is JSON")
    }
}
