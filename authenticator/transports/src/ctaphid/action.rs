//! What goes between the device and its driver.

use super::{Command, REPORT};

/// One connection of one carrier. A carrier numbers them so that no two are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// One allocated channel of one link; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u64);

/// One CBOR request; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransactionId(pub u64);

/// What the driver must do next, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send a report over a link.
    Send(LinkId, [u8; REPORT]),
    /// Hand a request to the authenticator, and its answer to [`Device::respond`](super::Device::respond).
    Cbor {
        /// Names the request in [`Device::respond`](super::Device::respond) and [`Action::Cancel`].
        transaction: TransactionId,
        /// The channel that it came on.
        channel: ChannelId,
        /// Command byte and CBOR; not empty.
        request: Vec<u8>,
    },
    /// The same for a U2F message: an APDU, not empty. It cannot be cancelled by the client, and is answered at once.
    Message {
        /// Names the message in [`Device::respond`](super::Device::respond) and [`Action::Cancel`].
        transaction: TransactionId,
        /// The channel that it came on.
        channel: ChannelId,
        /// The command APDU.
        message: Vec<u8>,
    },
    /// Give up the request: answer it with `KEEPALIVE_CANCEL`. It was cancelled, or its channel was brought back into
    /// step or closed; whether the answer still goes anywhere is the device's business.
    Cancel(TransactionId),
    /// Show which device this is.
    Wink,
    /// Forget what belongs to the channel.
    ChannelClosed(ChannelId),
}

impl Action {
    /// What a whole message of CBOR or MSG leads to.
    pub(super) fn handed(
        command: Command,
        transaction: TransactionId,
        channel: ChannelId,
        payload: Vec<u8>,
    ) -> Self {
        if command == Command::MSG {
            Self::Message { transaction, channel, message: payload }
        } else {
            Self::Cbor { transaction, channel, request: payload }
        }
    }
}
