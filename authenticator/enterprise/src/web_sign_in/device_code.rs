//! A browser somewhere else: a code that is shown here and typed there (RFC 8628).

use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;
use url::Url;

use super::metadata::Metadata;
use super::token::{SignedIn, read};
use super::{SignInError, SignInRequest, Told};
use crate::http::{Http, HttpError, Refused, printable};
use crate::secret::Secret;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How much longer is waited between tries after `slow_down` (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Codes {
    user_code: String,
    device_code: Secret,
    verification_uri: String,
    #[serde(deserialize_with = "crate::wire::number")]
    expires_in: u64,
    #[serde(deserialize_with = "crate::wire::number", default = "usual_interval")]
    interval: u64,
}

const fn usual_interval() -> u64 {
    5
}

pub(super) async fn sign_in(
    http: &Http,
    request: &SignInRequest<'_>,
    metadata: &Metadata,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<SignedIn, SignInError> {
    let purpose = request.purpose;
    let fields = [
        ("client_id", purpose.client_id()),
        ("resource", purpose.resource()),
        ("scope", purpose.scope()),
        ("amr_values", "ngcmfa"),
    ];
    let codes: Codes = http.post_form(&metadata.device_authorization, &fields).await?.read()?;
    let page = Url::parse(&codes.verification_uri)
        .map_err(|_| HttpError::Answer("the page for the code is no URL".to_owned()))?;
    request.allowed.check(http.origin(), &page)?;
    let lifetime = Duration::from_secs(codes.expires_in);
    told(Told::Code { page: &page, code: &printable(&codes.user_code), lifetime });
    let mut interval = Duration::from_secs(codes.interval.clamp(1, 60));
    let mut waited = Duration::ZERO;
    while waited < lifetime {
        sleep(interval).await;
        waited += interval;
        let fields =
            [("grant_type", GRANT), ("client_id", purpose.client_id()), ("code", codes.device_code.expose())];
        let answer = http.post_form(&metadata.token, &fields).await?;
        if answer.status() == 200 {
            return read(&answer, purpose, metadata, None);
        }
        match not_yet(answer.refusal())? {
            Wait::AsBefore => {}
            Wait::Longer => interval += SLOWER,
        }
    }
    Err(SignInError::TooLate)
}

enum Wait {
    AsBefore,
    Longer,
}

/// Whether the person may still come (RFC 8628 §3.5).
fn not_yet(refused: Refused) -> Result<Wait, SignInError> {
    match refused.error.as_str() {
        "authorization_pending" => Ok(Wait::AsBefore),
        "slow_down" => Ok(Wait::Longer),
        "expired_token" | "code_expired" => Err(SignInError::TooLate),
        "access_denied" | "authorization_declined" => {
            Err(SignInError::Declined { error: refused.error, description: refused.description })
        }
        _ => Err(refused.into()),
    }
}
