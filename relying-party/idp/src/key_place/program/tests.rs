use super::*;

fn run<'a>(words: &[&str], input: Option<&'a [u8]>) -> Run<'a> {
    let (program, arguments) = words.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments);
    Run { name: "it", command, input, complaints: Complaints::Reported }
}

#[tokio::test]
async fn a_program_gets_input_and_gives_output() {
    let output = run(&["cat"], Some(b"text")).output().await.unwrap();
    assert_eq!(output.as_slice(), b"text");
}

#[tokio::test]
async fn a_program_that_hangs_is_killed() {
    let Failure(said) =
        run(&["sleep", "600"], None).output_within(Duration::from_millis(50)).await.unwrap_err();
    assert!(said.contains("did not end within"), "{said}");
    // Its output closed, but itself still there.
    let lingers = ["sh", "-c", "exec >&- 2>&-; exec sleep 600"];
    let Failure(said) = run(&lingers, None).output_within(Duration::from_millis(200)).await.unwrap_err();
    assert!(said.contains("did not end within"), "{said}");
}

#[tokio::test]
async fn what_a_known_program_complains_about_is_told() {
    let failing =
        ["sh", "-c", "echo 'WARN: x' >&2; echo 'ERROR: the cause' >&2; echo 'ERROR: failed' >&2; exit 3"];
    let Failure(said) = run(&failing, None).output().await.unwrap_err();
    assert!(said.contains("exit status: 3") && said.ends_with(": the cause"), "{said}");
    let mut quiet = run(&failing, None);
    quiet.complaints = Complaints::Dropped;
    let Failure(said) = quiet.output().await.unwrap_err();
    assert!(!said.contains("the cause") && said.contains("run it by hand"), "{said}");
}
