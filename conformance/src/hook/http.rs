//! One request over plain HTTP: hooks listen on this machine or in the same laboratory.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::str::FromStr;
use std::time::Duration;

/// A power cycle may take a while; the hook answers when it is done.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a hook listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    path: String,
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The hook does not answer.
    #[error("http://{0} does not answer: {1}")]
    Io(String, std::io::Error),
    /// It answers no.
    #[error("http://{0} answers {1:?}")]
    Refused(String, String),
}

impl Address {
    /// GET of a path below the address.
    ///
    /// # Errors
    /// Unless the answer is a 2xx.
    pub fn get(&self, path: &str) -> Result<(), Error> {
        self.ask("GET", path)
    }

    /// POST without a body to a path below the address.
    ///
    /// # Errors
    /// Unless the answer is a 2xx.
    pub fn post(&self, path: &str) -> Result<(), Error> {
        self.ask("POST", path)
    }

    fn ask(&self, method: &str, path: &str) -> Result<(), Error> {
        let place = format!("{}{}{path}", self.host, self.path);
        let line = self.status_line(method, path).map_err(|error| Error::Io(place.clone(), error))?;
        let code = line.split(' ').nth(1).unwrap_or_default();
        if code.len() == 3 && code.starts_with('2') {
            Ok(())
        } else {
            Err(Error::Refused(place, line.trim().to_owned()))
        }
    }

    fn status_line(&self, method: &str, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let Self { host, path: base } = self;
        let request = format!(
            "{method} {base}{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").ok_or("the hook's address must begin with http://")?;
        let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if !host.contains(':') {
            return Err(format!("the hook's address wants a port: http://{host}:PORT{path}"));
        }
        Ok(Self { host: host.to_owned(), path: path.trim_end_matches('/').to_owned() })
    }
}
