//! `latchkey browser host`: between the extension and the daemon.
//!
//! The main thread reads requests; each ceremony runs in a thread of its own, so that a cancel reaches it.

mod carrier;

use std::collections::HashMap;
use std::io::stdout;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use latchkey_client::{Account, DomException, ErrorName, create, is_uvpaa, request};
use latchkey_transports::host::{Canceller, Error as HostError, HostChannel};
use latchkey_transports::native_messaging;
use serde::Deserialize;
use serde_json::{Value, json};

use super::EXTENSION_ID;
use crate::clock;
use crate::control::caller::{ask_daemon, no_container};
use crate::control::{Answer, Request};
use crate::enterprise::sign_on;
use crate::failure::{Failure, FailureKind};
use crate::paths::Paths;
use carrier::Carrier;

/// One message of the extension.
#[derive(Debug, Deserialize)]
struct Message {
    id: u64,
    #[serde(flatten)]
    wish: Wish,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Wish {
    #[serde(rename_all = "camelCase")]
    Create {
        origin: String,
        #[serde(default)]
        cross_origin: bool,
        options: Value,
    },
    #[serde(rename_all = "camelCase")]
    Get {
        origin: String,
        #[serde(default)]
        cross_origin: bool,
        options: Value,
    },
    IsUvpaa,
    Cancel,
    Status,
    Passkeys,
    Devices,
    Credential {
        origin: String,
    },
}

/// Serves one browser until it closes standard input. `caller` is what the browser put on the command line.
pub fn serve(paths: &Paths, caller: &[String]) -> Result<(), Failure> {
    let ours = format!("chrome-extension://{EXTENSION_ID}/");
    if let Some(other) = caller.iter().find(|word| word.starts_with("chrome-extension://") && **word != ours)
    {
        return Err(Failure::new(FailureKind::Refused, format!("{other} is not the Latchkey extension")));
    }
    let host = Host { paths: paths.clone(), ceremonies: Arc::default(), output: Arc::default() };
    let mut stdin = std::io::stdin().lock();
    loop {
        match native_messaging::read(&mut stdin) {
            Ok(Some(message)) => host.take(message),
            Ok(None) => return Ok(()),
            Err(error) => return Err(Failure::new(FailureKind::Usage, error.to_string())),
        }
    }
    // When this returns, the process ends, its links close, and the daemon takes back what is under way.
}

#[derive(Clone)]
struct Host {
    paths: Paths,
    /// The ceremonies under way, by message id.
    ceremonies: Arc<Mutex<HashMap<u64, Canceller>>>,
    /// Held while a frame is written.
    output: Arc<Mutex<()>>,
}

impl Host {
    fn take(&self, message: Value) {
        let id = message.get("id").cloned().unwrap_or(Value::Null);
        let Message { id, wish } = match serde_json::from_value(message) {
            Ok(message) => message,
            Err(error) => {
                return self.reply(&id, Err(unknown(&format!("not a message of the extension: {error}"))));
            }
        };
        match wish {
            Wish::Cancel => self.cancel(id),
            Wish::Status => self.in_thread(id, |host| host.control(&Request::Status {})),
            Wish::Passkeys => self.in_thread(id, |host| host.control(&Request::ListPasskeys { pin: None })),
            Wish::Devices => self.in_thread(id, |host| {
                sign_on::devices(&host.paths).map_err(|failure| failure_json(&failure))
            }),
            Wish::Credential { origin } => self.in_thread(id, move |host| {
                sign_on::credential(&host.paths, &origin).map_err(|failure| failure_json(&failure))
            }),
            Wish::IsUvpaa => self.in_thread(id, move |host| Ok(host.is_uvpaa())),
            Wish::Create { origin, cross_origin, options } => self.ceremony(id, move |_host, carrier| {
                let caller = latchkey_client::Caller { origin: &origin, cross_origin };
                create(&options.to_string(), caller, carrier, &mut clock::rng())
            }),
            Wish::Get { origin, cross_origin, options } => self.ceremony(id, move |host, carrier| {
                let caller = latchkey_client::Caller { origin: &origin, cross_origin };
                let mut chooser = |rp_id: &str, accounts: &[Account]| host.choose(rp_id, accounts);
                request(&options.to_string(), caller, carrier, &mut chooser, &mut clock::rng())
            }),
        }
    }

