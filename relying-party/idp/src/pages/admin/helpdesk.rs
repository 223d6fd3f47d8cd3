//! The helpdesk: cases that two administrators decide.

use askama::Template;

use super::{AdminFrame, IssuedPass};
use crate::pages::When;
use crate::storage::CaseState;

/// The cases of a tenant. GET with `user` and `device`, which fill the form. POST `…/helpdesk` with `user`, `device` (its name or
/// ID), `reason` opens one; `…/helpdesk/{case}/approve` and `…/helpdesk/{case}/decline` decide it.
#[derive(Debug, Template)]
#[template(path = "admin/helpdesk.html")]
pub struct HelpdeskPage {
    /// What surrounds it.
    pub frame: AdminFrame,
    /// The code of the case that was just approved; shown once.
    pub issued: Option<IssuedPass>,
    /// The cases, newest first.
    pub cases: Vec<CaseRow>,
    /// The user name in the form.
    pub user: String,
    /// The device in the form.
    pub device: String,
    /// The reason in the form.
    pub reason: String,
}

/// A case.
#[derive(Debug)]
pub struct CaseRow {
    /// Its ID.
    pub id: String,
    /// The user name of whose PIN it is.
    pub user: String,
    /// The object ID of whose PIN it is.
    pub user_id: String,
    /// What the device is called, or its ID once it was deleted.
    pub device: String,
    /// Why, in the words of whoever opened it.
    pub reason: String,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened: When,
    /// Who decided, and when.
    pub decided: Option<(String, When)>,
    /// When the case ends, or, once it is approved, its code.
    pub expires: When,
    /// When the code was used.
    pub used: Option<When>,
    /// What became of it.
    pub state: CaseState,
    /// Whether the administrator who looks at it may approve it: nobody approves a case of their own.
    pub approvable: bool,
}

impl CaseRow {
    fn is_open(&self) -> bool {
        self.state == CaseState::Open
    }

    /// What became of it, in a word or two.
    fn title(&self) -> &'static str {
        match self.state {
            CaseState::Open => "Waits for approval",
            CaseState::Expired => "Not decided in time",
            CaseState::Declined => "Refused",
            CaseState::Approved => "Approved",
            CaseState::Unused => "Code not used in time",
            CaseState::Used => "Done",
        }
    }

    /// How the word looks.
    fn kind(&self) -> &'static str {
        match self.state {
            CaseState::Open => "warn",
            CaseState::Expired | CaseState::Unused => "",
            CaseState::Declined => "bad",
            CaseState::Approved | CaseState::Used => "good",
        }
    }
}
