//! Two processes of the provider on one Postgres behave as one: what may be used once is used once, however many try,
//! and what one of them ends or replaces is ended or replaced at the other.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use latchkey_tests::http::{Answer, Connection};
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::journeys::Website;
use latchkey_tests::people::{self, Population};
use latchkey_tests::postgres::Postgres;
use latchkey_tests::programs::free_port;
use latchkey_tests::totp::App;
use latchkey_tests::visitor::{Form, Visitor, hidden};
use tempfile::TempDir;

/// So many try to use each kind of thing,
const ATTEMPTS: usize = 10_000;
/// so many of them the same one at the same moment.
const AT_ONCE: usize = 40;

struct Scene {
    place: IdpPlace,
    ports: [u16; 2],
    population: Population,
    website: Website,
    _processes: [Idp; 2],
    _postgres: Postgres,
    _folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let postgres = Postgres::start();
        let ports = [free_port(), free_port()];
        let place = IdpPlace::on(&postgres.database("races"), folder.path(), ports[0]);
        let population = people::settle(&place, 1);
        let website = Website::new(&place, &population.applications[0]);
        let log = |name: &str| folder.path().join(name);
        let processes = [("one", ports[0]), ("other", ports[1])]
            .map(|(name, port)| Idp::start_uncounted(&place, port, &log(name)));
        Self {
            place,
            ports,
            population,
            website,
            _processes: processes,
            _postgres: postgres,
            _folder: folder,
        }
    }

    fn connect(&self, number: usize) -> Connection {
        Connection::open(self.ports[number % 2]).expect("it listens")
    }

    /// Connections to both processes by turns.
    fn crowd(&self, size: usize) -> Vec<Connection> {
        (0..size).map(|number| self.connect(number)).collect()
    }

    /// A browser with a session.
    fn signed_in(&self, number: usize) -> Visitor {
        let mut visitor = Visitor::new(self.connect(number));
        let people = &self.population.people;
        self.website.sign_in(&mut visitor, &people.all[0].name, &people.password).expect("a sign-in");
        visitor
    }
}

/// Sends something on every connection at the same moment; how many answers are a winner's.
fn stampede(
    crowd: &mut [Connection],
    send: impl Fn(&mut Connection) -> Answer + Sync,
    won: impl Fn(&Answer) -> bool,
) -> usize {
    let gate = Barrier::new(crowd.len());
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let (gate, send) = (&gate, &send);
        let rush = |connection| {
            scope.spawn(move || {
                gate.wait();
                send(connection)
            })
        };
        let started: Vec<_> = crowd.iter_mut().map(rush).collect();
        started.into_iter().map(|thread| thread.join().expect("each is answered")).collect()
    });
    let broken = answers.iter().find(|answer| answer.status >= 500);
    assert!(broken.is_none(), "{}", broken.map(Answer::text).unwrap_or_default());
    answers.iter().filter(|answer| won(answer)).count()
}

#[test]
fn of_ten_thousand_attempts_at_two_processes_one_wins() {
    let scene = Scene::start();
    let mut crowd = scene.crowd(AT_ONCE);
    let mut visitor = scene.signed_in(0);
    let website = &scene.website;
    for round in 0..ATTEMPTS / AT_ONCE {
        let code = website.code(&mut visitor).expect("a code");
        let redeem = |connection: &mut Connection| website.redeem(connection, &code).expect("an answer");
        let winners = stampede(&mut crowd, redeem, |answer| answer.status == 200);
        assert_eq!(winners, 1, "code, round {round}");
    }
    for round in 0..ATTEMPTS / AT_ONCE {
        let code = website.code(&mut visitor).expect("a code");
        let tokens = website.redeem(&mut visitor.connection, &code).expect("an answer").json();
        let token = tokens["refresh_token"].as_str().expect("a refresh token");
        let refresh = |connection: &mut Connection| website.refresh(connection, token).expect("an answer");
        let winners = stampede(&mut crowd, refresh, |answer| answer.status == 200);
        assert_eq!(winners, 1, "refresh token, round {round}");
    }
    for round in 0..ATTEMPTS / AT_ONCE {
        let winners = forms(&scene, &mut crowd);
        assert_eq!(winners, 1, "form of a sign-in, round {round}");
    }
    for round in 0..ATTEMPTS / AT_ONCE {
        let winners = polls(&scene, &mut crowd, &mut visitor);
        assert_eq!(winners, 1, "device code, round {round}");
    }
}

/// A device's code, which the person let in, polled for by all.
fn polls(scene: &Scene, crowd: &mut [Connection], visitor: &mut Visitor) -> usize {
    let program = scene.population.applications[0].program.as_str();
    let path = format!("/{}/oauth2/v2.0/devicecode", scene.place.tenant);
    let asked = [("client_id", program), ("scope", "openid")];
    let codes = scene.connect(0).post(&path, &[], &asked).expect("an answer").json();
    let code = |name: &str| codes[name].as_str().unwrap_or_else(|| panic!("{codes}")).to_owned();
    let page = visitor.get("/devicelogin").expect("a page");
    let page = visitor.submit(&page, "device-code", &[("otc", &code("user_code"))]).expect("a page");
    let page = visitor.submit(&page, "device-confirm", &[("answer", "accept")]).expect("a page");
    assert!(page.text().contains("data-accepted=\"true\""), "{}", page.text());
    let device_code = code("device_code");
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", program),
        ("device_code", &device_code),
    ];
    let poll =
        |connection: &mut Connection| connection.post(&scene.website.token, &[], &fields).expect("an answer");
    stampede(crowd, poll, |answer| answer.status == 200)
}

