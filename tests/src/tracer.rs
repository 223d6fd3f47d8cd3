//! A program under strace, killed at a chosen write to its files, as by a power cut.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::Process;

/// The system calls that change files: what stands on disk can only differ between two of them.
const WRITES: &str = "pwrite64,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat,renameat2";

/// Makes `command` run under strace, which notes every write in `notes`.
#[must_use]
pub fn noting(command: &Command, notes: &Path) -> Command {
    traced(command, notes, &format!("trace={WRITES}"))
}

/// Makes `command` run under strace, which kills it at the `n`-th write; 1 is the first.
#[must_use]
pub fn killing_at(command: &Command, notes: &Path, n: usize) -> Command {
    traced(command, notes, &format!("inject={WRITES}:signal=KILL:when={n}"))
}

/// Makes `command` run under strace, which answers every write from the `n`-th on with `error`, such as `ENOSPC`.
#[must_use]
pub fn failing_from(command: &Command, notes: &Path, n: usize, error: &str) -> Command {
    traced(command, notes, &format!("inject={WRITES}:error={error}:when={n}+"))
}

/// Notes every write of a process that runs already, until the tracer is stopped.
#[must_use]
pub fn note_writes_of(pid: u32, notes: &Path) -> Process {
    attached(pid, notes, &format!("trace={WRITES}"))
}

/// Kills a process that runs already at a write, counted from now on; 1 is the next one.
#[must_use]
pub fn kill_at_write_of(pid: u32, notes: &Path, n: usize) -> Process {
    attached(pid, notes, &format!("inject={WRITES}:signal=KILL:when={n}"))
}

/// The writes that strace has noted, each by the name of its system call.
#[must_use]
pub fn writes(notes: &Path) -> Vec<String> {
    let notes = fs::read_to_string(notes).unwrap_or_default();
    let called = notes.lines().filter_map(|line| line.split_once('(')?.0.split_whitespace().last());
    called.map(str::to_owned).collect()
}

fn attached(pid: u32, notes: &Path, expression: &str) -> Process {
    let mut strace = strace(notes, expression);
    strace.args(["-p", &pid.to_string()]);
    let mut tracer = Process::start("strace", strace, &notes.with_extension("strace"));
    tracer.wait_for(" attached", Duration::from_secs(20));
    tracer
}

fn strace(notes: &Path, expression: &str) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "signal=none", "-e", &format!("trace={WRITES}"), "-e", expression, "-o"]);
    strace.arg(notes);
    strace
}

fn traced(command: &Command, notes: &Path, expression: &str) -> Command {
    let mut strace = strace(notes, expression);
    strace.args(["-qq", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace
}

/// The process that the strace with the id `tracer` runs.
#[must_use]
pub fn traced_pid(tracer: u32) -> Option<u32> {
    let children: PathBuf = format!("/proc/{tracer}/task/{tracer}/children").into();
    fs::read_to_string(children).ok()?.split_whitespace().next()?.parse().ok()
}
