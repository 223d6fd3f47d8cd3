//! The container: authentication key, protectors, user keys and their records.
//!
//! A map, from the outside in:
//!
//! * [`Container`] is the whole interface: create, open, PIN, passkeys, signatures. What it may do without a gesture
//!   takes no [`Unlocked`] or an [`Access`]; everything else wants one as evidence.
//! * [`tpm`] is the port to the security device, [`secret`] the values that cross it.
//! * `stretch` turns a PIN into two authorisation values, `container::gesture` moves PINs between the two slots.
//! * A [`Profile`] says what the container is for; an [`Access`] what a caller may open of its two classes of passkeys.
//! * `record` is what a passkey looks like before `seal` encrypts it; `lookup` finds it while all is locked.
//! * A [`Compartment`] is what one identity provider's tenant has here: device, enterprise and attestation keys, tokens.
//!   `item` names its records, `container::{compartments, device, enterprise}` are its interface.
//! * `recovery` is the PIN reset protector, `container::reset_pin` its use and the rotation of the authentication key.
//! * `settings` is what is set about the authenticator itself, `listing` what may be seen of passkeys without a gesture.
//! * An [`InstallationKey`] vouches for passkeys where an administrator wants one certificate for all of them.
//! * `store` is SQLite, `directory` the lock and the file modes, `counter` the signature counts.
//!
//! The container knows neither CTAP nor WebAuthn. `authenticator/DESIGN.md` says what it defends against.

mod access;
mod biometric;
mod compartment;
mod container;
mod counter;
mod directory;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod held_key;
mod installation;
mod item;
mod listing;
mod lookup;
mod passkey;
mod pin;
mod profile;
mod public_key;
mod record;
mod recovery;
mod seal;
mod sealed_key;
pub mod secret;
mod settings;
mod store;
mod stretch;
mod time;
pub mod tpm;
mod traces;
mod unlocked;

pub use access::{Access, PasskeyClass};
pub use biometric::{Biometric, BiometricState, MATCH_TRIES, Recognised, TemplateDigest};
pub use compartment::{Compartment, CompartmentId, DevicePublic, EnterpriseKeyPublic};
pub use container::{Container, CreateOptions, PIN_TRIES, PinTries, Status};
pub use error::{Error, Responsible, StorageError, StorageProblem};
pub use installation::{InstallationKey, NewInstallationKey};
pub use listing::PasskeyListing;
pub use passkey::{
    CredentialId, NewPasskey, Passkey, PasskeyAlgorithm, PasskeyExtensions, PasskeyPublicKey, Protection,
    Signature, UserAccount,
};
pub use pin::{
    CharacterRule, Pin, PinComplexity, PinError, PinHash, PinOverdue, PinRefusal, PinRules, sooner,
};
pub use profile::Profile;
pub use recovery::{
    Binding, PendingRecovery, Point, RecoveryAnswer, RecoveryProtector, RecoveryProtocol, RecoveryPurpose,
    RecoveryRequest, RecoveryService, RecoveryState,
};
pub use sealed_key::SealedAlgorithm;
pub use settings::Settings;
pub use stretch::StretchCost;
pub use time::UnixTime;
pub use tpm::{KeyAlgorithm, Lifetime, Lockout, PublicKey, Tpm, TpmClass, TpmError};
pub use unlocked::Unlocked;
