//! The plug: carriers that come and go, and what the power does to the engine.

use std::fmt;
use std::path::PathBuf;

use latchkey_transports::carrier::Port;
use latchkey_transports::{loopback, tcp, udp, unix};
use tokio::sync::{Mutex, oneshot};

use crate::args::Arguments;
use crate::engine::{Job, Jobs};
use crate::failure::Failure;

/// Plugs in and out, one at a time.
pub struct Power {
    port: Port,
    jobs: Jobs,
    state: Mutex<State>,
}

struct State {
    addresses: Addresses,
    plug: Option<Plug>,
}

/// Where the carriers are: the same places at each plugging in.
#[derive(Clone)]
pub struct Addresses {
    unix: Option<PathBuf>,
    udp: Option<u16>,
    tcp: Option<u16>,
}

struct Plug {
    unix: Option<unix::Listener>,
    udp: Option<loopback::Listener>,
    tcp: Option<loopback::Listener>,
}

impl Power {
    /// Unplugged.
    pub fn new(arguments: &Arguments, port: Port, jobs: Jobs) -> Self {
        let addresses = Addresses { unix: arguments.unix.clone(), udp: arguments.udp, tcp: arguments.tcp };
        Self { port, jobs, state: Mutex::new(State { addresses, plug: None }) }
    }

    /// Where the carriers are.
    pub async fn addresses(&self) -> Addresses {
        self.state.lock().await.addresses.clone()
    }

    /// Whether it is plugged in.
    pub async fn is_on(&self) -> bool {
        self.state.lock().await.plug.is_some()
    }

    /// Plugs in, if it is not: powers the engine up, then opens the carriers.
    pub async fn on(&self) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        self.plug(&mut state).await
    }

    /// Unplugs, if it is plugged in. The carriers are gone when this returns.
    pub async fn off(&self) {
        let mut state = self.state.lock().await;
        unplug(&mut state).await;
    }

    /// Unplugs and plugs in.
    pub async fn cycle(&self) -> Result<(), Failure> {
        let mut state = self.state.lock().await;
        unplug(&mut state).await;
        self.plug(&mut state).await
    }

    async fn plug(&self, state: &mut State) -> Result<(), Failure> {
        if state.plug.is_some() {
            return Ok(());
        }
        let (done, up) = oneshot::channel();
        self.jobs.send(Job::PowerUp { done }).map_err(|_ended| Failure::engine_ended())?;
        up.await.map_err(|_ended| Failure::engine_ended())?;
        state.plug = Some(open(&mut state.addresses, &self.port).await?);
        tracing::info!("plugged in");
        Ok(())
    }
}

async fn unplug(state: &mut State) {
    if let Some(Plug { unix, udp, tcp }) = state.plug.take() {
        drop(unix);
        if let Some(listener) = udp {
            listener.close().await;
        }
        if let Some(listener) = tcp {
            listener.close().await;
        }
        tracing::info!("unplugged");
    }
}

/// Opens the carriers. A port that the system chose is kept for the next time.
async fn open(addresses: &mut Addresses, port: &Port) -> Result<Plug, Failure> {
    let unix = addresses.unix.as_ref().map(|path| unix::Listener::bind(path, port.clone()));
    let unix = unix.transpose().map_err(|error| Failure::new(error.to_string()))?;
    let in_use = |number: u16| {
        move |error: std::io::Error| Failure::io(format!("the port {number} cannot be used"), &error)
    };
    let mut plug = Plug { unix, udp: None, tcp: None };
    if let Some(number) = &mut addresses.udp {
        let listener = udp::bind(*number, port.clone()).await.map_err(in_use(*number))?;
        *number = listener.local_addr().port();
        plug.udp = Some(listener);
    }
    if let Some(number) = &mut addresses.tcp {
        let listener = tcp::bind(*number, port.clone()).await.map_err(in_use(*number))?;
        *number = listener.local_addr().port();
        plug.tcp = Some(listener);
    }
    Ok(plug)
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.unix {
            write!(f, "unix:{} ", path.display())?;
        }
        if let Some(number) = self.udp {
            write!(f, "udp:127.0.0.1:{number} ")?;
        }
        if let Some(number) = self.tcp {
            write!(f, "tcp:127.0.0.1:{number} ")?;
        }
        Ok(())
    }
}
