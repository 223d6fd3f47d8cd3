//! The samples of the logs.

use super::{AdminFrame, CLIENT, when, words};
use crate::pages::admin::{AuditPage, AuditRow, ChainState, Pager, SignInFilter, SignInLogPage, SignInRow};

impl SignInLogPage {
    pub(in crate::pages) fn sample() -> Self {
        let row = |user: &str, code, text: &str| SignInRow {
            time: when(-60),
            user_name: user.to_owned(),
            app: "Field notes <b>".to_owned(),
            address: "2001:db8::17".to_owned(),
            methods: if code == Some(50034) { Vec::new() } else { words(&["pwd", "otp", "mfa"]) },
            code,
            text: text.to_owned(),
            correlation_id: "5a1c1a52-0a44-4b63-9c05-5f0d9c1f2b11".to_owned(),
        };
        Self {
            frame: AdminFrame::sample(None),
            filter: SignInFilter {
                user: "\"<b>".to_owned(),
                app: CLIENT.to_owned(),
                result: "failure".to_owned(),
                ..SignInFilter::default()
            },
            apps: vec![
                ("other".to_owned(), "Payroll".to_owned()),
                (CLIENT.to_owned(), "Field notes <b>".to_owned()),
            ],
            rows: vec![
                row("anna@contoso.example", None, ""),
                row("anna@contoso.example", Some(50126), "The password is wrong."),
                row("<script>alert(1)</script>", Some(50034), "No such <b>user."),
            ],
            pager: Pager { before: Some("?before=1&x=2".to_owned()), after: Some("?after=1&x=2".to_owned()) },
        }
    }
}

impl AuditPage {
    pub(in crate::pages) fn sample() -> Self {
        let row = |number, action: &str, target: &str| AuditRow {
            number,
            time: when(-90),
            actor: "root@contoso.example".to_owned(),
            action: action.to_owned(),
            target: target.to_owned(),
            detail: vec![("until".to_owned(), "2026-01-01 <b>".to_owned())],
            hash: "9f86d081884c".to_owned(),
        };
        Self {
            frame: AdminFrame::sample(None),
            chain: ChainState::Whole { entries: 1_204, checked: when(0) },
            rows: vec![
                row(1204, "Issued a Temporary Access Pass", "Anna <b>Berg"),
                row(1203, "Registered an application", "Field notes & \"drafts\""),
            ],
            pager: Pager { before: None, after: Some("?before=1203".to_owned()) },
        }
    }

    pub(in crate::pages) fn sample_broken() -> Self {
        Self { chain: ChainState::Broken { entry: 17, checked: when(0) }, ..Self::sample() }
    }
}
