//! Counting and listing (CTAP 2.3 §6.8.2 to §6.8.4).

use super::{CREDENTIALS_BEGIN, CREDENTIALS_NEXT, METADATA, RPS_BEGIN, RPS_NEXT, go_on, manage, of_rp};
use crate::case::{Case, Need, State, Stop, ensure, present, status};
use crate::cbor::Value;
use crate::ctap::{Answer, Status, sha256};
use crate::session::{ACCOUNTS, Session};

pub(super) fn cases() -> Vec<Case> {
    counts().into_iter().chain(lists()).collect()
}

/// How many discoverable credentials there are.
pub(super) fn existing(session: &mut Session) -> Result<u64, Stop> {
    let answer = manage(session, METADATA, None)?;
    status(&answer, Status::OK)?;
    present(answer.member(0x01).and_then(Value::unsigned), "existingResidentCredentialsCount (0x01)")
}

/// Every answer of one enumeration; `total` is the member that counts them.
fn all(session: &mut Session, first: Answer, next: u8, total: u64) -> Result<Vec<Answer>, Stop> {
    status(&first, Status::OK)?;
    let count = present(first.member(total).and_then(Value::unsigned), "the total")?;
    let mut answers = vec![first];
    for _ in 1..count {
        let answer = go_on(session, next)?;
        status(&answer, Status::OK)?;
        answers.push(answer);
    }
    Ok(answers)
}

/// The credentials of [`ACCOUNTS`].
pub(super) fn accounts(session: &mut Session) -> Result<Vec<Answer>, Stop> {
    let first = manage(session, CREDENTIALS_BEGIN, Some(of_rp(ACCOUNTS)))?;
    all(session, first, CREDENTIALS_NEXT, 0x09)
}

