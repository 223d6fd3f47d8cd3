//! The layers become one policy: of each setting the strictest value counts, and the report says whose it is.

use std::fmt;
use std::path::PathBuf;

use latchkey_container::{CharacterRule, PinComplexity, sooner};
use serde::Serialize;

use super::range::RecoveryProtocol;
use super::{LocalPolicy, Policy, PolicyDocument, RelyingParties, Settings};
use crate::web_sign_in::AllowedUrls;

/// Who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nobody.
    Default,
    /// The tenant.
    Tenant,
    /// A file of this machine.
    File(PathBuf),
}

/// One setting, with where its value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key.
    pub name: &'static str,
    /// What counts.
    pub value: String,
    /// Who says so.
    pub source: Source,
    /// What others say, which does not count.
    pub overruled: Vec<(Source, String)>,
}

/// The policy that counts, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What counts.
    pub policy: Policy,
    /// Each setting.
    pub settings: Vec<Setting>,
    /// What an administrator should know.
    pub remarks: Vec<String>,
}

struct Layers<'a> {
    layers: Vec<(Source, &'a Settings)>,
    settings: Vec<Setting>,
}

/// Merges the files of this machine and the tenant's document; before a registration there is none.
#[must_use]
pub fn resolve(document: Option<&PolicyDocument>, files: &[LocalPolicy]) -> Resolved {
    let tenant = document.map(|document| (Source::Tenant, document.settings()));
    let of_file = |file: &'_ LocalPolicy| Source::File(file.path.clone());
    let mut pin_layers: Vec<_> = tenant.clone().into_iter().collect();
    for file in files {
        let of_tenant = document.and_then(|document| file.for_tenant(document.tenant()));
        let said = [Some(file.for_all()), of_tenant].into_iter().flatten();
        pin_layers.extend(said.map(|settings| (of_file(file), settings)));
    }
    let for_all = files.iter().map(|file| (of_file(file), file.for_all()));
    let for_one = files.iter().filter_map(|file| {
        let settings = document.and_then(|document| file.for_tenant(document.tenant()))?;
        Some((of_file(file), settings))
    });
    let layers = tenant.into_iter().chain(for_all).chain(for_one).collect();
    let (pin, contradictions) = Layers::that_some_pin_keeps(pin_layers);
    let (policy, settings, replaced) = Layers { layers, settings: Vec::new() }.policy(pin);
    let unknown = document.map(PolicyDocument::unknown).unwrap_or_default().iter();
    let remarks = replaced.into_iter().map(str::to_owned).chain(contradictions).chain(
        unknown.map(|key| format!("the tenant sets {key}, which this version of latchkey does not know")),
    );
    Resolved { policy, settings, remarks: remarks.collect() }
}

