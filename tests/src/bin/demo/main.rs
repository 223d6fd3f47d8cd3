//! `./run demo`: the product on this machine. With a display it opens Chromium on the demo site; without one it
//! plays the journey in headless Chromium and narrates it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken expectation ends the step with the sentence that names it"
)]
#![allow(clippy::disallowed_methods, reason = "the narration tells how long each step took")]

mod identity;
mod interactive;
mod journey;
mod narrator;
mod pin_reset;
mod provider;
mod stage;

use std::process::ExitCode;

use journey::Part;
use narrator::Narrator;
use stage::Stage;

fn main() -> ExitCode {
    let (once, parts) = match arguments() {
        Ok(arguments) => arguments,
        Err(unknown) => {
            eprintln!(
                "demo: what is '{unknown}'? There are: --once, and --only passkey, --only id or --only pin-reset"
            );
            return ExitCode::from(2);
        }
    };
    let display = std::env::var_os("DISPLAY").or_else(|| std::env::var_os("WAYLAND_DISPLAY")).is_some();
    let mut narrator = Narrator::default();
    let Some(stage) = narrator
        .step("start the TPM, the daemon, the identity provider and the demo site", || {
            Stage::set(display && !once)
        })
    else {
        return ExitCode::FAILURE;
    };
    let window = if display && !once { Some(interactive::open(&stage)) } else { None };
    println!("{}", stage.identity.credentials());
    if window.is_some() {
        println!("{}", pin_reset::offer(&stage));
    }
    if window.is_none() {
        journey::play(&stage, &mut narrator, &parts);
        println!("\npictures of the pages: {}", stage.pictures().display());
    }
    if once || narrator.failed() {
        return if narrator.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    println!("serving {} and {} until Ctrl-C", stage.site.origin, stage.identity.idp.place.url);
    stage.wait_for_interrupt();
    println!("stopping what was started");
    ExitCode::SUCCESS
}

/// Whether to end after the journey, and which parts of it to play.
fn arguments() -> Result<(bool, Vec<Part>), String> {
    let (mut once, mut parts) = (false, vec![Part::Passkey, Part::Identity, Part::PinReset]);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--once" => once = true,
            "--only" => match arguments.next().as_deref() {
                Some("passkey") => parts = vec![Part::Passkey],
                Some("id") => parts = vec![Part::Identity],
                Some("pin-reset") => parts = vec![Part::PinReset],
                other => return Err(format!("--only {}", other.unwrap_or_default())),
            },
            _ => return Err(argument),
        }
    }
    Ok((once, parts))
}
