//! What the authenticators of others make of the two requests that ours is measured with: ES256, keys in software,
//! passkeys in memory, CBOR in and CBOR out, one core. None of them is asked to check a token. Prints one JSON object a
//! line, for the bench that ours is measured in.

mod passkey_rs;
mod request;
mod soft_fido2;
mod soft_token;

use std::time::Instant;

use passkey::crypto::aws_lc_rs::AwsLcRsBackend;
use passkey::crypto::rust_crypto::RustCryptoBackend;

const ASSERTIONS: usize = 5000;
const REGISTRATIONS: usize = 2000;

/// One authenticator.
trait Peer {
    /// Its crate and version, and what tells it from others of the same crate.
    const NAME: &'static str;
    /// The statement that its registrations carry.
    const ATTESTATION: &'static str;

    /// Answers a makeCredential in CBOR with a response in CBOR.
    fn make_credential(&mut self, request: &[u8]) -> Vec<u8>;

    /// Answers a getAssertion in CBOR with a response in CBOR.
    fn get_assertion(&mut self, request: &[u8]) -> Vec<u8>;
}

fn main() {
    measure(soft_fido2::SoftFido2::new());
    measure(passkey_rs::PasskeyRs::new(AwsLcRsBackend));
    measure(passkey_rs::PasskeyRs::new(RustCryptoBackend));
    measure(soft_token::Token::new());
}

fn measure<P: Peer>(mut peer: P) {
    let made = peer.make_credential(&request::registration("site.example"));
    let assertion = request::assertion("site.example", &request::credential_id(&made));
    request::expect_signature(&peer.get_assertion(&assertion));
    let rate = per_second(ASSERTIONS, |_| (), |()| drop(peer.get_assertion(&assertion)));
    print::<P>("getAssertion", rate);
    let site = |n| request::registration(&format!("site-{n}.example"));
    let rate = per_second(REGISTRATIONS, site, |request| drop(peer.make_credential(&request)));
    print::<P>("makeCredential", rate);
}

/// How often `work` can be done in a second on what `prepare` makes, at the median, after a tenth of it to warm up.
fn per_second<T>(count: usize, prepare: impl Fn(usize) -> T, mut work: impl FnMut(T)) -> f64 {
    let mut seconds = Vec::with_capacity(count + count / 10);
    for n in 0..count + count / 10 {
        let prepared = prepare(n);
        let start = Instant::now();
        work(prepared);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let measured = &mut seconds[count / 10..];
    measured.sort_by(f64::total_cmp);
    1.0 / measured[count / 2]
}

fn print<P: Peer>(operation: &str, rate: f64) {
    let (name, attestation) = (P::NAME, P::ATTESTATION);
    println!(
        r#"{{"peer":"{name}","attestation":"{attestation}","operation":"{operation}","per_second":{rate:.1}}}"#
    );
}