impl<'a> Layers<'a> {
    /// The layers without those that contradict the ones before: else a file could turn the tenant's rules for PINs into
    /// the defaults, by demanding what no PIN can keep. Says which were left out.
    fn that_some_pin_keeps(layers: Vec<(Source, &'a Settings)>) -> (Self, Vec<String>) {
        let mut kept = Self { layers: Vec::new(), settings: Vec::new() };
        let mut contradictions = Vec::new();
        for layer in layers {
            let source = layer.0.clone();
            kept.layers.push(layer);
            let is_impossible = !kept.pin().possible().1.is_empty();
            kept.settings.clear();
            if is_impossible && kept.layers.len() > 1 {
                kept.layers.pop();
                contradictions.push(format!(
                    "the rules for PINs in {source} contradict those before them, so they do not count"
                ));
            }
        }
        (kept, contradictions)
    }

    fn policy(mut self, mut of_pin: Self) -> (Policy, Vec<Setting>, Vec<&'static str>) {
        let use_passport_for_work = self.no_if_any("UsePassportForWork", true, |s| s.use_passport_for_work);
        let disable_post_logon_provisioning =
            self.yes_if_any("DisablePostLogonProvisioning", |s| s.disable_post_logon_provisioning);
        let provision_in_remote_session =
            self.no_if_any("ProvisionInRemoteSession", false, |s| s.provision_in_remote_session);
        let require_security_device = self.yes_if_any("RequireSecurityDevice", |s| s.require_security_device);
        // Only TPM 2.0 is supported: whoever allows the older one gets this for an answer.
        let _always = self.settle(
            "ExcludeSecurityDevices.TPM12",
            true,
            |s| s.exclude_security_devices.tpm12.map(|_| true),
            |_new, _old| false,
        );
        let enable_pin_recovery = self.no_if_any("EnablePinRecovery", false, |s| s.enable_pin_recovery);
        let pin_recovery_protocol = self.settle(
            "PinRecoveryProtocol",
            RecoveryProtocol::HpkeP256,
            |s| s.pin_recovery_protocol,
            |new, old| new > old,
        );
        let (pin, replaced) = of_pin.pin().possible();
        self.settings.append(&mut of_pin.settings);
        let use_biometrics =
            self.no_if_any("Biometrics.UseBiometrics", true, |s| s.biometrics.use_biometrics);
        let persistent_biometrics =
            self.no_if_any("Biometrics.Persistent", false, |s| s.biometrics.persistent);
        let session_idle_minutes = self.settle(
            "SessionIdleMinutes",
            0,
            |s| s.session_idle_minutes.map(u32::from),
            |new, old| new != old && sooner(*new, *old) == *new,
        );
        // A setting of the machine, not of the tenant: the file takes the place of what the tenant says.
        let allowed_urls = self.settle(
            "ConfigureWebSignInAllowedUrls",
            AllowedUrls::default(),
            |s| s.configure_web_sign_in_allowed_urls.clone(),
            |_new, _old| true,
        );
        let attestation_relying_parties = self.on_every_list("AttestationRelyingParties");
        let post_quantum_algorithms =
            self.no_if_any("PostQuantumAlgorithms", false, |s| s.post_quantum_algorithms);
        let attestation_certificate =
            self.no_if_any("AttestationCertificate", false, |s| s.attestation_certificate);
        let policy = Policy {
            use_passport_for_work,
            disable_post_logon_provisioning,
            provision_in_remote_session,
            require_security_device,
            enable_pin_recovery,
            pin_recovery_protocol,
            pin,
            use_biometrics,
            persistent_biometrics,
            session_idle_minutes,
            allowed_urls,
            attestation_relying_parties,
            post_quantum_algorithms,
            attestation_certificate,
        };
        (policy, self.settings, replaced)
    }

    fn pin(&mut self) -> PinComplexity {
        let default = PinComplexity::default();
        PinComplexity {
            minimum_length: self.settle(
                "PINComplexity.MinimumPINLength",
                default.minimum_length,
                |s| s.pin_complexity.minimum_length.map(u32::from),
                |new, old| new > old,
            ),
            maximum_length: self.settle(
                "PINComplexity.MaximumPINLength",
                default.maximum_length,
                |s| s.pin_complexity.maximum_length.map(u32::from),
                |new, old| new < old,
            ),
            uppercase_letters: self.characters(
                "PINComplexity.UppercaseLetters",
                default.uppercase_letters,
                |s| s.pin_complexity.uppercase_letters,
            ),
            lowercase_letters: self.characters(
                "PINComplexity.LowercaseLetters",
                default.lowercase_letters,
                |s| s.pin_complexity.lowercase_letters,
            ),
            special_characters: self.characters(
                "PINComplexity.SpecialCharacters",
                default.special_characters,
                |s| s.pin_complexity.special_characters,
            ),
            digits: self.characters("PINComplexity.Digits", default.digits, |s| s.pin_complexity.digits),
            history: self.settle(
                "PINComplexity.History",
                default.history,
                |s| s.pin_complexity.history.map(u32::from),
                |new, old| new > old,
            ),
            expiration: self.settle(
                "PINComplexity.Expiration",
                default.expiration,
                |s| s.pin_complexity.expiration.map(u32::from),
                |new, old| new != old && sooner(*new, *old) == *new,
            ),
        }
    }

    /// A permission: one no is enough.
    fn no_if_any(
        &mut self,
        name: &'static str,
        default: bool,
        read: impl Fn(&Settings) -> Option<bool>,
    ) -> bool {
        self.settle(name, default, read, |new, old| !new && *old)
    }

    /// A demand, which nobody makes by default: one yes is enough.
    fn yes_if_any(&mut self, name: &'static str, read: impl Fn(&Settings) -> Option<bool>) -> bool {
        self.settle(name, false, read, |new, old| *new && !old)
    }

    /// The relying parties on every list that there is; without one nobody.
    fn on_every_list(&mut self, name: &'static str) -> RelyingParties {
        let lists: Vec<&RelyingParties> =
            self.layers.iter().filter_map(|(_, layer)| layer.attestation_relying_parties.as_ref()).collect();
        let common = lists
            .iter()
            .skip(1)
            .fold(lists.first().copied().cloned(), |common, list| common.map(|common| common.and(list)));
        // Whoever has a list has the common one, so that none overrules another.
        self.settle(
            name,
            RelyingParties::default(),
            |layer| layer.attestation_relying_parties.as_ref().and(common.clone()),
            |_new, _old| false,
        )
    }

    fn characters(
        &mut self,
        name: &'static str,
        default: CharacterRule,
        read: impl Fn(&Settings) -> Option<CharacterRule>,
    ) -> CharacterRule {
        self.settle(name, default, read, |new, old| new > old)
    }

    /// The default counts only where no layer says anything.
    fn settle<T: Clone + PartialEq + fmt::Display>(
        &mut self,
        name: &'static str,
        default: T,
        read: impl Fn(&Settings) -> Option<T>,
        stricter: impl Fn(&T, &T) -> bool,
    ) -> T {
        let mut said = self.layers.iter().filter_map(|(source, layer)| Some((source.clone(), read(layer)?)));
        let (mut source, mut value) = said.next().unwrap_or((Source::Default, default));
        let mut overruled = Vec::new();
        for (new_source, new) in said {
            if stricter(&new, &value) {
                overruled.push((source, value.to_string()));
                (source, value) = (new_source, new);
            } else if new != value {
                overruled.push((new_source, new.to_string()));
            }
        }
        self.settings.push(Setting { name, value: value.to_string(), source, overruled });
        value
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Tenant => f.write_str("tenant"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
