//! The browser of this machine: authorization code, PKCE, loopback redirect (RFC 6749 §4.1, RFC 7636, RFC 8252 §7.3).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use super::loopback::{Loopback, Returned};
use super::metadata::Metadata;
use super::token::{SignedIn, read};
use super::{PATIENCE, SignInError, SignInRequest, Told, Way, browser};
use crate::http::Http;

/// What binds an answer to the request: drawn anew for each sign-in.
struct Drawn {
    verifier: Zeroizing<String>,
    state: Zeroizing<String>,
    nonce: Zeroizing<String>,
}

impl Drawn {
    fn new(rng: &mut dyn CryptoRng) -> Self {
        let mut draw = || {
            let mut bytes = Zeroizing::new([0; 32]);
            rng.fill_bytes(bytes.as_mut());
            Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()))
        };
        Self { verifier: draw(), state: draw(), nonce: draw() }
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

pub(super) async fn sign_in(
    http: &Http,
    request: &SignInRequest<'_>,
    metadata: &Metadata,
    way: Way,
    rng: &mut dyn CryptoRng,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<SignedIn, SignInError> {
    request.allowed.check(http.origin(), &metadata.authorization)?;
    let drawn = Drawn::new(rng);
    let loopback = Loopback::open().await.map_err(SignInError::Listen)?;
    let page = page(request, metadata, &drawn, loopback.redirect_uri());
    if way == Way::Browser {
        browser::open(&page).await?;
        told(Told::Opened);
    } else {
        told(Told::Open(&page));
    }
    let returned = timeout(PATIENCE, loopback.answer(&drawn.state)).await;
    let returned = returned.map_err(|_| SignInError::TooLate)?.map_err(SignInError::Listen)?;
    let code = accepted(returned, metadata)?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", request.purpose.client_id()),
        ("code", code.as_str()),
        ("redirect_uri", loopback.redirect_uri()),
        ("code_verifier", drawn.verifier.as_str()),
        ("resource", request.purpose.resource()),
    ];
    let answer = http.post_form(&metadata.token, &fields).await?;
    read(&answer, request.purpose, metadata, Some(&drawn.nonce))
}

/// The provider's page with the request: who signs in proves two factors anew.
fn page(request: &SignInRequest<'_>, metadata: &Metadata, drawn: &Drawn, redirect_uri: &str) -> Url {
    let mut page = metadata.authorization.clone();
    page.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("response_mode", "query")
        .append_pair("client_id", request.purpose.client_id())
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("resource", request.purpose.resource())
        .append_pair("scope", request.purpose.scope())
        .append_pair("prompt", "login")
        .append_pair("amr_values", "ngcmfa")
        .append_pair("state", &drawn.state)
        .append_pair("nonce", &drawn.nonce)
        .append_pair("code_challenge", &drawn.challenge())
        .append_pair("code_challenge_method", "S256")
        .extend_pairs(request.login_hint.map(|hint| ("login_hint", hint)));
    page
}

/// The code, if the right provider gave it (RFC 9207 §2.4: `iss` is compulsory where it was announced, and it is ours).
fn accepted(returned: Returned, metadata: &Metadata) -> Result<Zeroizing<String>, SignInError> {
    let issuer = returned.issuer.unwrap_or_default();
    if !metadata.is_issuer(&issuer) {
        return Err(SignInError::OtherIssuer(issuer));
    }
    returned.outcome.map_err(|(error, description)| SignInError::Declined { error, description })
}
