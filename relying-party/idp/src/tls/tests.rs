use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConnection,
    SupportedProtocolVersion,
};

use super::*;

/// 2030-01-01: within what `rustls` sees as valid is checked with a fixed time, not the machine's.
const NOW: UnixTime = UnixTime::from_seconds(1_893_456_000);

#[derive(Debug)]
struct At(UnixTime);

impl rustls::time_provider::TimeProvider for At {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let since = Duration::from_secs(u64::try_from(self.0.seconds()).ok()?);
        Some(rustls::pki_types::UnixTime::since_unix_epoch(since))
    }
}

fn names() -> Vec<String> {
    vec!["login.example.test".to_owned(), "127.0.0.1".to_owned()]
}

/// A handshake in memory; what the client reads afterwards.
fn connect(
    server: &ServerCertificate,
    root_pem: &str,
    name: &str,
    version: &'static SupportedProtocolVersion,
    now: UnixTime,
) -> Result<(Option<ProtocolVersion>, String), rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_details(provider, Arc::new(At(now)))
        .with_protocol_versions(&[version])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name)?;
    let mut server = ServerConnection::new(server.server_config().unwrap())?;
    server.writer().write_all(b"hello").unwrap();
    for _ in 0..6 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    let mut text = [0; 5];
    client.reader().read_exact(&mut text).unwrap();
    Ok((client.protocol_version(), String::from_utf8_lossy(&text).into_owned()))
}

#[test]
fn a_client_that_trusts_the_ca_connects() {
    let ca = CertificateAuthority::create("Latchkey test CA", NOW).unwrap();
    let server = ca.issue(&names(), NOW).unwrap();
    for (version, expected) in [
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
    ] {
        for name in ["login.example.test", "127.0.0.1"] {
            let answer = connect(&server, ca.certificate_pem(), name, version, NOW).unwrap();
            assert_eq!(answer, (Some(expected), "hello".to_owned()), "{name}");
        }
    }
}

#[test]
fn a_client_refuses_other_names_cas_and_times() {
    let ca = CertificateAuthority::create("Latchkey test CA", NOW).unwrap();
    let other = CertificateAuthority::create("Latchkey test CA", NOW).unwrap();
    let server = ca.issue(&names(), NOW).unwrap();
    let version = &rustls::version::TLS13;
    let later = NOW.plus(SERVER_LIFETIME).plus(Duration::from_hours(24));
    for (root, name, now) in [
        (&ca, "other.example.test", NOW),
        (&other, "login.example.test", NOW),
        (&ca, "login.example.test", later),
        (&ca, "login.example.test", NOW.minus(Duration::from_hours(72))),
    ] {
        let refused = connect(&server, root.certificate_pem(), name, version, now).unwrap_err();
        assert!(matches!(refused, rustls::Error::InvalidCertificate(_)), "{name}: {refused}");
    }
}

#[test]
fn files_are_private_and_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ca = CertificateAuthority::create("Latchkey test CA", NOW).unwrap();
    ca.save(&path("ca.pem"), &path("ca.key")).unwrap();
    let loaded = CertificateAuthority::load(&path("ca.pem"), &path("ca.key")).unwrap();
    assert_eq!(loaded.certificate_pem(), ca.certificate_pem());
    loaded.issue(&names(), NOW).unwrap().save(&path("tls.pem"), &path("tls.key")).unwrap();
    for name in ["ca.pem", "ca.key", "tls.pem", "tls.key"] {
        let mode = std::fs::metadata(path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let server = ServerCertificate::load(&path("tls.pem"), &path("tls.key")).unwrap();
    let answer = connect(&server, ca.certificate_pem(), "127.0.0.1", &rustls::version::TLS13, NOW).unwrap();
    assert_eq!(answer.1, "hello");

    assert!(matches!(ca.save(&path("ca.pem"), &path("ca.key")), Err(TlsError::File { .. })));
    assert!(matches!(CertificateAuthority::load(&path("ca.pem"), &path("none")), Err(TlsError::File { .. })));
    assert!(matches!(CertificateAuthority::load(&path("ca.key"), &path("ca.pem")), Err(TlsError::Pem(_))));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let ca = CertificateAuthority::create("Latchkey test CA", NOW).unwrap();
    let (one, two) = (ca.issue(&names(), NOW).unwrap(), ca.issue(&names(), NOW).unwrap());
    let mixed = ServerCertificate { chain_pem: one.chain_pem.clone(), key_pem: two.key_pem };
    assert!(matches!(mixed.server_config(), Err(TlsError::Server(_))));
    let empty = ServerCertificate { chain_pem: String::new(), key_pem: one.key_pem.clone() };
    assert!(matches!(empty.server_config(), Err(TlsError::Pem(_))));
    assert!(matches!(empty.expires(), Err(TlsError::Pem(_))));
    assert!(matches!(ca.issue(&[], NOW), Err(TlsError::NoName)));
}

#[test]
fn renewal_is_due_a_month_before_the_end() {
    let ca = CertificateAuthority::create("Latchkey test CA", NOW).unwrap();
    let server = ca.issue(&names(), NOW).unwrap();
    let expires = server.expires().unwrap();
    assert_eq!(expires, NOW.plus(SERVER_LIFETIME));
    assert!(!server.renewal_is_due(NOW).unwrap());
    assert!(!server.renewal_is_due(expires.minus(RENEW_BEFORE).minus(Duration::from_secs(1))).unwrap());
    assert!(server.renewal_is_due(expires.minus(RENEW_BEFORE)).unwrap());
}

#[test]
fn plain_http_stays_on_the_machine() {
    for listen in ["127.0.0.1:80", "127.9.9.9:8080", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(allow_plain_http(listen.parse().unwrap()).is_ok(), "{listen}");
    }
    for listen in
        ["0.0.0.0:80", "[::]:80", "192.168.1.4:80", "10.0.0.1:80", "[fe80::1]:80", "[::ffff:10.0.0.1]:80"]
    {
        let refused = allow_plain_http(listen.parse().unwrap());
        assert!(matches!(refused, Err(TlsError::PlainOnNetwork(_))), "{listen}");
    }
}
