use super::*;

/// The id and the JSON switch of a `passkeys delete` command line.
fn deleted(arguments: &[&str]) -> Option<(String, bool, bool)> {
    let line = ["latchkey", "passkeys", "delete"].iter().chain(arguments);
    let parsed = Arguments::try_parse_from(line).ok()?;
    let Command::Passkeys(PasskeysCommand::Delete { which, from }) = parsed.command else { return None };
    Some((which.id, from.pin_stdin, parsed.json))
}

#[test]
fn an_id_may_begin_with_a_hyphen() {
    for id in ["-O8LfVnYc", "-hXYZ", "-Vabc", "--x", "abc"] {
        assert_eq!(deleted(&[id, "--pin-stdin"]), Some((id.to_owned(), true, false)), "{id}");
        assert_eq!(deleted(&["--pin-stdin", "--json", id]), Some((id.to_owned(), true, true)), "{id}");
    }
}

#[test]
fn an_option_is_not_taken_for_an_id() {
    assert_eq!(deleted(&["--pin-stdin"]), None);
    assert_eq!(deleted(&["--help"]), None);
    assert_eq!(deleted(&["-one", "-two"]), None);
}
