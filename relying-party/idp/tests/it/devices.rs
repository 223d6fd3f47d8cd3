//! Devices at the registration service: with keys in files, and with keys in a TPM that is emulated.

mod administration;
mod attestation;
mod freshness;
mod keys;
pub mod machine;
mod registration;

use axum::body::Body;
use axum::http::Request;
use latchkey_idp::domain::{Amr, Authentication, ClientId, TenantId, User, first_party};
use serde_json::{Value, json};

use crate::rig::{Answer, Rig, VERIFIER};

pub const DRS: &str = "urn:ms-drs:enterpriseregistration.windows.net";

/// A rig with what devices ask of it.
impl Rig {
    /// A sign-in with two factors, just now.
    pub fn fresh(&self) -> Authentication {
        let methods = vec![Amr::Pwd, Amr::Otp, Amr::Mfa, Amr::NgcMfa];
        Authentication { methods, ..self.authentication() }
    }

    /// A token of the Linux broker for the registration service, after this sign-in of the rig's user.
    pub async fn drs_token(&self, authentication: Authentication) -> String {
        self.broker_token(&format!("{DRS}/.default"), authentication).await
    }

    /// The same for another user of the tenant, after two factors.
    pub async fn drs_token_of(&self, user: &User) -> String {
        self.drs_token(Authentication { user: user.id, ..self.fresh() }).await
    }

    /// The same for another resource.
    pub async fn broker_token(&self, scope: &str, authentication: Authentication) -> String {
        self.token_in(self.tenant, (first_party::LINUX_BROKER, scope), authentication).await
    }

    /// The same for a user of another tenant.
    pub async fn token_in(
        &self,
        tenant: TenantId,
        (client, scope): (ClientId, &str),
        authentication: Authentication,
    ) -> String {
        let client = client.to_string();
        let scope = format!("openid offline_access {scope}");
        let more = [("client_id", client.as_str()), ("redirect_uri", "http://localhost")];
        let code = self.code_in(tenant, (&scope, &more), authentication).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &client),
            ("code", &code),
            ("redirect_uri", "http://localhost"),
            ("code_verifier", VERIFIER),
        ];
        let answer = self.post(&format!("/{tenant}/oauth2/v2.0/token"), &fields).await.ok();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// Posts JSON, with a token or without.
    pub async fn post_json(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        self.json("POST", path, token, body).await
    }

    /// The same with another method.
    pub async fn json(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// A nonce of the registration service.
    pub async fn drs_nonce(&self) -> String {
        let path = format!("/EnrollmentServer/nonce/{}/?api-version=1.0", self.tenant);
        self.get(&path, None).await.ok()["Value"].as_str().unwrap().to_owned()
    }

    /// The newest entry of the audit log: its action, actor, and reason.
    pub async fn last_audit(&self) -> (String, String, String) {
        let newest = self.provider.newest_audit_entry().await.unwrap();
        let rows = self.provider.audit_entries(newest, 1).await.unwrap();
        let event: Value = serde_json::from_str(&rows[0].record).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&event["action"]), text(&event["actor"]), text(&event["detail"]["reason"]))
    }
}

impl Answer {
    /// The service refused, with this word.
    #[track_caller]
    pub fn denied(&self, status: u16, code: &str) {
        let seen = (self.status, self.body["code"].as_str());
        assert_eq!(seen, (status, Some(code)), "{}", self.body);
        for name in ["ErrorType", "Message", "TraceId", "Time", "message"] {
            assert!(self.body[name].is_string(), "{name}");
        }
    }

    /// The same, and the last row of the audit log says who was refused, and why.
    pub async fn noted(&self, (status, code): (u16, &str), rig: &Rig, (action, actor): (&str, &str)) {
        self.denied(status, code);
        assert_eq!(rig.last_audit().await, (action.to_owned(), actor.to_owned(), code.to_owned()));
    }
}

/// What the policy document says at first.
pub fn default_pin() -> Value {
    json!({
        "MinimumPINLength": 6, "MaximumPINLength": 127, "UppercaseLetters": 0, "LowercaseLetters": 0,
        "SpecialCharacters": 0, "Digits": 1, "History": 0, "Expiration": 0,
    })
}
