//! What each command does.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::args::{Arguments, Command, Device, Selection, ServerSuite, Suite, Telling};
use crate::case::{self, Case, Judged, Stop, Version};
use crate::expectations::Expectations;
use crate::profile::Profile;
use crate::report::{Outcome, Report};
use crate::run::{Player, judged};
use crate::server::{self, Codes, Server};
use crate::session::Session;

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authenticator cannot be asked.
    #[error("{0}")]
    Target(String),
    /// Nobody agreed.
    #[error(
        "the cases reset the authenticator and delete everything on it: say --erase if that is what you want"
    )]
    NotAgreed,
    /// There is no such case.
    #[error("there is no case {0:?}: `latchkey-conformance list` shows them")]
    UnknownCase(String),
    /// No case is left.
    #[error("no case fits --only, --clause and --version")]
    NoCase,
    /// A file is not what it should be.
    #[error("{0}")]
    File(String),
    /// A report cannot be written.
    #[error("cannot write the report: {0}")]
    Write(#[from] io::Error),
}

impl From<Stop> for Error {
    fn from(stop: Stop) -> Self {
        Self::Target(match stop {
            Stop::Failed(failure) => format!("{}, wanted: {}", failure.found, failure.wanted),
            Stop::NotApplicable(why) | Stop::Broken(why) => why,
        })
    }
}

/// Does what the command line says. False: something unexpected happened.
///
/// # Errors
/// When nothing could be judged.
pub fn execute(arguments: Arguments) -> Result<bool, Error> {
    match arguments.command {
        Command::Authenticator(suite) => run_authenticator(&suite),
        Command::Server(suite) => run_server(&suite),
        Command::List(selection) => list(&selection).map(|()| true),
        Command::Explain { case } => explain(&case).map(|()| true),
        Command::Replay { case, device } => replay(&case, &device),
    }
}

fn run_authenticator(suite: &Suite) -> Result<bool, Error> {
    let profile =
        suite.profile.as_deref().map(Profile::read).transpose().map_err(Error::File)?.unwrap_or_default();
    let mut cases = case::all();
    cases.extend(profile.cases());
    let expectations = expected(&suite.telling, &cases)?;
    let mut session = opened(&suite.device)?;
    let version = suite.selection.version.unwrap_or_else(|| Version::of(session.info()));
    cases.retain(|case| suite.selection.takes(case) && case.is_of(version));
    let target = suite.device.target.to_string();
    play(&mut session, cases, &expectations, &target, format!("CTAP {version}"), &suite.telling)
}

fn run_server(suite: &ServerSuite) -> Result<bool, Error> {
    let mut cases = server::cases();
    let expectations = expected(&suite.telling, &cases)?;
    let codes = suite.codes.as_deref().map(Codes::read).transpose().map_err(Error::File)?.unwrap_or_default();
    let mut server = Server::new(&suite.url, codes).map_err(Error::Target)?;
    cases.retain(|case| suite.only.is_empty() || suite.only.iter().any(|pattern| pattern.matches(&case.id)));
    let standard = Server::STANDARD.to_owned();
    play(&mut server, cases, &expectations, suite.url.as_str(), standard, &suite.telling)
}

fn expected<J: Judged>(telling: &Telling, cases: &[Case<J>]) -> Result<Expectations, Error> {
    let read = telling.expectations.as_deref().map(Expectations::read).transpose();
    let expectations = read.map_err(Error::File)?.unwrap_or_default();
    expectations.check(cases).map_err(Error::File)?;
    Ok(expectations)
}

/// Plays the cases and tells what came of them. False: something unexpected happened.
fn play<J: Judged>(
    judged: &mut J,
    cases: Vec<Case<J>>,
    expectations: &Expectations,
    target: &str,
    standard: String,
    telling: &Telling,
) -> Result<bool, Error> {
    if cases.is_empty() {
        return Err(Error::NoCase);
    }
    let mut report = Player::new(judged, expectations).play(cases, target, standard);
    if let Some(name) = &telling.name {
        report.suite.clone_from(name);
    }
    if let Some(folder) = &telling.out {
        write_files(&report, folder)?;
    }
    let mut out = io::stdout().lock();
    if telling.json {
        writeln!(out, "{}", report.line())?;
    } else {
        report.table(&mut out, telling.out.as_deref())?;
    }
    Ok(report.summary.unexpected == 0)
}

