//! CTAPHID as a HID device of the kernel: every client on the machine sees a USB security key at `/dev/hidraw*`.
//!
//! The kernel's `/dev/uhid` makes it, and takes it away when the file is closed. All clients share one link, from the first one
//! that opens the device to the last one that closes it; CTAPHID's channels keep them apart (CTAP 2.3 §11.2.4).

mod event;
mod listener;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::event::Event;
use self::listener::Listener;
use crate::carrier::Port;
use crate::ctaphid::{LinkId, REPORT};

/// Where the kernel offers to make HID devices.
pub const PATH: &str = "/dev/uhid";

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel's module is not there.
    #[error("there is no {0}: load the kernel's module with `sudo modprobe uhid`")]
    Missing(PathBuf),
    /// Only root may make devices, unless a rule of udev says otherwise.
    #[error("you may not use {0}: run as root, or allow it with `sudo latchkey service install --rule`")]
    Forbidden(PathBuf),
    /// The operating system refused.
    #[error("{0} cannot be used: {1}")]
    Io(PathBuf, #[source] io::Error),
}

impl Error {
    fn new(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        if error.kind() == io::ErrorKind::NotFound {
            Self::Missing(path)
        } else if error.kind() == io::ErrorKind::PermissionDenied {
            Self::Forbidden(path)
        } else {
            Self::Io(path, error)
        }
    }
}

/// A HID device that the kernel knows. Answers on tokio's current runtime until it is dropped.
#[derive(Debug)]
pub struct Device {
    _open: watch::Sender<()>,
}

impl Device {
    /// Makes the device through the file at `path`, which is [`PATH`].
    ///
    /// # Errors
    /// [`Error`], which says what to do.
    pub fn create(path: &Path, port: Port) -> Result<Self, Error> {
        let (kernel, events) = open(path).map_err(|error| Error::new(path, error))?;
        let (open, closing) = watch::channel(());
        tokio::spawn(serve(kernel, events, port, closing));
        Ok(Self { _open: open })
    }
}

/// The file for writing, and what is heard from it.
fn open(path: &Path) -> io::Result<(Kernel, Listener)> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).write(true).custom_flags(flags).open(path)?;
    let listener = Listener::start(file.try_clone()?)?;
    let kernel = Kernel(Arc::new(file));
    kernel.tell(&event::create())?;
    Ok((kernel, listener))
}

/// The way to the kernel, which never lets a writer wait.
#[derive(Clone)]
struct Kernel(Arc<File>);

impl Kernel {
    /// Writes one event: the kernel wants it in one piece.
    fn tell(&self, event: &[u8]) -> io::Result<()> {
        (&*self.0).write(event).map(drop)
    }
}

/// The link of those who have the device open now.
struct Opened {
    link: LinkId,
    answering: JoinHandle<()>,
}

async fn serve(kernel: Kernel, mut events: Listener, port: Port, mut closing: watch::Receiver<()>) {
    let mut opened = None;
    loop {
        let heard = tokio::select! {
            _ = closing.changed() => break,
            heard = events.next() => heard,
        };
        match heard {
            Ok(Event::Open) => reopen(&kernel, &port, &mut opened).await,
            Ok(Event::Close) => close(&port, opened.take()).await,
            Ok(Event::Output(report)) => {
                // Who did not read so many answers that the link was dropped begins anew.
                if opened.as_ref().is_none_or(|opened: &Opened| opened.answering.is_finished()) {
                    reopen(&kernel, &port, &mut opened).await;
                }
                if let Some(opened) = &opened {
                    port.report(opened.link, report).await;
                }
            }
            Ok(Event::Asked(refusal)) => lost(kernel.tell(&refusal)),
            Ok(Event::Other) => {}
            Err(error) => {
                tracing::error!(%error, "the kernel took the HID device away; restart the daemon");
                break;
            }
        }
    }
    close(&port, opened).await;
}

async fn reopen(kernel: &Kernel, port: &Port, opened: &mut Option<Opened>) {
    close(port, opened.take()).await;
    let (link, outgoing) = port.open().await;
    let answering = tokio::spawn(answer(kernel.clone(), outgoing));
    *opened = Some(Opened { link, answering });
}

async fn close(port: &Port, opened: Option<Opened>) {
    if let Some(opened) = opened {
        opened.answering.abort();
        port.closed(opened.link).await;
    }
}

/// Sends what is to be sent.
async fn answer(kernel: Kernel, mut outgoing: mpsc::Receiver<[u8; REPORT]>) {
    while let Some(report) = outgoing.recv().await {
        lost(kernel.tell(&event::input(&report)));
    }
}

fn lost(sent: io::Result<()>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "an answer to a HID client was lost");
    }
}
