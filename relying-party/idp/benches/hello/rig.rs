//! The running program, as the devices that the tests play see theirs: one user, and one connection to it.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::clock::UnixTime;
use latchkey_idp::domain::{TenantId, User};
use latchkey_idp::storage::Database;
use latchkey_tests::http::Connection;
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::people::{self, People};
use latchkey_tests::programs::free_port;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{cores, provider};

/// The key that seals what the tests' providers store; their devices' certificates come from there.
const SEALING: [u8; 32] = [1; 32];

/// The program with its people.
pub struct Office {
    pub idp: Idp,
    pub place: IdpPlace,
    pub people: People,
    pub database: Database,
    port: u16,
    runtime: Runtime,
    _folder: TempDir,
}

/// One user of it, on a connection of their own.
pub struct Rig {
    pub tenant: TenantId,
    pub user: User,
    pub database: Database,
    port: u16,
    connection: Mutex<Connection>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.body
    }
}

impl Office {
    /// A provider on SQLite with so many people, whose policy keeps passkeys at a PIN reset.
    pub fn open(people: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        key_file(&folder.path().join("idp.key"));
        let port = free_port();
        let database = format!("sqlite:{}", folder.path().join("idp.db").display());
        let place = IdpPlace::on(&database, folder.path(), port);
        let people = people::settle(&place, people).people;
        place.change_policy(&["enable_pin_recovery=true"]);
        let idp = cores::server(|| Idp::start_uncounted(&place, port, &folder.path().join("log")));
        let runtime = Runtime::new().expect("a runtime");
        let database = runtime.block_on(Database::open(place.database())).expect("a database");
        Self { idp, place, people, database, port, runtime, _folder: folder }
    }

    /// The person of this number.
    pub fn person(&self, number: usize) -> Rig {
        let id = self.people.all[number].id.parse().expect("an object ID");
        let user = self.wait(self.database.users().find(id)).expect("a database").expect("a user");
        let connection = Mutex::new(Connection::open(self.port).expect("it listens"));
        let (port, database) = (self.port, self.database.clone());
        Rig { tenant: user.tenant, user, database, port, connection }
    }

    /// Waits for what devices and database do.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A way to wait on another thread.
    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }
}

/// Before `init` would make one.
fn key_file(path: &Path) {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path).expect("a new file");
    std::io::Write::write_all(&mut file, format!("{}\n", STANDARD.encode(SEALING)).as_bytes()).expect("room");
}

impl Rig {
    #[allow(clippy::unused_self, reason = "the tests' rig has a time of its own")]
    pub fn now(&self) -> UnixTime {
        provider::now()
    }

    /// Connects anew: the program closes connections that were idle for long.
    pub fn reconnect(&self) {
        let connection = Connection::open(self.port).expect("it listens");
        *self.connection.lock().expect("nobody panics") = connection;
    }

    /// Sends a request. It blocks, as each device has a thread of its own.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        let body = std::str::from_utf8(&body).expect("text");
        let headers =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("text")));
        let headers: Vec<_> = headers.collect();
        let path = parts.uri.path_and_query().expect("a path").as_str();
        let mut connection = self.connection.lock().expect("nobody panics");
        let answer =
            connection.send(parts.method.as_str(), path, &headers, (!body.is_empty()).then_some(body));
        let answer = answer.expect("it answers");
        let header = |(name, value): &(String, String)| {
            (HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"))
        };
        Answer {
            status: answer.status,
            headers: answer.headers.iter().map(header).collect(),
            body: answer.json(),
            text: answer.text(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = latchkey_tests::http::form(fields);
        self.send(Request::post(path).body(Body::from(form)).expect("a request")).await
    }
}
