//! Samples of the pages on which people look after their own account.

use super::super::*;
use super::{USER, when};

impl WelcomePage {
    pub(in crate::pages) fn sample() -> Self {
        Self { frame: Frame::default(), csrf: Csrf("csrf-token-of-the-browser".to_owned()) }
    }
}

impl WelcomeWaysPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            frame: Frame::sample(None, None),
            flow: Flow::sample(),
            account: Account { user_name: USER.to_owned(), change_url: None },
            display_name: "Anna <b>".to_owned(),
            passkeys: true,
        }
    }
}

impl NewPasskeyPage {
    pub(in crate::pages) fn sample_first() -> Self {
        Self { occasion: Occasion::Welcome, ..Self::sample() }
    }

    pub(in crate::pages) fn sample_own() -> Self {
        Self { occasion: Occasion::Own, ..Self::sample() }
    }
}

impl EnrolmentPage {
    pub(in crate::pages) fn sample_own() -> Self {
        let mut page = Self::sample();
        page.occasion = Occasion::Own;
        page
    }
}

impl ChangePasswordPage {
    pub(in crate::pages) fn sample_first() -> Self {
        Self { occasion: Occasion::Welcome, ask_old: false, ..Self::sample() }
    }
}

impl SecurityPage {
    pub(in crate::pages) fn sample() -> Self {
        let method = |id: &str, name: &str, last_used| OwnMethod {
            id: id.to_owned(),
            name: name.to_owned(),
            created: when(0),
            last_used,
        };
        let device = |id: &str, name: &str, enabled: bool| OwnDevice {
            id: id.to_owned(),
            name: name.to_owned(),
            registered: when(0),
            last_seen: enabled.then(|| when(7200)),
            enabled,
        };
        let reset = |device: &str, tries_only| OwnPinReset {
            device: device.to_owned(),
            time: when(3600),
            address: "2001:db8::7".to_owned(),
            tries_only,
        };
        let session = |id: &str, client: &str, current| OwnSession {
            id: id.to_owned(),
            client: client.to_owned(),
            address: "2001:db8::7".to_owned(),
            started: when(0),
            last_used: when(7200),
            current,
        };
        Self {
            frame: Frame { notice: Some(Notice::success("The passkey is removed.")), ..Frame::default() },
            account: Account { user_name: USER.to_owned(), change_url: None },
            csrf: Csrf("csrf-token-of-the-session".to_owned()),
            passkeys: vec![
                method("6f0e0d0c-1111-4222-8333-444444444444", "Work laptop <b>", Some(when(3600))),
                method("7f0e0d0c-1111-4222-8333-444444444444", "Blue \"security\" key", None),
            ],
            may_make_passkeys: true,
            password: true,
            apps: vec![method("8f0e0d0c-1111-4222-8333-444444444444", "Authenticator app", Some(when(60)))],
            devices: vec![
                device("bf0e0d0c-1111-4222-8333-444444444444", "Laptop <b>", true),
                device("cf0e0d0c-1111-4222-8333-444444444444", "Old \"phone\"", false),
            ],
            pin_resets: vec![reset("Laptop <b>", false), reset("Old \"phone\"", true)],
            sessions: vec![
                session("9f0e0d0c-1111-4222-8333-444444444444", "Firefox on Linux", true),
                session("af0e0d0c-1111-4222-8333-444444444444", "Mallory <b>", false),
            ],
        }
    }

    pub(in crate::pages) fn sample_new() -> Self {
        let mut page = Self {
            passkeys: Vec::new(),
            apps: Vec::new(),
            devices: Vec::new(),
            pin_resets: Vec::new(),
            password: false,
            ..Self::sample()
        };
        page.frame.notice = None;
        page.sessions.truncate(1);
        page
    }
}
