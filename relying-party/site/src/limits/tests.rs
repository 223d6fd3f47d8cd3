use super::*;

fn limiter() -> Limiter {
    let rate = Rate { burst: 3, interval: Duration::from_secs(2) };
    Limiter::new(&Limits { pages: rate, calls: rate, user_name: rate })
}

#[test]
fn a_burst_then_one_each_interval() {
    let limiter = limiter();
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let start = UnixTime::from_seconds(1_000);
    for _ in 0..3 {
        assert_eq!(limiter.call(address, start), Ok(()));
    }
    let refused = limiter.call(address, start).unwrap_err();
    assert_eq!(refused.retry_after, Duration::from_secs(2));
    assert!(limiter.call(address, start.plus(Duration::from_millis(1_999))).is_err());
    let later = start.plus(refused.retry_after);
    assert_eq!(limiter.call(address, later), Ok(()));
    assert!(limiter.call(address, later).is_err());
}

#[test]
fn buckets_are_apart() {
    let limiter = limiter();
    let now = UnixTime::from_seconds(1_000);
    let mine: IpAddr = "192.0.2.1".parse().unwrap();
    while limiter.call(mine, now).is_ok() {}
    assert_eq!(limiter.call("192.0.2.2".parse().unwrap(), now), Ok(()));
    assert_eq!(limiter.page(mine, now), Ok(()));
}

#[test]
fn an_ipv6_subscriber_has_one_bucket() {
    let limiter = limiter();
    let now = UnixTime::from_seconds(1_000);
    for host in 1..=3 {
        assert_eq!(limiter.call(format!("2001:db8::{host}").parse().unwrap(), now), Ok(()));
    }
    assert!(limiter.call("2001:db8::4".parse().unwrap(), now).is_err());
    assert_eq!(limiter.call("2001:db8:0:1::1".parse().unwrap(), now), Ok(()));
}

#[test]
fn full_buckets_are_forgotten() {
    let limiter = limiter();
    for host in 0..30_000_u32 {
        let now = UnixTime::from_seconds(i64::from(host));
        assert_eq!(limiter.call(IpAddr::V4(host.into()), now), Ok(()));
    }
    assert!(limiter.calls.full_again.lock().unwrap().len() <= Buckets::<IpAddr>::MANY + 1);
}
