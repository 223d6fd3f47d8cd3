//! A new migration or template must rebuild the crate, also when no Rust file changed.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=askama.toml");
    println!("cargo::rerun-if-changed=../../web/idp");
}
