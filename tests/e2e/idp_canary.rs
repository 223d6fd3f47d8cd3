//! Secrets are where they belong and nowhere else: every endpoint that takes a credential is given right and wrong ones
//! while the program logs all that it can, and then logs, databases, error texts and pages are searched for them.

use std::collections::BTreeMap;

use latchkey_tests::http::{Answer, Connection, parameter};
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::journeys::{Website, code};
use latchkey_tests::people::{self, Population};
use latchkey_tests::postgres::Postgres;
use latchkey_tests::process::Process;
use latchkey_tests::programs::free_port;
use latchkey_tests::sql;
use latchkey_tests::totp::App;
use latchkey_tests::visitor::{Visitor, hidden};

/// What must not be found, by what it is.
#[derive(Default)]
struct Canaries(BTreeMap<String, String>);

impl Canaries {
    fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 6, "{what} is too short to be searched for: {secret:?}");
        self.0.insert(format!("{what} {}", self.0.len()), secret.to_owned());
    }

    /// Those that `place` has, as they are or in hexadecimal.
    fn found_in(&self, place: &[u8]) -> Vec<&str> {
        let text = String::from_utf8_lossy(place);
        let hex =
            |secret: &str| secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let has = |secret: &str| text.contains(secret) || text.contains(&hex(secret));
        self.0.iter().filter(|(_, secret)| has(secret)).map(|(what, _)| what.as_str()).collect()
    }
}

struct Scene {
    place: IdpPlace,
    port: u16,
    population: Population,
    website: Website,
    canaries: Canaries,
    /// What was answered to wrong credentials.
    refusals: Vec<Answer>,
}

#[test]
fn secrets_are_in_no_log_no_database_and_no_refusal_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    search(&format!("sqlite:{}", folder.path().join("idp.db").display()));
}

#[test]
fn secrets_are_in_no_log_no_database_and_no_refusal_on_postgres() {
    let postgres = Postgres::start();
    search(&postgres.database("canary"));
}

fn search(database: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = free_port();
    let place = IdpPlace::on(database, folder.path(), port);
    let population = people::settle(&place, 2);
    let website = Website::new(&place, &population.applications[0]);
    let log = folder.path().join("log");
    let mut command = place.command();
    command
        .args(["serve", "--unlimited", "127.0.0.0/8", "--listen", &format!("127.0.0.1:{port}")])
        .env("RUST_LOG", "trace");
    let mut process = Process::start("latchkey-idp", command, &log);
    process.wait_for(Idp::READY, std::time::Duration::from_secs(20));
    let mut scene =
        Scene { place, port, population, website, canaries: Canaries::default(), refusals: Vec::new() };
    scene.know();
    scene.sign_ins();
    scene.tokens();
    scene.programs();
    let logged = process.output();
    process.stop();
    assert!(logged.contains("DEBUG"), "it logs all that it can:\n{logged}");
    assert_eq!(scene.canaries.found_in(logged.as_bytes()), [""; 0], "in the log");
    assert_eq!(scene.canaries.found_in(&sql::everything(database)), [""; 0], "in the database");
    assert!(scene.refusals.len() > 10);
    for refusal in &scene.refusals {
        assert_eq!(scene.canaries.found_in(&refusal.body), [""; 0], "in {}", refusal.text());
        let location = refusal.header("location").unwrap_or_default();
        assert_eq!(scene.canaries.found_in(location.as_bytes()), [""; 0], "in {location}");
    }
    // The search itself works: what everybody may know is found.
    let mut known = Canaries::default();
    known.add("a user name", &scene.population.people.all[0].name);
    known.add("a tenant", &scene.place.tenant);
    assert_eq!(known.found_in(&sql::everything(database)).len(), 2);
}

