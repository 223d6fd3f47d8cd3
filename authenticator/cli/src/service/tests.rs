use std::path::Path;

use super::unit_text;

#[test]
fn a_path_stays_one_word_of_systemd() {
    for (path, word) in [
        ("/usr/bin/latchkey", r#""/usr/bin/latchkey""#),
        ("/opt/my tools/100%/$x/latch\"key", r#""/opt/my tools/100%%/$$x/latch\"key""#),
    ] {
        let text = unit_text(Path::new(path)).unwrap();
        assert!(text.contains(&format!("ExecStart={word} up --uhid\n")), "{text}");
    }
}
