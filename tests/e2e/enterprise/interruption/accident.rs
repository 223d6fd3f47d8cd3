//! What can happen while a program waits for an answer of the provider.

use std::sync::mpsc;

use latchkey_tests::http_proxy::{Cut, Event};
use latchkey_tests::process::kill;
use latchkey_tests::tracer;

use crate::enterprise::office::{Office, Revival};

/// Something dies.
#[derive(Debug, Clone, Copy)]
pub enum Accident {
    /// The network, on the way there.
    RequestLost,
    /// The network, on the way back.
    AnswerLost,
    /// The daemon; the command goes on without it.
    DaemonKilled,
    /// The provider, before it has seen the request; it is started again at once.
    ProviderKilledBefore,
    /// The provider, after it has answered; it is started again at once.
    ProviderKilledAfter,
    /// The provider, at this write of those that the request makes it do; it is started again when the command has ended.
    ProviderKilledAtWrite(usize),
    /// The TPM loses its power; it has it back when the command has ended.
    TpmKilled,
}

impl Accident {
    /// All that can happen at a request of so many writes.
    pub fn all(writes: usize) -> Vec<Self> {
        let mut all = vec![
            Self::RequestLost,
            Self::AnswerLost,
            Self::DaemonKilled,
            Self::ProviderKilledBefore,
            Self::ProviderKilledAfter,
            Self::TpmKilled,
        ];
        all.extend((1..=writes).map(Self::ProviderKilledAtWrite));
        all
    }

    /// Runs `attempt`; the accident happens at its `n`-th request. When it is over, everything runs again.
    pub fn during<T>(self, office: &mut Office, n: usize, attempt: impl FnOnce(&mut Office) -> T) -> T {
        let (revived, revival) = mpsc::channel();
        let (idp, how) = (office.idp.process.pid(), Revival::of(office));
        let restart: Event = Box::new(move || {
            kill(idp);
            let _nobody_waits = revived.send(how.start());
        });
        let killing = |pid| Cut::Meanwhile(Box::new(move || kill(pid)));
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (attached, tracer) = mpsc::channel();
        let notes = folder.path().join("notes");
        office.proxy.cut(
            n,
            match self {
                Self::RequestLost => Cut::Request(Box::new(|| ())),
                Self::AnswerLost => Cut::Answer,
                Self::DaemonKilled => killing(office.daemon.process.pid()),
                Self::ProviderKilledBefore => Cut::Request(restart),
                Self::ProviderKilledAfter => Cut::Meanwhile(restart),
                Self::ProviderKilledAtWrite(write) => Cut::Around(
                    Box::new(move || {
                        let _nobody_waits = attached.send(tracer::kill_at_write_of(idp, &notes, write));
                    }),
                    Box::new(|| ()),
                ),
                Self::TpmKilled => killing(office.swtpm.pid()),
            },
        );
        let came = attempt(office);
        match self {
            Self::RequestLost | Self::AnswerLost => {}
            Self::DaemonKilled => office.restart_daemon(),
            Self::ProviderKilledBefore | Self::ProviderKilledAfter => {
                office.idp = revival.recv().expect("the provider was started again");
            }
            Self::ProviderKilledAtWrite(_) => {
                office.idp.process.kill();
                drop(tracer.recv().expect("strace was started"));
                office.idp = Revival::of(office).start();
            }
            Self::TpmKilled => {
                office.swtpm.restart();
                // The daemon lives on. It finds out at its next command that the old connection leads nowhere.
                let _broken = office.home.run(&["status", "--json"], "");
            }
        }
        came
    }
}

/// How many writes the provider does for the `n`-th request of an undisturbed run.
pub fn writes_for(office: &mut Office, n: usize, attempt: impl FnOnce(&mut Office)) -> usize {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let notes = folder.path().join("notes");
    let (idp, at) = (office.idp.process.pid(), notes.clone());
    let (attached, tracer) = mpsc::channel();
    let (counted, count) = mpsc::channel();
    let before = Box::new(move || {
        let _nobody_waits = attached.send(tracer::note_writes_of(idp, &at));
    });
    let after = Box::new(move || {
        // When it is stopped it has noted everything.
        drop(tracer.recv().expect("strace was started"));
        let _nobody_waits = counted.send(tracer::writes(&notes).len());
    });
    office.proxy.cut(n, Cut::Around(before, after));
    attempt(office);
    count.recv().expect("it comes to this request")
}
