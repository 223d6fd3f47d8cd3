//! What brokers send: programs that sign a user in without a browser. They read `$Config` instead of the page, post forms
//! with field names of their own, and make helper calls in JSON (wire reference, sections 1.7 and 1.10). The rules are the same
//! ones: each flow token is good once, the canary belongs to the cookie, and what comes next is decided here.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::flow::{Flow, Next, decoy};
use super::problem::{Failed, Problem, Stop};
use super::reply::{Browser, Outcome};
use super::state::Way;
use super::steps::take_step;
use super::view;
use crate::domain::{Authority, TenantPolicy, UserId};
use crate::oauth::Fields;
use crate::pages::config::{Config, FidoConfig, Helpers, PageId, Problem as PageProblem, UserProof};
use crate::pages::{Notice, NoticeKind};
use crate::provider::Provider;
use crate::storage;

/// The one second factor that brokers' helper calls serve.
const APP_CODE: &str = "PhoneAppOTP";
/// How often a broker polls at most, and how long it waits between, in milliseconds.
const POLLS: (u32, u32) = (60, 1000);
/// `iAllowedIdentities`: accounts of organisations.
const ORGANISATIONS: u32 = 2;
const LONGEST_NAME: usize = 256;

/// What a broker's form is known by, and which step it is.
const MARKS: [(&str, &str); 5] = [
    ("passwd", "password"),
    ("accesspass", "pass"),
    ("assertion", "passkey"),
    ("mfaAuthMethod", "process-auth"),
    ("LoginOptions", "stay"),
];

/// The body of a helper call of the second factor. Brokers write some names with small letters and some with large ones.
#[derive(Deserialize)]
pub struct SecondFactorCall {
    #[serde(rename = "AuthMethodId", default)]
    method: String,
    #[serde(rename = "Ctx", alias = "ctx", default)]
    ctx: String,
    #[serde(rename = "FlowToken", alias = "flowToken", default)]
    flow_token: String,
    #[serde(rename = "AdditionalAuthData", default)]
    data: Option<String>,
}

impl Flow<'_> {
    /// Which step a form without `step` is. Whoever sends such forms is no browser, so nobody could answer whether to stay
    /// signed in.
    pub(super) fn broker_step(&mut self, fields: &Fields) -> Result<&'static str, Failed> {
        let text = |name| fields.optional(name).ok().flatten();
        let step = MARKS.iter().find(|(mark, _)| text(mark).is_some()).map(|(_, step)| *step);
        let step = step.ok_or(Stop::Lost)?;
        if let ("password" | "pass", Some(name)) = (step, text("login").or_else(|| text("loginfmt"))) {
            self.name_for_broker(name)?;
        }
        self.serve_broker();
        Ok(step)
    }

    fn serve_broker(&mut self) {
        self.state.by_broker = true;
        self.state.stay = Some(false);
    }

    /// The name that comes beside a first proof. After one it is whose proof it was.
    fn name_for_broker(&mut self, name: &str) -> Result<(), Failed> {
        if self.state.proved() || self.state.user_name.as_deref() == Some(name.trim()) {
            return Ok(());
        }
        self.name_user(name)
    }

    /// What a page's `$Config` holds beside its form.
    pub(super) fn with_helpers(&self, mut config: Config, page: PageId, notice: Option<&Notice>) -> Config {
        let base = self.provider.settings.public_url();
        let own = format!("{base}/{}", self.segment());
        config.helpers = Helpers {
            credential_type: Some(format!("{base}/common/GetCredentialType")),
            fido_login: self.provider.webauthn.as_ref().map(|_| format!("{own}/fido/get")),
            resume: Some(format!("{base}{}", self.url(None))),
            begin_auth: Some(format!("{base}/common/SAS/BeginAuth")),
            end_auth: Some(format!("{base}/common/SAS/EndAuth")),
            session_state: Some(format!("{base}/common/sessionState")),
            poll_attempts: Some(POLLS.0),
            poll_interval: Some(POLLS.1),
            ..Helpers::default()
        };
        match page {
            PageId::SecondFactor => {
                config.post_url = format!("{base}/common/SAS/ProcessAuth");
                config.proofs = vec![UserProof {
                    method: APP_CODE.to_owned(),
                    data: APP_CODE.to_owned(),
                    display: "Authenticator app".to_owned(),
                    default: true,
                }];
            }
            PageId::Fido => config.fido = self.fido_config(&config.canary),
            PageId::SignIn
            | PageId::StaySignedIn
            | PageId::ProofUp
            | PageId::ChangePassword
            | PageId::Consent
            | PageId::Error => {}
        }
        // Only where the page shows an error: brokers give up at any code on a later page.
        config.problem = notice.filter(|notice| notice.kind == NoticeKind::Error).and_then(|notice| {
            Some(PageProblem::new(notice.code?, notice.text.clone(), notice.text.clone()))
        });
        config
    }

    fn fido_config(&self, canary: &str) -> Option<FidoConfig> {
        let ceremony = self.state.ceremony.as_ref()?;
        let standard = |id: &String| Some(STANDARD.encode(URL_SAFE_NO_PAD.decode(id).ok()?));
        Some(FidoConfig {
            challenge: ceremony.challenge.clone(),
            cross_domain_canary: canary.to_owned(),
            allow_list: ceremony.allowed.iter().filter_map(standard).collect(),
            allowed_identities: ORGANISATIONS,
            enabled: true,
        })
    }
}

