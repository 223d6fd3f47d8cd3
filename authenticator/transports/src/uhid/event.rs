//! The events of `/dev/uhid` (the kernel's `include/uapi/linux/uhid.h`): a type of 4 bytes, then a packed structure, all in the
//! machine's byte order. The kernel takes what a shorter write leaves out as zeros.

use crate::ctaphid::REPORT;

/// More bytes than the longest event has.
pub(super) const MOST: usize = 4480;

const OPEN: u32 = 4;
const CLOSE: u32 = 5;
const OUTPUT: u32 = 6;
const GET_REPORT: u32 = 9;
const GET_REPORT_REPLY: u32 = 10;
const CREATE2: u32 = 11;
const INPUT2: u32 = 12;
const SET_REPORT: u32 = 13;
const SET_REPORT_REPLY: u32 = 14;

/// `UHID_DATA_MAX`: the room for a report in an event.
const DATA: usize = 4096;

const NAME: &str = "Latchkey virtual security key";
const NAME_ROOM: usize = 128;
const PLACE_ROOM: usize = 64;
/// `BUS_USB`: clients look for security keys there.
const BUS: u16 = 3;
/// The vendor of open projects (pid.codes), and its first number for tests.
const VENDOR: u32 = 0x1209;
const PRODUCT: u32 = 0x0001;
const EIO: u16 = 5;

/// The HID report descriptor of CTAP 2.3 §11.2.8.1: reports of 64 bytes to and from usage page F1D0.
const DESCRIPTOR: [u8; 34] = [
    0x06, 0xD0, 0xF1, // Usage Page (FIDO Alliance)
    0x09, 0x01, // Usage (CTAPHID authenticator)
    0xA1, 0x01, // Collection (Application)
    0x09, 0x20, // Usage (data in)
    0x15, 0x00, // Logical Minimum (0)
    0x26, 0xFF, 0x00, // Logical Maximum (255)
    0x75, 0x08, // Report Size (8 bits)
    0x95, 0x40, // Report Count (64)
    0x81, 0x02, // Input (Data, Variable, Absolute)
    0x09, 0x21, // Usage (data out)
    0x15, 0x00, // Logical Minimum (0)
    0x26, 0xFF, 0x00, // Logical Maximum (255)
    0x75, 0x08, // Report Size (8 bits)
    0x95, 0x40, // Report Count (64)
    0x91, 0x02, // Output (Data, Variable, Absolute)
    0xC0, // End Collection
];

/// What the kernel says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The first client opened the device.
    Open,
    /// The last client closed it.
    Close,
    /// A client sent a report.
    Output([u8; REPORT]),
    /// A client asked for a feature report, or sent one; there is none, and this says so.
    Asked(Vec<u8>),
    /// Nothing to do.
    Other,
}

impl Event {
    /// Reads one event. What is no report of ours is [`Event::Other`].
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let Some((kind, body)) = bytes.split_first_chunk() else { return Self::Other };
        match u32::from_ne_bytes(*kind) {
            OPEN => Self::Open,
            CLOSE => Self::Close,
            OUTPUT => output(body).map_or(Self::Other, Self::Output),
            GET_REPORT => refusal(GET_REPORT_REPLY, body),
            SET_REPORT => refusal(SET_REPORT_REPLY, body),
            _ => Self::Other,
        }
    }
}

/// `uhid_output_req`: the data, its size, and the type of report. The number of the report comes first, which is 0.
fn output(body: &[u8]) -> Option<[u8; REPORT]> {
    let (data, rest) = body.split_at_checked(DATA)?;
    let size = usize::from(u16::from_ne_bytes(*rest.first_chunk()?));
    match data.get(..size)? {
        [0, report @ ..] if report.len() == REPORT => report.try_into().ok(),
        report => report.try_into().ok(),
    }
}

/// The answer to a request, which begins with its number.
fn refusal(kind: u32, body: &[u8]) -> Event {
    let Some(id) = body.first_chunk::<4>() else { return Event::Other };
    let mut reply = kind.to_ne_bytes().to_vec();
    reply.extend(id);
    reply.extend(EIO.to_ne_bytes());
    Event::Asked(reply)
}

/// Makes the device: `uhid_create2_req`.
pub(super) fn create() -> Vec<u8> {
    let mut event = CREATE2.to_ne_bytes().to_vec();
    let mut name = NAME.as_bytes().to_vec();
    name.resize(NAME_ROOM, 0);
    event.extend(name);
    event.extend([0; 2 * PLACE_ROOM]);
    let size = u16::try_from(DESCRIPTOR.len()).unwrap_or_default();
    event.extend(size.to_ne_bytes());
    event.extend(BUS.to_ne_bytes());
    for number in [VENDOR, PRODUCT, 0, 0] {
        event.extend(number.to_ne_bytes());
    }
    event.extend(DESCRIPTOR);
    event
}

/// A report to the clients: `uhid_input2_req`.
pub(super) fn input(report: &[u8; REPORT]) -> Vec<u8> {
    let mut event = INPUT2.to_ne_bytes().to_vec();
    let size = u16::try_from(report.len()).unwrap_or_default();
    event.extend(size.to_ne_bytes());
    event.extend(report);
    event
}

#[cfg(test)]
mod tests;
