//! Tells the journey: one line a step, with the time it took.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Tells each step and remembers whether one failed.
#[derive(Debug, Default)]
pub struct Narrator {
    steps: usize,
    failed: bool,
}

impl Narrator {
    /// Does one step and tells it. `None` when it failed; the reason is told too.
    pub fn step<T>(&mut self, what: &str, work: impl FnOnce() -> T) -> Option<T> {
        self.steps += 1;
        let start = Instant::now();
        let outcome = quietly(work);
        let (mark, seconds) = (if outcome.is_ok() { "ok" } else { "FAILED" }, start.elapsed().as_secs_f64());
        println!("{:>2}. {what:<72} {seconds:>6.2} s  {mark}", self.steps);
        match outcome {
            Ok(value) => Some(value),
            Err(reason) => {
                println!("    {}", reason.replace('\n', "\n    "));
                self.failed = true;
                None
            }
        }
    }

    /// Whether a step has failed.
    pub const fn failed(&self) -> bool {
        self.failed
    }
}

/// Adds a line below a step.
pub fn note(text: &str) {
    println!("    {text}");
}

/// Runs `work`; a broken expectation becomes its sentence.
fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let reason = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&reason);
    let usual = take_hook();
    set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or("a step broke without a reason");
        heard.lock().expect("nobody panics while telling").push_str(text);
    }));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    set_hook(usual);
    outcome.map_err(|_panic| reason.lock().expect("nobody panics while telling").clone())
}
