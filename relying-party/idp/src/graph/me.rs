//! `/me`: what a user may see and do through an application, administrator or not.

use serde_json::json;

use super::caller::fresh;
use super::{Answer, GraphError, Request, Verb, fido2, methods, shown};
use crate::clock::UnixTime;

/// Scopes that let a client read what the user signs in with.
const READ: [&str; 2] = ["UserAuthenticationMethod.Read", "UserAuthenticationMethod.ReadWrite"];
/// The one that lets it add a passkey.
const WRITE: [&str; 1] = ["UserAuthenticationMethod.ReadWrite"];

pub(super) async fn answer(
    request: &Request<'_>,
    verb: Verb,
    segments: &[&str],
) -> Result<Answer, GraphError> {
    match (verb, segments) {
        (Verb::Get, []) => {
            let on_behalf = request.caller.user_with(&["User.Read"])?;
            let shown = request.query.selected(shown::user(&on_behalf.user));
            Ok(Answer::ok(request.context("users/$entity", shown)))
        }
        (Verb::Post, ["revokesigninsessions"]) => {
            let on_behalf = request.caller.user_with(&["User.RevokeSessions.All"])?;
            // Sign-ins of this very second are over too; the next one may begin in the next second.
            let from = UnixTime::from_seconds(request.provider.now().seconds() + 1);
            request.provider.database.users().revoke_sessions(on_behalf.user.id, from).await?;
            Ok(Answer::ok(request.context("Edm.Boolean", json!({ "value": true }))))
        }
        (Verb::Get, ["authentication", "methods"]) => {
            let user = &request.caller.user_with(&READ)?.user;
            methods::list(request, user, None).await
        }
        (Verb::Get, ["authentication", "fido2methods"]) => {
            let user = &request.caller.user_with(&READ)?.user;
            methods::list(request, user, Some(methods::Kind::Passkey)).await
        }
        // A passkey is a way in: whoever only holds a token of an old sign-in must not add one.
        (Verb::Get, ["authentication", "fido2methods", options])
            if options.starts_with("creationoptions") =>
        {
            let on_behalf = request.caller.user_with(&WRITE)?;
            fresh(on_behalf, request.provider.now())?;
            fido2::options(request, (&on_behalf.user, &on_behalf.user.id.to_string()), options).await
        }
        (Verb::Post, ["authentication", "fido2methods"]) => {
            let on_behalf = request.caller.user_with(&WRITE)?;
            fresh(on_behalf, request.provider.now())?;
            fido2::register(request, (&on_behalf.user, &on_behalf.user.id.to_string())).await
        }
        (Verb::Get | Verb::Post | Verb::Patch | Verb::Delete, _) => Err(GraphError::NoSegment),
    }
}
