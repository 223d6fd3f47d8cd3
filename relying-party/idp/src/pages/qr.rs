//! A QR code for an inline SVG element: nothing to load, so nothing for a policy to allow.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Modules of quiet zone on each side (ISO/IEC 18004 §5.3.8).
const QUIET: usize = 4;

/// What `part/qr.html` draws: dark on light in either colour scheme, as many cameras do not read it the other way round.
/// It holds what it encodes, so it has no `Debug`.
pub struct QrPicture {
    /// Width and height in modules, with the quiet zone.
    pub side: usize,
    /// The dark modules, as SVG path data.
    pub path: String,
}

impl QrPicture {
    /// The code of `text`; `None` where the text is too long for one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, colours) in code.to_colors().chunks(width).enumerate() {
            let mut column = 0;
            for run in colours.chunk_by(PartialEq::eq) {
                if run.first() == Some(&Color::Dark) {
                    let (x, y, length) = (column + QUIET, row + QUIET, run.len());
                    // Writing to a string cannot fail.
                    let _ = write!(path, "M{x} {y}h{length}v1h-{length}z");
                }
                column += run.len();
            }
        }
        Some(Self { side: width + 2 * QUIET, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawn_modules_are_the_code() {
        let text = "otpauth://totp/Latchkey:anna?secret=JBSWY3DPEHPK3PXP";
        let picture = QrPicture::of(text).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let width = code.width();
        assert_eq!(picture.side, width + 8);
        let mut drawn = vec![Color::Light; width * width];
        for run in picture.path.split('z').filter(|run| !run.is_empty()) {
            let mut numbers = run
                .split(|letter: char| !letter.is_ascii_digit())
                .filter_map(|number| number.parse::<usize>().ok());
            let (x, y, length) = (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
            for column in x..x + length {
                drawn[(y - QUIET) * width + column - QUIET] = Color::Dark;
            }
        }
        assert!(drawn == code.to_colors());
    }

    #[test]
    fn a_text_that_fits_no_code_gives_none() {
        assert!(QrPicture::of(&"x".repeat(5000)).is_none());
    }
}
