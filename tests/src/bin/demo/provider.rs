//! The identity provider of the demo: starts it, and knows where its pages are.

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::site::SiteIdp;
use serde_json::{Value, json};

use crate::person::Person;

/// The password that the played administrator chooses.
const PASSWORD: &str = "seven-quiet-herons-wade";

/// The running provider and the site's registration at it.
pub struct IdentityStage {
    /// The program.
    pub idp: Idp,
    /// How the site is registered.
    pub site: SiteIdp,
    /// The first administrator's link, while it was never used.
    pub first_link: Option<String>,
    folder: PathBuf,
}

impl IdentityStage {
    /// Starts the provider on its data in `folder`, or makes them; registers the site at `site_origin` once.
    pub fn set(folder: &Path, port: u16, site_origin: &str, log: &Path) -> Self {
        let place = IdpPlace::local(folder, port);
        let link_note = folder.join("first-link");
        if let Some(link) = &place.first_link {
            fs::write(&link_note, link).expect("the first link can be noted");
        }
        let site = registered(&place, folder, site_origin);
        // The port may be another one than in the run that made the link.
        let first_link = fs::read_to_string(&link_note).ok();
        let secret = first_link.as_deref().and_then(|link| link.split_once("/welcome"));
        let first_link = secret.map(|(_, rest)| format!("{}/welcome{rest}", place.url));
        let idp = Idp::start(&place, log);
        Self { idp, site, first_link, folder: folder.to_owned() }
    }

    /// The administrator of the tenant, as the player knows them.
    pub fn administrator(&self) -> Person {
        let name = format!("admin@{}", self.idp.place.domain);
        Person::known(self.folder.join("administrator.json"), &name, PASSWORD)
    }

    /// What a person needs to look around by themselves.
    pub fn credentials(&self) -> String {
        let administrator = self.administrator();
        match &self.first_link {
            _ if administrator.is_set_up() => {
                format!("{} signs in with the password {}", administrator.name, administrator.password)
            }
            Some(link) => format!("{} begins at {link}", administrator.name),
            None => String::new(),
        }
    }

    /// Where somebody ends their session at the provider.
    pub fn sign_out_url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/logout", self.idp.place.url, self.idp.place.tenant)
    }
}

fn registered(place: &IdpPlace, folder: &Path, site_origin: &str) -> SiteIdp {
    let (note, secret_file) = (folder.join("site.json"), folder.join("site-secret"));
    let known: Value =
        serde_json::from_str(&fs::read_to_string(&note).unwrap_or_default()).unwrap_or_default();
    if known["origin"] == site_origin
        && let Some(client_id) = known["client_id"].as_str()
    {
        return SiteIdp { issuer: place.issuer(), client_id: client_id.to_owned(), secret_file, ca: None };
    }
    let site = place.add_site(site_origin, &secret_file);
    let known = json!({ "origin": site_origin, "client_id": site.client_id });
    fs::write(note, known.to_string()).expect("the registration can be noted");
    site
}