/// One page's form, sent by all.
fn forms(scene: &Scene, crowd: &mut [Connection]) -> usize {
    let mut visitor = Visitor::new(scene.connect(0));
    let page = visitor.get(&scene.website.request()).expect("a page");
    let form = visitor.form(&page, "user", &[("loginfmt", "somebody@example.org")]);
    stampede(
        crowd,
        |connection| form.send(connection).expect("an answer"),
        |answer| answer.text().contains("name=\"passwd\""),
    )
}

/// The lockout lets ten try at all, so these are few.
#[test]
fn of_those_who_type_the_same_code_or_pass_one_gets_in() {
    const FEW: usize = 4;
    let scene = Scene::start();
    let people = &scene.population.people;
    // Steps that lie together are accepted for clocks that go wrong, each once.
    for step in [-1, 0, 1] {
        let typed = App::scan(&people.app.link).code_in(step);
        let forms: Vec<_> = (0..FEW)
            .map(|number| {
                let mut visitor = Visitor::new(scene.connect(number));
                let page = scene.website.password_page(&mut visitor, &people.app.name).expect("a page");
                let page =
                    visitor.submit(&page, "password", &[("passwd", &people.password)]).expect("a page");
                visitor.form(&page, "code", &[("otc", &typed)])
            })
            .collect();
        assert_eq!(one_each(&scene, &forms, "stay-form"), 1, "code of step {step}");
    }
    let forms: Vec<_> = (0..FEW)
        .map(|number| {
            let mut visitor = Visitor::new(scene.connect(number));
            let page = scene.website.password_page(&mut visitor, &people.pass.name).expect("a page");
            let ways = format!("/{}/login?view=ways&ctx={}", scene.place.tenant, hidden(&page.text(), "ctx"));
            let page = visitor.get(&ways).expect("a page");
            let page = visitor.submit(&page, "way", &[("way", "pass")]).expect("a page");
            visitor.form(&page, "pass", &[("accesspass", &people.pass.code)])
        })
        .collect();
    // Whoever comes with a pass is asked to make a passkey.
    assert_eq!(one_each(&scene, &forms, "new-passkey-form"), 1, "Temporary Access Pass");
}

/// Sends each form at the same moment; how many come to the page with the form `after`.
fn one_each(scene: &Scene, forms: &[Form], after: &str) -> usize {
    let mut crowd = scene.crowd(forms.len());
    let next = AtomicUsize::new(0);
    let send = |connection: &mut Connection| {
        forms[next.fetch_add(1, Ordering::SeqCst)].send(connection).expect("an answer")
    };
    stampede(&mut crowd, send, |answer| answer.text().contains(&format!("id=\"{after}\"")))
}

#[test]
fn keys_that_one_process_replaces_are_published_and_believed_by_the_other() {
    let scene = Scene::start();
    let keys = |number: usize| {
        let path = format!("/{}/discovery/v2.0/keys", scene.place.tenant);
        let document = scene.connect(number).get(&path, &[]).expect("an answer").json();
        let keys = document["keys"].as_array().expect("a list of keys");
        let mut names: Vec<_> = keys.iter().map(|key| key["kid"].to_string()).collect();
        names.sort();
        names
    };
    let before = keys(0);
    assert_eq!(before, keys(1), "two processes made one set of keys");
    let output = scene.place.command().arg("rotate-keys").output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Each process looks every minute.
    for _ in 0..70 {
        if keys(0).len() == 4 && keys(1).len() == 4 {
            break;
        }
        sleep(Duration::from_secs(1));
    }
    assert_eq!(keys(0).len(), 4, "the new ones beside the old ones");
    assert_eq!(keys(0), keys(1));
    assert!(before.iter().all(|key| keys(1).contains(key)), "old tokens can still be verified");
}

#[test]
fn what_ends_at_one_process_has_ended_at_the_other() {
    let scene = Scene::start();
    let mut visitor = scene.signed_in(0);
    let cookies = visitor.cookies.clone();
    let mut elsewhere = Visitor { connection: scene.connect(1), cookies };
    let code = scene.website.code(&mut elsewhere).expect("a session of one process is known to the other");
    let tokens = scene.website.redeem(&mut elsewhere.connection, &code).expect("an answer").json();
    let token = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
    // Reuse at one process kills the family at the other.
    let next = scene.website.refresh(&mut scene.connect(0), &token).expect("an answer").json();
    assert_eq!(scene.website.refresh(&mut scene.connect(1), &token).expect("an answer").status, 400);
    let next = next["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(scene.website.refresh(&mut scene.connect(0), next).expect("an answer").status, 400);
    // Sign-out at one process ends the session at the other.
    let logout = format!("/{}/oauth2/v2.0/logout", scene.place.tenant);
    let page = visitor.get(&logout).expect("a page");
    let csrf = hidden(&page.text(), "csrf");
    let answer = visitor.post(&logout, &[("csrf", &csrf)]).expect("an answer");
    assert!(answer.status < 400, "{}", answer.text());
    assert!(scene.website.code(&mut elsewhere).is_err(), "the session is over everywhere");
}
