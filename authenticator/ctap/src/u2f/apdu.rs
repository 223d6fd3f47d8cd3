//! Command APDUs (ISO/IEC 7816-4:2013 §5.1), in the short and the extended encoding (U2F Raw Message Formats §3.1).

use super::StatusWord;

/// A command as U2F uses it. How long an answer may be is not looked at: over CTAPHID every answer comes whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// The instruction.
    pub(super) instruction: u8,
    /// P1.
    pub(super) p1: u8,
    /// The request data.
    pub(super) data: &'a [u8],
}

impl<'a> Command<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, StatusWord> {
        let ([class, instruction, p1, _p2], body) =
            bytes.split_first_chunk().ok_or(StatusWord::WRONG_LENGTH)?;
        if *class != 0 {
            return Err(StatusWord::CLA_NOT_SUPPORTED);
        }
        let data = data(body).ok_or(StatusWord::WRONG_LENGTH)?;
        Ok(Self { instruction: *instruction, p1: *p1, data })
    }
}

/// What stands between the lengths Lc and Le, either of which may be missing.
fn data(body: &[u8]) -> Option<&[u8]> {
    match body {
        // Neither, or Le alone: short, then extended.
        [] | [_] | [0, _, _] => Some(&[]),
        // Extended: a zero, two bytes of Lc, and after the data none or two bytes of Le. Clients write an Lc of zero, too,
        // which the standard leaves out.
        [0, high, low, rest @ ..] => split(rest, usize::from(u16::from_be_bytes([*high, *low])), &[0, 2]),
        [0, ..] => None,
        // Short: one byte of Lc, and after the data none or one byte of Le.
        [length, rest @ ..] => split(rest, usize::from(*length), &[0, 1]),
    }
}

fn split<'a>(rest: &'a [u8], length: usize, after: &[usize]) -> Option<&'a [u8]> {
    let (data, le) = rest.split_at_checked(length)?;
    after.contains(&le.len()).then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name, a message, and its data or the status word that it gets.
    type Row<'a> = (&'a str, &'a [u8], Result<&'a [u8], StatusWord>);

    #[test]
    fn every_case_of_the_standard_is_read_and_nothing_else() {
        let long = [&[0, 1, 3, 0, 0, 1, 44][..], &[7; 300]].concat();
        let rows: [Row<'_>; 17] = [
            ("case 1", &[0, 3, 0, 0], Ok(&[])),
            ("case 2 short", &[0, 3, 0, 0, 0], Ok(&[])),
            ("case 2 extended", &[0, 3, 0, 0, 0, 0, 0], Ok(&[])),
            ("case 3 short", &[0, 1, 3, 0, 2, 8, 9], Ok(&[8, 9])),
            ("case 4 short", &[0, 1, 3, 0, 2, 8, 9, 0], Ok(&[8, 9])),
            ("case 3 extended", &[0, 1, 3, 0, 0, 0, 2, 8, 9], Ok(&[8, 9])),
            ("case 4 extended", &[0, 1, 3, 0, 0, 0, 2, 8, 9, 0, 0], Ok(&[8, 9])),
            ("no data, as clients write it", &[0, 3, 0, 0, 0, 0, 0, 0, 0], Ok(&[])),
            ("a short Lc of zero", &[0, 3, 0, 0, 0, 0], Err(StatusWord::WRONG_LENGTH)),
            ("more than a short one holds", &long, Ok(&[7; 300])),
            ("no header", &[0, 3, 0], Err(StatusWord::WRONG_LENGTH)),
            ("nothing", &[], Err(StatusWord::WRONG_LENGTH)),
            ("data missing, short", &[0, 1, 3, 0, 3, 8, 9], Err(StatusWord::WRONG_LENGTH)),
            ("data missing, extended", &[0, 1, 3, 0, 0, 0, 3, 8, 9], Err(StatusWord::WRONG_LENGTH)),
            ("too much, short", &[0, 1, 3, 0, 2, 8, 9, 0, 0], Err(StatusWord::WRONG_LENGTH)),
            ("half an Le, extended", &[0, 1, 3, 0, 0, 0, 2, 8, 9, 0], Err(StatusWord::WRONG_LENGTH)),
            ("another class", &[0x80, 3, 0, 0], Err(StatusWord::CLA_NOT_SUPPORTED)),
        ];
        for (name, bytes, expected) in rows {
            assert_eq!(Command::parse(bytes).map(|command| command.data), expected, "{name}");
        }
        let command = Command::parse(&[0, 2, 7, 0]).unwrap();
        assert_eq!((command.instruction, command.p1), (2, 7));
    }
}
