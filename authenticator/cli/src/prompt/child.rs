//! A program that asks the user, gone with everything it started when it is no longer wanted.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running program in a process group of its own.
pub struct PromptChild {
    /// Killed when it is dropped, and reaped by tokio.
    _child: Child,
    group: Option<Pid>,
}

impl PromptChild {
    /// Starts `command` with pipes for what it reads and writes.
    pub fn start(mut command: Command) -> std::io::Result<(Self, ChildStdin, ChildStdout)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (stdin, stdout) = pipes.ok_or_else(|| std::io::Error::other("the pipes to it are missing"))?;
        Ok((Self { _child: child, group }, stdin, stdout))
    }
}

impl Drop for PromptChild {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // The whole group: a script's own children would keep the terminal or the window.
            let _already_gone = kill_process_group(group, Signal::KILL);
        }
    }
}
