//! A way to an emulated TPM on a unix socket.
//!
//! tss-esapi 7.7 builds the TCTI string itself and knows only `host` and `port` for swtpm, although tpm2-tss also
//! takes `path`. So the socket is offered to this process, and to nobody else, on two loopback ports: `port` for
//! commands, `port + 1` for swtpm's control channel (what tcti-swtpm expects). A connection of another user is
//! dropped before a byte of it is read.

mod peer;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Tag, length and code: what a TPM command and a response begin with (TPM 2.0 Part 1 §18.3).
const HEADER: usize = 10;
/// No TPM answers more.
const MAX_MESSAGE: usize = 16 * 1024;
/// Attempts to find two free ports side by side.
const PORT_ATTEMPTS: usize = 64;

/// The open bridge; closed on drop.
pub struct Bridge {
    port: u16,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Bridge {
    /// Offers the TPM at `socket`, with its control channel at `socket` + `.ctrl`. The TPM may come and go: it is
    /// contacted at each command.
    pub fn start(socket: &Path) -> io::Result<Self> {
        let (port, commands, control) = bind_pair()?;
        let stopped = Arc::new(AtomicBool::new(false));
        let mut control_path = socket.as_os_str().to_owned();
        control_path.push(".ctrl");
        let threads = vec![
            serve(commands, socket.to_owned(), Arc::clone(&stopped), relay_commands),
            serve(control, PathBuf::from(control_path), Arc::clone(&stopped), relay_control),
        ];
        Ok(Self { port, stopped, threads })
    }

    /// The port for commands on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        for port in [Some(self.port), self.port.checked_add(1)].into_iter().flatten() {
            // Wakes the thread, which then sees that it is over.
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
        }
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

fn bind_pair() -> io::Result<(u16, TcpListener, TcpListener)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_ATTEMPTS {
        let commands = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = commands.local_addr()?.port();
        let Some(next) = port.checked_add(1) else { continue };
        match TcpListener::bind((Ipv4Addr::LOCALHOST, next)) {
            Ok(control) => return Ok((port, commands, control)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn serve(
    listener: TcpListener,
    upstream: PathBuf,
    stopped: Arc<AtomicBool>,
    relay: fn(TcpStream, &Path) -> io::Result<()>,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for client in listener.incoming() {
            if stopped.load(Ordering::SeqCst) {
                break;
            }
            let Ok(client) = client else { continue };
            // A broken relay closes the connection, which is how the TSS learns of it.
            let _broken =
                peer::is_ours(&client).and_then(|ours| if ours { relay(client, &upstream) } else { Ok(()) });
        }
    })
}

fn relay_commands(mut client: TcpStream, upstream: &Path) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut tpm: Option<UnixStream> = None;
    while let Some(command) = read_message(&mut client)? {
        let stream = match &mut tpm {
            Some(stream) => stream,
            empty => empty.insert(UnixStream::connect(upstream)?),
        };
        stream.write_all(&command)?;
        let Some(response) = read_message(stream)? else { break };
        client.write_all(&response)?;
    }
    Ok(())
}

/// One control request and its answer: tcti-swtpm opens a connection for each, and the answers have no length.
fn relay_control(mut client: TcpStream, upstream: &Path) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let length = client.read(&mut buffer)?;
    let mut tpm = UnixStream::connect(upstream)?;
    tpm.write_all(buffer.get(..length).unwrap_or_default())?;
    let length = tpm.read(&mut buffer)?;
    client.write_all(buffer.get(..length).unwrap_or_default())?;
    client.shutdown(Shutdown::Both)
}

/// One command or response; `None` at the end of the stream.
fn read_message(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER];
    match stream.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let [_, _, a, b, c, d, ..] = header;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if !(HEADER..=MAX_MESSAGE).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = header.to_vec();
    message.resize(length, 0);
    stream.read_exact(message.get_mut(HEADER..).unwrap_or_default())?;
    Ok(Some(message))
}

#[cfg(test)]
mod tests;
