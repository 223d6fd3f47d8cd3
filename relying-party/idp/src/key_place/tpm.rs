//! Keys that only this machine's TPM opens, through the tpm2-tools: this program links no TPM library.
//!
//! The file has the parent (the storage root key at its usual handle, as `ESYS_TR` in base64: its public part is the one of
//! the day on which the file was made) and, for each key, the public and the sealed part. Every session is salted to that
//! parent and encrypts its parameters: who reads the bus sees no key, and who answers in the TPM's place cannot, because
//! the parent's public part is never asked for again.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use latchkey_idp::secrets::{SealingKeys, write_private};
use tempfile::TempDir;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::program::{Complaints, Run};
use crate::Failure;

/// Where a machine's storage root key is (TCG TPM v2.0 Provisioning Guidance §7.8).
const STORAGE_ROOT: &str = "0x81000001";
/// No dictionary attack can be made on 256 random bits, so nothing may lock the key.
const ATTRIBUTES: &str = "fixedtpm|fixedparent|noda|userwithauth";
/// How a command says that it is authorised and encrypted by the session of [`Bench::begin_session`].
pub(crate) const SESSION: &str = "session:session.ctx";

/// The TPM of this machine.
pub(crate) struct Tpm {
    tcti: String,
}

/// The contents of the file.
struct Sealed {
    parent: Vec<u8>,
    keys: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A run of several tools, and the folder where they keep what one hands to the next. No key is ever in it: keys go through
/// pipes.
pub(crate) struct Bench<'a> {
    tcti: &'a str,
    folder: TempDir,
}

impl Tpm {
    /// The TPM behind this TCTI.
    pub(crate) fn at(tcti: &str) -> Self {
        Self { tcti: tcti.to_owned() }
    }

    /// Opens the keys of `file`.
    pub(super) async fn load(&self, file: &Path) -> Result<SealingKeys, Failure> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure(format!("{} cannot be read: {error}", file.display())))?;
        let sealed = Sealed::parse(&text)
            .ok_or_else(|| Failure(format!("{} is not a file of TPM keys", file.display())))?;
        let bench = self.bench()?;
        bench.write("parent.tr", &sealed.parent)?;
        let opened = async {
            bench.begin_session().await?;
            bench.open(&sealed.keys).await
        };
        let opened = opened.await;
        bench.clear().await;
        let lines = opened.map_err(|Failure(error)| {
            let file = file.display();
            Failure(format!(
                "the TPM does not open {file} (made on another machine, or was the TPM cleared?): {error}"
            ))
        })?;
        SealingKeys::parse(&lines).map_err(|_| Failure(format!("{} does not hold keys", file.display())))
    }

    /// Seals a new key to the TPM and writes `file`.
    pub(super) async fn create(&self, file: &Path, line: &str) -> Result<SealingKeys, Failure> {
        let bench = self.bench()?;
        let sealed = async {
            bench.find_parent().await?;
            bench.begin_session().await?;
            bench.seal(line).await
        };
        let sealed = sealed.await;
        bench.clear().await;
        write_private(file, sealed?.text().as_bytes())
            .map_err(|error| Failure(format!("{} cannot be written: {error}", file.display())))?;
        // Read back at once: a key that does not open must be known before anything is sealed under it.
        self.load(file).await
    }

    /// A folder for one run.
    pub(crate) fn bench(&self) -> Result<Bench<'_>, Failure> {
        let private = std::fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("latchkey-idp-").permissions(private).tempdir();
        let folder = folder.map_err(|error| Failure(format!("no temporary folder can be made: {error}")))?;
        Ok(Bench { tcti: &self.tcti, folder })
    }
}

