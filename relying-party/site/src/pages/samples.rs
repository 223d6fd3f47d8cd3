//! One sample a page: what tests render. Values that need escaping are in each.

use super::{
    AccountPage, ConfirmPage, ErrorPage, Frame, HomePage, IdentityPage, Notice, PasskeyRow, RegisterPage,
    When,
};
use crate::clock::UnixTime;

impl Frame {
    fn sample(user: Option<&str>, notice: Option<Notice>) -> Self {
        Self { csrf: "csrf-token-of-the-session".to_owned(), user: user.map(str::to_owned), notice }
    }
}

impl HomePage {
    pub(super) fn sample() -> Self {
        Self { frame: Frame::sample(None, Some(Notice::SignedOut)), identities: false }
    }

    pub(super) fn sample_with_identities() -> Self {
        Self { identities: true, ..Self::sample() }
    }
}

impl RegisterPage {
    pub(super) fn sample() -> Self {
        Self { frame: Frame::sample(None, None) }
    }
}

impl ConfirmPage {
    pub(super) fn sample() -> Self {
        Self { frame: Frame::sample(Some("Anna <b>"), None), user_name: "Anna <b>".to_owned() }
    }
}

impl AccountPage {
    pub(super) fn sample() -> Self {
        let frame = Frame::sample(Some("Anna <b>"), Some(Notice::Added));
        let passkeys = vec![PasskeyRow::sample(1), PasskeyRow::sample(2)];
        Self { frame, user_name: "Anna <b>".to_owned(), passkeys }
    }

    pub(super) fn sample_with_one_passkey() -> Self {
        Self { passkeys: vec![PasskeyRow::sample(1)], ..Self::sample() }
    }
}

impl IdentityPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::sample(Some("Anna <b>"), None),
            name: "Anna <b>".to_owned(),
            user_name: Some("anna@<example>.org".to_owned()),
            provider: "id.example.org".to_owned(),
            since: When::new(UnixTime::from_seconds(1_750_000_000)),
        }
    }
}

impl PasskeyRow {
    fn sample(id: i64) -> Self {
        let odd = id % 2 == 1;
        Self {
            id,
            name: format!("\"Key\" <{id}>"),
            device: if odd { "Bitwarden" } else { "Not stated" }.to_owned(),
            aaguid: "d548826e-79b4-db40-a3d8-11116f7e8349".to_owned(),
            backup: "Stays on one device",
            created: When::new(UnixTime::from_seconds(1_750_000_000)),
            last_used: odd.then(|| When::new(UnixTime::from_seconds(1_750_086_400))),
            counter_went_back: !odd,
        }
    }
}

impl ErrorPage {
    pub(super) fn sample() -> Self {
        Self {
            frame: Frame::default(),
            status: 403,
            code: "confirm-first",
            title: "That did not work",
            message: "You signed in <a while> ago.".to_owned(),
        }
    }
}
