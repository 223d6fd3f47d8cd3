use std::net::{TcpListener, UdpSocket};

use super::*;

const HEAD: &str =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

fn line(local: &str, uid: u32) -> String {
    format!(
        "  12: {local} 00000000:0000 07 00000000:00000000 00:00000000 00000000 {uid:>5}        0 4711 2 0 0\n"
    )
}

#[test]
fn the_table_names_the_owner_of_an_address_and_of_a_port_on_every_address() {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8111);
    let (exact, everywhere) = (in_table(address), "00000000:1FAF");
    let table = [HEAD, &line(&exact, 1000), &line("0100007F:1FB0", 7), &line(everywhere, 33)].concat();
    assert_eq!(owners(&table, address), [1000, 33]);
    assert_eq!(owners(HEAD, address), [0_u32; 0]);
    assert_eq!(owners("nonsense\n\n1: 2", address), [0_u32; 0]);
}

#[test]
fn a_socket_of_this_process_is_ours_until_it_is_closed() {
    let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let stream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = datagrams.local_addr().unwrap();
    assert!(is_ours(Table::Udp, address));
    assert!(is_ours(Table::Tcp, stream.local_addr().unwrap()));
    drop(datagrams);
    assert!(!is_ours(Table::Udp, address), "nobody's socket");
}
