//! One request carried out on the container, in the daemon and in a command alike.

use latchkey_container::{
    Container, CreateOptions, CredentialId, Error as ContainerError, Passkey, PendingRecovery, Pin, PinHash,
    Profile, Recognised, RecoveryAnswer, RecoveryPurpose, StretchCost, Unlocked, UserAccount,
};
use latchkey_enterprise::keyring::{self, Session};
use latchkey_enterprise::wire::recovery::SealedSecret;

use super::report::{Destroyed, PasskeyReport, StatusReport, id_text};
use super::{Answer, Evidence, PinOutcome, Request};
use crate::biometric::requests::needs_daemon;
use crate::clock;
use crate::device::Choice;
use crate::enterprise::follow_rules;
use crate::failure::{Failure, FailureKind};
use crate::hardening::Memory;
use crate::paths::{Paths, private_directory};
use crate::secret_text::SecretText;

/// The fewest characters of a prefix that names a passkey.
const SHORTEST_PREFIX: usize = 4;
/// The longest label: as long as CTAP lets a user name be (64 bytes).
const LONGEST_LABEL: usize = 64;

/// Who holds the container: the daemon plugs a virtual device in and out with it, a command opens it for one request.
pub trait Holder {
    /// The container, if there is one.
    fn container(&mut self) -> Result<&mut Container, Failure>;
    /// Checks the PIN. The daemon's authenticator counts wrong ones together with those that come by CTAP.
    fn unlock(&mut self, pin: &PinHash) -> Result<Unlocked, Failure> {
        Ok(self.container()?.unlock(pin, clock::now(), &mut clock::rng())?)
    }
    /// Opens the container for whom the biometric service has recognised.
    fn unlock_by_biometric(&mut self, seen: &Recognised) -> Result<Unlocked, Failure> {
        Ok(self.container()?.unlock_by_biometric(seen, clock::now())?)
    }
    /// Sets the first PIN.
    fn set_pin(&mut self, new: &Pin) -> Result<(), Failure> {
        drop(self.container()?.set_pin(new, clock::now(), &mut clock::rng())?);
        Ok(())
    }
    /// Changes the PIN, and ends what the old one authorised.
    fn change_pin(&mut self, old: &PinHash, new: &Pin) -> Result<(), Failure> {
        drop(self.container()?.change_pin(old, new, clock::now(), &mut clock::rng())?);
        Ok(())
    }
    /// Sets a new PIN without the old one, and ends what the old one authorised.
    fn reset_pin(
        &mut self,
        pending: PendingRecovery,
        answer: &RecoveryAnswer,
        new: &Pin,
    ) -> Result<Unlocked, Failure> {
        Ok(self.container()?.reset_pin(pending, answer, new, clock::now(), &mut clock::rng())?)
    }
    /// Clears the count of wrong PINs.
    fn rearm_pin(&mut self, pending: PendingRecovery, answer: &RecoveryAnswer) -> Result<(), Failure> {
        Ok(self.container()?.rearm_pin(pending, answer)?)
    }
    /// Deletes PIN, passkeys and enterprise keys, and ends what they authorised.
    fn delete_keys(&mut self) -> Result<(), Failure> {
        Ok(self.container()?.reset()?)
    }
    /// What the identity provider's commands hold in memory.
    fn session(&mut self) -> &mut Session;
    /// The container together with that.
    fn enterprise(&mut self) -> Result<(&mut Container, &mut Session), Failure>;
    /// Whether a container is open already.
    fn is_open(&self) -> bool;
    /// Takes a container that was just created.
    fn place(&mut self, container: Container);
    /// Gives the container away to be destroyed.
    fn take(&mut self) -> Result<Container, Failure>;
    /// Whether what is in memory can reach a disk; nothing is said of a command, which holds it for a moment.
    fn memory(&self) -> Option<Memory> {
        None
    }
    /// Where it lies.
    fn paths(&self) -> &Paths;
    /// Which device protects it.
    fn device(&self) -> &Choice;
}

