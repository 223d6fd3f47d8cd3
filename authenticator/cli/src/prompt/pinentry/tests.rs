use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use super::{ask, escape, unescape};
use crate::prompt::question::{Question, Reply, Typed, Want};

/// Answers every command with OK, but `name` with what the shell command `reply` prints; notes what it is told.
fn pinentry(folder: &tempfile::TempDir, name: &str, reply: &str) -> PathBuf {
    let program = folder.path().join("pinentry");
    let log = folder.path().join("log");
    let script = format!(
        "#!/bin/sh\necho 'OK Pleased to meet you'\nwhile read -r line; do echo \"$line\" >> {}\n\
         case $line in {name}*) {reply} ;; *) echo OK ;; esac\ndone\n",
        log.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn question(want: Want) -> Question {
    Question {
        operation: "sign-in",
        text: "Sign in to 100%\nas alice".into(),
        rp_id: None,
        user: None,
        want,
        tries_left: Some(7),
        gestures: Vec::new(),
        notice: Some("Wrong PIN. 7 tries left.".into()),
    }
}

async fn typed(name: &str, reply: &str, want: Want) -> Result<Typed, super::PromptError> {
    let folder = tempfile::tempdir().unwrap();
    ask(&pinentry(&folder, name, reply), &question(want), Duration::from_secs(30)).await
}

#[tokio::test(flavor = "current_thread")]
async fn the_pin_comes_back_unescaped() {
    let folder = tempfile::tempdir().unwrap();
    let program = pinentry(&folder, "GETPIN", "echo D 12%2534; echo OK");
    let answer = ask(&program, &question(Want::Pin), Duration::from_secs(30)).await;
    assert!(matches!(answer, Ok(Typed::Pin(pin)) if pin.expose() == "12%34"));
    let told = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(told.contains("SETDESC Sign in to 100%25%0Aas alice\n"), "{told}");
    assert!(told.contains("SETERROR Wrong PIN. 7 tries left.\n"));
    assert!(told.contains("SETTIMEOUT 31\n"));
}

#[tokio::test(flavor = "current_thread")]
async fn every_way_of_saying_no_is_a_denial() {
    for code in [83_886_179, 83_886_142, 83_886_194, 83_886_278] {
        let answer = typed("GETPIN", &format!("echo ERR {code} no"), Want::Pin).await;
        assert!(matches!(answer, Ok(Typed::Denied)), "{code}");
    }
    assert!(matches!(typed("CONFIRM", "echo OK", Want::Approval).await, Ok(Typed::Approved)));
    assert!(matches!(typed("CONFIRM", "echo ERR 83886179 no", Want::Approval).await, Ok(Typed::Denied)));
    assert!(typed("GETPIN", "echo ERR 83886140 broken", Want::Pin).await.is_err());
}

#[tokio::test(flavor = "current_thread")]
async fn a_yes_that_nobody_gives_by_accident_is_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let program = pinentry(&folder, "GETPIN", "echo D reset; echo OK");
    let asked = question(Want::Word("reset"));
    let Ok(Typed::Word(word)) = ask(&program, &asked, Duration::from_secs(30)).await else {
        panic!("no word")
    };
    let told = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(told.contains("Type reset to allow it.\n") && told.contains("SETPROMPT Word:\n"), "{told}");
    assert!(matches!(asked.judge(Typed::Word(word)), Ok(Reply::Approved)));
    for wrong in [Typed::Word("yes".into()), Typed::Approved] {
        assert!(asked.judge(wrong).is_err(), "asked again");
    }
    assert!(matches!(typed("GETPIN", "echo ERR 83886179 no", Want::Word("reset")).await, Ok(Typed::Denied)));
}

#[tokio::test(flavor = "current_thread")]
async fn an_account_is_chosen_one_after_the_other() {
    let choices = || Want::Choice(vec!["alice".into(), "bob".into()]);
    let second = "n=$((n+1)); [ $n -eq 2 ] && echo OK || echo ERR 83886194 no";
    assert!(matches!(typed("CONFIRM", "echo OK", choices()).await, Ok(Typed::Choice(0))));
    assert!(matches!(typed("CONFIRM", "echo ERR 83886179 cancel", choices()).await, Ok(Typed::Denied)));
    assert!(matches!(typed("CONFIRM", second, choices()).await, Ok(Typed::Choice(1))));
}

#[test]
fn escapes_go_both_ways() {
    let text = "50% of\r\nall";
    let mut back = Vec::new();
    unescape(escape(text).as_bytes(), &mut back);
    assert_eq!(back, text.as_bytes());
    let mut back = Vec::new();
    unescape(b"%2", &mut back);
    assert_eq!(back, b"%2");
    assert!(escape(&"x".repeat(5000)).len() < 1000);
}
