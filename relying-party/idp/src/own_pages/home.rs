//! The start page: who is signed in, and where to go from here.

use crate::pages::{Csrf, Frame, HomePage};
use crate::provider::Provider;
use crate::sign_in::{Browser, Destination, Outcome, Reply, SignedIn, visitor};

/// The start page.
pub async fn home(provider: &Provider, browser: &Browser) -> Outcome {
    match visitor(provider, browser).await {
        Ok(visitor) => page(visitor.as_ref()).into(),
        Err(outcome) => outcome,
    }
}

fn page(visitor: Option<&SignedIn>) -> Reply {
    let administrator = visitor.is_some_and(|signed_in| signed_in.user.administrator);
    let page = HomePage {
        frame: Frame::default(),
        user_name: visitor.map(|signed_in| signed_in.user.upn.clone()),
        csrf: visitor.map_or_else(Csrf::default, SignedIn::csrf),
        sign_in_url: "/signin".to_owned(),
        sign_out_url: "/common/oauth2/v2.0/logout".to_owned(),
        security_url: visitor.is_some().then(|| Destination::Security.path().to_owned()),
        admin_url: administrator.then(|| Destination::Administration.path().to_owned()),
        device_url: "/devicelogin".to_owned(),
        discovery_url: "/common/v2.0/.well-known/openid-configuration".to_owned(),
    };
    Reply::page(&page, &page.frame.policy())
}
