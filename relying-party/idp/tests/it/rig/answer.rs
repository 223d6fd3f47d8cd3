//! Answers of the provider, and what its tokens say.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// The answer is a refusal of this shape.
    #[track_caller]
    pub fn refused(&self, status: u16, error: &str, code: u32) {
        let seen = (self.status, self.body["error"].as_str(), self.body["error_codes"][0].as_u64());
        assert_eq!(seen, (status, Some(error), Some(code.into())), "{}", self.body);
        let description = self.body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert_eq!(self.headers["cache-control"], "no-store");
        for name in ["timestamp", "trace_id", "correlation_id"] {
            assert!(self.body[name].is_string(), "{name}");
        }
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

/// The claims of a token.
pub fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
