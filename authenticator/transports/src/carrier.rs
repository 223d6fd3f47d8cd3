//! What all carriers share: links open, bring reports, take reports, and close.
//!
//! The daemon's loop sees one [`Links`]; a carrier holds a [`Port`] to it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use crate::ctaphid::{LinkId, REPORT};

/// Reports that may wait for the loop, from all links together; then carriers stop reading.
const INCOMING: usize = 256;
/// Reports that may wait for one peer: several longest messages. A peer that lets more pile up does not read at all.
const OUTGOING: usize = 1024;

/// What happened on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A report came in.
    Report(LinkId, [u8; REPORT]),
    /// The link is gone; its channels must be closed.
    Closed(LinkId),
}

/// All links of all carriers, as the daemon's loop sees them.
#[derive(Debug)]
pub struct Links {
    port: Port,
    arriving: mpsc::Receiver<Arrival>,
    outboxes: HashMap<LinkId, mpsc::Sender<[u8; REPORT]>>,
    dropped: VecDeque<LinkId>,
}

/// A carrier's way to [`Links`].
#[derive(Clone, Debug)]
pub struct Port {
    arrivals: mpsc::Sender<Arrival>,
    last: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Arrival {
    Opened(LinkId, mpsc::Sender<[u8; REPORT]>),
    Report(LinkId, [u8; REPORT]),
    Closed(LinkId),
}

impl Default for Links {
    fn default() -> Self {
        Self::new()
    }
}

impl Links {
    /// No links yet.
    #[must_use]
    pub fn new() -> Self {
        let (arrivals, arriving) = mpsc::channel(INCOMING);
        let port = Port { arrivals, last: Arc::default() };
        Self { port, arriving, outboxes: HashMap::new(), dropped: VecDeque::new() }
    }

    /// A way in for one more carrier.
    #[must_use]
    pub fn port(&self) -> Port {
        self.port.clone()
    }

    /// Waits for the next event. Safe to drop and call again, as in `select!`.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(link) = self.dropped.pop_front() {
                return Event::Closed(link);
            }
            match self.arriving.recv().await {
                Some(Arrival::Opened(link, outbox)) => {
                    self.outboxes.insert(link, outbox);
                }
                Some(Arrival::Report(link, report)) if self.outboxes.contains_key(&link) => {
                    return Event::Report(link, report);
                }
                Some(Arrival::Closed(link)) if self.outboxes.remove(&link).is_some() => {
                    return Event::Closed(link);
                }
                // From a link that was dropped here before its carrier knew.
                Some(Arrival::Report(..) | Arrival::Closed(_)) => {}
                // Cannot be: `self.port` keeps the channel open.
                None => std::future::pending().await,
            }
        }
    }

    /// Puts a report on its way. Never waits: a peer that does not read its answers loses its link.
    pub fn send(&mut self, link: LinkId, report: [u8; REPORT]) {
        if let Some(outbox) = self.outboxes.get(&link)
            && outbox.try_send(report).is_err()
        {
            tracing::warn!(
                link = link.0,
                "a CTAPHID peer does not read its answers, or is gone: link closed"
            );
            self.outboxes.remove(&link);
            self.dropped.push_back(link);
        }
    }
}

impl Port {
    /// Opens a link. The receiver yields what is to be sent; when it ends, the link is to be closed.
    pub(crate) async fn open(&self) -> (LinkId, mpsc::Receiver<[u8; REPORT]>) {
        let link = LinkId(self.last.fetch_add(1, Ordering::Relaxed));
        let (outbox, outgoing) = mpsc::channel(OUTGOING);
        self.arrive(Arrival::Opened(link, outbox)).await;
        (link, outgoing)
    }

    /// A report came in.
    pub(crate) async fn report(&self, link: LinkId, report: [u8; REPORT]) {
        self.arrive(Arrival::Report(link, report)).await;
    }

    /// The link is gone.
    pub(crate) async fn closed(&self, link: LinkId) {
        self.arrive(Arrival::Closed(link)).await;
    }

    async fn arrive(&self, arrival: Arrival) {
        // Fails only when the loop has ended, and then there is nobody to tell.
        let _ended = self.arrivals.send(arrival).await;
    }
}
