//! The certificate that `serve` shows: of files that somebody else renews, or of the own CA that `init` made.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use clap::Args;
use latchkey_idp::clock::UnixTime;
use latchkey_idp::tls::{CertificateAuthority, ServerCertificate};

use crate::{Failure, read_clock};

/// Where certificates and keys are, all PEM.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// The own CA's certificate, which clients must trust; made by `init` for an https URL
    #[arg(long, global = true, env = "LATCHKEY_IDP_CA_CERTIFICATE", default_value = "latchkey-idp-ca.pem")]
    ca_certificate: PathBuf,
    /// The own CA's key
    #[arg(long, global = true, env = "LATCHKEY_IDP_CA_KEY", default_value = "latchkey-idp-ca.key")]
    ca_key: PathBuf,
    /// A certificate chain to serve with instead of the own CA's; read again when it changes
    #[arg(long, global = true, env = "LATCHKEY_IDP_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, global = true, env = "LATCHKEY_IDP_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
}

/// Where the certificate comes from.
enum Source {
    Files { chain: PathBuf, key: PathBuf },
    Own { ca: CertificateAuthority, names: Vec<String> },
}

/// The certificate in use, and how it is replaced while connections go on.
pub(crate) struct Certificates {
    source: Source,
    shown: ServerCertificate,
    config: RustlsConfig,
}

impl Files {
    /// Makes the own CA, unless it is there or files of another one are given. Says whether it made one.
    pub(crate) fn found(&self, name: &str) -> Result<Option<&PathBuf>, Box<dyn Error>> {
        if self.tls_certificate.is_some() || self.ca_certificate.exists() {
            return Ok(None);
        }
        let ca = CertificateAuthority::create(&format!("{name} own CA"), read_clock())?;
        ca.save(&self.ca_certificate, &self.ca_key)?;
        Ok(Some(&self.ca_certificate))
    }

    /// What to serve this host with.
    pub(crate) fn open(&self, host: &str) -> Result<Certificates, Box<dyn Error>> {
        // clap lets nobody give only one of them.
        let source = if let (Some(chain), Some(key)) = (&self.tls_certificate, &self.tls_key) {
            Source::Files { chain: chain.clone(), key: key.clone() }
        } else if self.ca_certificate.exists() {
            let ca = CertificateAuthority::load(&self.ca_certificate, &self.ca_key)?;
            Source::Own { ca, names: vec![host.to_owned()] }
        } else {
            let text = format!(
                "there is no certificate: give --tls-certificate and --tls-key, or run init with this https URL, which \
                 makes an own CA ({} is missing)",
                self.ca_certificate.display()
            );
            return Err(Failure(text).into());
        };
        let shown = source.certificate(read_clock())?;
        let config = RustlsConfig::from_config(shown.server_config()?);
        Ok(Certificates { source, shown, config })
    }
}

impl Source {
    fn certificate(&self, now: UnixTime) -> Result<ServerCertificate, latchkey_idp::tls::TlsError> {
        match self {
            Self::Files { chain, key } => ServerCertificate::load(chain, key),
            // Made anew at each start: its key is never on a disk.
            Self::Own { ca, names } => ca.issue(names, now),
        }
    }
}

impl Certificates {
    /// What the acceptor reads for each connection.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Takes a renewed certificate into use. One that cannot be used leaves the old one in place.
    pub(crate) fn tend(&mut self) {
        if let Err(error) = self.renew(read_clock()) {
            tracing::error!(%error, "the TLS certificate was not renewed; the old one stays");
        }
    }

    fn renew(&mut self, now: UnixTime) -> Result<(), latchkey_idp::tls::TlsError> {
        let own = matches!(self.source, Source::Own { .. });
        if own && !self.shown.renewal_is_due(now)? {
            return Ok(());
        }
        let next = self.source.certificate(now)?;
        if next.chain_pem == self.shown.chain_pem {
            return Ok(());
        }
        let config = next.server_config()?;
        self.config.reload_from_config(Arc::clone(&config));
        self.shown = next;
        tracing::info!("the TLS certificate was renewed");
        Ok(())
    }
}
