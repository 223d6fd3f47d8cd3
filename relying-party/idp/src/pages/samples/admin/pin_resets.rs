//! The samples of the page about PIN resets.

use super::{AdminFrame, when};
use crate::pages::admin::{Pager, PinResetFilter, PinResetRow, PinResetsPage, ResetRuleRow};

impl PinResetsPage {
    pub(in crate::pages) fn sample() -> Self {
        let row = |purpose, code: Option<&str>| PinResetRow {
            time: when(-60),
            user: "o'neil+<b>@contoso.example".to_owned(),
            device: "Laptop \"<b>".to_owned(),
            purpose,
            address: "2001:db8::17".to_owned(),
            code: code.map(str::to_owned),
            trace: "5a1c1a52-0a44-4b63-9c05-5f0d9c1f2b11".to_owned(),
        };
        Self {
            frame: AdminFrame::sample(None),
            enabled: true,
            filter: PinResetFilter { user: "\"<b>".to_owned(), ..PinResetFilter::default() },
            rows: vec![row("New PIN", None), row("More tries", None), row("New PIN", Some("mfa_stale"))],
            pager: Pager { before: None, after: Some("?user=x&after=1".to_owned()) },
            rules: vec![
                ResetRuleRow { kind: "group", name: "Field <b>staff".to_owned(), allowed: true },
                ResetRuleRow { kind: "user", name: "o'neil+<b>@contoso.example".to_owned(), allowed: false },
            ],
        }
    }

    pub(in crate::pages) fn sample_empty() -> Self {
        Self {
            frame: AdminFrame::sample(None),
            enabled: false,
            filter: PinResetFilter::default(),
            rows: Vec::new(),
            pager: Pager::default(),
            rules: Vec::new(),
        }
    }
}
