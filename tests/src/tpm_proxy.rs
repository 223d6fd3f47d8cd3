//! A proxy between a program and an emulated TPM: it counts and records the TPM commands that pass, and it can kill
//! a process at a chosen command.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::kill;
use crate::swtpm::with_ctrl;

/// A TPM command or response begins with a tag of 2 bytes, its length and its code, 4 bytes each
/// (TPM 2.0 Part 1 §18.3).
const HEADER: usize = 10;

/// One TPM command that passed the proxy.
#[derive(Debug, Clone)]
pub struct CommandRecord {
    /// The command code (TPM 2.0 Part 2 §6.5.2).
    pub code: u32,
    /// Its name without the `TPM2_` in front.
    pub name: &'static str,
    /// The whole command.
    pub request: Vec<u8>,
    /// The whole response; empty when there was none.
    pub response: Vec<u8>,
    /// How long the TPM took for it.
    pub took: Duration,
}

/// When an [`Action`] happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The TPM never sees the command.
    BeforeForward,
    /// The TPM has executed the command, and its response is lost.
    AfterForward,
}

/// What the proxy does at a chosen command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Kills a process with SIGKILL and drops the connection.
    KillPid {
        /// The process.
        pid: u32,
        /// When.
        moment: Moment,
    },
}

/// The running proxy. Ends on drop.
#[derive(Debug)]
pub struct TpmProxy {
    dir: TempDir,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: PathBuf,
    stopped: AtomicBool,
    log: Mutex<Vec<CommandRecord>>,
    armed: Mutex<Option<(usize, Action)>>,
}

impl TpmProxy {
    /// Starts a proxy in front of the TPM at `upstream` (a data socket with its control socket at `.ctrl`).
    #[must_use]
    pub fn start(upstream: &Path) -> Self {
        let dir = TempDir::with_prefix("tpm-proxy").expect("a temporary directory can be made");
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            stopped: AtomicBool::new(false),
            log: Mutex::default(),
            armed: Mutex::default(),
        });
        let proxy = Self { dir, shared };
        proxy.listen(&proxy.socket(), relay_commands);
        proxy.listen(&with_ctrl(&proxy.socket()), relay_control);
        proxy
    }

    /// The proxy's own data socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("tpm.sock")
    }

    /// The TCTI string that reaches the TPM through the proxy.
    #[must_use]
    pub fn tcti(&self) -> String {
        format!("swtpm:path={}", self.socket().display())
    }

    /// The commands since the last call, in order.
    #[must_use]
    pub fn take_log(&self) -> Vec<CommandRecord> {
        std::mem::take(&mut *self.shared.log.lock().expect("no thread of the proxy panics"))
    }

    /// Arms `action` for the `n`-th command from now; 1 is the next one. Replaces what was armed before.
    pub fn at_command(&self, n: usize, action: Action) {
        *self.shared.armed.lock().expect("no thread of the proxy panics") = Some((n, action));
    }

    /// Takes an armed action back; whether it still waited for its command.
    #[must_use]
    pub fn disarm(&self) -> bool {
        self.shared.armed.lock().expect("no thread of the proxy panics").take().is_some()
    }

    fn listen(&self, path: &Path, relay: fn(&Shared, UnixStream) -> io::Result<()>) {
        let listener = UnixListener::bind(path)
            .unwrap_or_else(|error| panic!("{} cannot be bound: {error}", path.display()));
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                // A broken connection is the point of a crash test, not a failure of the proxy.
                thread::spawn(move || client.and_then(|client| relay(&shared, client)));
            }
        });
    }
}

impl Drop for TpmProxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for path in [self.socket(), with_ctrl(&self.socket())] {
            let _woken = UnixStream::connect(&path);
            let _removed = fs::remove_file(&path);
        }
    }
}

impl Shared {
    /// Counts one command against what is armed, and takes the action when its turn has come.
    fn due(&self) -> Option<Action> {
        let mut armed = self.armed.lock().expect("no thread of the proxy panics");
        let (left, action) = (*armed)?;
        let left = left.saturating_sub(1);
        *armed = (left > 0).then_some((left, action));
        (left == 0).then_some(action)
    }