impl Scene {
    /// What is there from the beginning.
    fn know(&mut self) {
        let people = &self.population.people;
        self.canaries.add("password", &people.password);
        let seed = parameter(&people.app.link, "secret").expect("a secret");
        self.canaries.add("TOTP seed", &seed);
        self.canaries.add("access pass", &people.pass.code);
        let link = self.place.first_link.as_deref().expect("init prints a link");
        let (_, secret) = link.split_once('#').expect("its secret is in the fragment");
        self.canaries.add("invitation", secret);
        for application in &self.population.applications {
            self.canaries.add("client secret", &application.secret);
        }
        let keys = std::fs::read_to_string(self.place.key_file()).expect("a key file");
        keys.lines().for_each(|key| self.canaries.add("sealing key", key));
    }

    fn visitor(&self) -> Visitor {
        Visitor::new(Connection::open(self.port).expect("it listens"))
    }

    /// A secret that is wrong, and known for what it is.
    fn wrong(&mut self, what: &str) -> String {
        let secret = format!("canary-{}-{}", self.canaries.0.len(), what.replace(' ', "-"));
        self.canaries.add(&format!("wrong {what}"), &secret);
        secret
    }

    fn refused(&mut self, answer: std::io::Result<Answer>) {
        self.refusals.push(answer.expect("an answer"));
    }

    fn keep_cookies(&mut self, visitor: &Visitor) {
        for (name, value) in &visitor.cookies {
            self.canaries.add(&format!("cookie {name}"), value);
        }
    }

    fn sign_ins(&mut self) {
        let people = self.population.people.clone();
        let website = self.website.clone();
        let mut visitor = self.visitor();
        let page = website.password_page(&mut visitor, &people.app.name).expect("a page");
        let wrong = self.wrong("password");
        let page = visitor.submit(&page, "password", &[("passwd", &wrong)]).expect("a page");
        // A refusal's page carries the next form's tokens, so it is kept before they are known.
        self.refusals.push(page.clone());
        let page = visitor.submit(&page, "password", &[("passwd", &people.password)]).expect("a page");
        let wrong = self.wrong("one-time code");
        let page = visitor.submit(&page, "code", &[("otc", &wrong)]).expect("a page");
        self.refusals.push(page.clone());
        let typed = App::scan(&people.app.link).code();
        let page = visitor.submit(&page, "code", &[("otc", &typed)]).expect("a page");
        let answer = visitor.submit(&page, "stay", &[("LoginOptions", "1")]).expect("an answer");
        self.canaries.add("code", &code(&answer).expect("a code"));
        self.keep_cookies(&visitor);

        let mut visitor = self.visitor();
        let page = website.password_page(&mut visitor, &people.pass.name).expect("a page");
        let ways = format!("/{}/login?view=ways&ctx={}", self.place.tenant, hidden(&page.text(), "ctx"));
        let page = visitor.get(&ways).expect("a page");
        let page = visitor.submit(&page, "way", &[("way", "pass")]).expect("a page");
        let wrong = self.wrong("access pass");
        let page = visitor.submit(&page, "pass", &[("accesspass", &wrong)]).expect("a page");
        self.refusals.push(page.clone());
        let page = visitor.submit(&page, "pass", &[("accesspass", &people.pass.code)]).expect("a page");
        // Whoever comes with a pass is asked to make a passkey.
        let page = visitor.submit(&page, "new-passkey", &[("answer", "later")]).expect("a page");
        let answer = visitor.submit(&page, "stay", &[("LoginOptions", "3")]).expect("an answer");
        self.canaries.add("code", &code(&answer).expect("a code"));
        self.keep_cookies(&visitor);

        // A passkey that nobody has, cookies that nobody set, and a password typed as a user name.
        let mut visitor = self.visitor();
        let page = visitor.get(&website.request()).expect("a page");
        let wrong = self.wrong("credential");
        let answer = visitor.submit(&page, "passkey", &[("credential", &wrong)]);
        self.refused(answer);
        for name in ["latchkey-session", "latchkey-sign-in"] {
            let wrong = self.wrong("cookie");
            visitor.cookies.insert(name.to_owned(), wrong);
        }
        let answer = visitor.get(&format!("{}&prompt=none", website.request()));
        self.refused(answer);
        let answer = visitor.submit(&page, "user", &[("loginfmt", &people.password)]);
        self.refused(answer);
    }

