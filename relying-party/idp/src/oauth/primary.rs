//! The primary refresh token (MS-OAPXBC): what a registered device holds for its user, and everything that it is good for.
//!
//! A device-signed request brings the proof of the user ([`request`]) and gets a token and a session key, which only the
//! device's transport key opens ([`issue`]). Whoever presents the token proves the session key ([`presented`]), and gets
//! tokens for applications or the next primary token ([`redeem`]); a browser signs its user in with it.
//!
//! No conditions are looked at when a primary token is issued or renewed, but each time that it is used.

mod assertion;
mod issue;
mod known;
mod nonce;
mod presented;
mod redeem;
mod refusal;
mod request;
mod user_of_sid;

use super::error::Refusal;
use super::token::{TokenReply, TokenRequest};
use crate::provider::Provider;
use crate::tokens::Jws;
pub(crate) use known::{Known, Peer};
pub(crate) use nonce::{issue_nonce, take_nonce};
pub(crate) use presented::present;
pub use refusal::PrimaryRefusal;
pub use user_of_sid::user_of_sid;

/// Answers `jwt-bearer` with a `request`: signed by a device it asks for a primary token, signed with a session key it uses
/// one. Which of them is decided by the algorithm, of which each has one.
///
/// # Errors
/// When it is refused; the audit log knows why.
pub(super) async fn answer(provider: &Provider, request: &TokenRequest<'_>) -> Result<TokenReply, Refusal> {
    let mut known = Known::default();
    let result = dispatch(provider, request, &mut known).await;
    if let Err(refusal) = &result {
        known.refused(provider, &Peer::of(request), refusal).await?;
    }
    result
}

async fn dispatch(
    provider: &Provider,
    request: &TokenRequest<'_>,
    known: &mut Known,
) -> Result<TokenReply, Refusal> {
    let text = request.fields.required("request")?;
    let header = Jws::parse(text).map_err(PrimaryRefusal::Request)?.header;
    match header.alg.as_str() {
        "RS256" => request::redeem(provider, request, text, known).await.map(TokenReply::Json),
        "HS256" => redeem::redeem(provider, request, text, known).await.map(TokenReply::Sealed),
        _ => Err(PrimaryRefusal::Algorithm.into()),
    }
}
