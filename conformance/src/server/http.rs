//! POST requests of one browser: cookies are kept, redirects are not followed.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tokio::runtime::{Builder, Runtime};

/// A server that thinks longer than this has not answered.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser's way to a server.
pub struct Http {
    runtime: Runtime,
    client: Client,
    base: Url,
    cookies: BTreeMap<String, String>,
}

impl Http {
    /// A browser that knows nothing yet.
    ///
    /// # Errors
    /// A sentence on why this machine cannot carry requests.
    pub fn new(base: Url) -> Result<Self, String> {
        // reqwest takes the provider of the process, and this is the only one.
        let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .map_err(|error| format!("requests cannot be made: {error}"))?;
        Ok(Self { runtime, client, base, cookies: BTreeMap::new() })
    }

    /// Forgets every cookie.
    pub fn forget(&mut self) {
        self.cookies.clear();
    }

    /// Posts a body as JSON; the answer's status and text.
    ///
    /// # Errors
    /// When no answer comes.
    pub fn post(&mut self, path: &str, body: &str) -> Result<(u16, String), String> {
        let url = self.base.join(path).map_err(|error| format!("{path}: {error}"))?;
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request =
            self.client.post(url).header(CONTENT_TYPE, "application/json").body(body.to_owned());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let answer = self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, set) = (response.status().as_u16(), set_cookies(&response));
            Ok::<_, reqwest::Error>((status, set, response.text().await?))
        });
        let (status, set, text) = answer.map_err(|error| format!("the server does not answer: {error:?}"))?;
        self.cookies.extend(set);
        Ok((status, text))
    }
}

fn set_cookies(response: &Response) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (name, value) = text.split(';').next()?.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    response.headers().get_all(SET_COOKIE).iter().filter_map(|value| pair(value.to_str().ok()?)).collect()
}
