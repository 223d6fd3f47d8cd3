//! A socket of the loopback interface, and who serves it.

use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A bound socket. It is served on tokio's current runtime until this is dropped.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    open: watch::Sender<()>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Has the socket at `address` served by what `serve` gives; its receiver changes when that must end.
    pub(crate) fn start<F>(address: SocketAddr, serve: impl FnOnce(watch::Receiver<()>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (open, closing) = watch::channel(());
        Self { address, open, serving: tokio::spawn(serve(closing)) }
    }

    /// Stops, and waits until the port is free again. Somebody must take the events of its links meanwhile.
    pub async fn close(self) {
        drop(self.open);
        let _ended = self.serving.await;
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}
