//! What operators do with the program, and that each change is in the audit log as theirs.

use std::path::Path;

use latchkey_idp::storage::{Database, NewDevice};
use serde_json::Value;

use crate::program::{program, text};
use crate::storage_devices::{laptop, on};

fn run(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let output = program(directory).args(arguments).output().unwrap();
    (output.status.success(), text(&output))
}

#[track_caller]
fn json(directory: &Path, arguments: &[&str]) -> Value {
    let output = program(directory).args(arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn fails(directory: &Path, arguments: &[&str], why: &str) {
    let (ok, said) = run(directory, arguments);
    assert!(!ok && said.contains(why), "{arguments:?}: {said}");
}

fn founded() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let (ok, said) = run(directory.path(), &["init", "--tenant", "Example", "--domain", "example.org"]);
    assert!(ok, "{said}");
    directory
}

#[test]
fn users_and_their_methods() {
    let directory = founded();
    let path = directory.path();
    let bob = json(path, &["user", "add", "bob@example.org", "--name", "Bob", "--mail", "bob@mail.example"]);
    assert!(bob["invitation"].as_str().unwrap().contains("/welcome#"));
    fails(path, &["user", "add", "bob@example.org", "--name", "Bob"], "in use already");
    fails(path, &["user", "add", "x@other.example", "--name", "X"], "domain");
    fails(path, &["user", "add", "x@example.org", "--name", "a\u{1b}[2J"], "cannot be typed");
    let (ok, list) = run(path, &["user", "list"]);
    assert!(ok && list.contains("bob@example.org") && list.starts_with("id "), "{list}");
    assert_eq!(json(path, &["user", "list", "bob"]).as_array().unwrap().len(), 1);

    assert!(run(path, &["user", "change", "bob@example.org", "--name", "Robert", "--mail", ""]).0);
    let shown = json(path, &["user", "show", bob["id"].as_str().unwrap()]);
    assert_eq!((&shown["displayName"], &shown["mail"]), (&"Robert".into(), &Value::Null));
    let pass = json(path, &["user", "pass", "bob@example.org", "--minutes", "30"]);
    assert!(pass["temporaryAccessPass"].as_str().unwrap().len() >= 8);
    let methods = json(path, &["user", "show", "bob@example.org"])["methods"].clone();
    let method = methods[0]["id"].as_str().unwrap();
    assert!(run(path, &["user", "remove-method", "bob@example.org", method]).0);
    fails(path, &["user", "remove-method", "bob@example.org", method], "no such method");
    assert!(json(path, &["user", "password", "bob@example.org"])["newPassword"].is_string());
    assert!(json(path, &["user", "invite", "bob@example.org"])["invitation"].is_string());
    assert!(run(path, &["user", "disable", "bob@example.org"]).0);
    assert_eq!(json(path, &["user", "show", "bob@example.org"])["accountEnabled"], false);
    assert!(run(path, &["user", "enable", "bob@example.org"]).0);
    assert!(run(path, &["session", "revoke", "bob@example.org"]).0);
    assert_eq!(json(path, &["session", "list", "bob@example.org"]), Value::Array(Vec::new()));
    fails(path, &["user", "disable", "admin@example.org"], "only enabled administrator");
    assert!(run(path, &["user", "delete", "bob@example.org"]).0);
    fails(path, &["user", "show", "bob@example.org"], "no such user");

    // All of it is in the log as the operator's, and the chain is whole.
    let log = json(path, &["log", "changes"]);
    let actions: Vec<_> =
        log.as_array().unwrap().iter().map(|row| row["activityDisplayName"].clone()).collect();
    for action in
        ["user.created", "user.renamed", "pass.issued", "pass.removed", "user.disabled", "user.deleted"]
    {
        assert!(actions.contains(&action.into()), "{action}: {actions:?}");
    }
    assert!(log.as_array().unwrap().iter().all(|row| row["initiatedBy"]["id"] == "operator"), "{log}");
    assert!(run(path, &["audit", "verify"]).0);
    assert_eq!(
        json(path, &["log", "sign-ins", "--user", "bob@example.org", "--failed"]),
        Value::Array(Vec::new())
    );
}

#[test]
fn applications_policies_and_tenants() {
    let directory = founded();
    let path = directory.path();
    let add = ["app", "add", "--name", "Orders", "--redirect-uri", "https://orders.example/cb"];
    let app = json(path, &[&add[..], &["--identifier-uri", "api://orders", "--secret", "30"]].concat());
    let id = app["appId"].as_str().unwrap();
    assert!(app["secretText"].is_string());
    let change =
        ["app", "change", id, "--name", "Orders 2", "strength=phishing_resistant", "multi_tenant=true"];
    assert!(run(path, &change).0);
    let shown = json(path, &["app", "show", id]);
    assert_eq!(
        (&shown["strength"], &shown["displayName"]),
        (&"phishing_resistant".into(), &"Orders 2".into())
    );
    assert_eq!(shown["secrets"][0].get("hash"), None, "not even the hash of a secret is shown");
    fails(path, &["app", "change", id, "nonsense=1"], "has no nonsense");
    fails(path, &["app", "change", id, "strength=strongest"], "cannot be");
    assert!(run(path, &["app", "change", id, "secrets=[]"]).0);
    let key = json(path, &["app", "show", id])["secrets"][0]["keyId"].clone();
    assert!(key.is_string(), "secrets are not changed in passing");
    assert!(run(path, &["app", "remove-secret", id, key.as_str().unwrap()]).0);
    assert!(json(path, &["app", "add-secret", id, "--days", "7"])["secretText"].is_string());
    let graph = "00000003-0000-0000-c000-000000000000";
    assert!(run(path, &["app", "assign", graph, id, "--role", "User.Read.All"]).0);
    fails(path, &["app", "assign", graph, id, "--role", "Nonsense"], "no such role");
    assert!(run(path, &["app", "unassign", graph, id, "--role", "User.Read.All"]).0);
    assert_eq!(json(path, &["app", "list"]).as_array().unwrap().len(), 1);
    assert!(run(path, &["app", "delete", id]).0);
    fails(path, &["app", "show", id], "no such application");

    assert!(run(path, &["policy", "change", "second_factor=required", "passkeys.required=true"]).0);
    let policy = json(path, &["policy", "show"]);
    assert_eq!(
        (&policy["second_factor"], &policy["passkeys"]["required"]),
        (&"required".into(), &true.into())
    );
    fails(path, &["policy", "change", "lockout_threshold=1"], "must be from");
    fails(path, &["policy", "change", "passkeys.nonsense=1"], "has no passkeys.nonsense");
    fails(path, &["policy", "change", "second_factor"], "NAME=VALUE");

    let other = json(path, &["tenant", "add", "Other", "--domain", "other.example"]);
    assert_eq!(other["administrator"], "admin@other.example");
    assert_eq!(json(path, &["tenant", "list", "--tenant", "example.org"]).as_array().unwrap().len(), 2);
    fails(path, &["user", "list"], "--tenant");
    assert_eq!(json(path, &["user", "list", "--tenant", "other.example"]).as_array().unwrap().len(), 1);
    fails(path, &["user", "show", "admin@example.org", "--tenant", "other.example"], "no such user");
    fails(path, &["user", "list", "--tenant", "nowhere.example"], "no such tenant");
}

/// A device of a user with a key on it, as a registration stores it.
async fn registered(directory: &Path, upn: &str) -> String {
    let url = format!("sqlite:{}", directory.join("latchkey-idp.db").display());
    let database = Database::open(&url).await.unwrap();
    let (user, _) = database.users().by_upn(upn).await.unwrap().unwrap();
    let (device, key) = (laptop(user.tenant, user.id, 1), on(user.tenant, user.id, 3));
    let new = NewDevice { device: &device, device_key: &[1; 32], reuses_name: false, quota: 1 };
    database.devices().place(&new, device.created_at).await.unwrap();
    database.enterprise_keys().place(&key).await.unwrap();
    database.close().await;
    device.id.to_string()
}

#[test]
fn devices_and_the_keys_on_them() {
    let directory = founded();
    let path = directory.path();
    json(path, &["user", "add", "bob@example.org", "--name", "Bob"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let device = runtime.block_on(registered(path, "bob@example.org"));
    let (ok, list) = run(path, &["device", "list", "lap"]);
    assert!(ok && list.contains(&device) && list.contains("bob@example.org"), "{list}");
    assert!(json(path, &["device", "list", "nothing"]).as_array().unwrap().is_empty());
    let keys = json(path, &["device", "keys", "bob@example.org"]);
    assert_eq!(keys[0]["deviceId"], device);
    let shown = json(path, &["user", "show", "bob@example.org"]);
    assert_eq!(
        (&shown["devices"][0]["id"], &shown["keys"][0]["id"]),
        (&device.as_str().into(), &keys[0]["id"])
    );
    let open = ["helpdesk", "open", "bob@example.org", "--device", "Laptop 1", "--reason", "Called back"];
    let case = json(path, &open)["id"].as_str().unwrap().to_owned();
    fails(path, &["helpdesk", "approve", &case], "another administrator must approve it");
    assert!(run(path, &["helpdesk", "decline", &case]).0);
    let cases = json(path, &["helpdesk", "list"]);
    assert_eq!(
        (&cases[0]["status"], &cases[0]["deviceDisplayName"]),
        (&"declined".into(), &"Laptop 1".into())
    );
    assert!(run(path, &["device", "disable", &device]).0);
    assert_eq!(json(path, &["device", "show", &device])["accountEnabled"], false);
    assert!(run(path, &["device", "enable", &device]).0);
    let key = keys[0]["id"].as_str().unwrap();
    assert!(run(path, &["device", "remove-key", "bob@example.org", key]).0);
    fails(path, &["device", "remove-key", "bob@example.org", key], "no such key");
    assert!(run(path, &["device", "delete", &device]).0);
    fails(path, &["device", "show", &device], "no such device");
    assert!(run(path, &["policy", "change", "devices.quota=5", "devices.hello.pin.minimum=8"]).0);
    assert_eq!(json(path, &["policy", "show"])["devices"]["version"], 2);
    fails(path, &["policy", "change", "devices.hello.pin.minimum=3"], "must be from 4 to 127");
}
