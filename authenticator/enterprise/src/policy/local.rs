//! The policy of this machine's administrator: a TOML file.
//!
//! ```toml
//! [AllTenants.PINComplexity]
//! MinimumPINLength = 8
//!
//! [Tenant.72f988bf-86f1-41af-91ab-2d7cd011db47]
//! EnablePinRecovery = true
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::PolicyError;
use super::settings::Settings;
use super::tenant_id::tenant_id;

/// Read when it is there.
pub const SYSTEM_FILE: &str = "/etc/latchkey/policy.toml";
/// Names a further file, which must be there.
pub const VARIABLE: &str = "LATCHKEY_POLICY";

/// One file. The default is one that says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalPolicy {
    /// Where it came from.
    pub path: PathBuf,
    all: Settings,
    tenants: BTreeMap<Uuid, Settings>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
#[derive(Default)]
struct Written {
    all_tenants: Map<String, Value>,
    tenant: BTreeMap<String, Map<String, Value>>,
}

impl LocalPolicy {
    /// Reads the files of this machine: the system's, and the one that the environment names.
    ///
    /// # Errors
    /// When one is there, or was named, and cannot be used.
    pub fn of_machine(named: Option<&Path>) -> Result<Vec<Self>, PolicyError> {
        let system = match Self::load(Path::new(SYSTEM_FILE)) {
            Ok(policy) => Some(policy),
            Err((ErrorKind::NotFound, _)) => None,
            Err((_, error)) => return Err(error),
        };
        let named = named.map(Self::load).transpose().map_err(|(_, error)| error)?;
        Ok(system.into_iter().chain(named).collect())
    }

    fn load(path: &Path) -> Result<Self, (ErrorKind, PolicyError)> {
        let text = fs::read_to_string(path).map_err(|error| {
            let (path, problem) = (path.to_owned(), error.to_string());
            (error.kind(), PolicyError::Unreadable { path, problem })
        })?;
        Self::parse(path, &text).map_err(|error| (ErrorKind::InvalidData, error))
    }

    /// Reads the text of a file. Every key must be known: a misspelt rule would be no rule.
    ///
    /// # Errors
    /// When something in it is wrong; says what, and how to write it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, PolicyError> {
        let wrong = |problem: String| PolicyError::File { path: path.to_owned(), problem };
        let written: Written = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut tenants = BTreeMap::new();
        for (id, layer) in written.tenant {
            let tenant = tenant_id(&id).map_err(|error| wrong(error.to_string()))?;
            if tenants.insert(tenant, settings(layer).map_err(wrong)?).is_some() {
                return Err(wrong(format!("tenant {tenant} is there twice")));
            }
        }
        Ok(Self { path: path.to_owned(), all: settings(written.all_tenants).map_err(wrong)?, tenants })
    }

    /// What it says for each tenant.
    #[must_use]
    pub const fn for_all(&self) -> &Settings {
        &self.all
    }

    /// What it says for this tenant alone.
    #[must_use]
    pub fn for_tenant(&self, tenant: Uuid) -> Option<&Settings> {
        self.tenants.get(&tenant)
    }
}

fn settings(layer: Map<String, Value>) -> Result<Settings, String> {
    if let Some(key) = Settings::unknown(&layer).first() {
        return Err(format!(
            "there is no setting {key:?}: see the list in the manual, and mind capital letters"
        ));
    }
    serde_json::from_value(Value::Object(layer)).map_err(|error| error.to_string())
}
