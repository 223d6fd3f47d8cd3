//! `latchkey-idp audit`: the log of what administrators and operators did.

use std::error::Error;

use clap::{Args, Subcommand};
use latchkey_idp::audit_chain::{Event, Head};
use latchkey_idp::provider::Provider;

use crate::{Failure, Place, open};

/// A sign of life after so many entries.
const PROGRESS: i64 = 50_000;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Check that no entry was changed, added or removed; prints the log's head, and fails when the log is broken
    Verify(Verify),
    /// Print entries
    Show(Show),
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A head that was printed earlier and kept elsewhere: the log must contain that entry
    #[arg(long, value_name = "N:LINK")]
    head: Option<Head>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The first entry to print [default: the newest ones]
    #[arg(long, value_name = "N")]
    from: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    most: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(place: &Place, verb: &AuditVerb) -> Result<(), Box<dyn Error>> {
    let provider = open(place).await?;
    let result = match verb {
        AuditVerb::Verify(options) => verify(&provider, options).await,
        AuditVerb::Show(options) => show(&provider, options).await,
    };
    provider.close().await;
    result
}

async fn verify(provider: &Provider, options: &Verify) -> Result<(), Box<dyn Error>> {
    let progress = |number: i64| {
        if number % PROGRESS == 0 {
            eprintln!("{number} entries are as they were written …");
        }
    };
    let head = provider.verify_audit_with(options.head, progress).await??;
    println!("The audit log is whole: {} entries.", head.number);
    println!("Head: {head}");
    if options.head.is_none() {
        println!(
            "Keep the head elsewhere: `audit verify --head` then also sees when the newest entries are missing."
        );
    }
    Ok(())
}

async fn show(provider: &Provider, options: &Show) -> Result<(), Box<dyn Error>> {
    let from = match options.from {
        Some(from) => from,
        None => provider.newest_audit_entry().await? - i64::from(options.most) + 1,
    };
    for entry in provider.audit_entries(from, options.most).await? {
        if options.json {
            println!("{}", serde_json::json!({ "number": entry.seq, "event": raw(&entry.record)? }));
            continue;
        }
        let event: Event = serde_json::from_str(&entry.record)?;
        let detail = event.detail.iter().map(|(name, value)| format!("  {name}={value}"));
        let line = format!(
            "{}  {}  {}  {}  {}{}",
            entry.seq,
            event.at.to_text(),
            event.actor,
            event.action,
            event.target,
            detail.collect::<String>()
        );
        println!("{}", printable(&line));
    }
    Ok(())
}

fn raw(record: &str) -> Result<serde_json::Value, Failure> {
    serde_json::from_str(record).map_err(|_| Failure("an entry is not JSON: run audit verify".to_owned()))
}

/// Names that people chose must not steer the terminal.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
