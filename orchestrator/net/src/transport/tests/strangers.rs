//! Whoever is not a member, and members that misbehave: nothing of theirs reaches the node [S8].

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use haven_core::event::Endpoint as Address;
use haven_core::units::Millis;
use haven_env::{CallClass, Peer, Transport};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint};
use rustls::Error;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;

use super::super::call::CALL_HEAD;
use crate::bench::{LINK, LOOPBACK, SOON, Station, acquaint, authority, identity, name, until};
use crate::gate::lock;
use crate::relay::Relay;
use crate::tls::{self, Own, Purpose, SERVER_NAME};
use crate::verify::{Judge, Verifier};
use crate::{ClusterCa, NodeIdentity, NodeKey};

/// A client that believes any server: the server must be the one that refuses.
#[derive(Debug)]
struct Gullible;

impl Judge for Gullible {
    fn judge(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<(), Error> {
        Ok(())
    }
}

fn client() -> Endpoint {
    Endpoint::client(SocketAddr::new(LOOPBACK, 0)).unwrap()
}

fn with(key: CertifiedKey, purpose: Purpose) -> ClientConfig {
    tls::client(Verifier::new(Gullible, tls::provider()), Arc::new(Own::certified(key)), purpose).unwrap()
}

fn without_certificate(purpose: Purpose) -> ClientConfig {
    let tls = rustls::ClientConfig::builder_with_provider(tls::provider());
    let tls = tls.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    let mut tls = tls
        .dangerous()
        .with_custom_certificate_verifier(Verifier::new(Gullible, tls::provider()))
        .with_no_client_auth();
    tls.alpn_protocols = vec![purpose.speech().to_vec()];
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    config.initial_dst_cid_provider(Arc::new(move || purpose.draw_id()));
    config
}

/// What a stranger sends as a heartbeat.
const BEAT: &[u8] = b"beat";
/// What it sends as a call: of the class Raft, one byte long.
const CALL: &[u8] = &[0, 0, 0, 0, 1, b'x'];

fn send_beat(connection: &Connection) {
    let _ = connection.send_datagram(BEAT.to_vec().into());
}

async fn send_call(connection: &Connection) {
    if let Ok((mut send, _recv)) = connection.open_bi().await {
        let _ = send.write_all(CALL).await;
        let _ = send.finish();
    }
}

/// Connects, sends a heartbeat and a call as soon as that is possible, and returns how the connection ended.
async fn knock(config: ClientConfig, address: SocketAddr) -> ConnectionError {
    let endpoint = client();
    let connection = match endpoint.connect_with(config, address, SERVER_NAME).unwrap().await {
        Ok(connection) => connection,
        Err(error) => return error,
    };
    // A client of TLS 1.3 takes itself for connected before the server has looked at its certificate.
    send_beat(&connection);
    send_call(&connection).await;
    tokio::time::timeout(Duration::from_secs(20), connection.closed()).await.expect("a stranger stays connected")
}

fn peer(node: &str, key: &NodeIdentity) -> Peer {
    // Nobody listens there.
    Peer { node: name(node), endpoints: vec![Address("127.0.0.1:9".to_owned())], key: Some(key.key().digest()) }
}

fn authority_itself(ca: &ClusterCa) -> CertifiedKey {
    let pem = String::from_utf8(ca.key().reveal().to_vec()).unwrap();
    let key = rcgen::KeyPair::from_pem(&pem).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).unwrap();
    CertifiedKey::new(vec![ca.certificate().clone()], key)
}

#[tokio::test]
async fn nobody_but_a_member_with_its_own_key_is_heard() {
    let (ours, twin, foreign) = (authority(1), authority(1), authority(2));
    let m2 = Station::start(&ours, "m2", &[LOOPBACK]);
    let m1 = identity(&ours, "m1");
    // m3 has joined before members had keys.
    let unpinned = Peer { key: None, ..peer("m3", &m1) };
    m2.transport.set_peers(vec![peer("m1", &m1), unpinned]);
    let key = NodeKey::create(&name("m1")).unwrap();
    let strangers = [
        ("of another cluster", identity(&foreign, "m1").certified().unwrap()),
        ("of another CA", identity(&twin, "m1").certified().unwrap()),
        ("of another CA, for a member without a key", identity(&twin, "m3").certified().unwrap()),
        ("a removed or unknown node", identity(&ours, "m9").certified().unwrap()),
        ("a member's name with another key", identity(&ours, "m1").certified().unwrap()),
        ("this node itself", m2.identity.certified().unwrap()),
        ("an applicant", key.self_signed().unwrap()),
        ("the authority", authority_itself(&ours)),
    ];
    for purpose in Purpose::MEMBERS {
        let error = knock(without_certificate(purpose), m2.address()).await;
        assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "no certificate: {error}");
        for (who, certified) in &strangers {
            let error = knock(with(certified.clone(), purpose), m2.address()).await;
            assert!(matches!(error, ConnectionError::ConnectionClosed(_)), "{who}: {error}");
        }
    }
    assert!(lock(&m2.ears.datagrams).is_empty() && lock(&m2.ears.calls).is_empty());
    assert!(m2.transport.link_facts().iter().all(|fact| !fact.is_up()));
    the_same_is_heard_of(&m1, &m2).await;
}

