//! The provider is killed in the middle of its work, many times: what it has answered stays true, on both databases.

use std::thread::sleep;
use std::time::Duration;

use latchkey_tests::http::{Answer, Connection};
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::journeys::Website;
use latchkey_tests::people::{self, People, Population};
use latchkey_tests::postgres::Postgres;
use latchkey_tests::programs::free_port;
use latchkey_tests::sql;
use latchkey_tests::visitor::Visitor;

const KILLS: u64 = 12;
const CLIENTS: usize = 6;
/// Families of refresh tokens that one client renews by turns.
const FAMILIES: usize = 4;

/// Families without exactly one token that can still be used: a rotation of which only a part was kept.
const TORN_FAMILIES: &str = "SELECT count(*) FROM (SELECT grant_id FROM refresh_tokens GROUP BY grant_id
    HAVING sum(CASE WHEN used_at IS NULL THEN 1 ELSE 0 END) <> 1) AS torn";
/// Codes without their grant, and the other way round.
const TORN_CODES: &str =
    "SELECT count(*) FROM codes c LEFT JOIN grants g ON g.id = c.grant_id WHERE g.id IS NULL";

/// What a client was answered, and so may rely on.
struct Client {
    website: Website,
    name: String,
    password: String,
    cookies: Vec<std::collections::BTreeMap<String, String>>,
    families: Vec<String>,
    codes: Vec<String>,
    /// The family whose answer it was waiting for: it may have either token.
    waiting: Option<usize>,
    rotations: usize,
}

impl Client {
    fn new(website: &Website, people: &People, number: usize) -> Self {
        Self {
            website: website.clone(),
            name: people.all[number].name.clone(),
            password: people.password.clone(),
            cookies: Vec::new(),
            families: Vec::new(),
            codes: Vec::new(),
            waiting: None,
            rotations: 0,
        }
    }

    /// Works until the provider is gone.
    fn work(&mut self, port: u16) {
        while self.once(port).is_ok() {}
    }

    /// Signs in, renews tokens for a while, and leaves a code for later.
    fn once(&mut self, port: u16) -> std::io::Result<()> {
        let mut visitor = Visitor::new(Connection::open(port)?);
        let code = self.website.sign_in(&mut visitor, &self.name, &self.password)?;
        self.cookies.push(visitor.cookies.clone());
        self.codes.push(code);
        while self.families.len() < FAMILIES {
            let code = self.website.code(&mut visitor)?;
            let tokens = self.website.redeem(&mut visitor.connection, &code)?;
            self.families.push(refresh_token(&tokens));
        }
        for turn in 0..20 {
            let family = turn % FAMILIES;
            self.waiting = Some(family);
            let tokens = self.website.refresh(&mut visitor.connection, &self.families[family])?;
            self.families[family] = refresh_token(&tokens);
            self.waiting = None;
            self.rotations += 1;
        }
        Ok(())
    }

    /// Uses all that was answered, at the provider that was started again.
    fn check(&mut self, port: u16) {
        let connection = &mut Connection::open(port).expect("it listens again");
        for code in self.codes.drain(..) {
            let answer = self.website.redeem(connection, &code).expect("an answer");
            assert_eq!(answer.status, 200, "a code that was answered: {}", answer.text());
        }
        let waiting = self.waiting.take();
        for family in (0..self.families.len()).rev() {
            let answer = self.website.refresh(connection, &self.families[family]).expect("an answer");
            if answer.status == 200 {
                self.families[family] = refresh_token(&answer);
            } else {
                // It was renewed, but nobody knows the new token: the client begins again.
                assert!(
                    waiting == Some(family) && answer.status == 400,
                    "a token is lost: {}",
                    answer.text()
                );
                self.families.remove(family);
            }
        }
        for cookies in self.cookies.drain(..) {
            let mut visitor = Visitor { connection: Connection::open(port).expect("it listens"), cookies };
            self.website.code(&mut visitor).expect("a session that was answered");
        }
    }
}

fn refresh_token(tokens: &Answer) -> String {
    assert_eq!(tokens.status, 200, "{}", tokens.text());
    tokens.json()["refresh_token"].as_str().expect("a refresh token").to_owned()
}

fn nothing_answered_is_lost(database: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = free_port();
    let place = IdpPlace::on(database, folder.path(), port);
    let Population { applications, people } = people::settle(&place, CLIENTS);
    let website = Website::new(&place, &applications[0]);
    let mut clients: Vec<_> = (0..CLIENTS).map(|number| Client::new(&website, &people, number)).collect();
    let log = folder.path().join("log");
    for kill in 0..KILLS {
        let mut idp = Idp::start_uncounted(&place, port, &log);
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.work(port));
            }
            // Each time a little later, so that it meets the work elsewhere.
            sleep(Duration::from_millis(400 + kill * 137 % 500));
            idp.process.kill();
        });
        assert_eq!(sql::number(database, TORN_FAMILIES), 0, "after kill {kill}");
        assert_eq!(sql::number(database, TORN_CODES), 0, "after kill {kill}");
        let idp = Idp::start_uncounted(&place, port, &log);
        for client in &mut clients {
            client.check(port);
        }
        drop(idp);
    }
    let audit = place.command().args(["audit", "verify"]).output().expect("the program starts");
    assert!(audit.status.success(), "{}", String::from_utf8_lossy(&audit.stderr));
    let rotations: usize = clients.iter().map(|client| client.rotations).sum();
    assert!(rotations > 100, "there was hardly any load: {rotations} rotations");
    let log = std::fs::read_to_string(log).expect("a log");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn what_was_answered_survives_a_kill_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    nothing_answered_is_lost(&format!("sqlite:{}", folder.path().join("idp.db").display()));
}

#[test]
fn what_was_answered_survives_a_kill_on_postgres() {
    let postgres = Postgres::start();
    nothing_answered_is_lost(&postgres.database("crash"));
}

/// A request is answered, or it was never begun: a client that finds its connection closed may simply ask again.
#[test]
fn a_stop_under_load_leaves_no_request_half_done() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let database = format!("sqlite:{}", folder.path().join("idp.db").display());
    let port = free_port();
    let place = IdpPlace::on(&database, folder.path(), port);
    let Population { applications, people } = people::settle(&place, CLIENTS);
    let website = Website::new(&place, &applications[0]);
    let mut clients: Vec<_> = (0..CLIENTS).map(|number| Client::new(&website, &people, number)).collect();
    for stop in 0..6 {
        let mut idp = Idp::start_uncounted(&place, port, &folder.path().join("log"));
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.work(port));
            }
            sleep(Duration::from_millis(500 + stop * 60));
            idp.process.stop();
        });
        assert!(idp.process.output().ends_with("Stopped.\n"), "{}", idp.process.output());
        let idp = Idp::start_uncounted(&place, port, &folder.path().join("log"));
        for client in &mut clients {
            // Whatever was not answered has not happened either.
            client.waiting = None;
            client.check(port);
        }
        drop(idp);
    }
    assert!(clients.iter().all(|client| client.rotations > 10), "there was hardly any load");
}
