//! The identity provider of the demo: starts it, gives it an administrator, a user and the site's registration, and knows
//! where its pages are.

use std::fs;
use std::path::{Path, PathBuf};

use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::person::Person;
use latchkey_tests::site::SiteIdp;
use serde_json::{Value, json};

/// The running provider and the site's registration at it.
pub struct IdentityStage {
    /// The program.
    pub idp: Idp,
    /// How the site is registered.
    pub site: SiteIdp,
    folder: PathBuf,
}

impl IdentityStage {
    /// Starts the provider on its data in `folder`, or makes them; registers the site at `site_origin` once.
    pub fn set(folder: &Path, port: u16, site_origin: &str, log: &Path) -> Self {
        let place = IdpPlace::local(folder, port);
        if let Some(link) = &place.first_link {
            note_link(folder, "admin", link);
            note_link(folder, "ann", &place.add_person(&format!("ann@{}", place.domain), "Ann Example"));
        }
        // Later than the others: the data may be of a run that knew nothing of this colleague yet.
        if !link_note(folder, "bob").exists() {
            note_link(folder, "bob", &place.add_person(&format!("bob@{}", place.domain), "Bob Example"));
            place.change_policy(&["enable_pin_recovery=true"]);
        }
        let site = registered(&place, folder, site_origin);
        Self { idp: Idp::start(&place, log), site, folder: folder.to_owned() }
    }

    /// The administrator of the tenant, as the player knows them.
    pub fn administrator(&self) -> Person {
        self.person("admin", "seven-quiet-herons-wade")
    }

    /// A user of the tenant, likewise.
    pub fn user(&self) -> Person {
        self.person("ann", "four-paper-boats-drift")
    }

    /// Another one, who has password and app, and wants no passkey there: it would be lost with a forgotten PIN.
    pub fn colleague(&self) -> Person {
        let mut colleague = self.person("bob", "nine-brass-kettles-hum");
        colleague.avoids_passkeys = true;
        colleague
    }

    fn person(&self, name: &str, password: &str) -> Person {
        let user_name = format!("{name}@{}", self.idp.place.domain);
        Person::known(self.folder.join(format!("{name}.json")), &user_name, password)
    }

    /// The link of this person's first sign-in.
    pub fn first_link(&self, person: &Person) -> String {
        let name = person.name.split('@').next().unwrap_or_default();
        let secret =
            fs::read_to_string(link_note(&self.folder, name)).expect("the first run noted the links");
        // The port may be another one than in the run that made the link.
        format!("{}/welcome#{secret}", self.idp.place.url)
    }

    /// What a person needs to look around by themselves.
    pub fn credentials(&self) -> String {
        let told = |person: &Person| {
            if person.is_set_up() {
                format!("{} signs in with the password {}", person.name, person.password)
            } else {
                format!("{} begins at {}", person.name, self.first_link(person))
            }
        };
        format!("{}\n{}", told(&self.administrator()), told(&self.user()))
    }

    /// A page of the provider.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.idp.place.url)
    }

    /// Where somebody ends their session at the provider.
    pub fn sign_out_url(&self) -> String {
        self.page(&format!("/{}/oauth2/v2.0/logout", self.idp.place.tenant))
    }
}

fn link_note(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("link-of-{name}"))
}

fn note_link(folder: &Path, name: &str, link: &str) {
    let (_, secret) = link.split_once('#').expect("a link has its secret behind the #");
    fs::write(link_note(folder, name), secret).expect("a link can be noted");
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
