//! Where a provider takes requests (OIDC Discovery 1.0 §4), in its dialect with a `resource`.

use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::http::{Http, HttpError};

/// The endpoints of one authority: a tenant, or all of them.
#[derive(Debug)]
pub(super) struct Metadata {
    issuer: String,
    /// May be somebody else's, if the list of allowed pages says so.
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) device_authorization: Url,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    device_authorization_endpoint: String,
}

impl Document {
    async fn of(http: &Http, authority: &str) -> Result<Self, HttpError> {
        let mut url = http.origin().at("/");
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend([authority, ".well-known", "openid-configuration"]);
        }
        let document: Self = http.get(&url, None).await?.read()?;
        http.own(&document.issuer)?;
        Ok(document)
    }
}

/// The ID of the tenant that has a domain, such as `example.org`, as the provider's issuer names it.
///
/// # Errors
/// [`HttpError`]; also when the provider names no tenant.
pub async fn tenant_of(http: &Http, domain: &str) -> Result<Uuid, HttpError> {
    let issuer = Document::of(http, domain).await?.issuer;
    let tenant =
        Url::parse(&issuer).ok().and_then(|url| url.path_segments()?.find_map(|part| part.parse().ok()));
    tenant.ok_or_else(|| HttpError::Answer(format!("its issuer for {domain:?} names no tenant")))
}

/// What stands for the tenant in the issuer of an authority that is none.
const TENANT: &str = "{tenantid}";

impl Metadata {
    pub(super) async fn of(http: &Http, tenant: Option<Uuid>) -> Result<Self, HttpError> {
        let authority = tenant.map_or_else(|| "organizations".to_owned(), |tenant| tenant.to_string());
        let document = Document::of(http, &authority).await?;
        let page = Url::parse(&document.authorization_endpoint);
        Ok(Self {
            issuer: document.issuer,
            authorization: page.map_err(|_| HttpError::Answer("its sign-in page is no URL".to_owned()))?,
            token: http.own(&document.token_endpoint)?,
            device_authorization: http.own(&document.device_authorization_endpoint)?,
        })
    }

    /// Whether `issuer` is this authority, or a tenant of it.
    pub(super) fn is_issuer(&self, issuer: &str) -> bool {
        let Some((before, after)) = self.issuer.split_once(TENANT) else { return self.issuer == issuer };
        let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        // One spelling: parsing alone would take braces and capitals, too.
        tenant.is_some_and(|text| text.parse::<Uuid>().is_ok_and(|id| id.to_string() == text))
    }

    #[cfg(test)]
    pub(super) fn for_test(issuer: &str) -> Self {
        let url = Url::parse("https://id.example.org/").unwrap();
        let [authorization, token, device_authorization] = [url.clone(), url.clone(), url];
        Self { issuer: issuer.to_owned(), authorization, token, device_authorization }
    }
}
