use std::ffi::OsStr;
use std::process::Command;

use super::wrapper_text;
use crate::browser::EXTENSION_ID;

#[test]
fn the_wrapper_quotes_every_path() {
    let folder = tempfile::tempdir().unwrap();
    let value = r#"it's "odd" $HOME `x` \"#;
    let text = wrapper_text(OsStr::new("/bin/echo"), &[("LATCHKEY_DIR", OsStr::new(value))]);
    // Echo stands for the program: it shows its arguments; the shell's own echo of the variable shows the value.
    let text = format!("{}echo \"$LATCHKEY_DIR\"\n", String::from_utf8(text).unwrap().replace("exec ", ""));
    let script = folder.path().join("host");
    std::fs::write(&script, text).unwrap();
    let output = Command::new("bash").arg(&script).arg("chrome-extension://x/").output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("browser host chrome-extension://x/\n{value}\n")
    );
}

/// Chromium derives the id from the key: the first 16 bytes of its SHA-256, in the letters a to p.
#[test]
fn the_extension_id_is_the_one_of_the_extension() {
    use base64::Engine;
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/extension/manifest.json");
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let key = base64::engine::general_purpose::STANDARD.decode(manifest["key"].as_str().unwrap()).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key);
    let letters = digest.as_ref().iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
    let id: String = letters.map(|nibble| char::from(b'a' + nibble)).collect();
    assert_eq!(id, EXTENSION_ID);
}
