//! Where the programs under test are.

use std::env;
use std::path::{Path, PathBuf};

/// The program `name` as cargo built it, beside the test's or the demo's own executable.
///
/// # Panics
/// When it has not been built; the message says how to.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    beside(name)
        .unwrap_or_else(|| panic!("{name} is not built: run `cargo build --bins` (`./run` does) first"))
}

/// The example `name`, a program for tests, as cargo built it.
///
/// # Panics
/// When it has not been built; the message says how to.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    let found = beside(&format!("examples/{name}"));
    found.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --examples` (`./run` does) first"))
}

fn beside(path: &str) -> Option<PathBuf> {
    let own = env::current_exe().expect("a program knows its own path");
    own.ancestors().skip(1).take(2).map(|folder| folder.join(path)).find(|path| path.is_file())
}

/// Where cargo puts what it builds.
#[must_use]
pub fn target() -> PathBuf {
    let own = env::current_exe().expect("a program knows its own path");
    // A test lies in `target/PROFILE/deps`, a program in `target/PROFILE`.
    let profile =
        own.ancestors().skip(1).find(|folder| !folder.ends_with("deps") && !folder.ends_with("examples"));
    profile.and_then(Path::parent).expect("a program lies below the folder of what is built").to_owned()
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the checkout").to_owned()
}

/// A TCP port of the loopback interface that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("loopback has a free port");
    socket.local_addr().expect("a bound socket has an address").port()
}
