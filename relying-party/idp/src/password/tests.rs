use std::num::NonZeroUsize;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;

const QUICK: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn pool(workers: usize, queue: usize, cost: Cost) -> Pool {
    let number = |number| NonZeroUsize::new(number).unwrap();
    let retry_after = Duration::from_secs(2);
    Pool::start(&PoolOptions { workers: number(workers), queue: number(queue), cost, retry_after }).unwrap()
}

async fn hash(pool: &Pool, text: &str) -> PasswordHash {
    pool.hash(password(text), &mut rng()).unwrap().await.unwrap()
}

async fn verify(pool: &Pool, text: &str, stored: Option<PasswordHash>) -> Verdict {
    pool.verify(password(text), stored).unwrap().await.unwrap()
}

#[tokio::test]
async fn only_the_password_is_correct() {
    let pool = pool(1, 4, QUICK);
    let stored = hash(&pool, "correct horse").await;
    assert_eq!(
        verify(&pool, "correct horse", Some(stored.clone())).await,
        Verdict::Correct { rehash: false }
    );
    assert_eq!(verify(&pool, "correct horse ", Some(stored.clone())).await, Verdict::Wrong);
    assert_eq!(verify(&pool, "Correct horse", Some(stored)).await, Verdict::Wrong);
    assert_eq!(verify(&pool, "correct horse", None).await, Verdict::Wrong);
}

#[tokio::test]
async fn the_owasp_cost_and_its_phc_string() {
    let pool = pool(1, 4, Cost::OWASP);
    let stored = hash(&pool, "correct horse").await;
    let text = stored.to_string();
    assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
    assert_eq!(text.parse(), Ok(stored.clone()));
    assert_eq!(verify(&pool, "correct horse", Some(stored)).await, Verdict::Correct { rehash: false });
}

/// A vector of the reference implementation's own tests: hashes of other programs are verified too.
#[tokio::test]
async fn a_hash_of_the_reference_implementation() {
    let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let stored: PasswordHash = text.parse().unwrap();
    let pool = pool(1, 1, QUICK);
    assert_eq!(verify(&pool, "password", Some(stored.clone())).await, Verdict::Correct { rehash: true });
    assert_eq!(verify(&pool, "differentpassword", Some(stored)).await, Verdict::Wrong);
}

#[tokio::test]
async fn a_hash_of_another_cost_asks_to_be_made_again() {
    let higher = Cost { memory_kib: 128, ..QUICK };
    for (from, to) in [(QUICK, higher), (higher, QUICK), (QUICK, Cost { passes: 2, ..QUICK })] {
        let stored = hash(&pool(1, 1, from), "correct horse").await;
        let pool = pool(1, 1, to);
        assert!(stored.is_outdated(to));
        let verdict = verify(&pool, "correct horse", Some(stored.clone())).await;
        assert_eq!(verdict, Verdict::Correct { rehash: true }, "{from:?} {to:?}");
        assert_eq!(verify(&pool, "wrong", Some(stored)).await, Verdict::Wrong);
    }
}

#[tokio::test]
async fn a_full_queue_answers_at_once() {
    // Each takes long enough that none ends between two of the next lines, also on a busy machine.
    let pool = pool(1, 2, Cost { memory_kib: 64 * 1024, passes: 10, lanes: 1 });
    let mut pending = Vec::new();
    // One works and two wait, as soon as the worker has taken the first.
    while pending.len() < 3 {
        match pool.verify(password("correct horse"), None) {
            Ok(answer) => pending.push(answer),
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
    let busy = pool.verify(password("correct horse"), None).err().unwrap();
    assert_eq!(busy.retry_after, Duration::from_secs(2));
    assert!(busy.to_string().contains("2 seconds"), "{busy}");
    assert_eq!(pool.hash(password("x"), &mut rng()).err(), Some(busy));
    for answer in pending {
        assert_eq!(answer.await.unwrap(), Verdict::Wrong);
    }
    assert!(pool.verify(password("correct horse"), None).is_ok());
}

/// In KiB.
fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Memory belongs to the process, so this test wants one to itself: it starts its own program again for itself alone.
#[test]
fn a_flood_takes_no_more_memory_than_the_workers_have() {
    const ALONE: &str = "LATCHKEY_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(flood());
    }
    let name = "password::tests::a_flood_takes_no_more_memory_than_the_workers_have";
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(
        alone.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&alone.stderr)
    );
}

