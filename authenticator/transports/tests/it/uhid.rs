//! The kernel's HID device, as far as there is no kernel: `tests/guest` has one.

use latchkey_transports::carrier::Links;
use latchkey_transports::uhid::{Device, Error};

#[tokio::test]
async fn without_the_module_the_error_says_how_to_load_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = Device::create(&folder.path().join("uhid"), Links::new().port()).unwrap_err();
    assert!(matches!(error, Error::Missing(_)));
    assert!(error.to_string().contains("modprobe uhid"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_opened_for_writing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Device::create(folder.path(), Links::new().port()).unwrap_err();
    assert!(matches!(error, Error::Io(..)), "{error}");
}
