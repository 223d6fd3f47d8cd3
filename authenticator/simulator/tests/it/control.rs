//! Button and user over HTTP, in each vocabulary.

use serde_json::{Value, json};

use crate::rig::{CANCEL, CBOR, Simulator};

/// authenticatorSelection: asks for a touch and does nothing else.
const SELECTION: [u8; 1] = [0x0B];

#[test]
fn a_touch_is_waited_for() {
    let simulator = Simulator::start(&["--up", "hold"]);
    let mut wire = simulator.unix();
    let channel = wire.channel();

    wire.begin(channel, CBOR, &SELECTION);
    wire.until_the_user_is_needed();
    assert_eq!(state(&simulator)["asked"], "Use this authenticator");
    assert_eq!(simulator.get("/usb6/touch/on").status, 200);
    assert_eq!(wire.final_answer(), (CBOR, vec![0]), "the finger says yes");
    wire.begin(channel, CBOR, &SELECTION);
    assert_eq!(wire.final_answer(), (CBOR, vec![0]), "and again while it lies there");
    assert_eq!(simulator.get("/usb6/touch/off").status, 200);

    // One touch is for one question, and may come before it.
    assert_eq!(simulator.post("/conformance/userpresence", "").status, 200);
    wire.begin(channel, CBOR, &SELECTION);
    assert_eq!(wire.final_answer(), (CBOR, vec![0]));
    wire.begin(channel, CBOR, &SELECTION);
    wire.until_the_user_is_needed();
    wire.begin(channel, CANCEL, &[]);
    assert_eq!(wire.final_answer(), (CBOR, vec![0x2D]), "the touch was used up");
    assert_eq!(state(&simulator)["asked"], Value::Null, "the question was taken back");
}

#[test]
fn the_user_does_what_is_said() {
    let simulator = Simulator::start(&[]);
    let mut wire = simulator.unix();
    let channel = wire.channel();
    for (wish, status) in [("", 0x00), ("up=deny", 0x27), ("up=timeout", 0x2F), ("up=auto", 0x00)] {
        assert_eq!(simulator.post(&format!("/user?{wish}"), "").status, 204, "{wish}");
        wire.begin(channel, CBOR, &SELECTION);
        assert_eq!(wire.final_answer(), (CBOR, vec![status]), "{wish}");
    }
    let expected =
        json!({ "plugged": true, "up": "auto", "uv": "ok", "touching": false, "touches": 0, "asked": null });
    assert_eq!(state(&simulator), expected);
}

#[test]
fn what_is_not_in_the_vocabulary_is_refused() {
    let simulator = Simulator::start(&[]);
    for path in ["/usb6/touch/maybe", "/usb/touch/on", "/hub1/power/off", "/usb6/power/", "/nothing"] {
        assert_eq!(simulator.get(path).status, 404, "{path}");
    }
    for wish in ["up=perhaps", "uv=auto", "you=ok"] {
        assert_eq!(simulator.post(&format!("/user?{wish}"), "").status, 400, "{wish}");
    }
    assert_eq!(simulator.get("/conformance/powercycle").status, 405);
    assert!(simulator.socket().exists(), "and nothing has happened");
}

#[test]
fn results_are_kept() {
    let simulator = Simulator::start(&[]);
    let results =
        json!({ "allTestsSelected": true, "passedTestsCount": 3, "failedTestsCount": 0, "failedTests": [] });
    assert_eq!(simulator.post("/conformance/results", "no JSON").status, 400);
    assert_eq!(simulator.post("/conformance/results", &results.to_string()).status, 200);
    assert_eq!(simulator.get("/conformance/results").json(), results);
}

fn state(simulator: &Simulator) -> Value {
    let response = simulator.get("/");
    assert_eq!(response.status, 200);
    response.json()
}
