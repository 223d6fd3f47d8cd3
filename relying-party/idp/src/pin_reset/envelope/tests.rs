use serde_json::{Value, json};

use super::*;

fn written(change: impl FnOnce(&mut Value)) -> String {
    let mut value = json!({
        "v": 1, "protocol": "hpke-p256", "kid": "k-1_A",
        "tid": "00000000-0000-0000-0000-000000000001", "oid": "00000000-0000-0000-0000-000000000002",
        "deviceId": "00000000-0000-0000-0000-00000000000A", "containerId": "0123456789abcdef0123456789abcdef",
        "protectorVersion": 3, "created": 1_750_000_000, "recover": "cmVjb3Zlcg", "administer": "YWRtaW4",
    });
    change(&mut value);
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn the_words_that_bind_it() {
    let envelope = Envelope::parse(&written(|_| ())).unwrap();
    assert_eq!(
        envelope.binding(Purpose::Administer),
        "latchkey pin reset 1\nadminister\nhpke-p256\nk-1_A\n00000000-0000-0000-0000-000000000001\n\
         00000000-0000-0000-0000-000000000002\n00000000-0000-0000-0000-00000000000a\n\
         0123456789abcdef0123456789abcdef\n3\n1750000000\n"
    );
    assert_eq!(envelope.part(Purpose::Recover), b"recover");
    assert_eq!(envelope.part(Purpose::Administer), b"admin");
    assert_eq!(
        envelope.owner.scalar_words(Purpose::Recover, "k"),
        "latchkey pin reset blind 1\nrecover\nk\n00000000-0000-0000-0000-000000000001\n\
         00000000-0000-0000-0000-000000000002\n00000000-0000-0000-0000-00000000000a\n\
         0123456789abcdef0123456789abcdef\n"
    );
}

#[test]
fn what_is_malformed_is_nothing() {
    let refused = |change: fn(&mut Value)| assert_eq!(Envelope::parse(&written(change)), None);
    refused(|value| value["v"] = 2.into());
    refused(|value| value["protocol"] = "rsa".into());
    refused(|value| value["kid"] = "".into());
    refused(|value| value["kid"] = "a\nb".into());
    refused(|value| value["tid"] = "1".into());
    refused(|value| value["containerId"] = "0123456789ABCDEF0123456789ABCDEF".into());
    refused(|value| value["containerId"] = "01".into());
    refused(|value| value["protectorVersion"] = (-1).into());
    refused(|value| value["recover"] = "=".into());
    refused(|value| value["more"] = true.into());
    refused(|value| value["recover"] = "A".repeat(4000).into());
    for text in ["", "e30", "not base64url!", "bnVsbA"] {
        assert_eq!(Envelope::parse(text), None, "{text}");
    }
}
