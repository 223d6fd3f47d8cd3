//! Floods: whoever is too many is told to try again or turned away, memory stays flat, and everybody else is served.

#![allow(
    clippy::disallowed_methods,
    reason = "it says how much of the usual rate is left, which takes a clock"
)]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use latchkey_tests::http::{Answer, Connection};
use latchkey_tests::idp::{Idp, IdpPlace};
use latchkey_tests::journeys::Website;
use latchkey_tests::people::{self, Population};
use latchkey_tests::process::allow_files;
use latchkey_tests::programs::free_port;
use latchkey_tests::usage::{peak_mib, resident_mib};
use latchkey_tests::visitor::{Form, Visitor};
use tempfile::TempDir;

/// People who sign in at the same moment.
const CROWD: usize = 500;
/// What a flood may add to the memory, in MiB: some KiB for each connection.
const FLAT: f64 = 40.0;

struct Scene {
    idp: Idp,
    port: u16,
    population: Population,
    website: Website,
    _folder: TempDir,
}

fn start(people: usize) -> Scene {
    allow_files();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let port = free_port();
    let database = format!("sqlite:{}", folder.path().join("idp.db").display());
    let place = IdpPlace::on(&database, folder.path(), port);
    let population = people::settle(&place, people);
    let website = Website::new(&place, &population.applications[0]);
    let idp = Idp::start_uncounted(&place, port, &folder.path().join("log"));
    Scene { idp, port, population, website, _folder: folder }
}

/// Each from an address of its own, or the lockout would end it sooner.
fn address(number: usize) -> Ipv4Addr {
    let [_, _, high, low] = u32::try_from(number + 256).expect("few").to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

#[test]
fn of_five_hundred_sign_ins_at_once_some_are_told_to_try_again_and_tokens_keep_flowing() {
    let scene = start(CROWD);
    let pid = scene.idp.process.pid();
    let people = &scene.population.people;
    let mut ready: Vec<(Connection, Form)> = Vec::new();
    for (number, person) in people.all.iter().enumerate() {
        let mut visitor =
            Visitor::new(Connection::open_from(address(number), scene.port).expect("it listens"));
        let page = scene.website.password_page(&mut visitor, &person.name).expect("a page");
        let form = visitor.form(&page, "password", &[("passwd", &people.password)]);
        ready.push((visitor.connection, form));
    }
    let usual = tokens_for(&scene, Duration::from_secs(2), &AtomicBool::new(false));
    let before = resident_mib(pid);
    let over = AtomicBool::new(false);
    let gate = Barrier::new(CROWD);
    let begin = Instant::now();
    let (answers, during): (Vec<Answer>, f64) = std::thread::scope(|scope| {
        let tokens = scope.spawn(|| tokens_for(&scene, Duration::from_mins(1), &over));
        let gate = &gate;
        let rush = |(mut connection, form): (Connection, Form)| {
            scope.spawn(move || {
                gate.wait();
                form.send(&mut connection).expect("each is answered")
            })
        };
        let started: Vec<_> = ready.into_iter().map(rush).collect();
        let answers = started.into_iter().map(|thread| thread.join().expect("each is answered")).collect();
        over.store(true, Ordering::SeqCst);
        (answers, tokens.join().expect("tokens keep flowing"))
    });
    let took = begin.elapsed();
    let signed_in = answers.iter().filter(|answer| answer.text().contains("id=\"stay-form\"")).count();
    let told = |answer: &&Answer| answer.status == 503 && answer.text().contains("data-code=\"90055\"");
    let busy: Vec<_> = answers.iter().filter(told).collect();
    assert_eq!(signed_in + busy.len(), CROWD, "{}", answers.last().map(Answer::text).unwrap_or_default());
    assert!(signed_in > 0 && !busy.is_empty(), "{signed_in} signed in, {} were told", busy.len());
    assert!(busy.iter().all(|answer| answer.header("retry-after").is_some()), "and when to try again");
    let grown = peak_mib(pid) - before;
    assert!(grown < FLAT, "{grown} MiB");
    assert!(during > 0.0, "tokens stopped");
    println!(
        "{signed_in} of {CROWD} signed in within {took:?}, the others were told; tokens at {:.0} % of {usual:.0}/s; \
         {before:.0} MiB grew by {grown:.1}",
        100.0 * during / usual
    );
    // Who was told to try again can: nothing was counted against them.
    let late = people.all.last().expect("people");
    let mut visitor = Visitor::new(Connection::open_from(address(CROWD), scene.port).expect("it listens"));
    scene.website.sign_in(&mut visitor, &late.name, &people.password).expect("a sign-in after the flood");
}

/// Asks for tokens, one after the other, until it is over; how many came in a second.
fn tokens_for(scene: &Scene, most: Duration, over: &AtomicBool) -> f64 {
    let mut connection = Connection::open(scene.port).expect("it listens");
    let (begin, mut came) = (Instant::now(), 0.0);
    while begin.elapsed() < most && !over.load(Ordering::SeqCst) {
        let answer = scene.website.own(&mut connection).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        came += 1.0;
    }
    came / begin.elapsed().as_secs_f64()
}

#[test]
fn a_flood_of_connections_is_turned_away_and_those_who_are_in_are_served() {
    let scene = start(1);
    let pid = scene.idp.process.pid();
    let mut inside = Connection::open(scene.port).expect("it listens");
    assert_eq!(scene.website.own(&mut inside).expect("an answer").status, 200);
    let before = resident_mib(pid);
    // More than are let in, each with half a request that never becomes a whole one.
    let held = AtomicUsize::new(0);
    let flood: Vec<TcpStream> = (0..2_400)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).expect("the system takes it");
            let _closed =
                stream.write_all(b"POST /common/oauth2/token HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
            stream
        })
        .collect();
    sleep(Duration::from_secs(2));
    for stream in &flood {
        stream.set_nonblocking(true).expect("a socket");
        let mut stream: &TcpStream = stream;
        // Nothing to read yet: it is held. An end or an error: it was turned away.
        if matches!(stream.read(&mut [0; 16]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock) {
            held.fetch_add(1, Ordering::SeqCst);
        }
    }
    let held = held.into_inner();
    assert!((1_000..=2_000).contains(&held), "{held} of {} are held", flood.len());
    assert_eq!(scene.website.own(&mut inside).expect("an answer").status, 200, "who is in is served");
    let grown = peak_mib(pid) - before;
    assert!(grown < FLAT, "{grown} MiB for {held} connections");
    println!("{held} of {} connections were held, for {grown:.1} MiB", flood.len());
    drop(flood);
    sleep(Duration::from_secs(1));
    let mut next = Connection::open(scene.port).expect("it listens");
    assert_eq!(scene.website.own(&mut next).expect("an answer").status, 200, "then anybody is let in again");
}

#[test]
fn whoever_is_slow_with_a_request_is_cut_off() {
    let scene = start(1);
    let mut slow = TcpStream::connect(("127.0.0.1", scene.port)).expect("it listens");
    slow.set_read_timeout(Some(Duration::from_secs(40))).expect("a socket");
    write!(
        slow,
        "POST /common/oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\ngrant"
    )
    .expect("it reads");
    let begin = Instant::now();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).expect("it ends");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(begin.elapsed() < Duration::from_secs(30), "a request takes no longer than it may");
}
