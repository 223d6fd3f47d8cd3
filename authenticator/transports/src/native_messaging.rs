//! Frames of a browser's native messaging: a length (4 bytes, the machine's order) and that much JSON.

use std::io::{ErrorKind, Read, Write};

use serde_json::Value;

/// The longest message either way. A browser takes no more from a host; it may send a host 64 MiB, but nothing of ours
/// is that long, so more is refused before memory is taken for it.
pub const LONGEST: usize = 1024 * 1024;

/// Why a message cannot be read or written. After any of these the stream is out of step: close it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A frame above [`LONGEST`].
    #[error("a native message of {0} bytes is too long: at most {LONGEST} are taken")]
    TooLong(usize),
    /// A frame that is not JSON.
    #[error("a native message is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The stream broke, maybe in the middle of a frame.
    #[error("the native messaging stream broke: {0}")]
    Io(#[from] std::io::Error),
}

/// Reads one message; `None` if the browser closed the stream between two.
///
/// # Errors
/// See [`Error`].
pub fn read(from: &mut impl Read) -> Result<Option<Value>, Error> {
    let mut length = [0; 4];
    let (first, rest) = length.split_at_mut(1);
    loop {
        match from.read(first) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    from.read_exact(rest)?;
    let length = usize::try_from(u32::from_ne_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(Error::TooLong(length));
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text)?;
    serde_json::from_slice(&text).map(Some).map_err(Error::NotJson)
}

/// Writes one message and flushes it.
///
/// # Errors
/// See [`Error`].
pub fn write(to: &mut impl Write, message: &Value) -> Result<(), Error> {
    let text = serde_json::to_vec(message).map_err(Error::NotJson)?;
    let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST);
    let length = length.ok_or(Error::TooLong(text.len()))?;
    to.write_all(&length.to_ne_bytes())?;
    to.write_all(&text)?;
    to.flush()?;
    Ok(())
}
