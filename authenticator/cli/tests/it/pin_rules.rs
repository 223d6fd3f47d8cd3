//! An administrator's rules for PINs, at the commands and at CTAP of one daemon, while the rules change under it.

use std::fs;
use std::path::PathBuf;

use latchkey_protocol::get_info::Response;
use serde_json::Value;

use crate::world::World;

struct Ruled {
    world: World,
    file: PathBuf,
}

impl Ruled {
    fn new() -> Self {
        let mut world = World::with_container();
        let file = world.folder.path().join("policy.toml");
        world.home.environment.push(("LATCHKEY_POLICY".to_owned(), file.display().to_string()));
        Self { world, file }
    }

    fn rule(&self, rules: &str) {
        fs::write(&self.file, format!("[AllTenants.PINComplexity]\n{rules}\n")).unwrap();
    }

    /// Exit code, and the message where it is not 0.
    fn try_pin(&self, command: &[&str], pins: &str) -> (i32, String) {
        let (code, told) = self.world.json(&[command, &["--pin-stdin"]].concat(), pins);
        (code, told["error"]["message"].as_str().unwrap_or_default().to_owned())
    }

    fn status(&self) -> Value {
        self.world.json(&["status"], "").1["status"].clone()
    }

    fn info(&self) -> Response {
        Response::parse(&self.world.channel().cbor(&[0x04], &mut |_| {}).unwrap()).unwrap()
    }
}

#[test]
fn commands_and_ctap_follow_the_rules_of_the_day() {
    let ruled = Ruled::new();
    ruled.rule("MinimumPINLength = 8");
    let _daemon = ruled.world.up(&[]);
    assert_eq!(ruled.info().min_pin_length, Some(8));
    let (code, said) = ruled.try_pin(&["pin", "set"], "739264\n");
    assert!(code == 1 && said.contains("at least 8"), "{said}");
    assert_eq!(ruled.try_pin(&["pin", "set"], "73926485\n").0, 0);

    ruled.rule("MinimumPINLength = 8\nHistory = 1");
    let (code, said) = ruled.try_pin(&["pin", "change"], "73926485\n73926485\n");
    assert!(code == 1 && said.contains("your last 1"), "{said}");

    // Stricter than the PIN that there is: it opens nothing, and the status says why.
    ruled.rule("MinimumPINLength = 9");
    assert_eq!(ruled.status()["pin_overdue"], Value::Null, "how long it is, is sealed");
    let (code, said) = ruled.try_pin(&["passkeys", "list"], "73926485\n");
    assert!(code == 1 && said.contains("latchkey pin change") && said.contains("at least 9"), "{said}");
    assert!(ruled.status()["pin_overdue"].as_str().is_some_and(|why| why.contains("at least 9")));
    assert_eq!(ruled.info().force_pin_change, Some(true));
    assert_eq!(ruled.try_pin(&["pin", "change"], "73926485\n480175936\n").0, 0);
    assert_eq!(
        (ruled.status()["pin_overdue"].clone(), ruled.info().force_pin_change),
        (Value::Null, Some(false))
    );

    fs::write(&ruled.file, "no policy").unwrap();
    let (code, said) = ruled.try_pin(&["pin", "change"], "480175936\n617283940\n");
    assert!(code == 7 && said.contains("policy file"), "{said}");
    assert_eq!(ruled.try_pin(&["passkeys", "list"], "480175936\n").0, 0, "the PIN goes on working");
}