impl Bench<'_> {
    /// The storage root key, which is made if the machine has none.
    pub(crate) async fn find_parent(&self) -> Result<(), Failure> {
        let known = self.tool("tpm2_readpublic", &["-c", STORAGE_ROOT, "-t", "parent.tr"]).await;
        if known.is_ok() {
            return Ok(());
        }
        self.tool("tpm2_createprimary", &["-Q", "-C", "o", "-G", "ecc", "-c", "parent.ctx"]).await?;
        let keep = ["-Q", "-C", "o", "-c", "parent.ctx", "-o", "parent.tr", STORAGE_ROOT];
        self.tool("tpm2_evictcontrol", &keep).await?;
        self.tool("tpm2_flushcontext", &["-t"]).await.map(drop)
    }

    /// A session that is salted to the parent and encrypts what goes both ways.
    pub(crate) async fn begin_session(&self) -> Result<(), Failure> {
        let begin = ["--hmac-session", "--tpmkey-context=parent.tr", "-S", "session.ctx"];
        self.tool("tpm2_startauthsession", &begin).await?;
        let both = ["session.ctx", "--enable-encrypt", "--enable-decrypt"];
        self.tool("tpm2_sessionconfig", &both).await.map(drop)
    }

    async fn seal(&self, line: &str) -> Result<Sealed, Failure> {
        let create = [
            "-Q",
            "-C",
            "parent.tr",
            "-P",
            SESSION,
            "-i",
            "-",
            "-u",
            "key.pub",
            "-r",
            "key.priv",
            "-a",
            ATTRIBUTES,
        ];
        self.tool_with("tpm2_create", &create, Some(line.as_bytes())).await?;
        let key = (self.read("key.pub")?, self.read("key.priv")?);
        Ok(Sealed { parent: self.read("parent.tr")?, keys: vec![key] })
    }

    /// Loads the key of `key.pub` and `key.priv` as `key.ctx`.
    pub(crate) async fn load_key(&self) -> Result<(), Failure> {
        let load =
            ["-Q", "-C", "parent.tr", "-P", SESSION, "-u", "key.pub", "-r", "key.priv", "-c", "key.ctx"];
        self.tool("tpm2_load", &load).await.map(drop)
    }

    /// The key lines.
    async fn open(&self, keys: &[(Vec<u8>, Vec<u8>)]) -> Result<Zeroizing<String>, Failure> {
        let mut lines = Zeroizing::new(String::with_capacity(64 * keys.len()));
        for (public, private) in keys {
            self.write("key.pub", public)?;
            self.write("key.priv", private)?;
            self.load_key().await?;
            let line = self.tool("tpm2_unseal", &["-c", "key.ctx", "-p", SESSION]).await?;
            // Where no resource manager does it, the TPM's few places for keys must be freed.
            self.tool("tpm2_flushcontext", &["-t"]).await?;
            lines.push_str(std::str::from_utf8(&line).unwrap_or_default().trim());
            lines.push('\n');
        }
        Ok(lines)
    }

    /// Leaves nothing in the TPM, whatever went wrong.
    pub(crate) async fn clear(&self) {
        let _none = self.tool("tpm2_flushcontext", &["session.ctx"]).await;
        // Not every tool saves the session again that it used.
        let _none = self.tool("tpm2_flushcontext", &["-l"]).await;
        let _none = self.tool("tpm2_flushcontext", &["-t"]).await;
    }

    pub(crate) async fn tool(&self, name: &str, arguments: &[&str]) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.tool_with(name, arguments, None).await
    }

    async fn tool_with(
        &self,
        name: &str,
        arguments: &[&str],
        input: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut command = Command::new(name);
        command.arg(format!("--tcti={}", self.tcti)).args(arguments).current_dir(self.folder.path());
        // The library beneath reports every refusal, also those that are expected.
        command.env("TSS2_LOG", "all+none");
        let failed = |Failure(error)| {
            Failure(format!("{error}; is the package tpm2-tools installed, and --tcti right?"))
        };
        Run { name, command, input, complaints: Complaints::Reported }.output().await.map_err(failed)
    }

    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        std::fs::read(self.folder.path().join(name))
            .map_err(|error| Failure(format!("the tpm2-tools did not write {name}: {error}")))
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        std::fs::write(self.folder.path().join(name), bytes)
            .map_err(|error| Failure(format!("the temporary folder cannot be written: {error}")))
    }
}

impl Sealed {
    fn text(&self) -> String {
        let mut text =
            "# Keys that only one machine's TPM opens, for latchkey-idp; the first one seals.\n".to_owned();
        let _infallible = writeln!(text, "parent {}", STANDARD.encode(&self.parent));
        for (public, private) in &self.keys {
            let _infallible = writeln!(text, "key {} {}", STANDARD.encode(public), STANDARD.encode(private));
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let decode = |word: Option<&str>| word.and_then(|word| STANDARD.decode(word).ok());
        let (mut parent, mut keys) = (None, Vec::new());
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            let mut words = line.split_ascii_whitespace();
            match words.next()? {
                "parent" => parent = Some(decode(words.next())?),
                "key" => keys.push((decode(words.next())?, decode(words.next())?)),
                _ => return None,
            }
        }
        Some(Self { parent: parent?, keys })
    }
}
