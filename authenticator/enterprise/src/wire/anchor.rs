//! Chains of certificates up to an anchor that was pinned when the device joined. The system's CAs have no say here: one
//! of them in the wrong hands must not get anybody's PIN reset protector.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use latchkey_container::UnixTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::{ASN1Time, FromDer as _};

use super::WireError;

const WHAT: &str = "a certificate chain of the PIN reset service";
const UNVERIFIED: WireError = WireError::Unverified(WHAT);
/// Longer chains than key, CA, anchor and one spare are not made by anybody.
const LONGEST: usize = 4;

/// The DER certificates of a chain (`x5c`: base64), the first for the key in question.
#[derive(Debug)]
pub struct Chain(Vec<Vec<u8>>);

impl Chain {
    /// Decodes the texts.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn read(x5c: &[String]) -> Result<Self, WireError> {
        let malformed = |_| WireError::Malformed(WHAT);
        let decoded = x5c.iter().map(|text| BASE64_STANDARD.decode(text).map_err(malformed));
        let chain: Vec<Vec<u8>> = decoded.collect::<Result<_, _>>()?;
        if chain.is_empty() || chain.len() > LONGEST {
            return Err(WireError::Malformed(WHAT));
        }
        Ok(Self(chain))
    }

    /// Until when the first certificate is good, in seconds since 1970.
    ///
    /// # Errors
    /// [`WireError::Malformed`].
    pub fn until(&self) -> Result<u64, WireError> {
        let first = self.0.first().map(|der| parse(der)).transpose()?;
        let until = first.map(|certificate| certificate.validity().not_after.timestamp());
        until.and_then(|until| u64::try_from(until).ok()).ok_or(WireError::Malformed(WHAT))
    }

    /// Checks every link up to `anchor` (DER) at `now`, and returns the public key of the first certificate as an
    /// uncompressed point.
    ///
    /// # Errors
    /// [`WireError::Unverified`] for a chain that ends elsewhere, is expired, or goes through what is no CA.
    pub fn verify(&self, anchor: &[u8], now: UnixTime) -> Result<[u8; 65], WireError> {
        let now = i64::try_from(now.0).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
        let now = now.ok_or(UNVERIFIED)?;
        let mut links: Vec<X509Certificate<'_>> = Vec::new();
        // The anchor may be sent along or not; ours counts.
        let sent = self.0.iter().map(Vec::as_slice).filter(|der| *der != anchor);
        for der in sent.chain([anchor]) {
            links.push(parse(der)?);
        }
        if links.iter().any(|link| !link.validity().is_valid_at(now)) {
            return Err(UNVERIFIED);
        }
        for pair in links.windows(2) {
            let [subject, issuer] = pair else { return Err(UNVERIFIED) };
            check_link(subject, issuer)?;
        }
        let first = links.first().filter(|_| links.len() > 1).ok_or(UNVERIFIED)?;
        first.public_key().subject_public_key.data.as_ref().try_into().map_err(|_| UNVERIFIED)
    }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, WireError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err(WireError::Malformed(WHAT)),
    }
}

fn check_link(subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Result<(), WireError> {
    let may_sign = issuer.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign());
    let is_named = subject.issuer().as_raw() == issuer.subject().as_raw();
    if issuer.is_ca() && may_sign && is_named {
        subject.verify_signature(Some(issuer.public_key())).map_err(|_| UNVERIFIED)
    } else {
        Err(UNVERIFIED)
    }
}

#[cfg(test)]
mod tests;
