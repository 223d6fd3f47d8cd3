//! `./run demo`: the product on this machine. With a display it opens Chromium on the demo site; without one it
//! plays the journey in headless Chromium and narrates it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a broken expectation ends the step with the sentence that names it"
)]
#![allow(clippy::disallowed_methods, reason = "the narration tells how long each step took")]

mod interactive;
mod journey;
mod narrator;
mod stage;

use std::process::ExitCode;

use narrator::Narrator;
use stage::Stage;

fn main() -> ExitCode {
    let once = match arguments() {
        Ok(once) => once,
        Err(unknown) => {
            eprintln!("demo: what is '{unknown}'? There is: --once");
            return ExitCode::from(2);
        }
    };
    let display = std::env::var_os("DISPLAY").or_else(|| std::env::var_os("WAYLAND_DISPLAY")).is_some();
    let mut narrator = Narrator::default();
    let Some(stage) =
        narrator.step("start the TPM, the daemon and the demo site", || Stage::set(display && !once))
    else {
        return ExitCode::FAILURE;
    };
    let window = if display && !once { Some(interactive::open(&stage)) } else { None };
    if window.is_none() {
        journey::play(&stage, &mut narrator);
        println!("\npictures of the pages: {}", stage.pictures().display());
    }
    if once || narrator.failed() {
        return if narrator.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    println!("serving {} until Ctrl-C", stage.site.origin);
    stage.wait_for_interrupt();
    println!("stopping what was started");
    ExitCode::SUCCESS
}

/// Whether to end after the journey.
fn arguments() -> Result<bool, String> {
    let mut once = false;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--once" => once = true,
            _ => return Err(argument),
        }
    }
    Ok(once)
}
