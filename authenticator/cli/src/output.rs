//! What people and programs read on standard output.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use latchkey_container::{Biometric, Profile, Settings};
use serde_json::json;

use crate::biometric::requests::TemplateReport;
use crate::control::report::{Destroyed, LockoutReport, PasskeyReport, StatusReport};
use crate::control::{Answer, PinOutcome};
use crate::failure::Failure;

/// Characters of an id that the list shows; enough to name a passkey among thousands.
const SHOWN_ID: usize = 12;

/// Prints text or, with `--json`, one object.
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints an answer.
    pub fn answer(&self, answer: &Answer) {
        if self.json {
            self.object(&json!(answer));
        } else {
            print!("{}", text(answer, &TimeZone::system()));
        }
    }

    /// Prints an object of a command's own, or its text.
    pub fn told(&self, object: &serde_json::Value, text: &str) {
        if self.json {
            self.object(object);
        } else {
            println!("{text}");
        }
    }

    /// Says what is going on meanwhile: on standard error, because standard output belongs to the answer.
    pub fn progress(&self, object: &serde_json::Value, text: &str) {
        if self.json {
            eprintln!("{object}");
        } else {
            eprintln!("{text}");
        }
    }

    /// Prints why it was not done: for programs on standard output, for people on standard error.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            self.object(&json!({ "error": failure }));
        } else {
            eprintln!("latchkey: {failure}");
        }
    }

    #[allow(clippy::unused_self, reason = "printing is this type's business")]
    fn object(&self, object: &serde_json::Value) {
        println!("{object}");
    }
}

fn text(answer: &Answer, zone: &TimeZone) -> String {
    match answer {
        Answer::Status(status) => status_text(status, zone),
        Answer::Created(status) => {
            format!("Created an empty container.\n{}Next: latchkey pin set\n", status_text(status, zone))
        }
        Answer::Destroyed(Destroyed { id: Some(id), passkeys: Some(passkeys) }) => {
            format!("Destroyed container {id} with {}.\n", counted(*passkeys))
        }
        Answer::Destroyed(Destroyed { .. }) => "Destroyed the container.\n".to_owned(),
        Answer::Pin(PinOutcome::Set) => "The PIN is set.\n".to_owned(),
        Answer::Pin(PinOutcome::Changed) => {
            "The PIN is changed. Your passkeys are what they were.\n".to_owned()
        }
        Answer::Pin(PinOutcome::Reset) => {
            "The new PIN is set. Your passkeys are what they were.\n".to_owned()
        }
        Answer::Pin(PinOutcome::Rearmed) => "The count of wrong PINs is cleared.\n".to_owned(),
        Answer::SessionOpened => "The container is open.\n".to_owned(),
        Answer::Enterprise(_) => String::new(),
        Answer::KeysDeleted => "PIN, passkeys and enterprise keys are deleted.\n".to_owned(),
        Answer::Passkeys(passkeys) if passkeys.is_empty() => "There are no passkeys.\n".to_owned(),
        Answer::Passkeys(passkeys) => passkeys_text(passkeys, zone),
        Answer::Deleted(passkey) => format!("Deleted the passkey of {}.\n", named(passkey)),
        Answer::Renamed(passkey) => format!("Renamed the passkey of {}.\n", named(passkey)),
        Answer::Progress(text) => format!("{text}\n"),
        Answer::Enrolled(template) => {
            format!("Enrolled: {} ({}).\n", template.kind.name(), shown(&template.label))
        }
        Answer::Biometrics(templates) => biometrics_text(templates),
        Answer::Forgotten(template) => {
            format!("Forgotten: {} ({}).\n", template.kind.name(), shown(&template.label))
        }
        Answer::Chosen(index) => format!("Account {index}\n"),
        Answer::Error(failure) => format!("{failure}\n"),
    }
}

/// Where the container stands.
pub fn status_text(status: &StatusReport, zone: &TimeZone) -> String {
    let mut rows = vec![
        ("Container", status.id.clone()),
        ("Profile", profile_text(status.profile).to_owned()),
        ("Protected by", status.class.in_words().to_owned()),
        ("Device", shown(&status.description)),
        ("Created", time_text(status.created, zone)),
        (
            "PIN",
            match &status.pin {
                Some(_) if status.pin_lost => "lost: somebody removed or replaced it in the TPM, or these files are an older copy; only `latchkey container destroy` helps".to_owned(),
                Some(pin) if pin.tries_left == 0 => "blocked: no tries left".to_owned(),
                Some(_) if status.pin_overdue.is_some() => {
                    let why = status.pin_overdue.as_deref().unwrap_or_default();
                    format!("MUST BE CHANGED ({why}): latchkey pin change")
                }
                Some(pin) => format!("set, {} of {} tries left", pin.tries_left, pin.limit),
                None => {
                    format!("not set (at least {} characters): latchkey pin set", status.minimum_pin_length)
                }
            },
        ),
        ("Passkeys", status.passkeys.to_string()),
    ];
    if status.listed_without_gesture {
        rows.push((
            "Listed",
            "an application may list them without asking, until you change the PIN".to_owned(),
        ));
    }
    if let Some(settings) = settings_text(&status.settings) {
        rows.push(("Settings", settings));
    }
    for gesture in &status.biometrics {
        let name = match gesture.kind {
            Biometric::Fingerprint => "Fingerprint",
            Biometric::Face => "Face",
        };
        rows.push((name, format!("{} enrolled, {}", gesture.templates, gesture.opens.in_words())));
    }
    if status.leftover_slots > 0 {
        let text = "an earlier PIN could not be removed from the TPM yet: give --owner-auth-file";
        rows.push(("Left over", text.to_owned()));
    }
    if let Some(lockout) = &status.lockout {
        rows.push(("TPM lockout", lockout_text(lockout)));
    }
    if let Some(memory) = &status.memory {
        rows.push(("Memory", memory.in_words()));
    }
    let lines: Vec<String> = rows.iter().map(|(name, value)| format!("{name:<13} {value}\n")).collect();
    lines.concat()
}