/// The control: the same frames with the key of a member are heard, so they are refused for who sends them.
async fn the_same_is_heard_of(member: &NodeIdentity, station: &Station) {
    let endpoint = client();
    let connect = |purpose| {
        let config = with(member.certified().unwrap(), purpose);
        endpoint.connect_with(config, station.address(), SERVER_NAME).unwrap()
    };
    let (beats, calls) = (connect(Purpose::Beat).await.unwrap(), connect(Purpose::Call).await.unwrap());
    send_beat(&beats);
    send_call(&calls).await;
    let heard = || !lock(&station.ears.datagrams).is_empty() && !lock(&station.ears.calls).is_empty();
    until("both are heard", heard).await;
    assert_eq!(*lock(&station.ears.datagrams), [(member.node().clone(), LINK, BEAT.to_vec())]);
    assert_eq!(*lock(&station.ears.calls), [(member.node().clone(), CallClass::Raft, 1)]);
}

#[tokio::test]
async fn what_one_world_speaks_is_not_understood_in_the_other() {
    let ca = authority(1);
    let m2 = Station::start(&ca, "m2", &[LOOPBACK]);
    let m1 = identity(&ca, "m1");
    m2.transport.set_peers(vec![peer("m1", &m1)]);
    let marked = |mark: Purpose, speech: Purpose| {
        let mut config = with(m1.certified().unwrap(), speech);
        config.initial_dst_cid_provider(Arc::new(move || mark.draw_id()));
        config
    };
    let error = knock(marked(Purpose::Beat, Purpose::Call), m2.address()).await;
    assert!(error.to_string().contains("known protocol"), "{error}");
    let error = knock(marked(Purpose::Call, Purpose::Join), m2.address()).await;
    assert!(error.to_string().contains("known protocol"), "{error}");
    assert!(lock(&m2.ears.calls).is_empty());
}

#[tokio::test]
async fn garbage_and_handshakes_that_never_end_do_not_keep_members_out() {
    let ca = authority(1);
    let b = Station::start(&ca, "b", &[LOOPBACK]);
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).unwrap();
    let mut noise = 1_u32;
    for length in 1..1400_usize {
        let mut packet = Vec::with_capacity(length);
        packet.resize_with(length, || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        });
        // Some look like the first packet of a connection of haven's, for calls or for heartbeats.
        if length % 3 == 0 && length > 40 {
            let mark = if length % 2 == 0 { b"hvncall1x" } else { b"hvnbeat1x" };
            packet[..15].copy_from_slice(&[&b"\xc0\0\0\0\x01\x14"[..], mark].concat());
        }
        socket.send_to(&packet, b.address()).unwrap();
    }
    // Clients that get no answers, from another address than the peers'.
    let relay = Relay::start(Ipv4Addr::new(127, 0, 0, 2).into(), b.address());
    relay.drop_answers();
    let endpoint = client();
    let mut pending = Vec::new();
    for _ in 0..100 {
        pending.push(endpoint.connect_with(without_certificate(Purpose::Call), relay.address(), SERVER_NAME).unwrap());
    }
    until("they have knocked", || relay.forwarded() >= 100).await;
    let a = Station::start(&ca, "a", &[LOOPBACK]);
    acquaint(&[&a, &b]);
    assert_eq!(a.call("b", "hello").await.unwrap(), "a said hello");
    assert_eq!(*lock(&b.ears.calls), [(name("a"), CallClass::Raft, "hello".len())]);
    assert!(lock(&b.ears.datagrams).is_empty(), "garbage is taken for a heartbeat");
    drop(pending);
}

struct Misbehaving {
    b: Station,
    connection: Connection,
    _endpoint: Endpoint,
}

