//! The loop between carriers, engine and person.

use std::sync::Arc;

use latchkey_container::Biometric;
use latchkey_ctap::{Answer, Prompt};
use latchkey_runtime::clock::Uptime;
use latchkey_runtime::{Exchange, Happening, World};
use latchkey_transports::carrier::Event;
use latchkey_transports::ctaphid::REPORT;

use crate::engine::{Job, Jobs, Reports};
use crate::failure::Failure;
use crate::person::Person;
use crate::power::Power;

/// Solo's reboot command: a report that stands for a power cycle, seen before anything in it is understood.
const REBOOT: [u8; REPORT] = [
    0xAC, 0x10, 0x52, 0xCA, 0x95, 0xE5, 0x69, 0xDE, 0x69, 0xE0, 0x2E, 0xBF, 0xF3, 0x33, 0x48, 0x5F, 0x13,
    0xF9, 0xB2, 0xDA, 0x34, 0xC5, 0xA8, 0xA3, 0x40, 0x52, 0x66, 0x97, 0xA9, 0xAB, 0x2E, 0x0B, 0x39, 0x4D,
    0x8D, 0x04, 0x97, 0x3C, 0x13, 0x40, 0x05, 0xBE, 0x1A, 0x01, 0x40, 0xBF, 0xF6, 0x04, 0x5B, 0xB2, 0x6E,
    0xB7, 0x7A, 0x73, 0xEA, 0xA4, 0x78, 0x13, 0xF6, 0xB4, 0x9A, 0x72, 0x50, 0xDC,
];

/// The engine's thread, and the person.
pub struct Around {
    jobs: Jobs,
    person: Arc<Person>,
}

/// A device with nothing plugged in.
pub fn exchange(jobs: Jobs, person: Arc<Person>, uptime: Uptime) -> Exchange<Around> {
    Exchange::new(Around { jobs, person }, uptime)
}

/// Runs until the engine fails.
pub async fn run(
    exchange: &mut Exchange<Around>,
    mut reports: Reports,
    power: &Arc<Power>,
) -> Result<(), Failure> {
    // The first report says whether U2F is offered; no client hears anything before.
    exchange.hear(reports.recv().await.ok_or_else(Failure::engine_ended)?)?;
    loop {
        tokio::select! {
            happening = exchange.next() => {
                if matches!(happening, Happening::Carrier(Event::Report(_, REBOOT))) {
                    reboot(power);
                } else {
                    exchange.act(happening)?;
                }
            }
            report = reports.recv() => exchange.hear(report.ok_or_else(Failure::engine_ended)?)?,
        }
    }
}

/// Beside the loop, which the carriers need to get rid of their links.
fn reboot(power: &Arc<Power>) {
    let power = Arc::clone(power);
    tokio::spawn(async move {
        if let Err(failure) = power.cycle().await {
            tracing::error!(%failure, "no reboot");
        }
    });
}

impl World for Around {
    type Error = Failure;

    fn give(&self, job: latchkey_runtime::Job) -> Result<(), Failure> {
        self.jobs.send(Job::Ctap(job)).map_err(|_ended| Failure::engine_ended())
    }

    fn ask(
        &self,
        prompt: Prompt,
        _gestures: Vec<Biometric>,
    ) -> impl Future<Output = Answer> + Send + 'static {
        Arc::clone(&self.person).answer(prompt)
    }
}
