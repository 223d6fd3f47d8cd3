use std::fs;
use std::path::PathBuf;

use super::{FIDO_USAGE, fido_devices};

#[test]
fn only_devices_with_the_fido_usage_are_found() {
    let class = std::env::temp_dir().join(format!("latchkey-conformance-sysfs-{}", std::process::id()));
    for (name, descriptor) in [("hidraw0", &[0x05, 0x01, 0x09, 0x06][..]), ("hidraw3", &FIDO_USAGE[..])] {
        fs::create_dir_all(class.join(name).join("device")).expect("a folder can be made");
        fs::write(class.join(name).join("device/report_descriptor"), descriptor)
            .expect("a file can be written");
    }
    assert_eq!(fido_devices(&class).expect("the folder can be read"), [PathBuf::from("hidraw3")]);
    fs::remove_dir_all(&class).expect("the folder can be removed");
}