/// A member that speaks QUIC by hand.
async fn misbehaving(purpose: Purpose) -> Misbehaving {
    let ca = authority(1);
    let b = Station::start(&ca, "b", &[LOOPBACK]);
    let a = identity(&ca, "a");
    b.transport.set_peers(vec![peer("a", &a)]);
    let endpoint = client();
    let connecting = endpoint.connect_with(with(a.certified().unwrap(), purpose), b.address(), SERVER_NAME).unwrap();
    let connection = connecting.await.unwrap();
    Misbehaving { b, connection, _endpoint: endpoint }
}

impl Misbehaving {
    /// Sends `bytes` as a call; whether it was answered.
    async fn call(&self, bytes: &[u8]) -> bool {
        let (mut send, mut recv) = self.connection.open_bi().await.unwrap();
        let _ = send.write_all(bytes).await;
        let _ = send.finish();
        recv.read_to_end(1000).await.is_ok()
    }
}

fn message(mark: u8, length: usize, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    [&[mark], &length[..], body].concat()
}

#[tokio::test]
async fn calls_that_are_too_long_unknown_or_unfinished_never_reach_the_node() {
    let member = misbehaving(Purpose::Call).await;
    assert!(!member.call(&message(0, haven_env::MESSAGE_MAX + 1, b"x")).await, "too long");
    assert!(!member.call(&message(9, 1, b"x")).await, "of an unknown class");
    assert!(!member.call(&message(0, 100, b"short")).await, "given up by its sender");
    assert!(!member.call(&[0, 0]).await, "without a whole head");
    assert!(lock(&member.b.ears.calls).is_empty());
    assert!(member.call(&message(0, 5, b"whole")).await);
    assert_eq!(*lock(&member.b.ears.calls), [(name("a"), CallClass::Raft, 5)]);
}

#[tokio::test]
async fn streams_that_are_left_half_open_are_bounded_and_given_up() {
    let member = misbehaving(Purpose::Call).await;
    let before = resident();
    let mut open = Vec::new();
    for _ in 0..tls::CALLS_MAX {
        let (mut send, recv) = member.connection.open_bi().await.unwrap();
        // Announces the most, and sends nothing of it.
        send.write_all(&message(1, haven_env::MESSAGE_MAX, b"")[..CALL_HEAD - 1]).await.unwrap();
        open.push((send, recv));
    }
    let more = tokio::time::timeout(Duration::from_millis(200), member.connection.open_bi()).await;
    assert!(more.is_err(), "one more stream than is allowed");
    assert!(resident() < before + 64 * 1024 * 1024, "memory is taken for what was only announced");
    for (send, _) in &mut open {
        assert!(send.stopped().await.unwrap().is_some(), "given up by the node");
    }
    drop(open);
    assert!(member.call(&message(0, 4, b"then")).await);
    assert!(lock(&member.b.ears.calls).iter().all(|call| call.2 == 4));
}

/// Memory of this process, in bytes.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn heartbeats_come_over_their_own_connection_and_are_short() {
    let member = misbehaving(Purpose::Beat).await;
    let stream = tokio::time::timeout(Duration::from_millis(200), member.connection.open_bi()).await;
    assert!(stream.is_err(), "a call over the heartbeats' connection");
    member.connection.send_datagram(vec![1; haven_env::DATAGRAM_MAX + 1].into()).unwrap();
    member.connection.send_datagram(vec![2; haven_env::DATAGRAM_MAX].into()).unwrap();
    until("the short one arrives", || !lock(&member.b.ears.datagrams).is_empty()).await;
    assert_eq!(lock(&member.b.ears.datagrams).len(), 1);
    let calls = misbehaving(Purpose::Call).await;
    assert!(calls.connection.send_datagram(b"beat".to_vec().into()).is_err(), "a heartbeat over the calls' connection");
}

#[tokio::test]
async fn somebody_else_at_a_members_address_is_not_talked_to() {
    let (ca, other) = (authority(1), authority(1));
    let a = Station::start(&ca, "a", &[LOOPBACK]);
    // Has a certificate for that name, even of the right CA, but another key than the one that joined.
    let imposter = Station::start(&ca, "b", &[LOOPBACK]);
    imposter.transport.set_peers(vec![a.peer()]);
    let mut expected = imposter.peer();
    expected.key = Some(identity(&other, "b").key().digest());
    a.transport.set_peers(vec![expected]);
    let call = a.transport.call(&name("b"), LINK, CallClass::Forward, b"secret".to_vec(), Millis(1000)).await;
    assert!(call.is_err(), "{call:?}");
    assert!(lock(&imposter.ears.calls).is_empty());
    a.transport.set_peers(vec![imposter.peer()]);
    assert!(a.transport.call(&name("b"), LINK, CallClass::Forward, b"hello".to_vec(), SOON).await.is_ok());
}
