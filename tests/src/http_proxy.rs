//! A proxy between `latchkey` and the identity provider: it counts the program's requests, cuts the line at a chosen one, lets
//! something happen before another one, and changes answers. Browsers pass untouched.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What happens at the chosen request.
pub enum Cut {
    /// The provider never sees it; the line is cut once this has happened.
    Request(Event),
    /// The provider has done it, and its answer is lost.
    Answer,
    /// The provider has done it, and its answer comes once this has happened.
    Meanwhile(Event),
    /// One thing happens before the provider sees it, and another once it has answered.
    Around(Event, Event),
}

/// Something that happens while the program waits for its answer.
pub type Event = Box<dyn FnOnce() + Send>;

/// The running proxy. Clones are the same one.
#[derive(Clone)]
pub struct HttpProxy {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    /// The port that the provider listens on.
    behind: u16,
    /// What the program has asked for, as method and path.
    seen: Vec<String>,
    /// How long the provider took for it all.
    took: Duration,
    cut: Option<(usize, Cut)>,
    /// What happens before the next request for a path.
    before: Option<(String, Event)>,
    /// What the answer to the next request for a path becomes.
    change: Option<(String, Change)>,
}

type Change = Box<dyn FnOnce(Value) -> Value + Send>;

/// What shall become of one request.
#[derive(Default)]
struct Fate {
    cut: Option<Cut>,
    before: Option<Event>,
    change: Option<Change>,
}

impl HttpProxy {
    /// Listens on `port`; the provider listens on `behind`.
    ///
    /// # Panics
    /// When the port is taken.
    #[must_use]
    pub fn start(port: u16, behind: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let shared = Arc::new(Mutex::new(Shared {
            behind,
            seen: Vec::new(),
            took: Duration::ZERO,
            cut: None,
            before: None,
            change: None,
        }));
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&all);
                thread::spawn(move || {
                    let _broken = serve(client, &shared);
                });
            }
        });
        Self { shared }
    }

    /// From now on the provider listens on this port.
    pub fn lead_to(&self, behind: u16) {
        self.shared().behind = behind;
    }

    /// Cuts the line at a request from now on, once; 0 is the next one.
    pub fn cut(&self, n: usize, cut: Cut) {
        let mut shared = self.shared();
        shared.seen.clear();
        shared.cut = Some((n, cut));
    }

    /// Lets something happen when the program next asks for `path`, before the provider hears of it.
    pub fn before(&self, path: &str, happens: impl FnOnce() + Send + 'static) {
        self.shared().before = Some((path.to_owned(), Box::new(happens)));
    }

    /// Changes the answer, a JSON document, when the program next asks for `path`.
    pub fn change(&self, path: &str, change: impl FnOnce(Value) -> Value + Send + 'static) {
        self.shared().change = Some((path.to_owned(), Box::new(change)));
    }

    /// Whether a cut still waits for its request.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        self.shared().cut.is_some()
    }

    /// How long the provider took for what the program has asked for since the last look.
    #[must_use]
    pub fn take_time(&self) -> Duration {
        std::mem::take(&mut self.shared().took)
    }

    /// What the program has asked for since the last look.
    #[must_use]
    pub fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut self.shared().seen)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("no thread of the proxy failed")
}

fn serve(mut client: TcpStream, shared: &Mutex<Shared>) -> io::Result<()> {
    let (head, rest) = head(&mut client)?;
    let connect = || TcpStream::connect(("127.0.0.1", lock(shared).behind));
    if !head.to_ascii_lowercase().contains("user-agent: latchkey/") {
        let mut provider = connect()?;
        provider.write_all(head.as_bytes())?;
        provider.write_all(&rest)?;
        return splice(client, provider);
    }
    let Fate { cut, before, change } = note(&head, shared);
    let cut = match cut {
        Some(Cut::Request(event)) => {
            event();
            return Ok(());
        }
        Some(Cut::Around(before, after)) => {
            before();
            Some(Cut::Meanwhile(after))
        }
        other => other,
    };
    if let Some(happens) = before {
        happens();
    }
    let begin = Instant::now();
    let mut provider = connect()?;
    // One request a connection, so that each is seen.
    provider.write_all(head.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    provider.write_all(&rest)?;
    let mut body = vec![0; length(&head).saturating_sub(rest.len())];
    client.read_exact(&mut body)?;
    provider.write_all(&body)?;
    let mut answer = Vec::new();
    provider.read_to_end(&mut answer)?;
    lock(shared).took += begin.elapsed();
    match cut {
        Some(Cut::Answer) => return Ok(()),
        Some(Cut::Meanwhile(event)) => event(),
        Some(Cut::Request(_) | Cut::Around(..)) | None => {}
    }
    client.write_all(&change.map_or_else(|| answer.clone(), |change| changed(&answer, change)))?;
    client.shutdown(Shutdown::Both)
}

/// The answer with another document.
fn changed(answer: &[u8], change: Change) -> Vec<u8> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8_lossy(&answer[..end]);
    let document = serde_json::from_slice(&answer[end + 4..]).expect("the answer is a document");
    let body = change(document).to_string();
    let status = head.lines().next().unwrap_or_default();
    let length = body.len();
    format!("{status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Notes a request; what shall become of it.
fn note(head: &str, shared: &Mutex<Shared>) -> Fate {
    let mut shared = lock(shared);
    let index = shared.seen.len();
    let line = head.lines().next().unwrap_or_default().rsplit_once(' ').unwrap_or_default().0;
    let asked = line.split('?').next().unwrap_or_default().to_owned();
    let path = asked.rsplit(' ').next().unwrap_or_default().to_owned();
    shared.seen.push(asked);
    Fate {
        cut: shared.cut.take_if(|(n, _)| *n == index).map(|(_, cut)| cut),
        before: shared.before.take_if(|(at, _)| *at == path).map(|(_, happens)| happens),
        change: shared.change.take_if(|(at, _)| *at == path).map(|(_, change)| change),
    }
}

/// Everything up to the empty line, and what came behind it.
fn head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let (mut read, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let length = client.read(&mut chunk)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&chunk[..length]);
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = read.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&read).into_owned(), rest));
        }
    }
}

fn length(head: &str) -> usize {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or_default()
}

fn splice(mut client: TcpStream, mut provider: TcpStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, provider.try_clone()?);
    let up = thread::spawn(move || {
        let _broken = io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    io::copy(&mut provider, &mut client)?;
    client.shutdown(Shutdown::Both)?;
    let _ended = up.join();
    Ok(())
}

impl fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProxy").finish_non_exhaustive()
    }
}
