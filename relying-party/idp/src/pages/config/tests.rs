use serde_json::Value;

use super::*;
use crate::pages::{CodePage, Frame, Notice};
use askama::Template as _;

/// What a broker does: from `$Config=` to the last `//]]>`, less two characters (idp-wire §1.7).
fn as_a_broker_reads(html: &str) -> Value {
    let start = html.find("$Config=").unwrap() + "$Config=".len();
    let end = html.rfind("//]]>").unwrap() - 2;
    serde_json::from_str(&html[start..end]).unwrap()
}

#[test]
fn the_frame_is_the_one_that_brokers_know() {
    let script = Config::sample(PageId::SignIn).script();
    assert!(script.starts_with("<script type=\"text/javascript\">//<![CDATA[\n$Config={\""), "{script}");
    assert!(script.ends_with("};\n//]]></script>"), "{script}");
    assert_eq!(script.matches("//]]>").count(), 1);
}

#[test]
fn a_broker_reads_back_every_member() {
    let mut frame = Frame::sample(None, Some(Notice::error("//]]> $Config={} <b>", None)));
    frame.config = Some(Config::sample_with_everything());
    let html = CodePage { frame, ..CodePage::sample() }.render().unwrap();
    let value = as_a_broker_reads(&html);
    for (member, expected) in [
        ("sessionId", "0f0e0d0c-1111-4222-8333-444444444444"),
        ("canary", "canary-of-the-browser"),
        ("sCanaryTokenName", "canary"),
        ("sFT", "flow-token-of-the-step"),
        ("sFTName", "flowToken"),
        ("sCtx", "ctx-of-the-sign-in"),
        ("urlPost", "https://id.example/11111111-2222-4333-8444-555555555555/login"),
        ("urlResume", "https://id.example/common/resume?ctx=1&step=<b>"),
        ("pgid", "ConvergedTFA"),
        ("sFidoChallenge", "O.eyJ0eXAiOiJKV1QifQ"),
        ("sErrorCode", "50126"),
        ("sErrTxt", "Wrong & <b>old</b>"),
    ] {
        assert_eq!(value[member], expected, "{member}");
    }
    assert_eq!(value["iErrorCode"], 50126);
    assert_eq!(value["arrUserProofs"][0]["display"], "</script><b>//]]>");
    assert_eq!(value["arrUserProofs"][0]["isDefault"], true);
    assert_eq!(value["arrFidoAllowList"][0], "AAEC+/8=");
}

#[test]
fn a_success_page_carries_no_error_member() {
    let value = as_a_broker_reads(&Config::sample(PageId::StaySignedIn).script());
    let members: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert!(
        members.iter().all(|member| !member.contains("Err") && !member.contains("Exception")),
        "{members:?}"
    );
    assert!(value.as_object().unwrap().values().all(|value| !value.is_null()));
}

#[test]
fn nothing_in_the_object_can_end_the_script() {
    let mut config = Config::sample_with_everything();
    config.ctx = "</script><script>alert(1)</script>&amp;\u{2028}<!--".to_owned();
    let script = config.script();
    let content = script.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)).unwrap();
    let json = &content["//<![CDATA[\n".len()..content.len() - "\n//]]>".len()];
    assert!(!json.contains(['<', '>', '&', '\u{2028}']), "{json}");
    assert!(json.contains("\\u003c/script\\u003e\\u003cscript\\u003e") && json.contains("\\u0026amp;"));
    assert_eq!(as_a_broker_reads(&script)["sCtx"], config.ctx);
}

#[test]
fn the_hash_is_of_what_the_browser_runs() {
    let config = Config::sample(PageId::Fido);
    let script = config.script();
    let content = script.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)).unwrap();
    assert_eq!(config.script_hash(), format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content))));
    let mut other = config.clone();
    other.ctx = "another".to_owned();
    assert_ne!(other.script_hash(), config.script_hash());
}
