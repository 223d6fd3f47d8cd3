use std::net::{Ipv4Addr, TcpListener};

use super::*;

#[test]
fn both_sources_name_our_own_user() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let _far = TcpStream::connect(listener.local_addr().expect("bound")).expect("listening");
    let (near, _) = listener.accept().expect("connected");
    assert!(is_ours(&near).expect("known"));
    let (Ok(SocketAddr::V4(peer)), Ok(SocketAddr::V4(local))) = (near.peer_addr(), near.local_addr()) else {
        panic!("a loopback connection");
    };
    let own = Some(rustix::process::geteuid().as_raw());
    assert_eq!(search_table(peer, local).expect("readable"), own);
    if let Ok(asked) = ask_kernel(peer, local) {
        assert_eq!(asked, own);
    }
    let nobody = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
    assert_eq!(search_table(nobody, local).expect("readable"), None);
    assert!(ask_kernel(nobody, local).is_err(), "no such socket");
}
