//! The open numbers: names for what the specification names, and the number itself for the rest.

use latchkey_protocol::client_pin::{self, Permissions};
use latchkey_protocol::{Algorithm, Command, Status, bio_enrollment, config, credential_management};

#[test]
fn statuses_show_their_specified_names() {
    assert_eq!(Status::PIN_AUTH_INVALID.to_string(), "CTAP2_ERR_PIN_AUTH_INVALID (0x33)");
    assert_eq!(Status::INVALID_COMMAND.to_string(), "CTAP1_ERR_INVALID_COMMAND (0x01)");
    assert_eq!(Status(0x99).to_string(), "unnamed status 0x99");
    for status in Status::ALL {
        assert!(status.name().is_some());
    }
    assert!(Status::ALL.is_sorted(), "the table is in order, so no number is given twice");
}

#[test]
fn commands_and_subcommands_show_their_specified_names() {
    assert_eq!(Command::GET_NEXT_ASSERTION.to_string(), "authenticatorGetNextAssertion");
    assert_eq!(Command(0x77).to_string(), "command 0x77");
    assert_eq!(client_pin::SubCommand::GET_UV_RETRIES.to_string(), "getUVRetries");
    assert_eq!(client_pin::SubCommand(0x08).to_string(), "SubCommand 0x08");
    assert_eq!(credential_management::SubCommand::UPDATE_USER_INFORMATION.0, 7);
    assert_eq!(config::SubCommand::ENABLE_LONG_TOUCH_FOR_RESET.0, 4);
    assert_eq!(bio_enrollment::SubCommand::GET_FINGERPRINT_SENSOR_INFO.0, 7);
    assert_eq!(Algorithm::RS256.to_string(), "RS256");
    assert_eq!(Algorithm(-999).to_string(), "COSE algorithm -999");
}

#[test]
fn permissions_are_a_set() {
    let both = Permissions::MAKE_CREDENTIAL | Permissions::GET_ASSERTION;
    assert_eq!(both.to_string(), "mc ga");
    assert_eq!(Permissions::NONE.to_string(), "none");
    assert!(both.contains(Permissions::GET_ASSERTION));
    assert!(!Permissions::GET_ASSERTION.contains(both));
    assert!(both.intersects(Permissions::GET_ASSERTION | Permissions::LARGE_BLOB_WRITE));
    assert_eq!(both.without(Permissions::MAKE_CREDENTIAL), Permissions::GET_ASSERTION);
    assert_eq!(both & Permissions::CREDENTIAL_MANAGEMENT, Permissions::NONE);
    assert!((both & Permissions::CREDENTIAL_MANAGEMENT).is_empty());
}
