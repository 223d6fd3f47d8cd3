//! The bare work that no provider can do without.

use std::hint::black_box;
use std::time::{Duration, Instant};

use latchkey_idp::clock::UnixTime;
use latchkey_idp::domain::SigningAlgorithm;
use latchkey_idp::keys::SigningKey;
use latchkey_tests::figures::{Row, Table};
use latchkey_tests::usage::busy;

const FOR: Duration = Duration::from_secs(1);
/// As long as the claims of a token are.
const CLAIMS: [u8; 600] = [b'x'; 600];

/// What one core does in a second.
pub struct Floor {
    pub rs256: f64,
    pub es256: f64,
    pub argon2id: f64,
}

/// Measures signatures with aws-lc-rs, and Argon2id at the cost that passwords are stored with.
pub fn measure(table: &Table) -> Floor {
    let floor = Floor {
        rs256: signatures(SigningAlgorithm::Rs256),
        es256: signatures(SigningAlgorithm::Es256),
        argon2id: a_second(|| {
            let mut hash = [0; 32];
            let params = argon2::Params::new(19 * 1024, 2, 1, None).expect("a cost");
            let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
            argon2.hash_password_into(b"password", &[7; 16], &mut hash).expect("a hash");
            black_box(hash);
        }),
    };
    table.row(&Row::alone("bare RS256 signatures, aws-lc-rs", floor.rs256, "1/s"));
    table.row(&Row::alone("bare ES256 signatures, aws-lc-rs", floor.es256, "1/s"));
    table.row(&Row::alone("bare Argon2id, 19 MiB, 2 passes", floor.argon2id, "1/s"));
    floor
}

fn signatures(algorithm: SigningAlgorithm) -> f64 {
    let (key, _) = SigningKey::generate(algorithm, UnixTime::from_seconds(0)).expect("a key");
    a_second(|| {
        black_box(key.sign(&CLAIMS).expect("it signs"));
    })
}

fn a_second(mut work: impl FnMut()) -> f64 {
    let own = std::process::id();
    let (begin, before) = (Instant::now(), busy(own));
    let mut done = 0.0;
    while begin.elapsed() < FOR {
        work();
        done += 1.0;
    }
    done / busy(own).saturating_sub(before).as_secs_f64()
}
