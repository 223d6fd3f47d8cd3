//! The samples of the pages about PIN resets, their keys, and the helpdesk.

use super::{AdminFrame, when};
use crate::clock::UnixTime;
use crate::pages::admin::{
    CaseRow, HelpdeskPage, IssuedPass, Pager, PinResetFilter, PinResetRow, PinResetsPage, ResetKeyRow,
    ResetKeysPage, ResetRuleRow,
};
use crate::pages::{Notice, ShownSecret};
use crate::pin_reset::keys::State;
use crate::storage::CaseState;

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

impl ResetKeysPage {
    pub(in crate::pages) fn sample() -> Self {
        let key = |number: usize, protocol, place: &str, state| ResetKeyRow {
            kid: format!("{number}aZ-9fQ2c_Kk1pJwT0mVxB7uYhN5sEoDgRiLlXb3W8q"),
            protocol,
            place: place.to_owned(),
            created: when(-900_000),
            last_release: (number != 0).then(|| when(-3_000)),
            state,
        };
        let (tpm, software) = ("In the TPM of the machine", "In software, sealed at rest <b>");
        let retired = State::Retired(UnixTime::from_seconds(1_790_000_000));
        Self {
            frame: AdminFrame::sample(None),
            anchor: "5f".repeat(32),
            keys: vec![
                key(0, "hpke-p256", tpm, State::Current),
                key(1, "blind-p256", software, State::Current),
                key(2, "hpke-p256", software, State::Old),
                key(3, "hpke-p256", software, retired),
            ],
            changeable: true,
        }
    }

    pub(in crate::pages) fn sample_fixed() -> Self {
        Self { changeable: false, ..Self::sample() }
    }
}

impl CaseRow {
    fn sample(number: usize, state: CaseState) -> Self {
        let decided = !matches!(state, CaseState::Open | CaseState::Expired);
        Self {
            id: format!("4b0e0d0c-1111-4222-8333-44444444444{number}"),
            user: "o'neil+<b>@contoso.example".to_owned(),
            user_id: "10000000-0000-4000-8000-000000000001".to_owned(),
            device: "Laptop \"<b>".to_owned(),
            reason: "Called from the \"desk\" <b>phone".to_owned(),
            opened_by: "anna@contoso.example".to_owned(),
            opened: when(-600),
            decided: decided.then(|| ("root@contoso.example".to_owned(), when(-300))),
            expires: when(3_000),
            used: (state == CaseState::Used).then(|| when(-100)),
            state,
            approvable: number != 1,
        }
    }
}

impl HelpdeskPage {
    pub(in crate::pages) fn sample() -> Self {
        let states = [
            CaseState::Open,
            CaseState::Open,
            CaseState::Approved,
            CaseState::Used,
            CaseState::Declined,
            CaseState::Expired,
            CaseState::Unused,
        ];
        Self {
            frame: AdminFrame::sample(Some(Notice::success("Approved: read the code out to the user."))),
            issued: Some(IssuedPass {
                kind: "Helpdesk code",
                recipient: "o'neil+<b>@contoso.example".to_owned(),
                secret: ShownSecret::new("K7RT2-W9X2B-0QF4M-ZZ8N1".to_owned()),
                until: Some(when(3_600)),
            }),
            cases: states.into_iter().enumerate().map(|(at, state)| CaseRow::sample(at, state)).collect(),
            user: "\"<b>".to_owned(),
            device: "\"<b>".to_owned(),
            reason: "\"<b>".to_owned(),
        }
    }

    pub(in crate::pages) fn sample_empty() -> Self {
        let nothing = String::new;
        let frame = AdminFrame::sample(None);
        let (user, device, reason) = (nothing(), nothing(), nothing());
        Self { frame, issued: None, cases: Vec::new(), user, device, reason }
    }
}
