//! What the bearer of an access token may know about the user (OIDC Core §5.3).

use serde_json::{Value, json};

use super::bearer::{Sent, check};
use super::error::Refusal;
use crate::domain::ClaimName;
use crate::provider::Provider;
use crate::tokens::pairwise;

/// The claims about the user of an access token.
///
/// # Errors
/// When the token is not good for it.
pub async fn userinfo(provider: &Provider, sent: &Sent<'_>) -> Result<Value, Refusal> {
    let bearer = check(provider, sent).await?;
    let on_behalf = bearer.user_with("openid")?;
    let user = &on_behalf.user;
    // The `sub` of the client's ID token, or clients refuse the answer (OIDC Core §5.3.2).
    let mut claims = json!({ "sub": pairwise(&provider.pairwise_key, user, bearer.client) });
    let of_user = [
        (ClaimName::Name, Some(user.display_name.as_str())),
        (ClaimName::GivenName, user.given_name.as_deref()),
        (ClaimName::FamilyName, user.family_name.as_deref()),
        (ClaimName::PreferredUsername, Some(user.upn.as_str())),
        (ClaimName::Email, user.email.as_deref()),
    ];
    let told = |name: ClaimName| {
        let scoped = name.scope().is_some_and(|scope| on_behalf.scopes.has(scope));
        scoped || on_behalf.grant.asked.userinfo.contains(&name)
    };
    if let Some(claims) = claims.as_object_mut() {
        for (name, value) in of_user.into_iter().filter(|(name, _)| told(*name)) {
            value.map(|value| claims.insert(name.word().to_owned(), value.into()));
        }
    }
    Ok(claims)
}
