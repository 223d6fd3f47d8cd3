//! The secrets of a PIN reset, found out by other ways than the programs go.

use std::path::{Path, PathBuf};
use std::process::Command;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::XChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use latchkey_tests::idp::IdpPlace;
use latchkey_tests::memory::{self, Region};
use latchkey_tests::pin_reset_service::{self, PinResetService};
use latchkey_tests::sql;
use latchkey_tests::swtpm::Swtpm;
use sha2::Sha256;

/// What must not be found, each with its name.
pub struct Secrets(Vec<(String, Vec<u8>)>);

/// A container's files at some time, and the PIN reset envelope in them.
pub struct Moment {
    /// Such as `before`.
    pub name: &'static str,
    /// The folder with the container.
    pub data: PathBuf,
    /// What the device would send to the service.
    pub envelope: String,
}

impl Secrets {
    /// The PINs, and what the service's answer opens at these moments. No daemon uses the TPM meanwhile.
    pub fn of(
        moments: &[Moment],
        service: &PinResetService,
        swtpm: &Swtpm,
        scratch: &Path,
        pins: &[&str],
    ) -> Self {
        let mut all: Vec<_> =
            pins.iter().map(|pin| (format!("the PIN {pin}"), pin.as_bytes().to_vec())).collect();
        for Moment { name, data, envelope } in moments {
            let [recover, administer] =
                ["recover", "administer"].map(|purpose| service.secret(envelope, purpose));
            let key = authentication_key(swtpm, data, envelope, &recover, scratch);
            all.push((format!("the authentication key of {name}"), key));
            all.push((format!("what recovers, of {name}"), recover));
            all.push((format!("what administers, of {name}"), administer));
        }
        assert!(all.iter().all(|(_, secret)| secret.len() >= 8), "a search for less finds anything");
        Self(all)
    }

    /// Which of them lie where.
    pub fn within(&self, when: &str, regions: &[Region]) -> Vec<String> {
        let found = self.0.iter().flat_map(|(what, secret)| {
            memory::find(regions, secret).into_iter().map(move |place| format!("{what}, {when}: {place}"))
        });
        found.collect()
    }
}

/// The provider's PIN reset service with its key, which the key file opens.
pub fn service_of(place: &IdpPlace, envelope: &str) -> PinResetService {
    let kid = pin_reset_service::open(envelope)["kid"].as_str().expect("it names its key").to_owned();
    let path = place.database().strip_prefix("sqlite:").expect("a file");
    let select = format!("SELECT hex(sealed) FROM reset_keys WHERE kid = '{kid}'");
    let sealed = sql::bytes(Path::new(path), &select);
    let line = std::fs::read_to_string(place.key_file()).expect("the key file");
    let key = STANDARD.decode(line.trim()).expect("one key");
    let mut id = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    id.update(b"latchkey sealing key id");
    let id = id.finalize().into_bytes();
    assert_eq!(sealed[..5], [&[1], &id[..4]].concat(), "format and key");
    let (nonce, rest) = sealed[5..].split_first_chunk::<24>().expect("a nonce");
    let (body, tag) = rest.split_last_chunk::<16>().expect("a tag");
    let context = [&sealed[..5], b"service key\0", kid.as_bytes()].concat();
    let mut private = body.to_vec();
    XChaCha20Poly1305::new_from_slice(&key)
        .expect("32 bytes")
        .decrypt_inout_detached(nonce.into(), &context, private.as_mut_slice().into(), tag.into())
        .expect("the private half");
    PinResetService::of_private_key(&private)
}

/// The way that the daemon goes with the service's answer, gone with the TPM's own tools.
fn authentication_key(swtpm: &Swtpm, data: &Path, envelope: &str, secret: &[u8], scratch: &Path) -> Vec<u8> {
    let mut auth = [0; 32];
    Hkdf::<Sha256>::new(None, secret).expand(b"tpm", &mut auth).expect("32 bytes");
    if auth[31] == 0 {
        auth[31] = 1;
    }
    let database = data.join("container").join("container.db");
    let object = sql::bytes(&database, "SELECT hex(sealed) FROM protectors WHERE kind = 'pin reset'");
    let length = usize::from(object[1]) << 8 | usize::from(object[2]);
    let (private, public) = object[3..].split_at(length);
    let sized = |part: &[u8]| [&u16::try_from(part.len()).expect("short").to_be_bytes(), part].concat();
    let [private_file, public_file, context] =
        ["private", "public", "context"].map(|name| scratch.join(name).display().to_string());
    std::fs::write(&private_file, sized(private)).expect("written");
    std::fs::write(&public_file, sized(public)).expect("written");
    let tool = |tool: &str, arguments: &[&str]| {
        let output = Command::new(tool).args(["-T", &swtpm.tcti()]).args(arguments).output();
        let output = output.expect("tpm2-tools are installed");
        assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    // The daemon was killed, and what it had loaded is there still.
    let _flushed = tool("tpm2_flushcontext", &["-t"]);
    let _loaded =
        tool("tpm2_load", &["-C", "0x81000001", "-r", &private_file, "-u", &public_file, "-c", &context]);
    // As digits: the tool ends what it reads from a file at the first zero.
    let auth = auth.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"));
    let payload = tool("tpm2_unseal", &["-c", &context, "-p", &format!("hex:{auth}")]);
    let binding = pin_reset_service::binding(&pin_reset_service::open(envelope), "recover");
    let (mut key, tag) = (payload[..32].to_vec(), &payload[32..]);
    Aes256Gcm::new_from_slice(secret)
        .expect("32 bytes")
        .decrypt_inout_detached(
            &Nonce::default(),
            binding.as_bytes(),
            key.as_mut_slice().into(),
            tag.try_into().expect("16 bytes"),
        )
        .expect("the authentication key");
    key
}
