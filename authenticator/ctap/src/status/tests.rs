use latchkey_container::{Error as ContainerError, StorageError, StorageProblem, TpmError};
use latchkey_protocol::Status;

use super::Failure;

fn storage(problem: StorageProblem) -> ContainerError {
    ContainerError::Storage(StorageError { path: "/somewhere".into(), problem })
}

#[test]
fn a_refusal_of_the_container_has_a_status() {
    let rows = [
        (ContainerError::WrongPin { tries_left: 3 }, Status::PIN_INVALID),
        (ContainerError::PinBlocked, Status::PIN_BLOCKED),
        (ContainerError::PinLost, Status::PIN_BLOCKED),
        (ContainerError::NoPin, Status::PIN_NOT_SET),
        (ContainerError::Stale, Status::PIN_AUTH_INVALID),
        (ContainerError::PinAlreadySet, Status::PIN_AUTH_INVALID),
        (ContainerError::UnknownPasskey, Status::NO_CREDENTIALS),
        (ContainerError::TpmLockedOut, Status::PIN_AUTH_BLOCKED),
        (storage(StorageProblem::Full), Status::KEY_STORE_FULL),
        (storage(StorageProblem::ReadOnly), Status::OTHER),
        (ContainerError::OtherTpm, Status::OTHER),
        (ContainerError::Tpm(TpmError::Unreachable("gone".to_owned())), Status::OTHER),
    ];
    for (error, expected) in rows {
        let text = error.to_string();
        assert_eq!(Failure::from(error).status(), expected, "{text}");
    }
}

#[test]
fn reasons_that_a_peer_must_not_tell_apart_share_a_status() {
    assert_eq!(Failure::TokenRefused.status(), Failure::from(ContainerError::Stale).status());
    assert_eq!(Failure::NothingPending.status(), Failure::ResetWindowClosed.status());
}
