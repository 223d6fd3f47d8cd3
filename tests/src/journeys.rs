//! What clients and browsers do at our identity provider, as requests.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::http::{Answer, Connection, form, parameter};
use crate::idp::IdpPlace;
use crate::people::{Applications, REDIRECT};
use crate::visitor::Visitor;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A website that signs its users in at a provider.
#[derive(Clone, Debug)]
pub struct Website {
    /// The path of the provider's authorization endpoint.
    pub authorize: String,
    /// The path of its token endpoint.
    pub token: String,
    /// The client ID.
    pub id: String,
    /// The client secret.
    pub secret: String,
    /// What it asks for when it asks for itself.
    pub own_scope: String,
    /// What it asks for when a user is there.
    pub scope: String,
}

impl Website {
    /// The website among these applications.
    #[must_use]
    pub fn new(place: &IdpPlace, applications: &Applications) -> Self {
        let Applications { id, secret, api, .. } = applications.clone();
        Self {
            authorize: format!("/{}/oauth2/v2.0/authorize", place.tenant),
            token: format!("/{}/oauth2/v2.0/token", place.tenant),
            id,
            secret,
            own_scope: format!("{api}/.default"),
            scope: format!("openid profile offline_access {api}/Read"),
        }
    }

    /// The path of its authorization request.
    #[must_use]
    pub fn request(&self) -> String {
        let query = form(&[
            ("client_id", &self.id),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", &self.scope),
            ("state", "state"),
            ("nonce", "nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        format!("{}?{query}", self.authorize)
    }

    /// Posts to the token endpoint as this client.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn tokens<S: Read + Write>(
        &self,
        connection: &mut Connection<S>,
        fields: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let credentials = [("client_id", self.id.as_str()), ("client_secret", &self.secret)];
        connection.post(&self.token, &[], &[&credentials, fields].concat())
    }

    /// Redeems a code.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn redeem(&self, connection: &mut Connection, code: &str) -> io::Result<Answer> {
        let grant = [("grant_type", "authorization_code"), ("code", code)];
        let proofs = [("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)];
        self.tokens(connection, &[grant, proofs].concat())
    }

    /// Renews tokens.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn refresh(&self, connection: &mut Connection, token: &str) -> io::Result<Answer> {
        self.tokens(connection, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// A token for itself.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn own<S: Read + Write>(&self, connection: &mut Connection<S>) -> io::Result<Answer> {
        self.tokens(connection, &[("grant_type", "client_credentials"), ("scope", &self.own_scope)])
    }

    /// Signs a person in with the password, up to the code.
    ///
    /// # Errors
    /// When the connection breaks, or it does not end with a code.
    pub fn sign_in(
        &self,
        visitor: &mut Visitor<TcpStream>,
        name: &str,
        password: &str,
    ) -> io::Result<String> {
        let page = self.password_page(visitor, name)?;
        let page = visitor.submit(&page, "password", &[("passwd", password)])?;
        code(&visitor.submit(&page, "stay", &[("LoginOptions", "3")])?)
    }

    /// The page that asks for a person's password.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn password_page(&self, visitor: &mut Visitor<TcpStream>, name: &str) -> io::Result<Answer> {
        let page = visitor.get(&self.request())?;
        visitor.submit(&page, "user", &[("loginfmt", name)])
    }

    /// A code from the browser's session.
    ///
    /// # Errors
    /// When the connection breaks, or there is no session.
    pub fn code(&self, visitor: &mut Visitor<TcpStream>) -> io::Result<String> {
        code(&visitor.get(&self.request())?)
    }
}

/// The code that an answer sends the browser back with.
///
/// # Errors
/// When there is none.
pub fn code(answer: &Answer) -> io::Result<String> {
    let found = answer.header("location").and_then(|location| parameter(location, "code"));
    found.ok_or_else(|| io::Error::other(format!("no code: {} {}", answer.status, answer.text())))
}
