use super::*;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const EXAMPLE: Caller<'static> = Caller { origin: "https://example.org", cross_origin: false };

/// WebAuthn Level 3 §16: challenge, caller, and the client data of the vector up to where it ends or is extended.
#[test]
fn the_specifications_vectors() {
    let create = hex(
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a22414d4d507434557878475453746e63647134313759447742466938767049612d7077386f4f755657345441222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c7365",
    );
    let challenge = hex("00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130");
    let data = ClientData::new(Ceremony::Create, &challenge, &EXAMPLE);
    assert_eq!(data.json.strip_suffix('}').unwrap().as_bytes(), create, "§16.2, without its extraData");

    let get = hex(
        "7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a224f63446e55685158756c5455506f334a5558543049393770767a7a59425039745a63685879617630314167222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a66616c73657d",
    );
    let challenge = hex("39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408");
    let data = ClientData::new(Ceremony::Get, &challenge, &EXAMPLE);
    assert_eq!(data.json.as_bytes(), get, "§16.2");
    assert_eq!(data.hash.to_vec(), Sha256::digest(&get).to_vec());

    let cross = hex(
        "7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a224f2d57717a514e5463554a484930437257576e7951504859647862694332674872434d475666704c4f306b222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967696e223a74727565",
    );
    let challenge = hex("3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49");
    let data = ClientData::new(Ceremony::Create, &challenge, &Caller { cross_origin: true, ..EXAMPLE });
    assert_eq!(data.json.strip_suffix('}').unwrap().as_bytes(), cross, "§16.4, without its extraData");
}

#[test]
fn text_is_escaped_no_more_than_necessary() {
    let mut quoted = String::new();
    push_quoted(&mut quoted, "a\"b\\c\u{0}\u{1f}\n/\u{7f}\u{e9}\u{2028}\u{1f511}");
    assert_eq!(quoted, "\"a\\\"b\\\\c\\u0000\\u001f\\u000a/\u{7f}\u{e9}\u{2028}\u{1f511}\"");
}

proptest::proptest! {
    #[test]
    fn what_is_quoted_is_json_for_the_same_text(text in ".*") {
        let mut quoted = String::new();
        push_quoted(&mut quoted, &text);
        proptest::prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text);
    }
}
