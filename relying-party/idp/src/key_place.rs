//! Where the keys are under which secrets in the database are sealed: in a file, behind a program (the hook for a key
//! management service), or in a file that only this machine's TPM opens.

mod program;
pub(crate) mod tpm;

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use latchkey_idp::secrets::{SealingKeys, new_key_line};
use tokio::process::Command;

use crate::Failure;
use program::{Complaints, Run};
use tpm::Tpm;

const DEFAULT_FILE: &str = "latchkey-idp.key";

/// Where the keys are; at most one of the ways.
#[derive(Debug, Args)]
pub(crate) struct KeyPlace {
    /// File with the keys under which secrets in the database are sealed; made by `init` [default: latchkey-idp.key]
    #[arg(long, global = true, env = "LATCHKEY_IDP_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Program that prints these keys instead, one a line, such as a key management service's client; its words are split
    /// at spaces and it is run without a shell
    #[arg(long, global = true, env = "LATCHKEY_IDP_KEY_COMMAND", value_name = "PROGRAM ARGUMENTS")]
    key_command: Option<String>,
    /// File with these keys as only this machine's TPM opens them; made by `init`, needs the tpm2-tools
    #[arg(long, global = true, env = "LATCHKEY_IDP_KEY_TPM", value_name = "FILE")]
    key_tpm: Option<PathBuf>,
    /// How the tpm2-tools reach the TPM
    #[arg(long, global = true, env = "LATCHKEY_IDP_TCTI", default_value = "device:/dev/tpmrm0")]
    tcti: String,
}

/// One place with keys.
pub(crate) enum KeySource {
    /// A file that its owner alone can read.
    File(PathBuf),
    /// A program and its arguments.
    Command(String),
    /// A file of sealed blobs, and how the TPM is reached.
    Tpm(PathBuf, Tpm),
}

/// Where keys are that are given up.
#[derive(Debug, Args)]
#[allow(clippy::struct_field_names, reason = "they are the names of options")]
pub(crate) struct FormerKeyPlace {
    /// Secrets are sealed under keys of this file
    #[arg(long, value_name = "FILE")]
    from_file: Vec<PathBuf>,
    /// Secrets are sealed under keys that this program prints
    #[arg(long, value_name = "PROGRAM ARGUMENTS")]
    from_command: Vec<String>,
    /// Secrets are sealed under keys of this file, which this machine's TPM opens
    #[arg(long, value_name = "FILE")]
    from_tpm: Vec<PathBuf>,
}

impl KeyPlace {
    /// The one place that was chosen.
    ///
    /// # Errors
    /// When more than one was.
    pub(crate) fn source(&self) -> Result<KeySource, Failure> {
        match (&self.key_file, &self.key_command, &self.key_tpm) {
            (None, None, None) => Ok(KeySource::File(DEFAULT_FILE.into())),
            (Some(file), None, None) => Ok(KeySource::File(file.clone())),
            (None, Some(command), None) => Ok(KeySource::Command(command.clone())),
            (None, None, Some(file)) => Ok(KeySource::Tpm(file.clone(), Tpm::at(&self.tcti))),
            _ => Err(Failure("give only one of --key-file, --key-command and --key-tpm".to_owned())),
        }
    }

    /// How the tpm2-tools reach the TPM.
    pub(crate) fn tcti(&self) -> &str {
        &self.tcti
    }

    /// The places that are given up.
    pub(crate) fn former(&self, former: &FormerKeyPlace) -> Vec<KeySource> {
        let files = former.from_file.iter().cloned().map(KeySource::File);
        let commands = former.from_command.iter().cloned().map(KeySource::Command);
        let tpm = former.from_tpm.iter().map(|file| KeySource::Tpm(file.clone(), Tpm::at(&self.tcti)));
        files.chain(commands).chain(tpm).collect()
    }
}

impl KeySource {
    /// Whether keys were made here. A program is asked only for its keys, so it always counts as made.
    pub(crate) fn is_made(&self) -> bool {
        match self {
            Self::File(path) | Self::Tpm(path, _) => path.exists(),
            Self::Command(_) => true,
        }
    }

    /// The keys.
    pub(crate) async fn load(&self) -> Result<SealingKeys, Failure> {
        if !self.is_made() {
            return Err(Failure(format!("there is no {self}: run latchkey-idp init first")));
        }
        match self {
            Self::File(path) => SealingKeys::load(path).map_err(|error| Failure(error.to_string())),
            Self::Command(words) => printed_keys(words).await,
            Self::Tpm(path, tpm) => tpm.load(path).await,
        }
    }

    /// The keys; one is made if there is none yet.
    pub(crate) async fn load_or_make(&self) -> Result<SealingKeys, Failure> {
        if self.is_made() {
            return self.load().await;
        }
        let mut rng = UnwrapErr(SysRng);
        match self {
            Self::File(path) => {
                SealingKeys::create(path, &mut rng).map_err(|error| Failure(error.to_string()))
            }
            Self::Tpm(path, tpm) => tpm.create(path, new_key_line(&mut rng).trim()).await,
            Self::Command(_) => self.load().await,
        }
    }

    /// What an operator must not lose.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::File(path) => {
                format!("Keep {} safe and apart from backups of the database.", path.display())
            }
            Self::Command(_) => {
                "Keep the keys that --key-command prints: without them the database's secrets are lost."
                    .to_owned()
            }
            Self::Tpm(path, _) => format!(
                "Only this machine's TPM opens {}: if the machine is lost, so are the signing keys and authenticator apps in \
                 the database. `latchkey-idp keys reseal` moves them to another key.",
                path.display()
            ),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "key file {}", path.display()),
            // Its arguments may say more than others should read.
            Self::Command(_) => f.write_str("key of --key-command"),
            Self::Tpm(path, _) => write!(f, "TPM key file {}", path.display()),
        }
    }
}

/// What the hook prints, read as a key file is.
async fn printed_keys(words: &str) -> Result<SealingKeys, Failure> {
    let mut words = words.split_ascii_whitespace();
    let program = words.next().ok_or_else(|| Failure("--key-command names no program".to_owned()))?;
    let mut command = Command::new(program);
    command.args(words);
    let run =
        Run { name: "the program of --key-command", command, input: None, complaints: Complaints::Dropped };
    let printed = run.output().await?;
    let text = std::str::from_utf8(&printed).unwrap_or_default();
    SealingKeys::parse(text).map_err(|_| {
        let text = "the program of --key-command must print one key a line, each 32 bytes in base64, the sealing one first; \
                    `latchkey-idp keys new` prints a key to store there";
        Failure(text.to_owned())
    })
}
