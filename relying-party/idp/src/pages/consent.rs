//! The two questions after authentication: what an application may do, and whether this browser stays signed in.

use askama::Template;

use super::frame::{Account, Flow, Frame};

/// What an application asks for. `step=consent` with `answer=accept` or `answer=decline`, and `everyone=1`.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Who is asked.
    pub account: Account,
    /// The application's name, as its owner wrote it.
    pub application: String,
    /// Who publishes it, when that was verified.
    pub publisher: Option<String>,
    /// The host that the browser goes to afterwards, or the scheme of an app on this device.
    pub destination: String,
    /// What it asks for.
    pub scopes: Vec<ScopeLine>,
    /// Whether the user may answer for the whole organisation.
    pub may_answer_for_everyone: bool,
}

/// A scope in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeLine {
    /// The scope as it was asked for.
    pub scope: String,
    /// What the application may do.
    pub title: String,
    /// What that means.
    pub detail: String,
}

impl ScopeLine {
    /// The words for a scope that every tenant knows, or its name in words of its own.
    #[must_use]
    pub fn of(scope: &str) -> Self {
        // Resource scopes are `https://graph.example/User.Read` or `api://guid/name`; the last part says what is allowed.
        let name = scope.rsplit('/').next().unwrap_or(scope);
        let (title, detail) = match name {
            "openid" => ("Sign you in", "It learns an identifier that is yours in this application only."),
            "profile" => ("See your basic profile", "Your name and your user name."),
            "email" => ("See your e-mail address", "The main address of your account."),
            "address" => ("See your postal address", "None is kept here, so it learns nothing by this."),
            "phone" => ("See your phone number", "None is kept here, so it learns nothing by this."),
            "offline_access" => (
                "Keep access that you have given",
                "Also while you are not using it, until you or an administrator take it back.",
            ),
            "User.Read" => ("Sign you in and read your profile", "What your organisation keeps about you."),
            "User.ReadBasic.All" => {
                ("Read everybody's basic profile", "Names and addresses in your organisation.")
            }
            "User.Read.All" => ("Read everybody's full profile", "Of all people in your organisation."),
            "Directory.Read.All" => {
                ("Read the directory", "People, groups and applications of your organisation.")
            }
            "user_impersonation" => ("Act for you", "With the rights that you have in that service."),
            ".default" => ("Do what it was set up for", "The permissions that its owner registered."),
            _ => {
                return Self {
                    scope: scope.to_owned(),
                    title: format!("Use “{name}”"),
                    detail: asked_of(scope, name),
                };
            }
        };
        Self { scope: scope.to_owned(), title: title.to_owned(), detail: detail.to_owned() }
    }

    /// A scope of a registered application, in its owner's words.
    #[must_use]
    pub fn registered(scope: &str, title: &str, detail: &str) -> Self {
        Self { scope: scope.to_owned(), title: title.to_owned(), detail: detail.to_owned() }
    }
}

fn asked_of(scope: &str, name: &str) -> String {
    match scope.strip_suffix(name).map(|resource| resource.trim_end_matches('/')) {
        Some(resource) if !resource.is_empty() => format!("A permission of {resource}."),
        _ => "A permission that has no description. Ask its owner what it means.".to_owned(),
    }
}

/// Whether this browser stays signed in. `step=stay` with `LoginOptions=1` (yes) or `LoginOptions=3` (no), and
/// `DontShowAgain=1`.
#[derive(Debug, Template)]
#[template(path = "stay-signed-in.html")]
pub struct StaySignedInPage {
    /// What surrounds it.
    pub frame: Frame,
    /// The hidden fields.
    pub flow: Flow,
    /// Who is signed in.
    pub account: Account,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_scopes_have_words_with_and_without_resource() {
        let plain = ScopeLine::of("User.Read");
        let full = ScopeLine::of("https://graph.example/User.Read");
        assert_eq!((plain.title, plain.detail), (full.title, full.detail));
        assert_eq!(full.scope, "https://graph.example/User.Read");
    }

    #[test]
    fn unknown_scopes_keep_their_name() {
        let line = ScopeLine::of("api://notes/Notes.Write");
        assert_eq!(
            (line.title.as_str(), line.detail.as_str()),
            ("Use “Notes.Write”", "A permission of api://notes.")
        );
        assert_eq!(ScopeLine::of("<b>").title, "Use “<b>”");
        assert!(ScopeLine::of("").title.starts_with("Use"));
    }
}