fn counts() -> Vec<Case> {
    vec![
        Case::new(
            "credential-management/metadata/counts",
            "6.8.2",
            "count one more for each new discoverable credential",
            |session| {
                let before = existing(session)?;
                session.account("counted.example", 1)?;
                let after = existing(session)?;
                ensure(
                    after == before + 1 || before > 0 && after == before,
                    format!("{before}, then {after}"),
                    "one more",
                )
            },
        ),
        Case::new(
            "credential-management/metadata/remaining",
            "6.8.2",
            "say how many more it can keep at the most",
            |session| {
                let answer = manage(session, METADATA, None)?;
                status(&answer, Status::OK)?;
                let remaining = answer.member(0x02).and_then(Value::unsigned);
                present(remaining, "maxPossibleRemainingResidentCredentialsCount (0x02)").map(drop)
            },
        ),
        Case::new(
            "credential-management/enumerate-rps/none",
            "6.8.3",
            "find no relying party where no credential was made",
            |session| {
                empty(session)?;
                let answer = manage(session, RPS_BEGIN, None)?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        )
        .state(State::Fresh),
        Case::new(
            "credential-management/enumerate-credentials/none",
            "6.8.4",
            "find no credential at an unknown relying party",
            |session| {
                let answer = manage(session, CREDENTIALS_BEGIN, Some(of_rp("nobody.example")))?;
                status(&answer, Status::NO_CREDENTIALS)
            },
        ),
    ]
}

/// An authenticator with the runner's PIN and nothing on it.
fn empty(session: &mut Session) -> Result<(), Stop> {
    session.disturb();
    let answer = session.set_pin(crate::session::PIN)?;
    status(&answer, Status::OK)?;
    session.refresh().map(drop)
}

/// What is asked of the list of [`ACCOUNTS`].
type Look = fn(&[Answer]) -> Result<(), Stop>;

/// Looks: id, what the authenticator must do, the look.
const LOOKS: [(&str, &str, Look); 6] = [
    ("all", "list every credential of a relying party", |answers| {
        ensure(answers.len() == 3, format!("{}", answers.len()), "three credentials")
    }),
    ("user", "tell each credential's user", |answers| {
        let mut users: Vec<u8> = answers
            .iter()
            .filter_map(|answer| answer.member(0x06)?.at("id")?.bytes()?.first().copied())
            .collect();
        users.sort_unstable();
        ensure(users == [1, 2, 3], format!("users {users:?}"), "the users that they were made for")
    }),
    ("descriptor", "tell each credential's ID", |answers| {
        let fits = answers
            .iter()
            .all(|answer| answer.member(0x07).and_then(|descriptor| descriptor.at("id")).is_some());
        ensure(fits, "no credentialID (0x07)", "credentialID (0x07) as a descriptor")
    }),
    ("public-key", "tell each credential's public key", |answers| {
        let fits = answers.iter().all(|answer| answer.member(0x08).and_then(|key| key.at(3)).is_some());
        ensure(fits, "no publicKey (0x08)", "publicKey (0x08) as a COSE key")
    }),
    ("total-once", "say the total only in the first answer", |answers| {
        let later = answers.iter().skip(1).any(|answer| answer.member(0x09).is_some());
        ensure(!later, "totalCredentials (0x09) again", "totalCredentials in the first answer")
    }),
    ("cred-protect", "tell each credential's protection", |answers| {
        let fits =
            answers.iter().all(|answer| matches!(answer.member(0x0A).and_then(Value::unsigned), Some(1..=3)));
        ensure(fits, "no credProtect (0x0a)", "credProtect (0x0a) from 1 to 3")
    }),
];

fn lists() -> Vec<Case> {
    let looks = LOOKS.into_iter().map(|(id, must, look)| {
        let needs: &[Need] = if id == "cred-protect" { &[Need::Extension("credProtect")] } else { &[] };
        Case::new(
            format!("credential-management/enumerate-credentials/{id}"),
            "6.8.4",
            must,
            move |session: &mut Session| {
                session.three_accounts()?;
                look(&accounts(session)?)
            },
        )
        .needs_all(needs)
    });
    let rps = [
        Case::new(
            "credential-management/enumerate-rps/all",
            "6.8.3",
            "list each relying party once, with the hash of its ID",
            |session| {
                session.three_accounts()?;
                session.shared_credential()?;
                let first = manage(session, RPS_BEGIN, None)?;
                let answers = all(session, first, RPS_NEXT, 0x05)?;
                let mut hashes: Vec<&[u8]> =
                    answers.iter().filter_map(|answer| answer.member(0x04)?.bytes()).collect();
                ensure(
                    hashes.contains(&sha256(ACCOUNTS).as_slice()),
                    "no rpIDHash of accounts.example",
                    "SHA-256 of the RP ID",
                )?;
                let count = hashes.len();
                hashes.sort_unstable();
                hashes.dedup();
                ensure(
                    hashes.len() == count && count == answers.len(),
                    "a relying party twice, or without a hash",
                    "each once",
                )
            },
        ),
        Case::new(
            "credential-management/enumerate-rps/after-the-last",
            "6.8.3",
            "refuse after the last relying party",
            |session| {
                session.three_accounts()?;
                let first = manage(session, RPS_BEGIN, None)?;
                all(session, first, RPS_NEXT, 0x05)?;
                let answer = go_on(session, RPS_NEXT)?;
                status(&answer, Status::NOT_ALLOWED)
            },
        ),
        Case::new(
            "credential-management/enumerate-credentials/after-the-last",
            "6.8.4",
            "refuse after the last credential",
            |session| {
                session.three_accounts()?;
                accounts(session)?;
                let answer = go_on(session, CREDENTIALS_NEXT)?;
                status(&answer, Status::NOT_ALLOWED)
            },
        ),
        Case::new(
            "credential-management/enumerate-credentials/other-channel",
            "6",
            "not go on on another channel",
            |session| {
                session.three_accounts()?;
                let first = manage(session, CREDENTIALS_BEGIN, Some(of_rp(ACCOUNTS)))?;
                status(&first, Status::OK)?;
                let other = session.second_channel()?;
                let own = std::mem::replace(&mut session.channel().cid, other);
                let answer = go_on(session, CREDENTIALS_NEXT);
                session.channel().cid = own;
                status(&answer?, Status::NOT_ALLOWED)
            },
        ),
    ];
    looks.chain(rps).collect()
}