/// What management programs have switched on, if anything.
fn settings_text(settings: &Settings) -> Option<String> {
    let shortest = settings.minimum_pin_length;
    let texts = [
        settings.always_uv.then(|| "every use needs verification".to_owned()),
        (shortest > 0).then(|| format!("PINs of at least {shortest} characters")),
        settings.pin_complexity.then(|| "no PIN in even steps".to_owned()),
        settings.enterprise_attestation.then(|| "enterprise attestation".to_owned()),
        settings.long_touch_for_reset.then(|| "a reset wants a typed word".to_owned()),
        (!settings.pin_facts_for.is_empty())
            .then(|| format!("told what PINs are held to: {}", shown(&settings.pin_facts_for.join(", ")))),
    ];
    let texts: Vec<String> = texts.into_iter().flatten().collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// What a person may expect of it.
const fn profile_text(profile: Profile) -> &'static str {
    match profile {
        Profile::Hello => "hello: every use needs your PIN, finger or face",
        Profile::SecurityKey => {
            "security-key: your approval is enough where a site asks for no more; a PIN is optional"
        }
    }
}

fn lockout_text(lockout: &LockoutReport) -> String {
    let LockoutReport { locked, failures, limit, recovery_seconds } = lockout;
    if *locked {
        format!("LOCKED after {failures} failures; one is forgotten every {recovery_seconds} s")
    } else {
        format!("no ({failures} of {limit} failures)")
    }
}

fn passkeys_text(passkeys: &[PasskeyReport], zone: &TimeZone) -> String {
    let head = ["ID", "SITE", "ACCOUNT", "CREATED", "KIND", "PROTECTION", "EXTENSIONS", "LABEL"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(passkeys.iter().map(|passkey| {
        [
            passkey.id.chars().take(SHOWN_ID).collect(),
            site(passkey),
            shown(account(passkey)),
            time_text(passkey.created, zone),
            passkey.algorithm.clone(),
            passkey.protection.to_string(),
            if passkey.extensions.is_empty() { "-".to_owned() } else { passkey.extensions.join(",") },
            shown(passkey.label.as_deref().unwrap_or("-")),
        ]
    }));
    table(&rows)
}

fn biometrics_text(templates: &[TemplateReport]) -> String {
    if templates.is_empty() {
        return "Nothing is enrolled: latchkey biometric enrol\n".to_owned();
    }
    let mut rows = vec![["ID", "GESTURE", "NAME", "SENSOR"].map(str::to_owned)];
    rows.extend(templates.iter().map(|template| {
        [
            template.id.clone(),
            template.kind.name().to_owned(),
            shown(&template.label),
            shown(&template.sensor),
        ]
    }));
    table(&rows)
}

/// Columns as wide as their widest cell.
pub fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn account(passkey: &PasskeyReport) -> &str {
    passkey.user.name.as_deref().or(passkey.user.display_name.as_deref()).unwrap_or("-")
}

/// One passkey in words.
pub fn named(passkey: &PasskeyReport) -> String {
    let label = passkey.label.as_deref().map(|label| format!(" \"{}\"", shown(label))).unwrap_or_default();
    format!("{} at {}{label}", shown(account(passkey)), site(passkey))
}

/// Where it signs in; U2F does not tell.
fn site(passkey: &PasskeyReport) -> String {
    if passkey.rp_id.is_empty() { "(U2F)".to_owned() } else { shown(&passkey.rp_id) }
}

/// So many passkeys, in words.
pub fn counted(passkeys: u32) -> String {
    match passkeys {
        1 => "1 passkey".to_owned(),
        other => format!("{other} passkeys"),
    }
}

/// Names come from web sites: control characters must not reach the terminal, where they could rewrite what it shows.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_direction_control(c) { '\u{FFFD}' } else { c }).collect()
}

/// The characters that reorder the text around them (Unicode Standard Annex 9, §2).
const fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn time_text(seconds: u64, zone: &TimeZone) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map_or_else(
        || "unknown".to_owned(),
        |time| time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

#[cfg(test)]
mod tests;
