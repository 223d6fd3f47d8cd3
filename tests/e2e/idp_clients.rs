//! The identity provider as independent clients see it, unmodified: MSAL for Python, openid-client for Node.js.

use std::process::Command;

use latchkey_tests::idp::{Idp, IdpApp, IdpPlace};
use latchkey_tests::programs;
use serde_json::{Value, json};
use tempfile::TempDir;

const API: &str = "api://orders";
/// Where websites take their answers; nobody listens there.
const CALLBACK: &str = "https://app.example.org/callback";
const SIGNED_OUT: &str = "https://app.example.org/signed-out";
const USER: &str = "alice@example.org";

/// A provider with an API, a website and a program, and a user who has never signed in.
struct Scene {
    place: IdpPlace,
    web: IdpApp,
    native: IdpApp,
    first_password: String,
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let place = IdpPlace::init(folder.path(), programs::free_port());
        let _api = place.add_app("Orders", &["--identifier-uri", API]);
        let web = place.add_app("Shop", &["--secret", "30", "--redirect-uri", CALLBACK]);
        place.change_app(&web, &[&format!("post_logout_redirect_uris=[\"{SIGNED_OUT}\"]")]);
        let native = place.add_app("Device", &["--platform", "native", "--redirect-uri", CALLBACK]);
        let loopback = json!([
            { "uri": "http://localhost", "kind": "native" },
            { "uri": CALLBACK, "kind": "native" },
        ]);
        place.change_app(&native, &["public_flows=true", &format!("redirect_uris={loopback}")]);
        let first_password = place.add_user(USER, "Alice");
        Self { place, web, native, first_password, folder }
    }

    /// Runs a client's tests (`run` below `tests/`) against the serving provider.
    fn passes(&self, run: &str, settings: &[(&str, &str)]) {
        let _idp = Idp::start(&self.place, &self.folder.path().join("log"));
        let output = Command::new(programs::checkout().join("tests").join(run))
            .env("LATCHKEY_IDP_URL", &self.place.url)
            .env("LATCHKEY_IDP_CA", self.place.ca())
            .env("LATCHKEY_IDP_TENANT", &self.place.tenant)
            .env("LATCHKEY_IDP_API", API)
            .env("LATCHKEY_IDP_USER", USER)
            .env("LATCHKEY_IDP_PASSWORD", &self.first_password)
            .envs(settings.iter().copied())
            .output()
            .expect("sh runs");
        let (report, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{report}{error}");
        assert!(output.status.success(), "{report}{error}");
    }
}

fn credentials(app: &IdpApp) -> Value {
    json!({ "id": app.id, "secret": app.secret })
}

#[test]
fn msal_gets_tokens_over_https_that_an_independent_library_verifies() {
    let scene = Scene::new();
    scene.place.change_policy(&["password_grant=true"]);
    let middle = scene.place.add_app("Middle", &["--secret", "30", "--identifier-uri", "api://middle"]);
    let scope = json!([{ "name": "Act", "description": "Act for you", "administrators_only": false }]);
    scene.place.change_app(&middle, &["consented=true", &format!("scopes={scope}")]);
    let mut middle = credentials(&middle);
    middle["uri"] = "api://middle".into();
    scene.passes(
        "python/idp/run",
        &[
            ("LATCHKEY_IDP_DOMAIN", &scene.place.domain),
            ("LATCHKEY_IDP_CLIENT", &scene.web.id),
            ("LATCHKEY_IDP_SECRET", scene.web.secret.as_deref().expect("it asked for a secret")),
            ("LATCHKEY_IDP_REDIRECT", CALLBACK),
            ("LATCHKEY_IDP_NATIVE", &scene.native.id),
            ("LATCHKEY_IDP_MIDDLE", &middle.to_string()),
            ("LATCHKEY_IDP_COMMAND", &scene.place.command_words()),
        ],
    );
}

#[test]
fn openid_client_signs_people_in_and_devices_and_itself() {
    let scene = Scene::new();
    let website = ["--secret", "30", "--redirect-uri", CALLBACK];
    let pushing = scene.place.add_app("Pushing", &website);
    scene.place.change_app(&pushing, &["pushed_requests=true"]);
    let bound = scene.place.add_app("Bound", &website);
    scene.place.change_app(&bound, &["dpop_bound=true"]);
    let clients = json!({
        "web": credentials(&scene.web),
        "native": { "id": scene.native.id },
        "pushing": credentials(&pushing),
        "bound": credentials(&bound),
    });
    scene.passes("node/idp/run", &[("LATCHKEY_IDP_CLIENTS", &clients.to_string())]);
}
