//! authenticatorSelection (CTAP 2.3 §6.9).

use crate::case::{Case, Need, Version, ensure, status};
use crate::ctap::{Request, Status, command, permission};
use crate::session::{RP_ID, Session, proved};

/// The cases of this area.
pub fn cases() -> Vec<Case> {
    let cases = [
        Case::new("selection/touched", "6.9", "answer OK once it was touched", |session| {
            let answer = session.send(&Request::bare(command::SELECTION))?;
            status(&answer, Status::OK)?;
            ensure(answer.bytes.len() == 1, format!("{} bytes", answer.bytes.len()), "the status alone")
        }),
        Case::new(
            "selection/keeps-token",
            "6.9",
            "not let its touch spend a token",
            |session: &mut Session| {
                let protocol = session.protocol()?;
                let token = session.new_token(protocol, permission::MC, Some(RP_ID))?;
                let answer = session.send(&Request::bare(command::SELECTION))?;
                status(&answer, Status::OK)?;
                let answer = session.send(&proved(session.make_request(0x70), &token))?;
                status(&answer, Status::OK)
            },
        )
        .needs(Need::Option("pinUvAuthToken")),
    ];
    cases.map(|case| case.since(Version::V2_1).needs(Need::Version("FIDO_2_1"))).into_iter().collect()
}
