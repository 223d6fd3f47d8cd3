//! The operations that both providers have.

use std::time::Duration;

use latchkey_tests::journeys::Website;
use latchkey_tests::visitor::Visitor;

use crate::floor::Floor;
use crate::journeys::{Provider, fetch, own, refresh, text, tokens};
use crate::load::{CONNECTIONS, Measured, Work, drive};

/// A provider under load.
pub struct Subject<'a> {
    pub provider: &'a Provider,
    /// How long its core has been busy.
    pub busy: &'a dyn Fn() -> Duration,
    /// A browser with a session for the connection of this number.
    pub signed_in: &'a dyn Fn(usize, &Website) -> Visitor,
}

/// The clients of a provider.
pub struct Clients {
    /// Its tokens are RS256.
    pub rs256: Website,
    /// Its tokens are ES256.
    pub es256: Website,
    /// Its access tokens are for userinfo.
    pub plain: Website,
}

/// What bounds an operation: a name, and how many a second a core could do. Goals are set for RS256.
pub type Limit = Option<(&'static str, f64)>;

/// Offers each operation to `report`, which measures those that were asked for.
pub fn measure(
    subject: &Subject<'_>,
    clients: &Clients,
    floor: &Floor,
    mut report: impl FnMut(&'static str, Limit, &dyn Fn() -> Measured),
) {
    let Clients { rs256, es256, plain } = clients;
    report("client_credentials RS256", Some(("RS256 signatures", floor.rs256)), &|| subject.own(rs256));
    report("client_credentials ES256", Some(("ES256 signatures", floor.es256)), &|| subject.own(es256));
    let (rs_pair, es_pair) = (("RS256 pairs", floor.rs256 / 2.0), ("ES256 pairs", floor.es256 / 2.0));
    report("refresh with rotation RS256", Some(rs_pair), &|| subject.refresh(rs256));
    report("refresh with rotation ES256", Some(es_pair), &|| subject.refresh(es256));
    report("code and PKCE RS256", Some(rs_pair), &|| subject.codes(rs256));
    report("code and PKCE ES256", Some(es_pair), &|| subject.codes(es256));
    report("userinfo", None, &|| subject.userinfo(plain));
    report("discovery", None, &|| subject.fetch(&subject.provider.discovery));
    report("keys", None, &|| subject.fetch(&subject.provider.keys));
}

impl Subject<'_> {
    /// Drives it with what `work` makes for each connection.
    pub fn drive(&self, work: impl Fn(usize) -> Work<'static>) -> Measured {
        drive((0..CONNECTIONS).map(work).collect(), self.busy)
    }

    fn own(&self, website: &Website) -> Measured {
        self.drive(|_| {
            let (website, mut connection) = (website.clone(), self.provider.connect());
            Box::new(move || own(&website, &mut connection))
        })
    }

    fn refresh(&self, website: &Website) -> Measured {
        self.drive(|number| {
            let (website, mut visitor) = (website.clone(), (self.signed_in)(number, website));
            let mut token = text(&tokens(&website, &mut visitor)["refresh_token"]);
            Box::new(move || token = refresh(&website, &mut visitor.connection, &token))
        })
    }

    fn codes(&self, website: &Website) -> Measured {
        self.drive(|number| {
            let (website, mut visitor) = (website.clone(), (self.signed_in)(number, website));
            Box::new(move || {
                tokens(&website, &mut visitor);
            })
        })
    }

    fn userinfo(&self, website: &Website) -> Measured {
        self.drive(|number| {
            let (provider, mut visitor) = (self.provider.clone(), (self.signed_in)(number, website));
            let bearer = format!("Bearer {}", text(&tokens(website, &mut visitor)["access_token"]));
            Box::new(move || provider.userinfo(&mut visitor.connection, &bearer))
        })
    }

    fn fetch(&self, path: &str) -> Measured {
        self.drive(|_| {
            let (path, mut connection) = (path.to_owned(), self.provider.connect());
            Box::new(move || fetch(&mut connection, &path))
        })
    }
}
