//! A child process that is stopped when its handle is dropped, and whose output is kept in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(20);

/// A running program. Its standard output and error are appended to one log file.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    seen: usize,
}

impl Process {
    /// Starts `command`; what it prints is appended to `log`.
    #[must_use]
    pub fn start(name: &'static str, mut command: Command, log: &Path) -> Self {
        let out = append(log);
        let seen = fs::metadata(log).map_or(0, |file| usize::try_from(file.len()).unwrap_or(0));
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a file handle can be duplicated"))
            .stderr(out)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started ({command:?}): {error}"));
        Self { name, child, log: log.to_owned(), seen }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the program has printed since it was started.
    #[must_use]
    pub fn output(&self) -> String {
        let all = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(all.get(self.seen..).unwrap_or_default()).into_owned()
    }

    /// Waits until the program prints a line that contains `text`, and returns that line.
    ///
    /// # Panics
    /// When the program ends or `limit` passes first; the message shows what it printed.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> String {
        let start = Instant::now();
        loop {
            let output = self.output();
            if let Some(line) = output.lines().find(|line| line.contains(text)) {
                return line.to_owned();
            }
            if let Some(status) = self.ended() {
                panic!("{} ended ({status}) before it printed {text:?}:\n{output}", self.name);
            }
            assert!(start.elapsed() < limit, "{} did not print {text:?} in {limit:?}:\n{output}", self.name);
            sleep(POLL);
        }
    }

    /// The exit status, if the program has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits until the program has ended.
    ///
    /// # Panics
    /// When `limit` passes first.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(start.elapsed() < limit, "{} did not end in {limit:?}:\n{}", self.name, self.output());
            sleep(POLL);
        }
    }

    /// Asks the program to stop and waits; kills it after five seconds.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let start = Instant::now();
        while self.ended().is_none() {
            if start.elapsed() > Duration::from_secs(5) {
                self.signal(Signal::KILL);
            }
            sleep(POLL);
        }
    }

    /// Kills the program at once, as a crash would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _status = self.child.wait();
    }

    fn signal(&mut self, signal: Signal) {
        if self.ended().is_none() {
            let _gone = kill_process(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Lets this process open as many files as the system allows: floods need many.
pub fn allow_files() {
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    setrlimit(Resource::Nofile, files).expect("a process may use what it is allowed");
}

/// Lets the programs that this process starts leave core files.
pub fn allow_core_files() {
    setrlimit(Resource::Core, Rlimit { current: None, maximum: None }).expect("root allows itself anything");
}

/// The child of this process that has this word in its command line.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn child_called(word: &str) -> u32 {
    let tasks = fs::read_dir("/proc/self/task").expect("a process has threads").flatten();
    let children = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let children: Vec<u32> =
        children.flat_map(|ids| ids.split_whitespace().flat_map(str::parse).collect::<Vec<_>>()).collect();
    let is_called = |id: &u32| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.split(|&byte| byte == 0).any(|found| found == word.as_bytes())
    };
    children.into_iter().find(is_called).unwrap_or_else(|| panic!("no child is called {word}"))
}

/// Runs `command` to its end; `input` goes to its standard input.
#[must_use]
pub fn run_with_input(command: Command, input: &str) -> Output {
    spawned(command, input).wait_with_output().expect("a child can be waited for")
}

/// The same; each line that it prints on standard error goes to `hears` at once.
#[must_use]
pub fn run_attended(command: Command, input: &str, mut hears: impl FnMut(&str)) -> Output {
    let mut child = spawned(command, input);
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().expect("standard error is a pipe")).lines() {
        let line = line.expect("it prints text");
        hears(&line);
        said.extend([&line, "\n"]);
    }
    let output = child.wait_with_output().expect("a child can be waited for");
    Output { stderr: said.into_bytes(), ..output }
}

/// A child that was given its input and whose output is piped.
fn spawned(mut command: Command, input: &str) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let _closed_early = stdin.write_all(input.as_bytes());
    drop(stdin);
    child
}

/// Kills the process with this id at once, if it still runs.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Ends the process as a fault of its own would, if it still runs.
pub fn fault(pid: u32) {
    signal(pid, Signal::ABORT);
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id is a positive number");
    let _gone = kill_process(pid, signal);
}

fn append(log: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap_or_else(|error| panic!("the log {} cannot be written: {error}", log.display()))
}
