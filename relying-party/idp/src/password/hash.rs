//! A hashed password: one PHC string.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::Password;

const HASH: usize = 32;
/// What a stored hash may make a worker allocate. It bounds the memory of the pool.
const MOST_MEMORY_KIB: u32 = 64 * 1024;

/// What one guess costs: Argon2id (RFC 9106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Cost {
    /// OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, two passes, one lane.
    pub const OWASP: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    fn params(self) -> Option<Params> {
        let bounded = self.memory_kib <= MOST_MEMORY_KIB && self.passes <= 64 && self.lanes <= 16;
        bounded.then(|| Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH)).ok())?
    }

    /// How many blocks of 1 KiB it needs. `None` when Argon2id cannot be run like this, or should not.
    pub(super) fn blocks(self) -> Option<usize> {
        self.params().map(|params| params.block_count())
    }
}

/// A stored password: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    cost: Cost,
    salt: Vec<u8>,
    hash: [u8; HASH],
}

/// The database has no Argon2id hash of ours there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored password hash is not readable: set a new password for this user")]
pub struct UnreadableHash;

impl PasswordHash {
    /// Whether the cost has changed since, so that the password should be hashed again while it is known.
    #[must_use]
    pub fn is_outdated(&self, cost: Cost) -> bool {
        self.cost != cost
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// Hashes into memory that the caller keeps. `None` when `blocks` are too few for the cost.
    pub(super) fn make(
        password: &Password,
        salt: [u8; 16],
        cost: Cost,
        blocks: &mut [Block],
    ) -> Option<Self> {
        let mut hash = [0; HASH];
        run(password, &salt, cost, blocks, &mut hash)?;
        Some(Self { cost, salt: salt.to_vec(), hash })
    }

    /// Whether this is the hash of `password`. `None` when `blocks` are too few for the cost.
    pub(super) fn matches(&self, password: &Password, blocks: &mut [Block]) -> Option<bool> {
        let mut hash = Zeroizing::new([0; HASH]);
        run(password, &self.salt, self.cost, blocks, &mut hash)?;
        Some(hash.ct_eq(&self.hash).into())
    }

    /// A hash that no password has, at this cost: what a user who does not exist is checked against.
    pub(super) fn of_nobody(cost: Cost) -> Self {
        Self { cost, salt: vec![0; 16], hash: [0; HASH] }
    }
}

fn run(
    password: &Password,
    salt: &[u8],
    cost: Cost,
    blocks: &mut [Block],
    hash: &mut [u8; HASH],
) -> Option<()> {
    let params = cost.params()?;
    let memory = blocks.get_mut(..params.block_count())?;
    let outcome = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        hash,
        &mut *memory,
    );
    // The first blocks follow from the password cheaply; they must not outlive the call.
    memory.iter_mut().zeroize();
    outcome.ok()
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { memory_kib, passes, lanes } = self.cost;
        write!(
            f,
            "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${}${}",
            STANDARD_NO_PAD.encode(&self.salt),
            STANDARD_NO_PAD.encode(self.hash)
        )
    }
}

impl FromStr for PasswordHash {
    type Err = UnreadableHash;

    fn from_str(text: &str) -> Result<Self, UnreadableHash> {
        parse(text).ok_or(UnreadableHash)
    }
}

fn parse(text: &str) -> Option<PasswordHash> {
    let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
    let (cost, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let mut numbers = cost.split(',');
    let mut number = |name: &str| numbers.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
    let cost = Cost { memory_kib: number("m")?, passes: number("t")?, lanes: number("p")? };
    if numbers.next().is_some() || parts.next().is_some() {
        return None;
    }
    cost.params()?;
    let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len()))?;
    let hash = STANDARD_NO_PAD.decode(hash).ok()?.try_into().ok()?;
    Some(PasswordHash { cost, salt, hash })
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash").field("cost", &self.cost).finish_non_exhaustive()
    }
}