/// The answer of an authenticator as browsers write it; a broker's is flat and holds the same members.
pub(super) fn credential(fields: &Fields) -> String {
    let text = |name| fields.optional(name).ok().flatten().unwrap_or_default();
    let flat: Value = match serde_json::from_str(text("assertion")) {
        Ok(flat) => flat,
        Err(_) => return text("credential").to_owned(),
    };
    let member = |name: &str| flat.get(name).cloned().unwrap_or_default();
    json!({
        "id": member("id"),
        "rawId": member("id"),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": member("clientDataJSON"),
            "authenticatorData": member("authenticatorData"),
            "signature": member("signature"),
            "userHandle": member("userHandle"),
        },
    })
    .to_string()
}

/// The page with the passkey challenge (`urlFidoLogin`). Its form has the names of another site's, since the real one is another
/// site's: `serverChallenge` is the flow token, `loginCanary` the canary.
pub async fn fido_page(provider: &Provider, browser: &Browser, fields: &Fields) -> Outcome {
    match try_fido(provider, browser, fields).await {
        Ok(outcome) => outcome,
        Err(stop) => view::stopped(provider, stop, provider.guid()).into(),
    }
}

async fn try_fido(provider: &Provider, browser: &Browser, fields: &Fields) -> Result<Outcome, Stop> {
    let text = |name| fields.optional(name).ok().flatten().unwrap_or_default();
    let form = (text("ctx"), text("serverChallenge"), Some(text("loginCanary")));
    let mut flow = take_step(provider, browser, form).await?;
    let name = text("username");
    if !name.is_empty() {
        match flow.name_for_broker(name) {
            Ok(()) => {}
            Err(Failed::Stop(stop)) => return Err(stop),
            Err(Failed::Again(_) | Failed::Told(_)) => return Err(Stop::Lost),
        }
    }
    flow.serve_broker();
    flow.state.way = Way::Passkey;
    let next = flow.next().await?;
    Ok(view::next_page(&mut flow, next, None).await?.into())
}

/// Begins a second factor. A code of an app needs no beginning, but brokers want one.
pub async fn begin_second_factor(
    provider: &Provider,
    browser: &Browser,
    call: &SecondFactorCall,
    canary: Option<&str>,
) -> Value {
    let Some(canary) = canary else { return lost(provider) };
    let begun = async {
        let flow = take_step(provider, browser, (&call.ctx, &call.flow_token, Some(canary))).await?;
        let asked = matches!(flow.next().await?, Next::Code) && call.method == APP_CODE;
        let outcome = if asked { Ok(()) } else { Err(Problem::Code) };
        answer(&flow, call, outcome).await
    };
    begun.await.unwrap_or_else(|_| lost(provider))
}

/// Ends it: checks the code.
pub async fn end_second_factor(
    provider: &Provider,
    browser: &Browser,
    call: &SecondFactorCall,
    canary: Option<&str>,
) -> Value {
    let ended = async {
        let form = (call.ctx.as_str(), call.flow_token.as_str(), canary);
        let mut flow = take_step(provider, browser, form).await?;
        flow.serve_broker();
        let asked = matches!(flow.next().await?, Next::Code) && call.method == APP_CODE;
        let outcome = if asked {
            flow.code(call.data.as_deref().unwrap_or_default()).await
        } else {
            Err(Failed::Again(Problem::Code))
        };
        match outcome {
            Ok(()) => answer(&flow, call, Ok(())).await,
            Err(Failed::Again(problem)) => answer(&flow, call, Err(problem)).await,
            Err(Failed::Told(_)) => answer(&flow, call, Err(Problem::Code)).await,
            Err(Failed::Stop(stop)) => Err(stop),
        }
    };
    ended.await.unwrap_or_else(|_| lost(provider))
}

