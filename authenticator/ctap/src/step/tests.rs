use super::{Notice, Operation, Prompt, Want};

fn prompt(operation: Operation, rp_id: &str, user: Option<&str>) -> String {
    let rp_id = (!rp_id.is_empty()).then(|| rp_id.to_owned());
    let user = user.map(str::to_owned);
    Prompt { operation, rp_id, user, want: Want::Approval, notice: None }.to_string()
}

#[test]
fn a_prompt_names_operation_relying_party_and_user() {
    let rows = [
        (Operation::Register, "localhost", Some("alice"), "Register a passkey at localhost as alice"),
        (Operation::SignIn, "localhost", Some("alice"), "Sign in to localhost as alice"),
        (Operation::SignIn, "localhost", None, "Sign in to localhost"),
        (Operation::Manage, "", None, "List and change your passkeys"),
        (Operation::Delete, "localhost", Some("bob"), "Delete the passkey of bob at localhost"),
        (Operation::Select, "", None, "Use this authenticator"),
    ];
    for (operation, rp_id, user, text) in rows {
        assert_eq!(prompt(operation, rp_id, user), text);
    }
    assert!(prompt(Operation::Reset, "", None).contains("every passkey"));
}

#[test]
fn a_site_cannot_forge_the_words_around_its_name() {
    let text = prompt(Operation::SignIn, "a.example\nApproved.\u{202E}gro.knab", Some("x\u{200B}y"));
    assert_eq!(text, "Sign in to a.example\u{FFFD}Approved.\u{FFFD}gro.knab as x\u{FFFD}y");
}

#[test]
fn of_a_long_name_the_end_is_shown() {
    let long = format!("{}.evil.example", "bank".repeat(40));
    let text = prompt(Operation::SignIn, &long, None);
    assert!(text.ends_with("bank.evil.example"), "{text}");
    assert!(text.chars().count() < 90, "{text}");
}

#[test]
fn a_notice_counts() {
    assert_eq!(Notice::WrongPin { tries_left: 7 }.to_string(), "Wrong PIN. 7 tries left.");
    assert_eq!(Notice::WrongPin { tries_left: 1 }.to_string(), "Wrong PIN. 1 try left.");
}