    fn record(&self, request: Vec<u8>, response: Vec<u8>, took: Duration) {
        let code = request.get(6..10).and_then(|code| code.try_into().ok()).map_or(0, u32::from_be_bytes);
        let record = CommandRecord { code, name: command_name(code), request, response, took };
        self.log.lock().expect("no thread of the proxy panics").push(record);
    }
}

fn relay_commands(shared: &Shared, mut client: UnixStream) -> io::Result<()> {
    let mut tpm: Option<UnixStream> = None;
    while let Some(request) = read_message(&mut client)? {
        let due = shared.due();
        if let Some(Action::KillPid { pid, moment: Moment::BeforeForward }) = due {
            shared.record(request, Vec::new(), Duration::ZERO);
            kill(pid);
            return Ok(());
        }
        // The TPM is reached at the first command, so that it sees no connection that carries none.
        let upstream = match &mut tpm {
            Some(upstream) => upstream,
            empty => empty.insert(UnixStream::connect(&shared.upstream)?),
        };
        let begin = Instant::now();
        upstream.write_all(&request)?;
        let response = read_message(upstream)?.unwrap_or_default();
        shared.record(request, response.clone(), begin.elapsed());
        if let Some(Action::KillPid { pid, moment: Moment::AfterForward }) = due {
            kill(pid);
            return Ok(());
        }
        if response.is_empty() {
            return Ok(());
        }
        client.write_all(&response)?;
    }
    Ok(())
}

fn relay_control(shared: &Shared, mut client: UnixStream) -> io::Result<()> {
    let mut tpm = UnixStream::connect(with_ctrl(&shared.upstream))?;
    let (mut from_tpm, mut to_client) = (tpm.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _broken = io::copy(&mut from_tpm, &mut to_client);
        // A TPM that was killed answers no more: whoever waits for it must learn that.
        to_client.shutdown(Shutdown::Both)
    });
    io::copy(&mut client, &mut tpm)?;
    tpm.shutdown(Shutdown::Both)
}

/// One command or response; `None` at the end of the stream.
fn read_message(stream: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER];
    if let Err(error) = stream.read_exact(&mut header) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
    let body = usize::try_from(length).unwrap_or(usize::MAX).clamp(HEADER, 64 * 1024) - HEADER;
    let mut message = header.to_vec();
    message.resize(HEADER + body, 0);
    stream.read_exact(&mut message[HEADER..])?;
    Ok(Some(message))
}

/// The commands that the project uses, by their code.
fn command_name(code: u32) -> &'static str {
    match code {
        0x11F => "NV_UndefineSpaceSpecial",
        0x120 => "EvictControl",
        0x122 => "NV_UndefineSpace",
        0x126 => "Clear",
        0x129 => "HierarchyChangeAuth",
        0x12A => "NV_DefineSpace",
        0x131 => "CreatePrimary",
        0x137 => "NV_Write",
        0x139 => "DictionaryAttackLockReset",
        0x13A => "DictionaryAttackParameters",
        0x144 => "Startup",
        0x145 => "Shutdown",
        0x147 => "ActivateCredential",
        0x148 => "Certify",
        0x14E => "NV_Read",
        0x151 => "PolicySecret",
        0x153 => "Create",
        0x157 => "Load",
        0x159 => "RSA_Decrypt",
        0x15D => "Sign",
        0x15E => "Unseal",
        0x161 => "ContextLoad",
        0x162 => "ContextSave",
        0x165 => "FlushContext",
        0x167 => "LoadExternal",
        0x169 => "NV_ReadPublic",
        0x16B => "PolicyAuthValue",
        0x16C => "PolicyCommandCode",
        0x173 => "ReadPublic",
        0x176 => "StartAuthSession",
        0x17A => "GetCapability",
        0x17B => "GetRandom",
        _ => "(other)",
    }
}
