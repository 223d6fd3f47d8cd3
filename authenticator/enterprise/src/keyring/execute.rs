//! One request carried out.

use latchkey_container::{Compartment, CompartmentId, Container, PinComplexity, PinRules, UnixTime, sooner};
use rand_core::CryptoRng;
use serde_json::json;

use super::facts::Facts;
use super::message::{Answer, CompartmentName, Request, View};
use super::session::Session;
use super::{Refusal, joining, provisioning, recovering, tokens};
use crate::policy::{LocalPolicy, resolve};
use crate::wire::jws::Unsigned;
use crate::wire::prt::Wish;
use crate::wire::registration::device_request;

/// Carries `request` out on the container. A session whose evidence has become stale is closed.
///
/// # Errors
/// [`Refusal`].
pub fn execute(
    container: &mut Container,
    session: &mut Session,
    request: Request,
    now: UnixTime,
    rng: &mut dyn CryptoRng,
) -> Result<Answer, Refusal> {
    session.expire(now);
    // The daemon looks after every request whether a token is to be renewed.
    if !matches!(request, Request::FinishToken { .. } | Request::Look {}) {
        session.drop_session_key();
    }
    let answer = Desk { container, session, now, rng }.answer(request);
    if matches!(answer, Err(Refusal::Locked)) {
        session.close();
    }
    answer
}

/// What every tenant and this machine's policies want together: one container is for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// What PINs are held to.
    pub pin: PinRules,
    /// Minutes without use after which a session closes; 0: it does not.
    pub session_idle_minutes: u32,
}

impl Rules {
    /// The rules of now. Where nobody says anything there are none.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn of(container: &mut Container, files: &[LocalPolicy]) -> Result<Self, Refusal> {
        let mut policies = Vec::new();
        if !files.is_empty() {
            policies.push(resolve(None, files).policy);
        }
        for compartment in container.compartments()? {
            if let Some(document) = Facts::read(&compartment.facts)?.policy {
                policies.push(resolve(Some(&document), files).policy);
            }
        }
        let pin = policies.iter().map(|policy| policy.pin).reduce(PinComplexity::and);
        Ok(Self {
            pin: pin.map_or(PinRules::None, PinRules::Policy),
            session_idle_minutes: policies.iter().fold(0, |idle, one| sooner(idle, one.session_idle_minutes)),
        })
    }
}

/// Everything that carrying out a request takes.
pub(super) struct Desk<'a> {
    pub container: &'a mut Container,
    pub session: &'a mut Session,
    pub now: UnixTime,
    pub rng: &'a mut dyn CryptoRng,
}

/// A compartment that is being worked on.
pub(super) struct Place {
    pub id: CompartmentId,
    pub facts: Facts,
}

impl Place {
    pub(super) fn of(found: &Compartment) -> Result<Self, Refusal> {
        Ok(Self { id: found.id, facts: Facts::read(&found.facts)? })
    }
}

impl Desk<'_> {
    fn answer(&mut self, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::Look {} => self.look(),
            Request::BeginJoin { provider, user } => joining::begin(self, provider, user),
            Request::BuildJoin { at, challenge, machine } => {
                joining::build(self, &at, challenge.as_ref(), &machine)
            }
            Request::FinishJoin { at, joined } => joining::finish(self, &at, *joined),
            Request::BuildDeviceRequest { at, nonce, audience } => {
                self.build_device_request(&at, &nonce, &audience)
            }
            Request::SetPolicy { at, policy } => {
                let mut place = self.place(&at)?;
                place.facts.take_policy(*policy)?;
                self.keep(&place)
            }
            Request::SetRecovery { at, key } => recovering::set(self, &at, key.as_ref()),
            Request::Leave { at } => {
                let place = self.place(&at)?;
                self.container.remove_compartment(place.id)?;
                Ok(Answer::Done)
            }
            Request::BuildKey { at, nonce, audience } => provisioning::build(self, &at, &nonce, &audience),
            Request::FinishKey { at, registered } => provisioning::finish(self, &at, registered),
            Request::BuildSignIn { at, user_nonce, device_nonce } => {
                tokens::build_sign_in(self, &at, &user_nonce, &device_nonce)
            }
            Request::FinishSignIn { at, answer } => tokens::finish_sign_in(self, &at, &answer),
            Request::BuildToken { at, nonce, client, resource, scope } => {
                let wish =
                    Wish { client: &client, resource: resource.as_deref(), scope: &scope, redirect: None };
                tokens::build_token(self, &at, &wish, &nonce)
            }
            Request::BuildRenewal { at, nonce } => tokens::build(self, &at, &Wish::RENEWAL, &nonce),
            Request::FinishToken { at, answer } => tokens::finish(self, &at, &answer),
            Request::BuildCredential { at, nonce } => tokens::build_credential(self, &at, &nonce),
            Request::NoteAttempt { at, attempt } => tokens::note_attempt(self, &at, attempt),
            Request::SignOut { at } => tokens::sign_out(self, &at),
            Request::Lock {} => {
                self.session.close();
                Ok(Answer::Done)
            }
            Request::BuildRecovery { at, nonce, audience, rearm } => {
                recovering::build(self, &at, &nonce, &audience, rearm)
            }
        }
    }

    fn look(&mut self) -> Result<Answer, Refusal> {
        let all = self.container.compartments()?;
        let views = all.iter().map(|found| View::of(found, self.session)).collect::<Result<_, _>>()?;
        Ok(Answer::Compartments(views))
    }

    fn build_device_request(
        &mut self,
        at: &CompartmentName,
        nonce: &str,
        audience: &str,
    ) -> Result<Answer, Refusal> {
        let place = self.place(at)?;
        let certificate = place.facts.device()?.certificate()?;
        let request =
            self.sign_with_device_key(place.id, device_request(&certificate, nonce, audience, self.now))?;
        Ok(Answer::Body(json!({ "request": request })))
    }

    pub(super) fn place(&mut self, at: &CompartmentName) -> Result<Place, Refusal> {
        Place::of(&self.find(at)?)
    }

    pub(super) fn find(&mut self, at: &CompartmentName) -> Result<Compartment, Refusal> {
        let mut all = self.container.compartments()?.into_iter();
        all.find(|compartment| compartment.id.hex() == at.0).ok_or(Refusal::NotJoined)
    }

    /// Stores the facts, and shows the compartment.
    pub(super) fn keep(&mut self, place: &Place) -> Result<Answer, Refusal> {
        self.container.set_facts(place.id, &place.facts.bytes()?, self.rng)?;
        self.show(place.id)
    }

    /// The compartment as it is now.
    pub(super) fn show(&mut self, id: CompartmentId) -> Result<Answer, Refusal> {
        let name = CompartmentName(id.hex());
        let view = View::of(&self.find(&name)?, self.session)?;
        Ok(Answer::Compartment(Box::new(view)))
    }

    pub(super) fn sign_with_device_key(
        &mut self,
        id: CompartmentId,
        unsigned: Unsigned,
    ) -> Result<String, Refusal> {
        let signature = self.container.device_sign(id, &[unsigned.signing_input()])?;
        Ok(unsigned.signed(&signature.bytes))
    }
}
