//! A machine with a container on the software provider, and its keyring.

use latchkey_container::{Container, CreateOptions, Pin, PinHash, Profile, StretchCost, UnixTime};
use latchkey_enterprise::keyring::{
    Answer, CompartmentName, Provider as At, Refusal, Request, Session, User, View, execute,
};
use latchkey_enterprise::wire::registration::{Joined, Machine as Described};
use latchkey_tpm::SoftwareTpm;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::provider::{OBJECT, Provider, TENANT, UPN};

/// 2026-06-01.
pub const NOW: UnixTime = UnixTime(1_780_272_000);
pub const PIN: &str = "739264";

pub struct Machine {
    pub container: Container,
    pub session: Session,
    rng: ChaCha20Rng,
    _folder: TempDir,
}

impl Machine {
    pub fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device =
            SoftwareTpm::open(&folder.path().join("tpm"), Box::new(ChaCha20Rng::seed_from_u64(seed)))
                .unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(seed + 1);
        let options = CreateOptions {
            stretch: StretchCost { memory_kib: 64, passes: 1 },
            require_tpm: false,
            profile: Profile::Hello,
        };
        let at = folder.path().join("container");
        let container = Container::create(&at, Box::new(device), &options, NOW, &mut rng).unwrap();
        Self { container, session: Session::default(), rng, _folder: folder }
    }

    /// One that has joined, with a PIN and an open session.
    pub fn joined(provider: &Provider, seed: u64) -> (Self, CompartmentName) {
        let mut machine = Self::new(seed);
        let at = machine.begin();
        let body = machine.build(&at);
        machine.finish(&at, provider.register(&body)).unwrap();
        let pin = Pin::typed(PIN, 4).unwrap();
        drop(machine.container.set_pin(&pin, NOW, &mut machine.rng).unwrap());
        machine.unlock();
        (machine, at)
    }

    pub fn unlock(&mut self) {
        let unlocked = self.container.unlock(&PinHash::typed(PIN), NOW, &mut self.rng).unwrap();
        self.session.open(unlocked, NOW);
    }

    pub fn change_pin(&mut self, new: &str) {
        let new = Pin::typed(new, 4).unwrap();
        drop(self.container.change_pin(&PinHash::typed(PIN), &new, NOW, &mut self.rng).unwrap());
    }

    pub fn ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        self.ask_at(request, NOW)
    }

    fn ask_at(&mut self, request: Request, now: UnixTime) -> Result<Answer, Refusal> {
        execute(&mut self.container, &mut self.session, request, now, &mut self.rng)
    }

    pub fn try_begin(&mut self) -> Result<Answer, Refusal> {
        let provider = At { url: "https://id.example.org".into(), ca: None, tenant: TENANT.into() };
        let user = User { upn: UPN.into(), object: OBJECT.into(), name: "Ann".into() };
        self.ask(Request::BeginJoin { provider, user })
    }

    pub fn begin(&mut self) -> CompartmentName {
        let Answer::JoinBegun { at, .. } = self.try_begin().unwrap() else { panic!("no place for a join") };
        at
    }

    pub fn build(&mut self, at: &CompartmentName) -> Value {
        let machine = Described { name: "desk-1".into(), os_version: "12".into() };
        self.body(Request::BuildJoin { at: at.clone(), challenge: None, machine }).unwrap()
    }

    pub fn finish(&mut self, at: &CompartmentName, joined: Value) -> Result<Answer, Refusal> {
        let joined: Box<Joined> = serde_json::from_value(joined).unwrap();
        self.ask(Request::FinishJoin { at: at.clone(), joined })
    }

    pub fn body(&mut self, request: Request) -> Result<Value, Refusal> {
        let Answer::Body(body) = self.ask(request)? else { panic!("that is no body") };
        Ok(body)
    }

    pub fn signed(&mut self, request: Request) -> Result<String, Refusal> {
        self.signed_at(request, NOW)
    }

    pub fn signed_at(&mut self, request: Request, now: UnixTime) -> Result<String, Refusal> {
        let Answer::Signed(signed) = self.ask_at(request, now)? else { panic!("that is no signed request") };
        Ok(signed)
    }

    pub fn view(&mut self) -> View {
        self.view_at(NOW)
    }

    pub fn view_at(&mut self, now: UnixTime) -> View {
        let Ok(Answer::Compartments(mut views)) = self.ask_at(Request::Look {}, now) else {
            panic!("no list")
        };
        assert_eq!(views.len(), 1);
        views.remove(0)
    }
}