/// Carries `request` out. `asked` is what the daemon's prompt got, where the request brings none.
pub fn execute(
    holder: &mut dyn Holder,
    request: Request,
    asked: Option<Evidence>,
) -> Result<Answer, Failure> {
    match request {
        Request::Status {} => Ok(Answer::Status(status(holder)?)),
        Request::Create { require_tpm, profile } => create(holder, require_tpm, profile),
        Request::Destroy { id } => destroy(holder, &id),
        Request::Discard {} => discard(holder),
        Request::SetPin { new } => {
            let new = chosen_pin(&new, holder.container()?)?;
            holder.set_pin(&new)?;
            Ok(Answer::Pin(PinOutcome::Set))
        }
        Request::ChangePin { old, new } => {
            let new = chosen_pin(&new, holder.container()?)?;
            holder.change_pin(&old.to_pin_hash(), &new)?;
            Ok(Answer::Pin(PinOutcome::Changed))
        }
        Request::ListPasskeys { pin } => {
            let (container, unlocked) = unlock(holder, pin.as_ref(), asked)?;
            let passkeys = container.passkeys(&unlocked)?;
            Ok(Answer::Passkeys(passkeys.iter().map(PasskeyReport::from).collect()))
        }
        Request::DeletePasskey { pin, id } => {
            let (container, unlocked) = unlock(holder, pin.as_ref(), asked)?;
            let passkey = find(container, &unlocked, &id)?;
            container.delete(&unlocked, &passkey.id)?;
            Ok(Answer::Deleted(PasskeyReport::from(&passkey)))
        }
        Request::RenamePasskey { pin, id, label } => {
            check_name("a label", &label)?;
            let (container, unlocked) = unlock(holder, pin.as_ref(), asked)?;
            let mut passkey = find(container, &unlocked, &id)?;
            container.rename(&unlocked, &passkey.id, Some(label.clone()), &mut clock::rng())?;
            passkey.label = Some(label);
            Ok(Answer::Renamed(PasskeyReport::from(&passkey)))
        }
        Request::SetAccount { pin, id, name, display_name } => {
            name.iter().chain(&display_name).try_for_each(|name| check_name("a name", name))?;
            let (container, unlocked) = unlock(holder, pin.as_ref(), asked)?;
            let mut passkey = find(container, &unlocked, &id)?;
            passkey.user = UserAccount { handle: passkey.user.handle, name, display_name };
            container.update_user(&unlocked, &passkey.id, passkey.user.clone(), &mut clock::rng())?;
            Ok(Answer::Renamed(PasskeyReport::from(&passkey)))
        }
        Request::OpenSession { pin } => {
            let (_, unlocked) = unlock(holder, pin.as_ref(), asked)?;
            holder.session().open(unlocked, clock::now());
            Ok(Answer::SessionOpened)
        }
        Request::Enterprise(request) => {
            let (container, session) = holder.enterprise()?;
            let answer = keyring::execute(container, session, request, clock::now(), &mut clock::rng())?;
            Ok(Answer::Enterprise(answer))
        }
        Request::ResetPin { new, answer } => reset_pin(holder, &new, &answer),
        Request::RearmPin { answer } => {
            let (pending, answer) = holder.session().answer_recovery(RecoveryPurpose::Administer, &answer)?;
            holder.rearm_pin(pending, &answer)?;
            Ok(Answer::Pin(PinOutcome::Rearmed))
        }
        Request::DeleteKeys {} => {
            // Without the device there would be no old PIN afterwards, and no new one.
            let _reached = holder.container()?.status()?;
            holder.delete_keys()?;
            holder.session().close();
            Ok(Answer::KeysDeleted)
        }
        Request::Biometric(_) => Err(needs_daemon()),
        Request::Choose { .. } => Err(Failure::new(
            FailureKind::Refused,
            "nobody can be asked without a daemon: start it with `latchkey up`",
        )),
    }
}

/// A PIN that breaks a rule is refused before the service's answer is used up.
fn reset_pin(holder: &mut dyn Holder, new: &SecretText, answer: &SealedSecret) -> Result<Answer, Failure> {
    let new = chosen_pin(new, holder.container()?)?;
    let (pending, answer) = holder.session().answer_recovery(RecoveryPurpose::Recover, answer)?;
    let unlocked = holder.reset_pin(pending, &answer, &new)?;
    holder.session().open(unlocked, clock::now());
    Ok(Answer::Pin(PinOutcome::Reset))
}

