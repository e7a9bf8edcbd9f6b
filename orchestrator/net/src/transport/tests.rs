mod faults;
mod strangers;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use haven_core::ids::LinkId;
use haven_core::units::Millis;
use haven_env::{CallClass, CallError, Transport, suite};

use super::{NetSettings, QuicTransport};
use crate::NetError;
use crate::bench::{LINK, LOOPBACK, SOON, Station, acquaint, authority, identity, name, trust, until};
use crate::gate::lock;

/// The clock of the suite, which waits for conditions.
async fn sleep(span: Millis) {
    tokio::time::sleep(Duration::from_millis(span.0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quic_does_what_every_transport_does() {
    let ca = authority(1);
    // Each of the two dials once: the one with the lower name does.
    for (near, far) in [("a", "b"), ("d", "c")] {
        let [near, far] = [near, far].map(|node| {
            let station = Station::start(&ca, node, &[LOOPBACK, LOOPBACK]);
            suite::Side { peer: station.peer(), transport: station.transport }
        });
        let rest: suite::Rest = Arc::new(|span| Box::pin(sleep(span)));
        suite::transport(&suite::Meeting { near, far, rest }).await.unwrap();
    }
}

async fn everybody_hears_everybody(hosts: &[IpAddr]) {
    let ca = authority(1);
    let stations = ["a", "b", "c"].map(|node| Station::start(&ca, node, hosts));
    let [a, b, c] = &stations;
    acquaint(&[a, b, c]);
    let links = u8::try_from(hosts.len()).unwrap();
    for from in &stations {
        for to in stations.iter().filter(|to| to.key() != from.key()) {
            let (from_name, to_name) = (from.identity.node(), to.identity.node());
            for link in (0..links).map(LinkId) {
                let answer = from.call_over(to_name.as_str(), link, "hello").await.unwrap();
                assert_eq!(answer, format!("{from_name} said hello"));
                let heard = || {
                    from.transport.send(to_name, link, b"beat".to_vec());
                    lock(&to.ears.datagrams).contains(&(from_name.clone(), link, b"beat".to_vec()))
                };
                until("a heartbeat arrives on its link", heard).await;
            }
        }
    }
    let facts = a.transport.link_facts();
    assert_eq!(facts.len(), 2 * hosts.len());
    assert!(facts.iter().all(super::LinkFact::is_up), "{facts:?}");
}

#[tokio::test]
async fn three_nodes_talk_over_two_links() {
    everybody_hears_everybody(&[LOOPBACK, LOOPBACK]).await;
}

#[tokio::test]
async fn three_nodes_talk_over_ipv6() {
    everybody_hears_everybody(&[IpAddr::V6(Ipv6Addr::LOCALHOST)]).await;
}

#[tokio::test]
async fn who_is_no_peer_is_not_called() {
    let ca = authority(1);
    let [a, b] = ["a", "b"].map(|node| Station::start(&ca, node, &[LOOPBACK]));
    assert_eq!(a.call("b", "hello").await, Err(CallError::NoPeer));
    acquaint(&[&a, &b]);
    assert_eq!(a.call_over("b", LinkId(1), "hello").await, Err(CallError::NoPeer));
    let far = a.transport.call(&name("b"), LINK, CallClass::Raft, vec![0; haven_env::MESSAGE_MAX + 1], SOON).await;
    assert_eq!(far, Err(CallError::Broken("the message is too long".to_owned())));
}

#[tokio::test]
async fn a_peer_that_is_not_there_costs_no_more_than_the_deadline() {
    let ca = authority(1);
    let [a, b] = ["a", "b"].map(|node| Station::start(&ca, node, &[LOOPBACK]));
    acquaint(&[&a, &b]);
    b.transport.close().await;
    let call = a.transport.call(&name("b"), LINK, CallClass::Forward, b"hello".to_vec(), Millis(300)).await;
    assert!(call.is_err(), "{call:?}");
    until("the link is down, and it is said why", || {
        a.transport.link_facts().iter().all(|fact| !fact.is_up() && fact.trouble.is_some())
    })
    .await;
}

#[tokio::test]
async fn a_removed_member_is_cut_off_and_stays_out() {
    let ca = authority(1);
    let stations = ["a", "b", "c"].map(|node| Station::start(&ca, node, &[LOOPBACK]));
    let [a, b, c] = &stations;
    acquaint(&[a, b, c]);
    a.call("c", "hello").await.unwrap();
    c.call("b", "hello").await.unwrap();
    a.transport.set_peers(vec![b.peer()]);
    b.transport.set_peers(vec![a.peer()]);
    until("the removed one sees no link", || c.transport.link_facts().iter().all(|fact| !fact.is_up())).await;
    let heard = lock(&b.ears.calls).len();
    for to in ["a", "b"] {
        let call = c.transport.call(&name(to), LINK, CallClass::Raft, b"hello".to_vec(), Millis(1500)).await;
        assert!(call.is_err(), "{call:?}");
    }
    assert_eq!(lock(&b.ears.calls).len(), heard);
    assert_eq!(a.call("b", "hello").await.unwrap(), "a said hello");
    // Taken back, it is dialled and talks.
    acquaint(&[a, b, c]);
    assert_eq!(c.call("a", "hello").await.unwrap(), "c said hello");
}

#[tokio::test]
async fn a_node_that_comes_back_is_found_again() {
    let ca = authority(1);
    let a = Station::start(&ca, "a", &[LOOPBACK]);
    let b = Station::start(&ca, "b", &[LOOPBACK]);
    acquaint(&[&a, &b]);
    a.call("b", "hello").await.unwrap();
    let (identity, listen) = (b.identity.clone(), vec![b.address()]);
    b.transport.close().await;
    drop(b);
    until("the port is free", || std::net::UdpSocket::bind(listen[0]).is_ok()).await;
    let settings = NetSettings { identity, trust: trust(&ca), listen };
    let back = QuicTransport::start(settings).unwrap();
    let ears = std::sync::Arc::new(crate::bench::Ears::default());
    back.serve(ears.clone());
    back.set_peers(vec![a.peer()]);
    assert_eq!(a.call("b", "again").await.unwrap(), "a said again");
}

#[tokio::test]
async fn a_port_that_another_program_has_is_named() {
    let taken = std::net::UdpSocket::bind((LOOPBACK, 0)).unwrap();
    let ca = authority(1);
    let listen = vec![taken.local_addr().unwrap()];
    let error = QuicTransport::start(NetSettings { identity: identity(&ca, "a"), trust: trust(&ca), listen });
    let error = error.unwrap_err();
    assert!(matches!(error, NetError::PortTaken { .. }), "{error}");
    assert_eq!(error.code(), "HV-NET-01");
}

#[tokio::test]
async fn a_link_whose_address_is_missing_does_not_keep_the_other_from_working() {
    let ca = authority(1);
    // An address of the documentation's, which no machine has.
    let nowhere: SocketAddr = "192.0.2.7:7741".parse().unwrap();
    let here = SocketAddr::new(LOOPBACK, 0);
    let settings = NetSettings { identity: identity(&ca, "a"), trust: trust(&ca), listen: vec![here, nowhere] };
    let a = QuicTransport::start(settings).unwrap();
    let b = Station::start(&ca, "b", &[LOOPBACK, LOOPBACK]);
    a.set_peers(vec![b.peer()]);
    let a_peer = haven_env::Peer {
        node: name("a"),
        endpoints: vec![haven_core::event::Endpoint(a.local_addr(LINK).unwrap().to_string())],
        key: Some(a.key()),
    };
    b.transport.set_peers(vec![a_peer]);
    assert_eq!(a.call(&name("b"), LINK, CallClass::Raft, b"x".to_vec(), SOON).await.unwrap(), b"a said x");
    until("it is said what is wrong with the second link", || {
        let facts = a.link_facts();
        let second = facts.iter().find(|fact| fact.link == LinkId(1));
        second.is_some_and(|fact| {
            fact.trouble.as_deref() == Some("this node's own address is not there") && !fact.is_up()
        })
    })
    .await;
}
