//! Carries the client's bytes to the daemon, and keeps the time of the ceremony.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use latchkey_client::{Attachment, Authenticator, TransactError};
use latchkey_transports::host::{Canceller, Error, HostChannel};

/// One ceremony's channel to the daemon.
pub struct Carrier {
    channel: HostChannel,
    /// For the timer, until it starts.
    canceller: Option<Canceller>,
    timed_out: Arc<AtomicBool>,
    /// Dropped with the carrier, which ends the timer.
    timer: Option<mpsc::Sender<()>>,
}

impl Carrier {
    /// A carrier whose time does not run yet.
    pub fn new(channel: HostChannel, canceller: Canceller) -> Self {
        Self { channel, canceller: Some(canceller), timed_out: Arc::default(), timer: None }
    }
}

impl Authenticator for Carrier {
    fn transact(&mut self, request: &[u8]) -> Result<Vec<u8>, TransactError> {
        let answer = self.channel.cbor(request, &mut |_status| {});
        if self.timed_out.load(Ordering::SeqCst) {
            return Err(TransactError::TimedOut);
        }
        answer.map_err(|error| match error {
            Error::Cancelled => TransactError::Cancelled,
            other @ (Error::Absent(_)
            | Error::Gone
            | Error::Silent
            | Error::Refused(_)
            | Error::Broken(_)
            | Error::TooLong
            | Error::Io(_)) => TransactError::Unreachable(other.to_string()),
        })
    }

    fn ceremony_begins(&mut self, limit: Duration) {
        let Some(canceller) = self.canceller.take() else { return };
        let (timer, ended) = mpsc::channel::<()>();
        let timed_out = Arc::clone(&self.timed_out);
        let started = thread::Builder::new().spawn(move || {
            if matches!(ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout)) {
                timed_out.store(true, Ordering::SeqCst);
                let _over_already = canceller.cancel();
            }
        });
        match started {
            Ok(_runs_alone) => self.timer = Some(timer),
            // The daemon's own limit for each question holds without it.
            Err(error) => tracing::warn!(%error, "no timer can be started for the ceremony"),
        }
    }

    fn attachment(&self) -> Attachment {
        Attachment::Platform
    }
}
