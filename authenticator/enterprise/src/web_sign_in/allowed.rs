//! Which pages a sign-in may lead to: the provider's own, and those that the policy `ConfigureWebSignInAllowedUrls` adds,
//! for providers that send people to somebody else's pages.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::http::Origin;

/// The title of what a person sees instead of a page that is not allowed.
pub const BLOCKED_TITLE: &str = "We can't open that page right now";
/// What an administrator changes to allow it.
const POLICY: &str = "ConfigureWebSignInAllowedUrls";

/// The hosts at which a cloud's sign-in pages are. Who is sent to one of a cloud may be sent on to its others.
const CLOUDS: [&[&str]; 3] = [
    &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "login.live.com"],
    &["login.microsoftonline.us", "login.microsoft.us"],
    &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
];

/// The policy: hosts, separated by semicolons, such as `signin.contoso.com;portal.contoso.com`. `*.contoso.com` stands for
/// the hosts below it, not for `contoso.com` itself. Pages at a host of the list are opened over https only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedUrls(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Host(String),
    Below(String),
}

/// The policy is written wrongly; an administrator must write it anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowedUrlsError {
    /// The best-known mistake.
    #[error(
        "{POLICY} has quotation marks: write the hosts without them, like signin.contoso.com;portal.contoso.com"
    )]
    Quotes,
    /// The other one.
    #[error("{POLICY} separates hosts by semicolons: {0:?} looks like several hosts")]
    Separator(String),
    /// Scheme, port, path, or no host at all.
    #[error(
        "{POLICY}: {0:?} is no host name: write it like signin.contoso.com, without https:// and without a path"
    )]
    NotAHost(String),
    /// A whole top-level domain.
    #[error(
        "{POLICY}: {0:?} would allow a whole top-level domain: name a host, or a suffix like *.contoso.com"
    )]
    TooWide(String),
}

/// A page is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{BLOCKED_TITLE}: {host} is not a page of the identity provider; its administrator can allow it in {POLICY}"
)]
pub struct Blocked {
    /// The page's host, or its scheme where it has none.
    pub host: String,
}

impl AllowedUrls {
    /// Reads the policy. Empty: the provider's own pages only.
    ///
    /// # Errors
    /// When an entry is no host.
    pub fn parse(text: &str) -> Result<Self, AllowedUrlsError> {
        if text.contains(['"', '\'', '\u{201C}', '\u{201D}']) {
            return Err(AllowedUrlsError::Quotes);
        }
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(Entry::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a sign-in at `provider` may lead to `page`: to be asked for every page, frame and redirect.
    ///
    /// # Errors
    /// When it may not.
    pub fn check(&self, provider: &Origin, page: &Url) -> Result<(), Blocked> {
        if page.origin() == provider.url().origin() {
            return Ok(());
        }
        let named = |host: &str| self.0.iter().any(|entry| entry.holds(host));
        let blocked = || Blocked { host: page.host_str().unwrap_or(page.scheme()).to_owned() };
        let Some(Host::Domain(host)) = page.host() else { return Err(blocked()) };
        let https = page.scheme() == "https" && page.port().is_none();
        if https && (named(host) || same_cloud(provider, host)) { Ok(()) } else { Err(blocked()) }
    }
}

fn same_cloud(provider: &Origin, host: &str) -> bool {
    let ours = provider.url().host_str().unwrap_or_default();
    CLOUDS.iter().any(|cloud| cloud.contains(&ours) && cloud.contains(&host))
}

impl Entry {
    fn parse(text: &str) -> Result<Self, AllowedUrlsError> {
        if text.contains([',', ' ', '|']) {
            return Err(AllowedUrlsError::Separator(text.to_owned()));
        }
        let below = text.strip_prefix("*.");
        let name = below.unwrap_or(text);
        // Ports, paths and schemes fail here; internationalised names become what URLs hold.
        let host = match Host::parse(name) {
            Ok(Host::Domain(host)) if !host.contains('*') => host.trim_end_matches('.').to_owned(),
            Ok(_) | Err(_) => return Err(AllowedUrlsError::NotAHost(text.to_owned())),
        };
        match below {
            None => Ok(Self::Host(host)),
            Some(_) if host.contains('.') => Ok(Self::Below(host)),
            Some(_) => Err(AllowedUrlsError::TooWide(text.to_owned())),
        }
    }

    fn holds(&self, host: &str) -> bool {
        match self {
            Self::Host(name) => name == host,
            Self::Below(suffix) => host.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.ends_with('.')),
        }
    }
}

impl fmt::Display for AllowedUrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            match entry {
                Entry::Host(host) => write!(f, "{separator}{host}")?,
                Entry::Below(suffix) => write!(f, "{separator}*.{suffix}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for AllowedUrls {
    type Error = AllowedUrlsError;

    fn try_from(text: String) -> Result<Self, AllowedUrlsError> {
        Self::parse(&text)
    }
}

impl From<AllowedUrls> for String {
    fn from(list: AllowedUrls) -> Self {
        list.to_string()
    }
}
