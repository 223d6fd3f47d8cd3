//! The `$Config` object in a sign-in page: what brokers read instead of the HTML (idp-wire §1.7).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::frame::Flow;

const OPEN: &str = "<script type=\"text/javascript\">";
const CLOSE: &str = "</script>";

/// Which page a broker is looking at (`pgid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum PageId {
    /// The user name, the password or the Temporary Access Pass is asked for.
    #[serde(rename = "ConvergedSignIn")]
    SignIn,
    /// A second factor is asked for.
    #[serde(rename = "ConvergedTFA")]
    SecondFactor,
    /// A passkey is asked for.
    #[serde(rename = "ConvergedFido")]
    Fido,
    /// Whether to stay signed in is asked.
    #[serde(rename = "KmsiInterrupt")]
    StaySignedIn,
    /// A second factor must be enrolled.
    #[serde(rename = "ConvergedProofUpRedirect")]
    ProofUp,
    /// The password must be changed.
    #[serde(rename = "ConvergedChangePassword")]
    ChangePassword,
    /// Consent is asked for.
    #[serde(rename = "ConvergedConsent")]
    Consent,
    /// The sign-in ended with an error.
    #[serde(rename = "ConvergedError")]
    Error,
}

/// The object. `sessionId` and `canary` must always be there; the rest is there where it has a meaning.
#[derive(Clone, Serialize)]
pub struct Config {
    /// The sign-in's session.
    #[serde(rename = "sessionId")]
    pub session_id: String,
    /// The CSRF token.
    pub canary: String,
    /// The request's correlation ID.
    #[serde(rename = "correlationId")]
    pub correlation_id: String,
    /// Which page this is.
    #[serde(rename = "pgid")]
    pub page: PageId,
    /// The step of the sign-in.
    #[serde(rename = "sFT")]
    pub flow_token: String,
    /// The form field of the step.
    #[serde(rename = "sFTName")]
    flow_token_name: &'static str,
    /// The sign-in.
    #[serde(rename = "sCtx")]
    pub ctx: String,
    /// The form field of the CSRF token.
    #[serde(rename = "sCanaryTokenName")]
    canary_name: &'static str,
    /// Where forms go; absolute.
    #[serde(rename = "urlPost")]
    pub post_url: String,
    /// Where a broker's helper calls go.
    #[serde(flatten)]
    pub helpers: Helpers,
    /// What a passkey answer needs.
    #[serde(flatten)]
    pub fido: Option<FidoConfig>,
    /// The second factors of the account.
    #[serde(rename = "arrUserProofs", skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<UserProof>,
    /// Why this page shows an error. Absent on success pages: brokers fail on any error code in a later page.
    #[serde(flatten)]
    pub problem: Option<Problem>,
    /// The single-sign-on nonce.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bsso: Option<BrowserSso>,
}

/// Addresses and numbers of the helper calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Helpers {
    /// Which credentials an account has.
    #[serde(rename = "urlGetCredentialType", skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<String>,
    /// The passkey page.
    #[serde(rename = "urlFidoLogin", skip_serializing_if = "Option::is_none")]
    pub fido_login: Option<String>,
    /// Back into the sign-in, with GET.
    #[serde(rename = "urlResume", skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// Starts a second factor.
    #[serde(rename = "urlBeginAuth", skip_serializing_if = "Option::is_none")]
    pub begin_auth: Option<String>,
    /// Ends or polls a second factor.
    #[serde(rename = "urlEndAuth", skip_serializing_if = "Option::is_none")]
    pub end_auth: Option<String>,
    /// Polls a sign-in by phone.
    #[serde(rename = "urlSessionState", skip_serializing_if = "Option::is_none")]
    pub session_state: Option<String>,
    /// Sends a sign-in to the phone.
    #[serde(rename = "urlGetOneTimeCode", skip_serializing_if = "Option::is_none")]
    pub one_time_code: Option<String>,
    /// Past the enrolment, while it may still be postponed.
    #[serde(rename = "urlSkipMfaRegistration", skip_serializing_if = "Option::is_none")]
    pub skip_enrolment: Option<String>,
    /// How often a broker polls at most.
    #[serde(rename = "iMaxPollAttempts", skip_serializing_if = "Option::is_none")]
    pub poll_attempts: Option<u32>,
    /// How long it waits between, in milliseconds.
    #[serde(rename = "iPollingInterval", skip_serializing_if = "Option::is_none")]
    pub poll_interval: Option<u32>,
}

