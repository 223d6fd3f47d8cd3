//! A session that goes on by itself, what shows of it, and how it ends.

use std::time::Duration;

use super::office::{FIRST_PIN, Office};

/// The App ID of the provider's own API.
const GRAPH: &str = "00000002-0000-0000-c000-000000000000";
/// Longer than any pause between two tries.
const SOON: Duration = Duration::from_secs(90);

#[test]
fn the_daemon_renews_tokens_tells_what_it_gave_out_and_why_a_renewal_failed() {
    let mut office = Office::joined();
    let tenant = office.place.tenant.clone();
    let ids = office.latchkey(&["tenant", "id"], "");
    assert_eq!(ids["tenants"], serde_json::json!([tenant]));
    let domain = office.employee.name.split_once('@').map(|(_, domain)| domain.to_owned()).expect("a domain");
    let url = office.place.url.clone();
    let looked_up = office.latchkey(&["tenant", "id", &domain, "--idp", &url], "");
    assert_eq!(looked_up, ids, "before and after joining it is the same");
    let unknown = office.attempt(&["tenant", "id", "elsewhere.test", "--idp", &url], "");
    assert_eq!(unknown.map_err(|(code, _)| code), Err(10));

    office.restart_daemon_with(&["--renew-after", "1"]);
    let before = office.sign_in(FIRST_PIN)["device"]["prt"]["updated"].clone();
    office.daemon.process.wait_for("the identity provider's token is renewed", SOON);
    let renewed = office.registration();
    assert!(renewed["prt"]["updated"].as_u64() > before.as_u64(), "{renewed} after {before}");
    assert_eq!(renewed["handed"]["count"], 0, "nobody but the daemon got anything: {renewed}");

    let _token = office.latchkey(&["token", "--resource", GRAPH], "");
    let handed = office.registration()["handed"].clone();
    assert_eq!((&handed["count"], &handed["last"]["target"]), (&1.into(), &GRAPH.into()), "{handed}");
    office.daemon.process.wait_for("a token is asked for", SOON);

    let _locked = office.latchkey(&["lock"], "");
    let refused = office.attempt(&["token", "--resource", GRAPH], "");
    assert_eq!(refused.map_err(|(code, _)| code), Err(9));
    let locked = office.registration();
    assert!(locked["open"] == false && locked["prt"]["updated"].is_u64(), "no token is forgotten: {locked}");

    let _signed_in = office.sign_in(FIRST_PIN);
    office.idp.process.stop();
    office.daemon.process.wait_for("the identity provider's token is not renewed", SOON);
    let report = office.latchkey(&["dsregcmd", "/status"], "")["report"].to_string();
    assert!(report.contains("AzureAdPrt : YES"), "the token there is stays good: {report}");
    assert!(report.contains("AcquirePrtDiagnostics : PRESENT") && report.contains("0xc000023c"), "{report}");
}
