use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// A row of WebAuthn Level 3's vectors for `prf` over `hmac-secret`.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) inputs: usize,
    shared_secret: &'static str,
    pub(crate) salts: &'static str,
    salt_enc: &'static str,
    pub(crate) outputs: &'static str,
    pub(crate) output_enc: &'static str,
}

const PLATFORM_PRIVATE_KEY: &str = "0971bc7fb1be48270adcd3d9a5fc15d5fb0f335b3071ff36a54c007fa6c76514";
const AUTHENTICATOR_X: &str = "a30522c2de402b561965c3cf949a1cab020c6f6ea36fcf7e911ac1a0f1515300";
const AUTHENTICATOR_Y: &str = "9961a929abdb2f42e6566771887d41484d889e735e3248518a53112d2b915f00";

impl Vector {
    pub(crate) const ALL: [Self; 3] = [
        Self {
            name: "one input, protocol two",
            protocol: Protocol::Two,
            inputs: 1,
            shared_secret: "0c63083de8170101d38bcf8bd72309568ddb4550867e23404b35d85712f7c20d8bc911ee23c06034cbc14290b9669bec07739053c5a416e313ef905c79955876",
            salts: "527413ebb48293772df30f031c5ac4650c7de14bf9498671ae163447b6a772b3",
            salt_enc: "23dde5e3462daf36559b85c4ac5f9656aa9bfd81c1dc2bf8533c8b9f3882854786b4f500e25b4e3d81f7fc7c74236229",
            outputs: "3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77fae",
            output_enc: "3bfaa48f7952330d63e35ff8cd5bca48d2a12823828915749287256ab146272f9fb437bf65691243c3f504bd7ea6d5e6",
        },
        Self {
            name: "two inputs, protocol two",
            protocol: Protocol::Two,
            inputs: 2,
            shared_secret: "0c63083de8170101d38bcf8bd72309568ddb4550867e23404b35d85712f7c20d8bc911ee23c06034cbc14290b9669bec07739053c5a416e313ef905c79955876",
            salts: "527413ebb48293772df30f031c5ac4650c7de14bf9498671ae163447b6a772b3d68ac03329a10ee5e0ec834492bb9a96a0e547baf563bf78ccbe8789b22e776b",
            salt_enc: "d9f4236403e0fe843a8e4e5be764d120904c198ad6e77b089876a3391961f183b0008b4ca66b91cd72aa35b6151ff981f6e5649f3c040e6615ad7dd8ae96ef23b229a5c97c3f0dcd8605eee166ce163a",
            outputs: "3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77faea62a8773b19cda90d7ed4ef72a80a804320dbd3997e2f663805ad1fd3293d50b",
            output_enc: "90ee52f739043bc17b3488a74306d7801debb5b61f18662c648a25b5b5678ede482cdaff99a537a44f064fcb10ce6e04dfd27619dc96a0daff8507e499296b1eecf0981f7c8518b277a7a3018f5ec6fb",
        },
        Self {
            name: "one input, protocol one",
            protocol: Protocol::One,
            inputs: 1,
            shared_secret: "23e5ed7157c25892b77732fb9c8a107e3518800db2af4142f9f4adfacb771d39",
            salts: "527413ebb48293772df30f031c5ac4650c7de14bf9498671ae163447b6a772b3",
            salt_enc: "ab8c878bb05d04700f077ed91845ec9c503c925cb12b327ddbeb4243c397f913",
            outputs: "3c33e07d202c3b029cc21f1722767021bf27d595933b3d2b6a1b9d5dddc77fae",
            output_enc: "15d4e4f3f04109b492b575c1b38c28585b6719cf8d61304215108d939f37ccfb",
        },
    ];

    pub(crate) fn secret(&self) -> SharedSecret {
        let coordinate = |text| hex(text).try_into().unwrap();
        let peer = KeyAgreement { x: coordinate(AUTHENTICATOR_X), y: coordinate(AUTHENTICATOR_Y) };
        let own = SecretKey::from_slice(&hex(PLATFORM_PRIVATE_KEY)).unwrap();
        SharedSecret::with_key(self.protocol, &peer, &own).unwrap()
    }
}

#[test]
fn shared_secrets_and_ciphertexts_of_the_vectors() {
    for vector in Vector::ALL {
        let secret = vector.secret();
        let keys = [&secret.hmac_key[..], &secret.aes_key[..]].concat();
        let expected = hex(vector.shared_secret);
        assert_eq!(if expected.len() == 32 { &keys[32..] } else { &keys }, expected, "{}", vector.name);
        let salt_enc = hex(vector.salt_enc);
        let iv = match vector.protocol {
            Protocol::One => [0; 16],
            Protocol::Two => *salt_enc.first_chunk().unwrap(),
        };
        assert_eq!(secret.encrypt_with(iv, &hex(vector.salts)), salt_enc, "{}", vector.name);
        assert_eq!(*secret.decrypt(&hex(vector.output_enc)).unwrap(), hex(vector.outputs), "{}", vector.name);
    }
}

#[test]
fn macs_have_the_length_of_their_protocol() {
    for (protocol, length) in [(Protocol::One, 16), (Protocol::Two, 32)] {
        assert_eq!(protocol.authenticate(&[1; 32], b"message").len(), length);
    }
    // RFC 4231, test case 2.
    let tag = Protocol::Two.authenticate(b"Jefe", b"what do ya want for nothing?");
    assert_eq!(tag, hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
}

#[test]
fn each_message_has_its_own_iv() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let secret = Vector::ALL[0].secret();
    assert_ne!(secret.encrypt(&[0; 32], &mut rng), secret.encrypt(&[0; 32], &mut rng));
}

#[test]
fn the_authenticators_preference_is_followed() {
    for (offered, chosen) in [
        (&[2, 1][..], Some(Protocol::Two)),
        (&[1, 2], Some(Protocol::One)),
        (&[1], Some(Protocol::One)),
        (&[3, 2], Some(Protocol::Two)),
        (&[3], None),
        (&[], None),
    ] {
        assert_eq!(Protocol::preferred(offered), chosen, "{offered:?}");
    }
}

#[test]
fn a_point_off_the_curve_is_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (x, y) in [([0; 32], [0; 32]), ([1; 32], [2; 32]), ([0xff; 32], [0xff; 32])] {
        assert!(SharedSecret::encapsulate(Protocol::Two, &KeyAgreement { x, y }, &mut rng).is_err());
    }
}

#[test]
fn what_is_no_ciphertext_is_refused() {
    for vector in Vector::ALL {
        let secret = vector.secret();
        assert!(secret.decrypt(&[0; 17]).is_err());
        assert_eq!(secret.decrypt(&[]).is_err(), vector.protocol == Protocol::Two);
    }
}

#[test]
fn tokens_have_a_length_that_tokens_have() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (vector, length, fits) in [
        (0, 32, true),
        (0, 16, false),
        (0, 0, false),
        (0, 48, false),
        (2, 16, true),
        (2, 32, true),
        (2, 48, false),
    ] {
        let secret = Vector::ALL[vector].secret();
        let token = PinUvAuthToken::decrypt(&secret, &secret.encrypt(&vec![9; length], &mut rng));
        assert_eq!(token.is_ok(), fits, "vector {vector}, {length} bytes");
    }
}
