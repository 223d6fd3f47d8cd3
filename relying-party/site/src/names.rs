//! The two texts that users write: their name and the names of their passkeys.

use unicode_normalization::UnicodeNormalization as _;

const LONGEST: usize = 64;

/// A user name as it is shown: NFC, trimmed, 1 to 64 printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserName(String);

/// A user name as it is compared: "Alice", "ALICE" and "Ａｌｉｃｅ" are one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameKey(String);

/// What the user calls one passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PasskeyName(String);

/// Why a text cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("Enter a name.")]
    Empty,
    #[error("This name is too long: use at most 64 characters.")]
    TooLong,
    #[error("This name has a character that cannot be seen. Use letters, digits, spaces and punctuation.")]
    Unprintable,
}

impl UserName {
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        printable(text).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn key(&self) -> NameKey {
        // NFKC folds look-alikes of width and form; lower-casing can denormalise, hence the second pass.
        NameKey(self.0.nfkc().collect::<String>().to_lowercase().nfkc().collect())
    }
}

impl NameKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl PasskeyName {
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        printable(text).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn printable(text: &str) -> Result<String, NameError> {
    // Normalising costs time for each character, so the size of the input is bounded first.
    if text.len() > LONGEST * 16 {
        return Err(NameError::TooLong);
    }
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.chars().any(unprintable) {
        return Err(NameError::Unprintable);
    }
    if text.chars().count() > LONGEST {
        return Err(NameError::TooLong);
    }
    Ok(text)
}

/// Characters that show nothing, reorder the text around them, or mean something only to their author.
fn unprintable(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E000}'..='\u{F8FF}' | '\u{E0000}'..='\u{10FFFF}')
}

#[cfg(test)]
mod tests;
