//! What a vendor claims. Every claim is a case: what is claimed and not there fails.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::case::{Case, State, ensure};
use crate::ctap::Info;
use crate::session::Session;

/// The claims.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    extensions: Vec<String>,
    #[serde(default)]
    algorithms: Vec<i64>,
    #[serde(default)]
    options: BTreeMap<String, bool>,
    #[serde(default)]
    attestation_formats: Vec<String>,
}

impl Profile {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// The claims as cases.
    pub fn cases(&self) -> Vec<Case> {
        let versions = self.versions.iter().cloned().map(|name| {
            claim("version", &name.clone(), move |info| info.versions().contains(&name.as_str()))
        });
        let extensions = self.extensions.iter().cloned().map(|name| {
            claim("extension", &name.clone(), move |info| info.extensions().contains(&name.as_str()))
        });
        let algorithms = self
            .algorithms
            .iter()
            .copied()
            .map(|id| claim("algorithm", &id.to_string(), move |info| info.algorithms().contains(&id)));
        let options = self.options.clone().into_iter().map(|(name, value)| {
            claim("option", &name.clone(), move |info| info.option(&name) == Some(value))
        });
        let formats = self.attestation_formats.iter().cloned().map(|name| {
            claim("attestation-format", &name.clone(), move |info| {
                let formats = info.member(0x16).and_then(crate::cbor::Value::array).unwrap_or_default();
                formats.iter().any(|format| format.text() == Some(&name))
            })
        });
        versions.chain(extensions).chain(algorithms).chain(options).chain(formats).collect()
    }
}

/// One claim as a case. Options are claimed as they are once a PIN is set.
fn claim(kind: &'static str, name: &str, there: impl Fn(&Info) -> bool + 'static) -> Case {
    let id = format!("claim/{kind}/{}", name.to_lowercase().replace('_', "-"));
    let what = format!("the {kind} {name}");
    Case::new(id, "6.4", format!("have {what}, which its profile claims"), move |session: &mut Session| {
        ensure(
            there(session.info()),
            format!("getInfo does not say {what}"),
            format!("{what} in getInfo, and all of its cases passed"),
        )
    })
    .state(State::Ready)
}
