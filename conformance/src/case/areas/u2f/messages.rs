//! The messages themselves: classes, instructions, lengths, `U2F_VERSION`.

use super::wants;
use crate::case::{Case, ensure};
use crate::ctap::u2f::{AUTHENTICATE, Apdu, REGISTER, Reply, VERSION};
use crate::session::Session;

const CLAUSE: &str = "7.2";

pub(super) fn cases() -> Vec<Case> {
    version().into_iter().chain(refusals()).chain(lengths()).collect()
}

fn version() -> Vec<Case> {
    let forms: [(&str, &[u8]); 4] = [
        ("extended", &[0, VERSION, 0, 0, 0, 0, 0]),
        ("without-le", &[0, VERSION, 0, 0]),
        ("short-le", &[0, VERSION, 0, 0, 0]),
        ("any-parameters", &[0, VERSION, 0, 0, 0, 0xFF, 0xFF]),
    ];
    forms
        .into_iter()
        .map(|(id, message)| {
            let must = format!("tell its version to a request {}", id.replace('-', " "));
            Case::new(format!("u2f/version/{id}"), CLAUSE, must, move |session: &mut Session| {
                let reply = session.u2f(message)?;
                wants(&reply, &[Reply::OK])?;
                ensure(reply.data == b"U2F_V2", format!("{:02x?}", reply.data), "U2F_V2")
            })
        })
        .collect()
}

fn refusals() -> Vec<Case> {
    let classes = [0x01, 0x10, 0x80, 0x90, 0xFF].into_iter().flat_map(|class: u8| {
        [("version", VERSION), ("register", REGISTER)].map(move |(name, instruction)| {
            let id = format!("u2f/class/{class:02x}-{name}");
            Case::new(
                id,
                CLAUSE,
                format!("refuse class 0x{class:02x} of {name}"),
                move |session: &mut Session| {
                    let apdu = Apdu { class, ..Apdu::new(instruction, 0, &[]) };
                    let reply = session.u2f(&apdu.extended())?;
                    wants(&reply, &[Reply::CLASS])
                },
            )
        })
    });
    let instructions =
        [0x00, 0x04, 0x05, 0x10, 0x40, 0x7F, 0xBF, 0xC0, 0xFF].into_iter().map(|instruction: u8| {
            let id = format!("u2f/instruction/{instruction:02x}");
            Case::new(
                id,
                CLAUSE,
                format!("refuse the unknown instruction 0x{instruction:02x}"),
                move |session: &mut Session| {
                    let reply = session.u2f(&Apdu::new(instruction, 0, &[]).extended())?;
                    wants(&reply, &[Reply::INSTRUCTION])
                },
            )
        });
    classes.chain(instructions).collect()
}

fn lengths() -> Vec<Case> {
    let register = [0, 1, 32, 63, 65, 128].into_iter().map(|length: usize| {
        let id = format!("u2f/register/length-{length}");
        Case::new(
            id,
            CLAUSE,
            format!("refuse a registration with {length} bytes"),
            move |session: &mut Session| {
                let reply = session.u2f(&Apdu::new(REGISTER, 0, &vec![7; length]).extended())?;
                wants(&reply, &[Reply::WRONG_LENGTH])
            },
        )
    });
    let authenticate = [0, 1, 32, 64].into_iter().map(|length: usize| {
        let id = format!("u2f/authenticate/length-{length}");
        Case::new(
            id,
            CLAUSE,
            format!("refuse an authentication with {length} bytes"),
            move |session: &mut Session| {
                let reply = session.u2f(&Apdu::new(AUTHENTICATE, 0x03, &vec![7; length]).extended())?;
                wants(&reply, &[Reply::WRONG_LENGTH])
            },
        )
    });
    let cut: [(&str, &[u8]); 5] = [
        ("no-header", &[]),
        ("one-byte", &[0]),
        ("three-bytes", &[0, VERSION, 0]),
        ("data-cut", &[0, REGISTER, 0, 0, 0, 0, 64, 1, 2, 3]),
        ("length-cut", &[0, REGISTER, 0, 0, 0, 0]),
    ];
    let cut = cut.into_iter().map(|(id, message)| {
        let must = format!("refuse a message that is broken off: {}", id.replace('-', " "));
        Case::new(format!("u2f/message/{id}"), CLAUSE, must, move |session: &mut Session| {
            match session
                .channel()
                .exchange(crate::target::Command::MSG, message, &mut |_| crate::target::Flow::Wait)
            {
                Err(crate::target::Error::Hid(crate::target::HidError::INVALID_LEN)) => Ok(()),
                Err(error) => Err(error.into()),
                Ok(bytes) => {
                    let status = Reply::parse(&bytes).map(|reply| reply.status);
                    ensure(
                        status == Some(Reply::WRONG_LENGTH),
                        format!("SW {status:04x?}"),
                        "SW 0x6700, or ERR_INVALID_LEN",
                    )
                }
            }
        })
    });
    register.chain(authenticate).chain(cut).collect()
}
