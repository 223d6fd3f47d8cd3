//! Chromium, driven through chromedriver, with the extension loaded.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::guest;
use crate::process::Process;
use crate::programs;

/// How long a page may take to show what is expected; in a guest, whose machine is emulated, much longer.
pub(crate) fn patience() -> Duration {
    Duration::from_secs(if env::var_os(guest::INSIDE).is_some() { 180 } else { 30 })
}

/// The switches that keep Chromium quiet and off the network.
const SWITCHES: [&str; 9] = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,900",
];

/// A browser window.
#[derive(Debug)]
pub struct Browser {
    client: Option<Client>,
    runtime: Runtime,
    _driver: Process,
}

impl Browser {
    /// Starts headless Chromium on the profile folder `profile`, with the extension of this checkout.
    #[must_use]
    pub fn start(profile: &Path, log: &Path) -> Self {
        Self::launch(profile, Some(&extension()), log)
    }

    /// The same without the extension.
    #[must_use]
    pub fn plain(profile: &Path, log: &Path) -> Self {
        Self::launch(profile, None, log)
    }

    fn launch(profile: &Path, extension: Option<&Path>, log: &Path) -> Self {
        let port = programs::free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let mut driver = Process::start("chromedriver", command, log);
        driver.wait_for("started successfully", Duration::from_secs(20));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": {
            "binary": "/usr/bin/chromium",
            "args": arguments(profile, extension),
        }});
        let capabilities = capabilities.as_object().expect("capabilities are an object").clone();
        let client = session(&runtime, &capabilities, port);
        Self { client: Some(client), runtime, _driver: driver }
    }

    /// Opens `url`.
    pub fn open(&self, url: &str) {
        self.block(self.client().goto(url)).unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// Where the window is now.
    #[must_use]
    pub fn url(&self) -> String {
        self.block(self.client().current_url()).expect("a window has an address").to_string()
    }

    /// Types `text` into the field that the CSS selector names.
    pub fn fill(&self, css: &str, text: &str) {
        let field = self.find(css);
        self.block(field.clear()).expect("a field can be cleared");
        self.block(field.send_keys(text)).unwrap_or_else(|error| panic!("{css} takes no text: {error}"));
    }

    /// Presses keys, one after another, wherever the focus is; special keys as `WebDriver` writes them.
    pub fn press(&self, keys: &[char]) {
        let typed = keys.iter().fold(KeyActions::new("keyboard".to_owned()), |typed, key| {
            typed.then(KeyAction::Down { value: *key }).then(KeyAction::Up { value: *key })
        });
        self.block(self.client().perform_actions(typed)).expect("keys can be pressed");
    }

    /// Clicks what the CSS selector names.
    pub fn click(&self, css: &str) {
        self.block(self.find(css).click()).unwrap_or_else(|error| panic!("{css} cannot be clicked: {error}"));
    }

    /// The visible text of what the CSS selector names.
    #[must_use]
    pub fn text(&self, css: &str) -> String {
        self.block(self.find(css).text()).unwrap_or_default()
    }

    /// How many elements the CSS selector names now.
    #[must_use]
    pub fn count(&self, css: &str) -> usize {
        self.block(self.client().find_all(Locator::Css(css))).map_or(0, |found| found.len())
    }

    /// Waits until the CSS selector names so many elements.
    ///
    /// # Panics
    /// When it does not within half a minute.
    pub fn expect_count(&self, css: &str, wanted: usize) {
        let start = Instant::now();
        while self.count(css) != wanted {
            let found = self.count(css);
            assert!(start.elapsed() < patience(), "{found} {css} on {}, not {wanted}", self.url());
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits until what the CSS selector names shows `text`, and returns all that it shows.
    ///
    /// # Panics
    /// When it does not within half a minute; the message shows what the page says instead.
    pub fn expect(&self, css: &str, text: &str) -> String {
        self.expect_one_of(css, &[text])
    }

    /// Waits until what the CSS selector names shows one of `texts`, and returns all that it shows.
    ///
    /// # Panics
    /// As [`Browser::expect`].
    pub fn expect_one_of(&self, css: &str, texts: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let found = self.block(self.client().find_all(Locator::Css(css))).unwrap_or_default();
            for element in found {
                let shown = self.block(element.text()).unwrap_or_default();
                if texts.iter().any(|text| shown.contains(text)) {
                    return shown;
                }
            }
            assert!(
                start.elapsed() < patience(),
                "{css} on {} does not show any of {texts:?}; the page says:\n{}",
                self.url(),
                self.text("body")
            );
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs the body of an asynchronous JavaScript function in the page and returns what it resolves to.
    ///
    /// # Panics
    /// When the script rejects; the message carries the error.
    #[must_use]
    pub fn script(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];\
             (async () => {{ {body} }})().then((ok) => done({{ ok }}), (error) => done({{ error: `${{error.name}}: ${{error.message}}` }}));"
        );
        let answer = self.block(self.client().execute_async(&script, vec![])).expect("a script can be run");
        match answer.get("error") {
            Some(error) => panic!("the script failed: {error}"),
            None => answer.get("ok").cloned().unwrap_or(Value::Null),
        }
    }

    /// Waits until WebAuthn calls of the page reach Latchkey through the extension.
    ///
    /// # Panics
    /// When they do not within half a minute.
    pub fn wait_for_authenticator(&self) {
        let start = Instant::now();
        let probe = "return await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()";
        while self.script(probe) != Value::Bool(true) {
            assert!(
                start.elapsed() < patience(),
                "the extension does not answer for a platform authenticator"
            );
            sleep(Duration::from_millis(200));
        }
    }

    /// Saves a picture of the page.
    pub fn screenshot(&self, path: &Path) {
        let picture = self.block(self.client().screenshot()).expect("chromedriver takes a picture");
        fs::write(path, picture)
            .unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    }

    fn find(&self, css: &str) -> fantoccini::elements::Element {
        let start = Instant::now();
        loop {
            match self.block(self.client().find(Locator::Css(css))) {
                Ok(element) => return element,
                Err(error) => assert!(start.elapsed() < patience(), "no {css} on {}: {error}", self.url()),
            }
            sleep(Duration::from_millis(50));
        }
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("the session is open until the browser is dropped")
    }

    fn block<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let _closed = self.runtime.block_on(client.close());
        }
    }
}

/// Opens a session. chromedriver gives a browser one minute to start, which an emulated machine may not keep; the next start finds
/// the browser's files in memory.
fn session(runtime: &Runtime, capabilities: &Capabilities, port: u16) -> Client {
    let start = Instant::now();
    let address = format!("http://127.0.0.1:{port}");
    loop {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        match runtime.block_on(builder.capabilities(capabilities.clone()).connect(&address)) {
            Ok(client) => return client,
            Err(error) => assert!(start.elapsed() < patience(), "chromedriver opens no session: {error}"),
        }
    }
}

fn arguments(profile: &Path, extension: Option<&Path>) -> Vec<String> {
    let mut arguments: Vec<String> = SWITCHES.iter().map(ToString::to_string).collect();
    arguments.push("--headless=new".to_owned());
    arguments.push(format!("--user-data-dir={}", profile.display()));
    arguments.extend(extension.map(|path| format!("--load-extension={}", path.display())));
    arguments
}

/// The unpacked extension.
#[must_use]
pub fn extension() -> PathBuf {
    programs::checkout().join("web/extension")
}

/// The page of the extension's popup. The id follows from the key in the extension's manifest.
#[must_use]
pub fn popup() -> String {
    "chrome-extension://cfapiilgphalkjnmlfngbnjjenjbcmop/popup.html".to_owned()
}
