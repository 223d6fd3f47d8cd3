//! What is measured at either provider, one journey each; whatever is refused ends the bench.

use std::io::{Read, Write};

use latchkey_tests::http::{Answer, Connection};
use latchkey_tests::journeys::Website;
use latchkey_tests::visitor::Visitor;
use serde_json::Value;

/// Where a provider is, beside what its clients know.
#[derive(Clone, Debug)]
pub struct Provider {
    pub port: u16,
    pub userinfo: String,
    pub discovery: String,
    pub keys: String,
}

impl Provider {
    pub fn connect(&self) -> Connection {
        Connection::open(self.port).expect("it listens")
    }

    pub fn userinfo(&self, connection: &mut Connection, bearer: &str) {
        given(connection.get(&self.userinfo, &[("Authorization", bearer)]));
    }
}

/// A token for the client itself.
pub fn own<S: Read + Write>(website: &Website, connection: &mut Connection<S>) {
    given(website.own(connection));
}

/// Tokens from the browser's session, by a code.
pub fn tokens(website: &Website, visitor: &mut Visitor) -> Value {
    let code = website.code(visitor).expect("a code");
    given(website.redeem(&mut visitor.connection, &code)).json()
}

/// Tokens for a refresh token: the next one.
pub fn refresh(website: &Website, connection: &mut Connection, token: &str) -> String {
    let tokens = given(website.refresh(connection, token)).json();
    assert!(tokens["id_token"].is_string(), "two signatures are measured");
    text(&tokens["refresh_token"])
}

/// Whatever is there for everyone.
pub fn fetch(connection: &mut Connection, path: &str) {
    given(connection.get(path, &[]));
}

pub fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn given(answer: std::io::Result<Answer>) -> Answer {
    let answer = answer.expect("it answers");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}
