//! The same device over each carrier, and without power.

use crate::rig::{CBOR, ERROR, PING, REPORT, Simulator, Wire};

/// Solo's reboot command.
const REBOOT: &str = "ac1052ca95e569de69e02ebff333485f13f9b2da34c5a8a340526697a9ab2e0b\
                      394d8d04973c134005be1a0140bff6045bb26eb77a73eaa47813f6b49a7250dc";

#[test]
fn every_carrier_reaches_the_device() {
    let simulator = Simulator::start(&[]);
    let mut channels = Vec::new();
    for mut wire in [simulator.unix(), simulator.udp(), simulator.tcp()] {
        let channel = wire.channel();
        wire.begin(channel, PING, b"hello");
        assert_eq!(wire.answer(), (PING, b"hello".to_vec()));
        wire.begin(channel, CBOR, &[4]);
        let (command, information) = wire.final_answer();
        assert_eq!((command, information[0]), (CBOR, 0), "getInfo");
        channels.push(channel);
    }
    channels.sort_unstable();
    channels.dedup();
    assert_eq!(channels.len(), 3, "one device, a channel for each");
}

#[test]
fn without_power_nothing_is_there() {
    let simulator = Simulator::start(&[]);
    let (mut unix, mut tcp, mut udp) = (simulator.unix(), simulator.tcp(), simulator.udp());
    let old = udp.channel();
    unix.channel();
    tcp.channel();
    assert_eq!(simulator.get("/usb6/power/off").status, 200);
    assert!(!simulator.socket().exists(), "the path is gone");
    assert!(unix.receive().is_none() && tcp.receive().is_none(), "links are closed");
    assert_eq!(simulator.get("/usb6/power/on").status, 200);
    assert!(simulator.socket().exists(), "it is back when the answer is here");
    simulator.unix().channel();
    simulator.tcp().channel();
    assert!(is_forgotten(&mut udp, old), "channels are gone with the power");
}

#[test]
fn solos_reboot_report_is_a_power_cycle() {
    let simulator = Simulator::start(&[]);
    let mut udp = simulator.udp();
    let channel = udp.channel();
    assert!(!is_forgotten(&mut udp, channel));
    let bytes: Vec<u8> =
        (0..2 * REPORT).step_by(2).map(|at| u8::from_str_radix(&REBOOT[at..at + 2], 16).unwrap()).collect();
    let mut unix = simulator.unix();
    unix.channel();
    udp.send(&bytes.try_into().unwrap());
    // The end of this link tells that the power is off; the path comes back when it is on.
    assert!(unix.receive().is_none());
    let back = simulator.post("/conformance/powercycle", "");
    assert_eq!(back.status, 200, "one power cycle after the other");
    assert!(is_forgotten(&mut udp, channel));
}

/// Whether a channel is not known any more.
fn is_forgotten(wire: &mut Wire, channel: [u8; 4]) -> bool {
    wire.begin(channel, PING, &[7]);
    match wire.answer() {
        (PING, payload) => {
            assert_eq!(payload, [7]);
            false
        }
        (ERROR, payload) => {
            assert_eq!(payload, [0x0B], "INVALID_CHANNEL");
            true
        }
        other => panic!("{other:?}"),
    }
}