    /// Connects here, so that a cancel that follows at once finds something to cancel.
    fn ceremony(
        &self,
        id: u64,
        run: impl FnOnce(&Self, &mut Carrier) -> Result<String, DomException> + Send + 'static,
    ) {
        let connected = self.connect().and_then(|channel| {
            let ours = channel.canceller().map_err(|error| unknown(&error.to_string()))?;
            let timers = channel.canceller().map_err(|error| unknown(&error.to_string()))?;
            self.ceremonies.lock().unwrap_or_else(PoisonError::into_inner).insert(id, ours);
            Ok(Carrier::new(channel, timers))
        });
        match connected {
            Err(error) => self.reply(&json!(id), Err(error)),
            Ok(mut carrier) => self.in_thread(id, move |host| {
                let outcome = run(host, &mut carrier);
                host.ceremonies.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                let response = outcome.map_err(|exception| exception_json(&exception))?;
                serde_json::from_str(&response).map_err(|error| unknown(&error.to_string()))
            }),
        }
    }

    fn in_thread(&self, id: u64, work: impl FnOnce(&Self) -> Result<Value, Value> + Send + 'static) {
        let host = self.clone();
        let started = thread::Builder::new().spawn(move || {
            let outcome = work(&host);
            host.reply(&json!(id), outcome);
        });
        if let Err(error) = started {
            self.reply(&json!(id), Err(unknown(&format!("no thread can be started: {error}"))));
        }
    }

    /// No answer of its own: the ceremony answers.
    fn cancel(&self, id: u64) {
        if let Some(canceller) = self.ceremonies.lock().unwrap_or_else(PoisonError::into_inner).get(&id)
            && let Err(error) = canceller.cancel()
        {
            tracing::debug!(%error, "the ceremony was over");
        }
    }

    fn connect(&self) -> Result<HostChannel, Value> {
        HostChannel::connect(&self.paths.ctaphid_socket(), &mut clock::rng()).map_err(|error| match error {
            // No socket: no daemon, or a daemon without a container.
            HostError::Absent(_) => match self.control(&Request::Status {}) {
                Err(reason) => reason,
                Ok(_) => failure_json(&no_container()),
            },
            other @ (HostError::Gone
            | HostError::Silent
            | HostError::Refused(_)
            | HostError::Broken(_)
            | HostError::TooLong
            | HostError::Cancelled
            | HostError::Io(_)) => unknown(&other.to_string()),
        })
    }

    fn is_uvpaa(&self) -> Value {
        let available = self.connect().and_then(|channel| {
            let canceller = channel.canceller().map_err(|error| unknown(&error.to_string()))?;
            Ok(is_uvpaa(&mut Carrier::new(channel, canceller)))
        });
        Value::Bool(available.unwrap_or(false))
    }

    fn control(&self, request: &Request) -> Result<Value, Value> {
        match ask_daemon(&self.paths, request) {
            Ok(Some(Answer::Error(failure))) | Err(failure) => Err(failure_json(&failure)),
            Ok(Some(answer)) => Ok(json!(answer)),
            Ok(None) => Err(json!({
                "name": ErrorName::NotAllowedError.as_str(),
                "kind": "no_daemon",
                "message": "Latchkey is not running: start it with `latchkey up`",
            })),
        }
    }

    fn choose(&self, rp_id: &str, accounts: &[Account]) -> Option<usize> {
        let choices = accounts.iter().map(account_text).collect();
        match ask_daemon(&self.paths, &Request::Choose { rp_id: rp_id.to_owned(), choices }) {
            Ok(Some(Answer::Chosen(index))) => Some(index),
            Ok(_) | Err(_) => None,
        }
    }

    fn reply(&self, id: &Value, outcome: Result<Value, Value>) {
        let message = match outcome {
            Ok(ok) => json!({ "id": id, "ok": ok }),
            Err(error) => json!({ "id": id, "error": error }),
        };
        let _one_frame = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let mut output = stdout().lock();
        let written = native_messaging::write(&mut output, &message).or_else(|error| match error {
            native_messaging::Error::TooLong(_) => {
                let told = json!({ "id": id, "error": unknown("the answer is too long for the browser") });
                native_messaging::write(&mut output, &told)
            }
            other @ (native_messaging::Error::NotJson(_) | native_messaging::Error::Io(_)) => Err(other),
        });
        if let Err(error) = written {
            tracing::debug!(%error, "the browser is gone");
        }
    }
}

fn account_text(account: &Account) -> String {
    match (&account.name, &account.display_name) {
        (Some(name), Some(shown)) if name != shown => format!("{name} ({shown})"),
        (Some(name), _) | (None, Some(name)) => name.clone(),
        (None, None) => "an account without a name".to_owned(),
    }
}

fn exception_json(exception: &DomException) -> Value {
    json!({ "name": exception.name.as_str(), "message": exception.message })
}

fn failure_json(failure: &Failure) -> Value {
    json!({
        "name": ErrorName::NotAllowedError.as_str(),
        "kind": failure.kind,
        "message": failure.message,
        "tries_left": failure.tries_left,
    })
}

fn unknown(message: &str) -> Value {
    json!({ "name": ErrorName::UnknownError.as_str(), "message": message })
}