fn create(holder: &mut dyn Holder, require_tpm: bool, profile: Profile) -> Result<Answer, Failure> {
    private_directory(holder.paths().data())?;
    if holder.is_open() {
        return Err(ContainerError::Exists { path: holder.paths().container() }.into());
    }
    let tpm = holder.device().open()?;
    let stretch = StretchCost::for_class(tpm.identity().class);
    let options = CreateOptions { stretch, require_tpm, profile };
    let directory = holder.paths().container();
    let mut container = Container::create(&directory, tpm, &options, clock::now(), &mut clock::rng())?;
    let report = StatusReport::from(container.status()?);
    holder.place(container);
    Ok(Answer::Created(report))
}

fn destroy(holder: &mut dyn Holder, shown: &str) -> Result<Answer, Failure> {
    let report = StatusReport::from(holder.container()?.status()?);
    if report.id != shown {
        let text = format!("the container is another one now ({}); nothing was destroyed", report.id);
        return Err(Failure::new(FailureKind::Refused, text));
    }
    holder.take()?.destroy()?;
    Ok(Answer::Destroyed(Destroyed { id: Some(report.id), passkeys: Some(report.passkeys) }))
}

/// Gives up a container that can never be opened again. One whose TPM is merely away is left alone.
fn discard(holder: &mut dyn Holder) -> Result<Answer, Failure> {
    let directory = holder.paths().container();
    let refused = |text: &str| Err(Failure::new(FailureKind::Refused, text));
    if holder.is_open() {
        return refused("the container can be opened; nothing was destroyed");
    }
    match Container::open(&directory, holder.device().open()?) {
        Ok(_opens) => refused("the container can be opened; nothing was destroyed"),
        Err(ContainerError::OtherTpm | ContainerError::Damaged { .. } | ContainerError::PinLost) => {
            Container::discard(&directory)?;
            Ok(Answer::Destroyed(Destroyed { id: None, passkeys: None }))
        }
        Err(error) => Err(error.into()),
    }
}

fn unlock<'a>(
    holder: &'a mut dyn Holder,
    typed: Option<&SecretText>,
    asked: Option<Evidence>,
) -> Result<(&'a mut Container, Unlocked), Failure> {
    let unlocked = match typed.map(|pin| Evidence::Pin(pin.to_pin_hash())).or(asked) {
        Some(Evidence::Pin(pin)) => holder.unlock(&pin)?,
        Some(Evidence::Recognised(seen)) => holder.unlock_by_biometric(&seen)?,
        None => return Err(Failure::new(FailureKind::Usage, "the request needs the PIN")),
    };
    Ok((holder.container()?, unlocked))
}

/// What a person calls something.
fn check_name(what: &str, name: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.len() > LONGEST_LABEL || name.chars().any(char::is_control) {
        let text = format!("{what} has 1 to {LONGEST_LABEL} bytes and no control characters");
        return Err(Failure::new(FailureKind::Usage, text));
    }
    Ok(())
}

/// The passkey whose id is, or begins with, what the user typed.
fn find(container: &mut Container, unlocked: &Unlocked, typed: &str) -> Result<Passkey, Failure> {
    if typed.len() < SHORTEST_PREFIX {
        let text = format!("give at least {SHORTEST_PREFIX} characters of the passkey's id");
        return Err(Failure::new(FailureKind::Usage, text));
    }
    let is_meant = |id: &CredentialId| id_text(id).starts_with(typed);
    let mut meant = container.passkeys(unlocked)?.into_iter().filter(|passkey| is_meant(&passkey.id));
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Failure::new(
            FailureKind::Usage,
            format!("more than one passkey's id begins with {typed}; give more of it"),
        )),
        (None, _) => Err(Failure::new(
            FailureKind::Refused,
            format!("no passkey's id begins with {typed}; `latchkey passkeys list` shows them"),
        )),
    }
}

/// A PIN to be set, held to the rules of now before anything is used up for it.
fn chosen_pin(text: &SecretText, container: &mut Container) -> Result<Pin, Failure> {
    follow_rules(container)?;
    let pin = Pin::typed(text.expose(), container.minimum_pin_length())
        .map_err(|error| Failure::new(FailureKind::Refused, error.to_string()))?;
    container.check_new_pin(&pin)?;
    Ok(pin)
}

/// Where the container stands, as far as it can be told without a gesture.
fn status(holder: &mut dyn Holder) -> Result<StatusReport, Failure> {
    let container = holder.container()?;
    let mut report = StatusReport::from(container.status()?);
    report.pin_overdue = container.pin_overdue(clock::now()).map(|why| why.to_string());
    report.memory = holder.memory();
    Ok(report)
}
