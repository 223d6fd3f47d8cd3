//! Where the PIN reset service is found, and where the private halves of its keys are used.

mod pkcs11;
mod tpm;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use latchkey_idp::pin_reset::place::KeyPlaces;

use crate::Failure;
use pkcs11::Pkcs11Keys;
use tpm::TpmKeys;

/// Where the service is, and its keys.
#[derive(Debug, Args)]
pub(crate) struct ResetPlace {
    /// Where devices find the PIN reset service, when `pin-reset serve` runs it as a process of its own [default: the public URL;
    /// `serve` runs it]
    #[arg(long, global = true, env = "LATCHKEY_IDP_PIN_RESET_URL", value_name = "URL")]
    pub(crate) pin_reset_url: Option<String>,
    /// Where new keys of hpke-p256 are made; keys of blind-p256 are in software always, because their scalars are derived for each
    /// device
    #[arg(long, global = true, value_enum, default_value_t, env = "LATCHKEY_IDP_PIN_RESET_KEYS")]
    pin_reset_keys: Where,
    /// The library of the security module
    #[arg(long, global = true, env = "LATCHKEY_IDP_PKCS11_MODULE", value_name = "FILE")]
    pkcs11_module: Option<PathBuf>,
    /// The label of its token
    #[arg(long, global = true, env = "LATCHKEY_IDP_PKCS11_TOKEN", value_name = "LABEL")]
    pkcs11_token: Option<String>,
    /// File with the token's user PIN
    #[arg(long, global = true, env = "LATCHKEY_IDP_PKCS11_PIN_FILE", value_name = "FILE")]
    pkcs11_pin_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Where {
    /// In memory while they are used, sealed at rest
    #[default]
    Software,
    /// In this machine's TPM, through the tpm2-tools (--tcti)
    Tpm,
    /// In a hardware security module
    Pkcs11,
}

impl ResetPlace {
    /// The places, ready.
    pub(crate) fn open(&self, tcti: &str) -> Result<KeyPlaces, Failure> {
        match self.pin_reset_keys {
            Where::Software => Ok(KeyPlaces::default()),
            Where::Tpm => Ok(KeyPlaces::with(Box::new(TpmKeys::at(tcti)))),
            Where::Pkcs11 => {
                let (Some(module), Some(token), Some(pin)) =
                    (&self.pkcs11_module, &self.pkcs11_token, &self.pkcs11_pin_file)
                else {
                    let text =
                        "--pin-reset-keys pkcs11 needs --pkcs11-module, --pkcs11-token and --pkcs11-pin-file";
                    return Err(Failure(text.to_owned()));
                };
                Ok(KeyPlaces::with(Box::new(Pkcs11Keys::open(module, token, pin)?)))
            }
        }
    }
}