/// What a passkey answer needs. The challenge that an authenticator signs is the UTF-8 text of `challenge`.
#[derive(Clone, Debug, Serialize)]
pub struct FidoConfig {
    /// `sFidoChallenge`.
    #[serde(rename = "sFidoChallenge")]
    pub challenge: String,
    /// `sCrossDomainCanary`.
    #[serde(rename = "sCrossDomainCanary")]
    pub cross_domain_canary: String,
    /// Credential IDs in standard base64.
    #[serde(rename = "arrFidoAllowList")]
    pub allow_list: Vec<String>,
    /// `iAllowedIdentities`.
    #[serde(rename = "iAllowedIdentities")]
    pub allowed_identities: u32,
    /// Whether passkeys are offered.
    #[serde(rename = "fIsPasskeySupportEnabled")]
    pub enabled: bool,
}

/// A second factor of the account.
#[derive(Clone, Debug, Serialize)]
pub struct UserProof {
    /// For example `PhoneAppOTP`.
    #[serde(rename = "authMethodId")]
    pub method: String,
    /// The method's own data.
    pub data: String,
    /// What the user recognises it by.
    pub display: String,
    /// Whether it is asked for first.
    #[serde(rename = "isDefault")]
    pub default: bool,
}

/// Why the page shows an error.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// The AADSTS number.
    #[serde(rename = "iErrorCode")]
    pub code: u32,
    /// The same as text.
    #[serde(rename = "sErrorCode")]
    code_text: String,
    /// What the user reads.
    #[serde(rename = "sErrTxt")]
    pub text: String,
    /// What support reads.
    #[serde(rename = "strServiceExceptionMessage")]
    pub detail: String,
}

impl Problem {
    /// The problem with this AADSTS number.
    #[must_use]
    pub fn new(code: u32, text: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code, code_text: code.to_string(), text: text.into(), detail: detail.into() }
    }
}

/// The single-sign-on nonce.
#[derive(Clone, Debug, Serialize)]
pub struct BrowserSso {
    /// For the next `x-ms-RefreshTokenCredential`.
    pub nonce: String,
}

impl Config {
    /// The object of a page, without helpers, passkey data or problem.
    #[must_use]
    pub fn new(page: PageId, flow: &Flow, session_id: String, correlation_id: String) -> Self {
        Self {
            session_id,
            canary: flow.canary.clone(),
            correlation_id,
            page,
            flow_token: flow.flow_token.clone(),
            flow_token_name: "flowToken",
            ctx: flow.ctx.clone(),
            canary_name: "canary",
            post_url: flow.action.clone(),
            helpers: Helpers::default(),
            fido: None,
            proofs: Vec::new(),
            problem: None,
            bsso: None,
        }
    }

    /// The script element, framed as brokers expect it: they read from `$Config=` to the last `//]]>` less two characters.
    #[must_use]
    pub fn script(&self) -> String {
        format!("{OPEN}{}{CLOSE}", self.content())
    }

    /// The CSP source of the script. A hash and not a nonce, so that the element stays as brokers know it.
    #[must_use]
    pub fn script_hash(&self) -> String {
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(self.content())))
    }

    fn content(&self) -> String {
        format!("//<![CDATA[\n$Config={};\n//]]>", self.json())
    }

    /// The characters that could end the script element stand in JSON only inside of strings, where an escape means the same.
    fn json(&self) -> String {
        // Texts, numbers and lists always serialise; a page without data is what would be left otherwise.
        let json = serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned());
        let mut escaped = String::with_capacity(json.len() + 32);
        for letter in json.chars() {
            match letter {
                '&' => escaped.push_str("\\u0026"),
                '<' => escaped.push_str("\\u003c"),
                '>' => escaped.push_str("\\u003e"),
                '\u{2028}' => escaped.push_str("\\u2028"),
                '\u{2029}' => escaped.push_str("\\u2029"),
                other => escaped.push(other),
            }
        }
        escaped
    }
}

/// Tokens stay out of logs.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Config");
        debug.field("page", &self.page).field("correlation_id", &self.correlation_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
