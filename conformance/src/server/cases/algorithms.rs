//! Algorithms: a credential of each that the server lists must work, and of no other.

use crate::case::{Case, present};
use crate::server::ceremony::{Assertion, Credential, Registration};
use crate::server::statement::packed_self;
use crate::server::{Reason, Server};

const ALGORITHMS: &[(&str, i64)] = &[
    ("es256", -7),
    ("es384", -35),
    ("es512", -36),
    ("es256k", -47),
    ("eddsa", -8),
    ("rs256", -257),
    ("rs384", -258),
    ("rs512", -259),
    ("ps256", -37),
    ("ps384", -38),
    ("ps512", -39),
];

/// The cases of this area.
pub fn cases() -> Vec<Case<Server>> {
    ALGORITHMS.iter().map(|(name, algorithm)| case(name, *algorithm)).collect()
}

fn case(name: &str, algorithm: i64) -> Case<Server> {
    let must = format!("take credentials for algorithm {algorithm} if it lists it, and refuse them if not");
    Case::about(format!("algorithms/{name}"), "7.1 step 20", must, move |server: &mut Server| {
        let user = server.new_user();
        let options = server.creation_options(&user, "direct")?;
        let params = present(
            options.get("pubKeyCredParams").and_then(|params| params.as_array()),
            "pubKeyCredParams",
        )?;
        let listed = params.iter().any(|param| param["alg"] == algorithm);
        let registration = Registration::new(server, options, algorithm)?;
        let reply = server.finish(&registration, packed_self)?;
        if !listed {
            return server.refused(&reply, &[Reason::Key, Reason::Malformed]);
        }
        reply.accepted()?;
        let handle =
            present(registration.options.get("user").and_then(|user| user.get("id")?.as_str()), "user.id")?
                .to_owned();
        let credential =
            Credential { user, id: registration.credential_id(), user_handle: handle, key: registration.key };
        let options = server.request_options(&credential.user)?;
        let json = Assertion::new(server, &options)?.json(&credential)?;
        server.post("assertion/result", &json)?.accepted().map(|_| ())
    })
}
