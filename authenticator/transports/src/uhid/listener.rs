//! Hears the kernel on a thread of its own.
//!
//! The kernel keeps 32 events for whoever reads them and forgets further ones, and nobody who writes a report to a device waits for
//! it to be read. A request of 2 KB is more than that, so events are taken as soon as they are there, whatever else is to be done.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use tokio::sync::mpsc;

use super::event::{Event, MOST};

/// How many events wait here: those of the longest message of CTAPHID, many times.
const WAITING: usize = 1024;

/// What comes from the kernel. Dropping it ends the thread.
pub(super) struct Listener {
    heard: mpsc::Receiver<io::Result<Event>>,
    _stop: PipeWriter,
}

impl Listener {
    /// Starts to listen to `kernel`, which does not block.
    pub(super) fn start(kernel: File) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let (send, heard) = mpsc::channel(WAITING);
        let _detached = thread::Builder::new().name("uhid".to_owned()).spawn(move || {
            if let Err(error) = listen(&kernel, &stopped, &send) {
                let _nobody = send.blocking_send(Err(error));
            }
        })?;
        Ok(Self { heard, _stop: stop })
    }

    /// The next event.
    pub(super) async fn next(&mut self) -> io::Result<Event> {
        self.heard.recv().await.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

/// Passes events on until nobody wants them.
fn listen(mut kernel: &File, stopped: &PipeReader, send: &mpsc::Sender<io::Result<Event>>) -> io::Result<()> {
    let mut buffer = [0; MOST];
    loop {
        match kernel.read(&mut buffer) {
            Ok(length) => {
                let event = Event::parse(buffer.get(..length).unwrap_or_default());
                if send.blocking_send(Ok(event)).is_err() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if wait(kernel, stopped)? == Awaited::Stop {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Awaited {
    Event,
    Stop,
}

/// Waits until there is an event, or the other end of the pipe is gone.
fn wait(kernel: &File, stopped: &PipeReader) -> io::Result<Awaited> {
    let mut awaited = [PollFd::new(kernel, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
    let _ready = retry_on_intr(|| poll(&mut awaited, None))?;
    let [_, stop] = awaited;
    Ok(if stop.revents().is_empty() { Awaited::Event } else { Awaited::Stop })
}