/// What a helper call is told, with the token of the next step.
async fn answer(
    flow: &Flow<'_>,
    call: &SecondFactorCall,
    outcome: Result<(), Problem>,
) -> Result<Value, Stop> {
    let token = view::next_token(flow).await?;
    let (result, code, message) = match outcome {
        Ok(()) => ("Success", 0, None),
        Err(Problem::Locked) => ("AuthenticationThrottled", Problem::Locked.code(), Some(Problem::Locked)),
        Err(problem) => ("OathCodeIncorrect", problem.code(), Some(problem)),
    };
    Ok(json!({
        "Success": outcome.is_ok(),
        "ResultValue": result,
        "Message": message.map(|problem| problem.to_string()),
        "AuthMethodId": call.method,
        "ErrCode": code,
        "Retry": matches!(outcome, Err(Problem::Code | Problem::CodeUsed)),
        "FlowToken": token.expose(),
        "Ctx": call.ctx,
        "SessionId": flow.state.correlation,
        "CorrelationId": flow.state.correlation,
        "Timestamp": flow.provider.now().to_text(),
        "Entropy": 0,
    }))
}

/// A call that belongs to no step of this browser's.
fn lost(provider: &Provider) -> Value {
    json!({
        "Success": false,
        "ResultValue": "FlowTokenInvalid",
        "Message": "The sign-in was continued elsewhere, took too long, or was not begun here.",
        "ErrCode": 165_000,
        "Retry": false,
        "Timestamp": provider.now().to_text(),
    })
}

/// What an account can sign in with. Unless its tenant reveals that, every name gets the same answer but for a list of
/// credential IDs, and that is made up for those who have none (R9).
///
/// # Errors
/// When it cannot be found out now.
pub async fn credential_type(provider: &Provider, name: &str) -> Result<Value, storage::Error> {
    let name: String = name.trim().chars().take(LONGEST_NAME).collect();
    let user = provider.database.users().by_upn(&name).await?;
    let user = user.filter(|(user, _)| user.enabled);
    // The same questions for nobody, so that the answer takes as long.
    let id = user.as_ref().map_or(UserId::new(uuid::Uuid::nil()), |(user, _)| user.id);
    let passkeys = provider.database.passkeys().of_user(id).await?;
    let pass = provider.database.passes().of_user(id).await?;
    let mut ids: Vec<_> =
        passkeys.iter().map(|stored| STANDARD.encode(&stored.passkey.credential_id)).collect();
    let passkeys_here = provider.webauthn.is_some();
    if !reveals(provider, &name).await? {
        if ids.is_empty() {
            let made_up = URL_SAFE_NO_PAD.decode(decoy(provider, &name)).unwrap_or_default();
            ids.push(STANDARD.encode(made_up));
        }
        return Ok(described(&name, true, (1, true, passkeys_here, true), &ids));
    }
    let now = provider.now();
    let password = user.as_ref().is_some_and(|(_, password)| password.is_some());
    let passkey = passkeys_here && !ids.is_empty();
    let pass = pass.is_some_and(|pass| pass.starts_at <= now && pass.expires_at > now);
    let preferred = if passkey {
        7
    } else if pass {
        13
    } else {
        1
    };
    Ok(described(&name, user.is_some(), (preferred, password, passkey, pass), &ids))
}

async fn reveals(provider: &Provider, name: &str) -> Result<bool, storage::Error> {
    let Some((_, domain)) = name.rsplit_once('@') else { return Ok(false) };
    let tenant = provider.tenant(&Authority::parse(domain)).await?;
    let policy = tenant.map_or_else(TenantPolicy::default, |tenant| tenant.policy.clone());
    Ok(policy.reveal_accounts)
}

fn described(
    name: &str,
    exists: bool,
    (preferred, password, passkey, pass): (u32, bool, bool, bool),
    ids: &[String],
) -> Value {
    let fido = json!({ "AllowList": ids, "HasCrossDeviceCapablePasskey": true });
    json!({
        "Username": name,
        "Display": name,
        "IfExistsResult": u32::from(!exists),
        "IsUnmanaged": false,
        "ThrottleStatus": 0,
        "Credentials": {
            "PrefCredential": preferred,
            "HasPassword": password,
            "HasFido": passkey,
            "HasAccessPass": pass,
            "HasRemoteNGC": false,
            "RemoteNgcParams": null,
            "FidoParams": passkey.then_some(fido),
            "FederationRedirectUrl": null,
        },
        "EstsProperties": { "DomainType": 3 },
    })
}
