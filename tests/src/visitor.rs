//! A browser without a screen over a real connection: it keeps cookies, reads forms, and follows nothing by itself.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use crate::http::{Answer, Connection, form};

/// A browser with one connection and its cookies.
#[derive(Debug)]
pub struct Visitor<S: Read + Write = TcpStream> {
    /// The connection.
    pub connection: Connection<S>,
    /// What the server set, by name.
    pub cookies: BTreeMap<String, String>,
}

/// A form that is ready to be sent, with the cookies of its browser.
#[derive(Clone, Debug)]
pub struct Form {
    path: String,
    cookies: String,
    body: String,
}

impl Form {
    /// Sends it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn send<S: Read + Write>(&self, connection: &mut Connection<S>) -> io::Result<Answer> {
        connection.send("POST", &self.path, &[("Cookie", &self.cookies)], Some(&self.body))
    }
}

impl<S: Read + Write> Visitor<S> {
    /// A browser that was nowhere yet.
    pub fn new(connection: Connection<S>) -> Self {
        Self { connection, cookies: BTreeMap::new() }
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        let cookies = self.cookie_header();
        let answer = self.connection.get(path, &[("Cookie", &cookies)])?;
        Ok(self.keep(answer))
    }

    /// Posts a form.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let form = Form { path: path.to_owned(), cookies: self.cookie_header(), body: form(fields) };
        let answer = form.send(&mut self.connection)?;
        Ok(self.keep(answer))
    }

    /// Sends the form of the identity provider's page, with these fields besides the hidden ones.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn submit(&mut self, page: &Answer, step: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let form = self.form(page, step, fields);
        let answer = form.send(&mut self.connection)?;
        Ok(self.keep(answer))
    }

    /// The same form, to be sent from anywhere.
    #[must_use]
    pub fn form(&self, page: &Answer, step: &str, fields: &[(&str, &str)]) -> Form {
        let html = page.text();
        let [ctx, token, canary] = ["ctx", "flowToken", "canary"].map(|name| hidden(&html, name));
        let mut all = vec![("ctx", ctx.as_str()), ("flowToken", &token), ("canary", &canary), ("step", step)];
        all.extend_from_slice(fields);
        let action = attribute(&html, "action");
        let absolute = action.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let path = absolute.map(|(_, path)| format!("/{path}")).unwrap_or(action);
        Form { path, cookies: self.cookie_header(), body: form(&all) }
    }

    fn cookie_header(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, answer: Answer) -> Answer {
        let all = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        for (name, value) in all.filter_map(|(_, cookie)| cookie.split(';').next()?.split_once('=')) {
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

/// The value of a hidden field.
#[must_use]
pub fn hidden(html: &str, name: &str) -> String {
    between(html, &format!("name=\"{name}\" value=\""))
}

/// The first value of an attribute.
#[must_use]
pub fn attribute(html: &str, name: &str) -> String {
    between(html, &format!("{name}=\""))
}

fn between(html: &str, start: &str) -> String {
    let found = html.split_once(start).and_then(|(_, rest)| rest.split_once('"'));
    let (value, _) = found.unwrap_or_else(|| panic!("no {start} in {html}"));
    [("&quot;", "\""), ("&#34;", "\""), ("&#38;", "&"), ("&amp;", "&")]
        .iter()
        .fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character))
}
