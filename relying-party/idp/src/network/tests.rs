use super::*;

fn network(forwarding: Forwarding) -> Network {
    let trusted_proxies = ["10.0.0.0/8", "2001:db8:1::/48"].map(|net| net.parse().unwrap()).to_vec();
    Network { trusted_proxies, forwarding, unlimited: vec!["192.0.2.0/24".parse().unwrap()] }
}

#[track_caller]
fn check(forwarding: Forwarding, peer: &str, values: &[&str], client: &str) {
    let found = network(forwarding).client(peer.parse().unwrap(), values.iter().copied());
    assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {values:?}");
}

#[test]
fn the_last_untrusted_hop_is_the_client() {
    for (peer, values, client) in [
        ("203.0.113.9", vec![], "203.0.113.9"),
        // From a stranger the header is only what the stranger says.
        ("203.0.113.9", vec!["198.51.100.7"], "203.0.113.9"),
        ("10.0.0.1", vec![], "10.0.0.1"),
        ("10.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
        // What the client wrote itself stands further to the front.
        ("10.0.0.1", vec!["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", vec!["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", vec!["198.51.100.7, 10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", vec!["10.9.9.9, 198.51.100.7,10.2.3.4"], "198.51.100.7"),
        ("10.0.0.1", vec!["198.51.100.7", " 10.2.3.4 , 10.2.3.5"], "198.51.100.7"),
        // Nobody but proxies: the first of them.
        ("10.0.0.1", vec!["10.2.3.4"], "10.2.3.4"),
        // What is no address ends the chain.
        ("10.0.0.1", vec!["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", vec!["198.51.100.7, unknown, 10.2.3.4"], "10.2.3.4"),
        ("10.0.0.1", vec![""], "10.0.0.1"),
        ("10.0.0.1", vec!["198.51.100.7:1234"], "198.51.100.7"),
        ("10.0.0.1", vec!["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", vec!["[2001:db8::7]:443"], "2001:db8::7"),
        // IPv4 written as IPv6 is the same network.
        ("::ffff:10.0.0.1", vec!["::ffff:198.51.100.7"], "198.51.100.7"),
        ("2001:db8:1::5", vec!["198.51.100.7"], "198.51.100.7"),
        ("2001:db8:2::5", vec!["198.51.100.7"], "2001:db8:2::5"),
    ] {
        check(Forwarding::XForwardedFor, peer, &values, client);
    }
}

#[test]
fn the_standard_header_is_read_where_it_is_chosen() {
    for (values, client) in [
        (vec!["for=198.51.100.7"], "198.51.100.7"),
        (vec!["For=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1"], "2001:db8::7"),
        (vec!["for=1.1.1.1, proto=http;for=\"198.51.100.7:80\""], "198.51.100.7"),
        (vec!["for=198.51.100.7, for=10.2.3.4"], "198.51.100.7"),
        (vec!["for=_hidden"], "10.0.0.1"),
        (vec!["proto=https"], "10.0.0.1"),
        (vec!["198.51.100.7"], "10.0.0.1"),
    ] {
        check(Forwarding::Forwarded, "10.0.0.1", &values, client);
    }
}

#[test]
fn only_named_networks_are_unlimited() {
    let network = network(Forwarding::default());
    assert!(network.is_unlimited("192.0.2.77".parse().unwrap()));
    assert!(!network.is_unlimited("192.0.3.1".parse().unwrap()));
}
