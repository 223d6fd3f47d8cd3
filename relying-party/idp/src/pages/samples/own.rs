//! Samples of the pages on which people look after their own account.

use super::super::*;
use super::USER;

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