    fn tokens(&mut self) {
        let people = self.population.people.clone();
        let website = self.website.clone();
        let mut visitor = self.visitor();
        let first = website.sign_in(&mut visitor, &people.all[0].name, &people.password).expect("a sign-in");
        self.keep_cookies(&visitor);
        let connection = &mut visitor.connection;
        let answer = website.redeem(connection, &first).expect("an answer");
        let tokens = self.know_tokens(&answer);
        self.canaries.add("code", &first);
        let answer = website.refresh(connection, &tokens["refresh_token"]).expect("an answer");
        self.know_tokens(&answer);
        let answer = website.own(connection).expect("an answer");
        self.know_tokens(&answer);
        let bearer = format!("Bearer {}", tokens["access_token"]);
        let answer = connection.get("/oidc/userinfo", &[("Authorization", &bearer)]);
        self.refused(answer);
        // Each again, and each wrong.
        for (field, grant, kept) in [
            ("code", "authorization_code", first.as_str()),
            ("refresh_token", "refresh_token", &tokens["refresh_token"]),
            ("device_code", "urn:ietf:params:oauth:grant-type:device_code", ""),
        ] {
            let wrong = self.wrong(field);
            for value in [kept, &wrong] {
                let redirect = ("redirect_uri", people::REDIRECT);
                let answer = website.tokens(connection, &[("grant_type", grant), (field, value), redirect]);
                self.refused(answer);
            }
        }
        for field in ["client_secret", "client_assertion"] {
            let wrong = self.wrong(field);
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", website.id.as_str()),
                ("client_assertion_type", kind),
                (field, &wrong),
            ];
            let answer = connection.post(&website.token, &[], &fields);
            self.refused(answer);
        }
        for scheme in ["Bearer", "Basic"] {
            let wrong = self.wrong(scheme);
            let header = format!("{scheme} {wrong}");
            let answer = connection.get("/oidc/userinfo", &[("Authorization", &header)]);
            self.refused(answer);
            let own = [("grant_type", "client_credentials")];
            let answer = connection.post(&website.token, &[("Authorization", &header)], &own);
            self.refused(answer);
        }
    }

    /// A program that sends passwords, right and wrong.
    fn programs(&mut self) {
        let people = self.population.people.clone();
        let program = self.population.applications[0].program.clone();
        let path = self.website.token.clone();
        let mut connection = Connection::open(self.port).expect("it listens");
        let wrong = self.wrong("password");
        for password in [wrong.as_str(), &people.password] {
            let fields = [
                ("grant_type", "password"),
                ("client_id", program.as_str()),
                ("scope", "openid offline_access"),
                ("username", &people.all[1].name),
                ("password", password),
            ];
            let answer = connection.post(&path, &[], &fields).expect("an answer");
            if answer.status == 200 {
                self.know_tokens(&answer);
            } else {
                self.refusals.push(answer);
            }
        }
        let fields = [("client_id", program.as_str()), ("scope", "openid")];
        let started =
            connection.post(&path.replace("/token", "/devicecode"), &[], &fields).expect("an answer");
        let started = started.json();
        for name in ["device_code", "user_code"] {
            self.canaries.add(name, started[name].as_str().expect("a device code"));
        }
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", program.as_str()),
            ("device_code", started["device_code"].as_str().expect("a device code")),
        ];
        let answer = connection.post(&path, &[], &fields);
        self.refused(answer);
    }

    fn know_tokens(&mut self, answer: &Answer) -> BTreeMap<String, String> {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let mut tokens = BTreeMap::new();
        for name in ["access_token", "id_token", "refresh_token"] {
            if let Some(token) = answer.json()[name].as_str() {
                self.canaries.add(name, token);
                tokens.insert(name.to_owned(), token.to_owned());
            }
        }
        tokens
    }
}
