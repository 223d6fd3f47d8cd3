//! The program of this release, as it is shipped: started on a database, driven over TCP.

use std::time::Duration;

use latchkey_tests::figures::Row;
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::journeys::{Website, code};
use latchkey_tests::people::{self, People, Population};
use latchkey_tests::programs::free_port;
use latchkey_tests::usage::{busy, children, peak_mib, resident_mib};
use latchkey_tests::visitor::{Visitor, attribute};

use crate::floor::Floor;
use crate::journeys::{Provider, fetch, own};
use crate::load::{CONNECTIONS, Measured, Work, drive};
use crate::operations::{self, Clients, Subject};
use crate::passkey::{self, Passkey};
use crate::report::Report;
use crate::{cores, tls};

/// The most memory that the program should keep while nobody asks anything.
const IDLE_MIB: f64 = 50.0;

/// Measures everything on one database: what it is called, its URL, and its server's process.
pub fn measure(report: &mut Report, floor: &Floor, (name, database, server): (&str, &str, Option<u32>)) {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let place = IdpPlace::on(database, folder.path(), port);
    let population = people::settle(&place, CONNECTIONS);
    let clients = clients(&place, &population);
    let passkeys = passkey::register(&place, &population);
    let idp = cores::server(|| Idp::start_uncounted(&place, port, &folder.path().join("log")));
    let provider = provider(port, &place.tenant);
    fetch(&mut provider.connect(), &provider.discovery);
    let pid = idp.process.pid();
    let idle = Row::alone(format!("{name} resident memory, idle"), resident_mib(pid), "MiB");
    report.table.row(&idle.at_most(IDLE_MIB));

    // Whatever the database's server does for it counts too.
    let used = || {
        let server = server.into_iter().flat_map(|server| [vec![server], children(server)].concat());
        std::iter::once(pid).chain(server).map(busy).sum::<Duration>()
    };
    let people = &population.people;
    let signed_in = |number: usize, website: &Website| {
        let mut visitor = Visitor::new(provider.connect());
        password(website, &mut visitor, people, number);
        visitor
    };
    let subject = Subject { provider: &provider, busy: &used, signed_in: &signed_in };
    operations::measure(&subject, &clients, floor, |operation, limit, measure| {
        report.ours(name, operation, limit, measure);
    });
    let website = &clients.rs256;
    report.ours(name, "sign-in with a passkey", None, || with_passkeys(&subject, website, passkeys));
    let argon2id = Some(("Argon2id", floor.argon2id));
    report.ours(name, "sign-in with a password", argon2id, || with_passwords(&subject, website, people));
    let most = peak_mib(pid);
    report.table.row(&Row::alone(format!("{name} resident memory, at most"), most, "MiB"));
}

/// The same tokens over https, on connections that stay open.
pub fn over_tls(report: &Report, floor: &Floor) {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let place = IdpPlace::init(folder.path(), port);
    let website = clients(&place, &people::settle(&place, 1)).rs256;
    let idp = cores::server(|| Idp::start_uncounted(&place, port, &folder.path().join("log")));
    let work = |_| {
        let (website, mut connection) = (website.clone(), tls::connect(port, &place.ca()));
        let work: Work<'_> = Box::new(move || own(&website, &mut connection));
        work
    };
    let limit = Some(("RS256 signatures", floor.rs256));
    report.ours("SQLite, TLS,", "client_credentials RS256", limit, || {
        drive((0..CONNECTIONS).map(work).collect(), || busy(idp.process.pid()))
    });
}

fn clients(place: &IdpPlace, population: &Population) -> Clients {
    let [rs256, es256] = &population.applications;
    let (rs256, es256) = (Website::new(place, rs256), Website::new(place, es256));
    let plain = Website { scope: "openid profile".to_owned(), ..rs256.clone() };
    Clients { rs256, es256, plain }
}

fn provider(port: u16, tenant: &str) -> Provider {
    Provider {
        port,
        userinfo: "/oidc/userinfo".to_owned(),
        discovery: format!("/{tenant}/v2.0/.well-known/openid-configuration"),
        keys: format!("/{tenant}/discovery/v2.0/keys"),
    }
}

fn password(website: &Website, visitor: &mut Visitor, people: &People, number: usize) {
    let signed_in = website.sign_in(visitor, &people.all[number].name, &people.password);
    signed_in.expect("a sign-in");
}

/// Sign-ins in browsers that were never here.
fn with_passwords(subject: &Subject<'_>, website: &Website, people: &People) -> Measured {
    subject.drive(|number| {
        let mut visitor = Visitor::new(subject.provider.connect());
        let (website, people) = (website.clone(), people.clone());
        Box::new(move || {
            visitor.cookies.clear();
            password(&website, &mut visitor, &people, number);
        })
    })
}

fn with_passkeys(subject: &Subject<'_>, website: &Website, passkeys: Vec<Passkey>) -> Measured {
    let work = passkeys.into_iter().map(|mut passkey| {
        let mut visitor = Visitor::new(subject.provider.connect());
        let request = website.request();
        let work: Work<'_> = Box::new(move || {
            visitor.cookies.clear();
            let page = visitor.get(&request).expect("it answers");
            let credential = passkey.sign(&attribute(&page.text(), "data-options"));
            let page = visitor.submit(&page, "passkey", &[("credential", &credential)]).expect("it answers");
            let answer = visitor.submit(&page, "stay", &[("LoginOptions", "3")]).expect("it answers");
            let _code = code(&answer).expect("a code");
        });
        work
    });
    drive(work.collect(), subject.busy)
}
