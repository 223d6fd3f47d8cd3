//! Signing in at the provider's pages, as the person at the terminal sees it.

use latchkey_enterprise::flows::Site;
use latchkey_enterprise::http::Http;
use latchkey_enterprise::policy::{LocalPolicy, resolve};
use latchkey_enterprise::web_sign_in::{Purpose, SignInRequest, SignedIn, Told, Way, sign_in};
use serde_json::json;

use crate::clock;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;

/// Somebody signs in to join this machine; who, the provider says.
pub async fn anybody(
    http: &Http,
    files: &[LocalPolicy],
    way: Way,
    output: &Output,
) -> Result<SignedIn, Failure> {
    let allowed = resolve(None, files).policy.allowed_urls;
    let request = SignInRequest {
        purpose: Purpose::DeviceRegistration,
        tenant: None,
        login_hint: None,
        allowed: &allowed,
    };
    Ok(sign_in(http, &request, way, &mut clock::rng(), &mut |told| tell(output, told)).await?)
}

/// The user of this machine signs in at their tenant.
pub async fn user(site: &Site<'_>, purpose: Purpose, way: Way, output: &Output) -> Result<SignedIn, Failure> {
    let facts = &site.view().facts;
    let policy = site.policy();
    let request = SignInRequest {
        purpose,
        tenant: facts.provider.tenant.parse().ok(),
        login_hint: Some(&facts.user.upn),
        allowed: &policy.allowed_urls,
    };
    let signed_in =
        sign_in(site.http(), &request, way, &mut clock::rng(), &mut |told| tell(output, told)).await?;
    if signed_in.person.object.to_string() != facts.user.object {
        let text = format!(
            "{} signed in, but this machine is {}'s; nothing was done",
            signed_in.person.user_name, facts.user.upn
        );
        return Err(Failure::new(FailureKind::Refused, text));
    }
    Ok(signed_in)
}

fn tell(output: &Output, told: Told<'_>) {
    match told {
        Told::Opened => {
            output.progress(&json!({ "opened": true }), "Sign in in the browser that has just opened.");
        }
        Told::Open(page) => {
            output.progress(&json!({ "open": page.as_str() }), &format!("Sign in at this page: {page}"));
        }
        Told::Code { page, code, lifetime } => output.progress(
            &json!({ "page": page.as_str(), "code": code, "seconds": lifetime.as_secs() }),
            &format!("Open {page} in any browser, and type the code {code}"),
        ),
    }
}
