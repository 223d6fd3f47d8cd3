//! Programs that answer on their standard output, within limits. What they print may be a key: it is shown nowhere.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::Failure;

/// A key management service answers within this, or the start has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A few keys are a few lines.
const LONGEST: usize = 16 * 1024;

/// What becomes of a program's standard error.
#[derive(Clone, Copy)]
pub(super) enum Complaints {
    /// Nobody knows what is in it, so nobody reads it.
    Dropped,
    /// Its first error is part of ours: the program is known to put no secret there.
    Reported,
}

/// A program that is to be run. It gets no shell and no terminal.
pub(super) struct Run<'a> {
    /// What errors call it.
    pub(super) name: &'a str,
    pub(super) command: Command,
    pub(super) input: Option<&'a [u8]>,
    pub(super) complaints: Complaints,
}

impl Run<'_> {
    /// What it printed.
    pub(super) async fn output(self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.output_within(PATIENCE).await
    }

    async fn output_within(mut self, patience: Duration) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let errors = match self.complaints {
            Complaints::Dropped => Stdio::null(),
            Complaints::Reported => Stdio::piped(),
        };
        let input = if self.input.is_some() { Stdio::piped() } else { Stdio::null() };
        self.command.stdin(input).stdout(Stdio::piped()).stderr(errors).kill_on_drop(true);
        let name = self.name;
        let child = self.command.spawn();
        let mut child = child.map_err(|error| Failure(format!("{name} cannot be run: {error}")))?;
        // Dropped when time is up, and killed with that.
        let answered = tokio::time::timeout(patience, answer(&mut child, self.input)).await;
        let (output, complaint) = answered
            .map_err(|_| Failure(format!("{name} did not end within {} seconds", patience.as_secs())))?
            .map_err(|error| Failure(format!("{name} was broken off: {error}")))?;
        let status = child.wait().await.map_err(|error| Failure(format!("{name} was lost: {error}")))?;
        // First, because a program whose output nobody reads fails.
        if output.len() > LONGEST {
            return Err(Failure(format!("{name} printed more than keys")));
        }
        if !status.success() {
            let why = complaint.unwrap_or_else(|| "run it by hand to see why".to_owned());
            return Err(Failure(format!("{name} failed ({status}): {why}")));
        }
        Ok(output)
    }
}

async fn answer(child: &mut Child, input: Option<&[u8]>) -> io::Result<(Zeroizing<Vec<u8>>, Option<String>)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            stdin.write_all(input).await?;
        }
        io::Result::Ok(())
    };
    let (written, output, complaint) = tokio::join!(feed, all(stdout), all(stderr));
    written?;
    let complaint = complaint?;
    let complaint = String::from_utf8_lossy(&complaint);
    // The first is about the cause, the last only says that the program failed.
    let why = complaint.lines().find_map(|line| line.strip_prefix("ERROR: ")).map(str::to_owned);
    // Waiting belongs under the time limit too.
    child.wait().await?;
    Ok((output?, why))
}

async fn all(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Zeroizing<Vec<u8>>> {
    // Large enough from the beginning, so that no copy is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 64));
    if let Some(stream) = stream {
        let most = u64::try_from(LONGEST + 1).unwrap_or(u64::MAX);
        stream.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