async fn flood() {
    let pool = pool(2, 64, Cost { memory_kib: 8 * 1024, passes: 1, lanes: 1 });
    // Both workers have touched all of theirs after these.
    for _ in 0..8 {
        assert_eq!(verify(&pool, "x", None).await, Verdict::Wrong);
    }
    let before = resident_memory();
    let mut pending = Vec::new();
    let mut refused = 0;
    for _ in 0..20_000 {
        match pool.verify(password("correct horse"), None) {
            Ok(answer) => pending.push(answer),
            Err(_) => refused += 1,
        }
    }
    let during = resident_memory();
    assert!(refused > 19_000, "{refused}");
    for answer in pending {
        assert_eq!(answer.await.unwrap(), Verdict::Wrong);
    }
    // The second worker's memory may only now be touched.
    let most = before + 8 * 1024 + 4 * 1024;
    assert!(during < most && resident_memory() < most, "{before} {during} {}", resident_memory());
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
async fn duration(pool: &Pool, stored: Option<PasswordHash>) -> Duration {
    let start = std::time::Instant::now();
    assert_eq!(verify(pool, "wrong", stored).await, Verdict::Wrong);
    start.elapsed()
}

/// The shortest of many times, taken in turn, so that whatever else runs on the machine does not decide.
#[tokio::test]
async fn a_user_who_does_not_exist_takes_as_long() {
    let pool = pool(1, 1, Cost::OWASP);
    let stored = hash(&pool, "correct horse").await;
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for _ in 0..15 {
        known = known.min(duration(&pool, Some(stored.clone())).await);
        unknown = unknown.min(duration(&pool, None).await);
    }
    assert!(unknown < known * 2 && known < unknown * 2, "known {known:?}, unknown {unknown:?}");
}

#[test]
fn half_of_the_cores_stay_free() {
    for (cores, workers) in [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)] {
        let options = PoolOptions::for_cores(NonZeroUsize::new(cores).unwrap());
        assert_eq!((options.workers.get(), options.queue.get()), (workers, 16 * workers), "{cores}");
        assert_eq!(options.cost, Cost::OWASP);
    }
}

#[tokio::test]
async fn whoever_waits_is_answered_before_the_pool_ends() {
    let pool = pool(1, 8, QUICK);
    let pending: Vec<_> = (0..8).map_while(|_| pool.verify(password("x"), None).ok()).collect();
    assert!(!pending.is_empty());
    drop(pool);
    for answer in pending {
        assert_eq!(answer.await.unwrap(), Verdict::Wrong);
    }
}

#[test]
fn only_our_phc_strings_are_read() {
    let salt = "c29tZXNhbHRzb21lc2FsdA";
    let hash = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    let read = |text: &str| text.parse::<PasswordHash>();
    let good = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}");
    assert_eq!(read(&good).unwrap().to_string(), good);
    for text in [
        String::new(),
        format!("$argon2i$v=19$m=19456,t=2,p=1${salt}${hash}"),
        format!("$argon2id$v=16$m=19456,t=2,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=19456,t=2${salt}${hash}"),
        format!("$argon2id$v=19$t=2,m=19456,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=19456,t=2,p=1,x=1${salt}${hash}"),
        format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}$"),
        format!("$argon2id$v=19$m=19456,t=2,p=1$AAAA${hash}"),
        format!("$argon2id$v=19$m=19456,t=2,p=1${salt}$AAAA"),
        // What would take the memory of the machine, or a year.
        format!("$argon2id$v=19$m=4000000000,t=2,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=19456,t=4000000000,p=1${salt}${hash}"),
        format!("$argon2id$v=19$m=0,t=0,p=0${salt}${hash}"),
    ] {
        assert_eq!(read(&text), Err(UnreadableHash), "{text}");
    }
    let options = PoolOptions {
        workers: NonZeroUsize::MIN,
        queue: NonZeroUsize::MIN,
        cost: Cost { memory_kib: 1 << 30, passes: 1, lanes: 1 },
        retry_after: Duration::from_secs(1),
    };
    assert!(matches!(Pool::start(&options), Err(PoolError::Cost)));
}

#[test]
fn a_password_is_normalized_and_bounded() {
    assert_eq!(password("cafe\u{301}").as_bytes(), password("caf\u{e9}").as_bytes());
    assert_eq!(password("a\u{a0}b").as_bytes(), password("a b").as_bytes());
    assert_ne!(password("A").as_bytes(), password("a").as_bytes());
    assert_eq!(Password::parse("").unwrap_err(), PasswordError::Empty);
    assert_eq!(Password::parse("a\0b").unwrap_err(), PasswordError::Control);
    assert!(Password::parse(&"a".repeat(LONGEST)).is_ok());
    assert_eq!(Password::parse(&"a".repeat(LONGEST + 1)).unwrap_err(), PasswordError::TooLong);
    assert_eq!(Password::parse_new("seven77", 8).unwrap_err(), PasswordError::TooShort(8));
    assert!(Password::parse_new("eight888", 8).is_ok());
}

#[test]
fn nothing_shows_a_secret() {
    assert_eq!(format!("{:?}", password("correct horse")), "Password(..)");
    let stored = format!("$argon2id$v=19$m=64,t=1,p=1${}${}", "A".repeat(22), "A".repeat(43));
    let shown = format!("{:?}", stored.parse::<PasswordHash>().unwrap());
    assert!(!shown.contains("AAAA") && !shown.contains("salt"), "{shown}");
}
