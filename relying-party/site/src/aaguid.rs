//! Names for AAGUIDs. A name is what the device says of itself: without attestation nobody vouches for it.

use uuid::{Uuid, uuid};

const NAMES: &[(Uuid, &str)] = &[
    // Ours, minted in authenticator/ctap; repeated here because a relying party knows public numbers, not crates.
    (uuid!("f48e42bc-af5d-4b75-84be-e0d983a2caa5"), "Latchkey (TPM)"),
    (uuid!("06c7892e-47e1-4671-a9d0-5058b77e725c"), "Latchkey (virtual TPM)"),
    (uuid!("f450ac9c-f9fa-4785-9c1a-be0c6d252198"), "Latchkey (software)"),
    // Others that visitors of a demo are likely to bring.
    (uuid!("ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"), "Google Password Manager"),
    (uuid!("fbfc3007-154e-4ecc-8c0b-6e020557d7bd"), "Apple Passwords"),
    (uuid!("adce0002-35bc-c60a-648b-0b25f1f05503"), "Chrome on Mac"),
    (uuid!("08987058-cadc-4b81-b6e1-30de50dcbe96"), "Windows Hello"),
    (uuid!("9ddd1817-af5a-4672-a2b9-3e3dd95000a9"), "Windows Hello"),
    (uuid!("6028b017-b1d4-4c02-b4b3-afcdafc96bb2"), "Windows Hello"),
    (uuid!("bada5566-a7aa-401f-bd96-45619a55120d"), "1Password"),
    (uuid!("d548826e-79b4-db40-a3d8-11116f7e8349"), "Bitwarden"),
];

/// The product name of an AAGUID, if this site knows it.
pub(crate) fn product(aaguid: [u8; 16]) -> Option<&'static str> {
    let aaguid = Uuid::from_bytes(aaguid);
    NAMES.iter().find(|(known, _)| *known == aaguid).map(|(_, name)| *name)
}
