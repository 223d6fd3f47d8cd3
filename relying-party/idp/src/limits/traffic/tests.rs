use std::net::{IpAddr, Ipv6Addr};

use super::*;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_000 + seconds)
}

#[test]
fn each_path_has_its_kind() {
    for (path, kind) in [
        ("/healthz", None),
        ("/t/oauth2/v2.0/token", Some(Kind::Token)),
        ("/t/oauth2/token", Some(Kind::Token)),
        ("/t/oauth2/v2.0/par", Some(Kind::Token)),
        ("/t/oauth2/v2.0/devicecode", Some(Kind::DeviceCode)),
        ("/common/getcredentialtype", Some(Kind::Account)),
        ("/t/discovery/v2.0/keys", Some(Kind::Public)),
        ("/t/v2.0/.well-known/openid-configuration", Some(Kind::Public)),
        ("/common/userrealm/a@b", Some(Kind::Public)),
        ("/static/style.css", Some(Kind::Public)),
        ("/v1.0/users", Some(Kind::Api)),
        ("/beta/me/authentication/fido2methods", Some(Kind::Api)),
        ("/oidc/userinfo", Some(Kind::Api)),
        ("/t/oauth2/v2.0/authorize", Some(Kind::Page)),
        ("/t/login", Some(Kind::Page)),
        ("/devicelogin", Some(Kind::Page)),
        ("/anything/else", Some(Kind::Page)),
    ] {
        assert_eq!(Kind::of(path), kind, "{path}");
    }
}

#[test]
fn a_block_is_counted_off_and_nothing_is_nothing_for_a_while() {
    let mut held = Held::default();
    assert_eq!(held.count(at(0)), Ok(false));
    held.take(3);
    assert_eq!([held.count(at(0)), held.count(at(1)), held.count(at(1))], [Ok(true), Ok(true), Ok(false)]);
    held.nothing(Locked { retry_after: Duration::from_secs(5) }, at(1));
    assert_eq!(held.count(at(5)), Err(Locked { retry_after: Duration::from_secs(1) }));
    assert_eq!(held.count(at(6)), Ok(false));
}

#[test]
fn who_asks_nothing_is_dropped_and_memory_has_an_end() {
    let traffic = Traffic::default();
    let subscriber = |number: u128| Subscriber::of(IpAddr::V6(Ipv6Addr::from(number << 64)));
    let seen = |kind, number, now| {
        let held = traffic.of(kind, subscriber(number), now);
        let _ = held.try_lock().unwrap().count(now);
    };
    for number in 0..10 {
        seen(Kind::Page, number, at(0));
    }
    seen(Kind::Page, 1, at(700));
    traffic.tend(at(700));
    assert_eq!(traffic.0.lock().unwrap().len(), 1);
    for number in 0..=u128::try_from(MOST).unwrap() {
        seen(Kind::Token, number, at(701));
    }
    assert!(traffic.0.lock().unwrap().len() <= MOST);
}
