use super::*;
use ErrorName::{
    AbortError, ConstraintError, InvalidStateError, NotAllowedError, NotSupportedError, UnknownError,
};

#[test]
fn every_status_has_its_name() {
    for status in Status::ALL {
        let expected = match *status {
            Status::CREDENTIAL_EXCLUDED => InvalidStateError,
            Status::UNSUPPORTED_ALGORITHM => NotSupportedError,
            Status::KEEPALIVE_CANCEL => AbortError,
            Status::KEY_STORE_FULL | Status::UNSUPPORTED_OPTION => ConstraintError,
            Status::TIMEOUT
            | Status::OPERATION_DENIED
            | Status::NO_CREDENTIALS
            | Status::USER_ACTION_TIMEOUT
            | Status::NOT_ALLOWED
            | Status::PIN_INVALID
            | Status::PIN_BLOCKED
            | Status::PIN_AUTH_INVALID
            | Status::PIN_AUTH_BLOCKED
            | Status::PIN_NOT_SET
            | Status::PUAT_REQUIRED
            | Status::PIN_POLICY_VIOLATION
            | Status::ACTION_TIMEOUT
            | Status::UP_REQUIRED
            | Status::UV_BLOCKED
            | Status::UV_INVALID
            | Status::UNAUTHORIZED_PERMISSION => NotAllowedError,
            _ => UnknownError,
        };
        assert_eq!(DomException::from(*status).name, expected, "{status}");
    }
}

#[test]
fn every_named_status_is_a_row_of_its_own() {
    for code in 0..=u8::MAX {
        let (_, message) = outcome(Status(code));
        let unnamed = message.contains("does not name");
        assert_eq!(unnamed, Status(code).name().is_none(), "0x{code:02X}");
    }
}

#[test]
fn no_response_has_its_name_too() {
    for (error, name) in [
        (TransactError::Cancelled, AbortError),
        (TransactError::TimedOut, NotAllowedError),
        (TransactError::Unreachable("no socket".to_owned()), UnknownError),
    ] {
        assert_eq!(DomException::from(error).name, name);
    }
}

#[test]
fn messages_say_what_to_do() {
    let exception = DomException::from(Status::PIN_NOT_SET);
    assert_eq!(
        exception.to_string(),
        "NotAllowedError: No PIN is set; run `latchkey pin set` (CTAP2_ERR_PIN_NOT_SET (0x35))."
    );
}
