//! What follows a change: the page that says what was done, or at once the page and why not.

use axum::response::Response;

use super::super::sign_in::see_other;
use super::gate::Seat;
use crate::administration::Refused;
use crate::pages::Notice;

/// What was done. Its word goes through the address, so it is one of these and no text of anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Saved,
    Enabled,
    Disabled,
    Promoted,
    Demoted,
    Deleted,
    Removed,
    Added,
    Revoked,
    Withdrawn,
    Checked,
    DeviceEnabled,
    DeviceDisabled,
    CaseOpened,
    CaseDeclined,
    KeysRotated,
    KeyRetired,
}

impl Done {
    const ALL: [Self; 17] = [
        Self::Saved,
        Self::Enabled,
        Self::Disabled,
        Self::Promoted,
        Self::Demoted,
        Self::Deleted,
        Self::Removed,
        Self::Added,
        Self::Revoked,
        Self::Withdrawn,
        Self::Checked,
        Self::DeviceEnabled,
        Self::DeviceDisabled,
        Self::CaseOpened,
        Self::CaseDeclined,
        Self::KeysRotated,
        Self::KeyRetired,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Promoted => "promoted",
            Self::Demoted => "demoted",
            Self::Deleted => "deleted",
            Self::Removed => "removed",
            Self::Added => "added",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::Checked => "checked",
            Self::DeviceEnabled => "device-enabled",
            Self::DeviceDisabled => "device-disabled",
            Self::CaseOpened => "case-opened",
            Self::CaseDeclined => "case-declined",
            Self::KeysRotated => "keys-rotated",
            Self::KeyRetired => "key-retired",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Saved => "Saved.",
            Self::Enabled => "The account can be used again.",
            Self::Disabled => "The account is disabled, and signed out everywhere.",
            Self::Promoted => "The user is an administrator now.",
            Self::Demoted => "The user is no administrator any more.",
            Self::Deleted => "Deleted.",
            Self::Removed => "Removed.",
            Self::Added => "Added.",
            Self::Revoked => "Revoked: the sign-in ends at once, tokens within the hour.",
            Self::Withdrawn => "Withdrawn.",
            Self::Checked => "The whole log was checked.",
            Self::DeviceEnabled => "The device can be used again.",
            Self::DeviceDisabled => {
                "The device is disabled: it signs nobody in, and what was given on it is revoked."
            }
            Self::CaseOpened => "The case is open: another administrator approves it within an hour.",
            Self::CaseDeclined => "The case is refused.",
            Self::KeysRotated => "The keys are rotated: devices wrap again when they are next unlocked.",
            Self::KeyRetired => "The key is retired, and its private half destroyed.",
        }
    }

    /// The notice of an address.
    pub(super) fn notice(word: Option<&str>) -> Option<Notice> {
        let done = Self::ALL.into_iter().find(|done| Some(done.word()) == word)?;
        Some(Notice::success(done.sentence()))
    }
}

/// Ends a POST: goes to `path`, or shows `page` with the reason why not.
pub(super) async fn after<F>(
    seat: &Seat,
    result: Result<Done, Refused>,
    path: &str,
    page: impl FnOnce(Notice, u16) -> F,
) -> Response
where
    F: Future<Output = Result<Response, Refused>>,
{
    match result {
        Ok(done) => see_other(&format!("{path}?done={}", done.word())),
        Err(refused) => again(seat, refused, page).await,
    }
}

/// Shows a page with the reason why something was not done; where the page itself is gone, only the reason.
pub(super) async fn again<F>(seat: &Seat, refused: Refused, page: impl FnOnce(Notice, u16) -> F) -> Response
where
    F: Future<Output = Result<Response, Refused>>,
{
    refused.report();
    let status = refused.status();
    if status == 503 {
        return seat.refuse(&refused);
    }
    match page(Notice::error(refused.to_string(), None), status).await {
        Ok(response) => response,
        Err(gone) => seat.refuse(&gone),
    }
}
