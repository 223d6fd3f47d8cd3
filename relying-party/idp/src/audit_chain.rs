//! The audit log as an append-only chain: each row carries a keyed hash over itself and the row before.
//!
//! Whoever can write to the database but has not the key can neither change, insert, drop nor reorder a row unseen.
//! Dropping the newest rows is seen against a head that was kept elsewhere ([`Head`] is a short line to print).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock::UnixTime;

/// The form of what is hashed; a later form gets another one.
const FORMAT: &[u8] = b"latchkey audit 1";

/// What happened. The texts carry no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When.
    pub at: UnixTime,
    /// In which tenant; `None` for the whole installation.
    pub tenant: Option<Uuid>,
    /// Who did it: a user, an app, or the program.
    pub actor: String,
    /// What was done, as a stable word.
    pub action: String,
    /// To whom or what.
    pub target: String,
    /// More, by name.
    #[serde(default)]
    pub detail: BTreeMap<String, String>,
}

impl Event {
    /// The record: JSON with its members in this order. It is hashed as it is stored, never written again.
    #[must_use]
    pub fn record(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| unreachable!("texts and a number are JSON"))
    }
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// 1 for the first row, without gaps.
    pub number: i64,
    /// The time by which rows are found; the record has it too.
    pub at: UnixTime,
    /// What happened: [`Event::record`].
    pub record: String,
    /// The hash over this row and the one before.
    pub hash: Vec<u8>,
}

/// The hash of a row and, through it, of all rows before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Link([u8; 32]);

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last row; 0 when there is none.
    pub number: i64,
    /// Its link.
    pub link: Link,
}

/// The first row that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log is broken at row {number}: {fault}")]
pub struct Broken {
    /// The row.
    pub number: i64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The row was changed, or the one before it was exchanged.
    #[error("it was changed, or it does not follow the row before")]
    Changed,
    /// This row should come here and does not.
    #[error("it is missing")]
    Missing,
    /// The rows are whole, but not the ones that the kept head ended.
    #[error("it is not the row that the kept head names")]
    OtherHead,
}

/// The key of a chain: 32 random bytes that storage keeps sealed.
pub struct AuditKey(Zeroizing<[u8; 32]>);

impl AuditKey {
    /// A new key.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self(bytes)
    }

    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of a row: `before` is the hash of the one before it, empty for the first.
    #[must_use]
    pub fn hash(&self, number: i64, before: &[u8], record: &str) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0)
            .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        // Only the first row has nothing before it, and the number says which that is: the fields cannot trade bytes.
        for field in [FORMAT, &number.to_be_bytes(), before, record.as_bytes()] {
            mac.update(field);
        }
        mac.finalize().into_bytes().to_vec()
    }

    /// Follows the chain from its beginning to its end.
    ///
    /// # Errors
    /// With the first broken row. `kept` is a head that the chain had earlier, from outside the database.
    pub fn verify(&self, rows: impl IntoIterator<Item = Row>, kept: Option<&Head>) -> Result<Head, Broken> {
        let mut verifier = self.verifier(Head::START, kept.copied());
        for row in rows {
            verifier.next(&row)?;
        }
        verifier.end()
    }

    /// Follows a chain row by row from a head that is trusted: the start, or where the last verification ended.
    #[must_use]
    pub fn verifier(&self, from: Head, kept: Option<Head>) -> Verifier<'_> {
        Verifier { key: self, head: from, kept }
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(..)")
    }
}

/// A verification under way.
#[derive(Debug)]
pub struct Verifier<'a> {
    key: &'a AuditKey,
    head: Head,
    kept: Option<Head>,
}

impl Verifier<'_> {
    /// Looks at the next row.
    ///
    /// # Errors
    /// When the chain is broken there.
    pub fn next(&mut self, row: &Row) -> Result<(), Broken> {
        let number = self.head.number.saturating_add(1);
        let broken = |fault| Err(Broken { number, fault });
        if row.number > number {
            return broken(Fault::Missing);
        }
        let hash = self.key.hash(number, self.head.before(), &row.record);
        if row.number != number || !bool::from(hash.ct_eq(&row.hash)) {
            return broken(Fault::Changed);
        }
        // The column beside the record is not hashed, so it must agree with what is.
        let event: Result<Event, _> = serde_json::from_str(&row.record);
        if event.map(|event| event.at).ok() != Some(row.at) {
            return broken(Fault::Changed);
        }
        let Some(link) = Link::from_bytes(&hash) else { return broken(Fault::Changed) };
        self.head = Head { number, link };
        match self.kept {
            Some(kept) if kept.number == number && kept.link != link => broken(Fault::OtherHead),
            Some(_) | None => Ok(()),
        }
    }

    /// There are no more rows.
    ///
    /// # Errors
    /// When the kept head lies beyond.
    pub fn end(self) -> Result<Head, Broken> {
        match self.kept {
            Some(kept) if kept.number > self.head.number => {
                Err(Broken { number: self.head.number.saturating_add(1), fault: Fault::Missing })
            }
            Some(_) | None => Ok(self.head),
        }
    }
}

impl Head {
    /// The head of a chain without rows.
    pub const START: Self = Self { number: 0, link: Link([0; 32]) };

    fn before(&self) -> &[u8] {
        if *self == Self::START { &[] } else { &self.link.0 }
    }
}

/// `{number}:{link}`, a line to keep elsewhere.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, URL_SAFE_NO_PAD.encode(self.link.0))
    }
}

/// The line is no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the head of an audit log: copy the whole line that `audit verify` printed")]
pub struct HeadError;

impl FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let (number, link) = text.trim().split_once(':').ok_or(HeadError)?;
        let number = number.parse().map_err(|_| HeadError)?;
        let link = URL_SAFE_NO_PAD.decode(link).map_err(|_| HeadError)?;
        Ok(Self { number, link: Link::from_bytes(&link).ok_or(HeadError)? })
    }
}

impl Link {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests;
