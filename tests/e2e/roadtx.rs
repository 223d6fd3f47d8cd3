//! The identity provider as a client of the real service sees it, unmodified: roadtx joins a device, registers a key and
//! signs in with it. The test itself (`tests/python/roadtx`) runs where the service's host names are this machine.

use std::process::Command;

use latchkey_tests::idp::IdpPlace;
use latchkey_tests::{people, programs};
use serde_json::json;

/// The host that is written into roadtx.
const HOST: &str = "login.microsoftonline.com";
/// Where roadtx has codes sent.
const REDIRECT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";

#[test]
fn roadtx_joins_a_device_and_signs_in_on_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = IdpPlace::named(folder.path(), HOST);
    let population = people::settle(&place, 1).people;
    let people = json!({
        "password": population.password,
        "plain": population.all[0].name,
        "app": { "name": population.app.name, "link": population.app.link },
    });
    let native = place.add_app("Program", &["--platform", "native", "--redirect-uri", REDIRECT]);
    place.change_app(&native, &["pkce_optional=true", "consented=true"]);
    let output = Command::new(programs::checkout().join("tests/python/roadtx/run"))
        .env("LATCHKEY_IDP_URL", &place.url)
        .env("LATCHKEY_IDP_CA", place.ca())
        .env("LATCHKEY_IDP_CA_KEY", place.ca_key())
        .env("LATCHKEY_IDP_COMMAND", place.command_words())
        .env("LATCHKEY_IDP_TENANT", &place.tenant)
        .env("LATCHKEY_IDP_DOMAIN", &place.domain)
        .env("LATCHKEY_IDP_PEOPLE", people.to_string())
        .env("LATCHKEY_IDP_CLIENT", &native.id)
        .output()
        .expect("sh runs");
    let (report, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{report}{error}");
    assert!(output.status.success(), "{report}{error}");
}