fn write_files(report: &Report, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("report.html"), report.html().map_err(io::Error::other)?)?;
    std::fs::write(folder.join("report.json"), report.json().map_err(io::Error::other)?)?;
    std::fs::write(folder.join("junit.xml"), report.junit())?;
    Ok(())
}

/// Opens the authenticator, once its owner agreed to lose everything on it.
fn opened(device: &Device) -> Result<Session, Error> {
    if !device.erase && !agreed(&device.target.to_string())? {
        return Err(Error::NotAgreed);
    }
    Ok(Session::open(device.target.clone(), device.hook.clone())?)
}

fn agreed(target: &str) -> Result<bool, Error> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Everything on the authenticator at {target} will be deleted. Type \"erase\" to go on: ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "erase")
}

fn list(selection: &Selection) -> Result<(), Error> {
    let of_version = |case: &Case| selection.version.is_none_or(|version| case.is_of(version));
    let cases = case::all();
    let mut lines = listed(cases.iter().filter(|case| selection.takes(*case) && of_version(case)));
    // Versions are CTAP's.
    if selection.version.is_none() {
        lines.extend(listed(server::cases().iter().filter(|case| selection.takes(*case))));
    }
    if lines.is_empty() {
        return Err(Error::NoCase);
    }
    let mut out = io::stdout().lock();
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{} cases", lines.len())?;
    Ok(())
}

fn listed<'a, J: Judged + 'a>(cases: impl Iterator<Item = &'a Case<J>>) -> Vec<String> {
    cases.map(|case| format!("{:<56} §{:<12} must {}", case.id, case.clause, case.must)).collect()
}

fn found(id: &str) -> Result<Case, Error> {
    case::all().into_iter().find(|case| case.id == id).ok_or_else(|| Error::UnknownCase(id.to_owned()))
}

fn explain(id: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    if let Some(case) = server::cases().into_iter().find(|case| case.id == id) {
        return Ok(explain_rule(&mut out, &case)?);
    }
    let case = found(id)?;
    explain_rule(&mut out, &case)?;
    writeln!(out, "Versions: {} and later", case.since)?;
    let needs: Vec<String> = case.needs.iter().map(ToString::to_string).collect();
    writeln!(out, "Needs:    {}", if needs.is_empty() { "nothing".to_owned() } else { needs.join(", ") })?;
    let state = match case.state {
        case::State::Fresh => "as after a reset",
        case::State::Ready => "with a PIN, if it has PINs",
        case::State::Any => "any",
    };
    writeln!(out, "State:    {state}")?;
    Ok(())
}

fn explain_rule<J: Judged>(out: &mut impl Write, case: &Case<J>) -> io::Result<()> {
    writeln!(out, "{}\n", case.id)?;
    writeln!(out, "The {} must {}.", J::NAME, case.must)?;
    writeln!(out, "Clause:   {} §{}", J::STANDARD, case.clause)
}

fn replay(id: &str, device: &Device) -> Result<bool, Error> {
    let case = found(id)?;
    let mut session = opened(device)?;
    let entry = judged(&mut session, &case, None);
    let mut out = io::stdout().lock();
    for exchange in &entry.exchanges {
        writeln!(out, "→ {}\n  {}", exchange.request, exchange.request_bytes)?;
        writeln!(out, "← {}\n  {}", exchange.answer, exchange.answer_bytes)?;
    }
    writeln!(out, "{}: {}", case.id, entry.outcome)?;
    for line in entry.lines() {
        writeln!(out, "  {line}")?;
    }
    Ok(matches!(entry.outcome, Outcome::Passed | Outcome::NotApplicable))
}
