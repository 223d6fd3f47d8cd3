//! The carriers of a device that is plugged in.

use std::path::Path;

use latchkey_transports::carrier::Port;
use latchkey_transports::{loopback, udp, uhid, unix};

use crate::args::UpArguments;
use crate::failure::{Failure, FailureKind};
use crate::paths::Paths;

/// Which carriers there are to be.
pub struct Carriers {
    paths: Paths,
    udp_port: Option<u16>,
    uhid: bool,
}

impl Carriers {
    /// The socket always, the others as the command line says.
    pub fn new(paths: &Paths, arguments: &UpArguments) -> Self {
        Self { paths: paths.clone(), udp_port: arguments.udp, uhid: arguments.uhid }
    }

    /// Plugs the device in.
    pub async fn plug(&self, port: &Port) -> Result<Plug, Failure> {
        let path = self.paths.ctaphid_socket();
        let unix = unix::Listener::bind(&path, port.clone())
            .map_err(|error| Failure::new(FailureKind::Storage, error.to_string()))?;
        let udp = match self.udp_port {
            None => None,
            Some(number) => Some(
                udp::bind(number, port.clone())
                    .await
                    .map_err(|error| Failure::io(format!("the UDP port {number} cannot be used"), &error))?,
            ),
        };
        let uhid = self.uhid.then(|| uhid::Device::create(Path::new(uhid::PATH), port.clone())).transpose();
        let uhid = uhid.map_err(|error| Failure::new(FailureKind::Refused, error.to_string()))?;
        tracing::info!(socket = %path.display(), uhid = self.uhid, "plugged in");
        Ok(Plug { _unix: unix, _udp: udp, _uhid: uhid })
    }
}

/// Dropping it removes the socket and the HID device, and closes the links.
pub struct Plug {
    _unix: unix::Listener,
    _udp: Option<loopback::Listener>,
    _uhid: Option<uhid::Device>,
}
