//! CTAPHID over a unix `SOCK_SEQPACKET` socket: one 64-byte report per packet.
//!
//! The socket exists while the authenticator is "plugged in": dropping the [`Listener`] removes it and closes its links.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::sync::watch;
use tokio_seqpacket::{UnixSeqpacket, UnixSeqpacketListener};

use crate::carrier::Port;
use crate::ctaphid::REPORT;

/// Links that may be open at once; each costs a descriptor and a queue.
const LINKS: usize = 64;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 16;

/// Why the socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The socket's directory is open to others.
    #[error(
        "the directory {0} must belong to you and be writable by nobody else: chmod 700 it, or choose another one"
    )]
    Exposed(PathBuf),
    /// Another process answers there.
    #[error("another authenticator already listens on {0}: stop it first")]
    Live(PathBuf),
    /// Something else has this name.
    #[error("{0} exists and is not a socket: move it away")]
    NotASocket(PathBuf),
    /// The operating system refused.
    #[error("cannot listen on {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
}

/// A bound socket. Accepts on tokio's current runtime until it is dropped.
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    /// Device and inode, so that a successor's socket is not removed. The bound socket keeps its inode, so while it is
    /// open no other file can have the number.
    identity: (u64, u64),
    _open: watch::Sender<()>,
}

impl Listener {
    /// Listens on `path`; makes its directory (mode 0700) if it is missing and replaces a socket that nobody answers.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn bind(path: &Path, port: Port) -> Result<Self, Error> {
        let failed = |error| Error::Io(path.to_owned(), error);
        secure_directory(path)?;
        remove_stale(path)?;
        let (listener, identity) = listen(path).map_err(failed)?;
        let (open, closing) = watch::channel(());
        tokio::spawn(accept(listener, port, closing));
        Ok(Self { path: path.to_owned(), identity, _open: open })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the CTAPHID socket");
        }
    }
}

fn secure_directory(path: &Path) -> Result<(), Error> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let failed = |error| Error::Io(directory.to_owned(), error);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    let found = std::fs::metadata(directory).map_err(failed)?;
    if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
        return Err(Error::Exposed(directory.to_owned()));
    }
    Ok(())
}

fn remove_stale(path: &Path) -> Result<(), Error> {
    let failed = |error| Error::Io(path.to_owned(), error);
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(Error::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    let probe = Socket::new(Domain::UNIX, Type::SEQPACKET, None).map_err(failed)?;
    // A full backlog must not hold us up.
    probe.set_nonblocking(true).map_err(failed)?;
    match probe.connect(&SockAddr::unix(path).map_err(failed)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)
        }
        // Of another type, with a full backlog, or answered: somebody is there.
        Ok(()) | Err(_) => Err(Error::Live(path.to_owned())),
    }
}

fn listen(path: &Path) -> io::Result<(UnixSeqpacketListener, (u64, u64))> {
    let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
    // Before bind, so that the name never exists with wider rights (Linux: unix_bind takes the mode from the socket).
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let found = std::fs::symlink_metadata(path)?;
    Ok((UnixSeqpacketListener::try_from(OwnedFd::from(socket))?, (found.dev(), found.ino())))
}

async fn accept(mut listener: UnixSeqpacketListener, port: Port, mut closing: watch::Receiver<()>) {
    let mut links = tokio::task::JoinSet::new();
    loop {
        let socket = tokio::select! {
            _ = closing.changed() => break,
            Some(_ended) = links.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match socket {
            Ok(_) if links.len() >= LINKS => {
                tracing::warn!("too many CTAPHID connections: one refused");
            }
            Ok(socket) if is_ours(&socket) => {
                links.spawn(serve(socket, port.clone(), closing.clone()));
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a CTAPHID connection");
                // Out of descriptors, most likely: without a pause this would spin.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while links.join_next().await.is_some() {}
}

/// Whether the peer runs as the same user (conformance.md A3).
fn is_ours(socket: &UnixSeqpacket) -> bool {
    match socket.peer_cred() {
        Ok(peer) if peer.uid() == rustix::process::geteuid().as_raw() => true,
        Ok(peer) => {
            tracing::warn!(
                uid = peer.uid(),
                pid = peer.pid(),
                "a CTAPHID connection of another user was refused"
            );
            false
        }
        Err(error) => {
            tracing::warn!(%error, "a CTAPHID connection of an unknown user was refused");
            false
        }
    }
}

/// Moves reports both ways until either side ends.
async fn serve(socket: UnixSeqpacket, port: Port, mut closing: watch::Receiver<()>) {
    let (link, mut outgoing) = port.open().await;
    // One byte more than a report, so that a longer packet is not mistaken for one.
    let mut buffer = [0; REPORT + 1];
    loop {
        tokio::select! {
            _ = closing.changed() => break,
            report = outgoing.recv() => match report {
                Some(report) => if !send(&socket, &report, &mut closing).await { break },
                None => break,
            },
            received = socket.recv(&mut buffer) => match received {
                // An empty packet looks the same as the end, and is as useless.
                Ok(0) => break,
                Ok(REPORT) => if let Some(report) = buffer.first_chunk() {
                    port.report(link, *report).await;
                },
                Ok(length) => tracing::debug!(link = link.0, length, "a packet that is not a report was dropped"),
                Err(error) => {
                    tracing::debug!(link = link.0, %error, "CTAPHID link broken");
                    break;
                }
            },
        }
    }
    drop(outgoing);
    port.closed(link).await;
}

/// Sends one report; false when the link is to end instead.
async fn send(socket: &UnixSeqpacket, report: &[u8; REPORT], closing: &mut watch::Receiver<()>) -> bool {
    tokio::select! {
        _ = closing.changed() => false,
        sent = socket.send(report) => sent.is_ok(),
    }
}
