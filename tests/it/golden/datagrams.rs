//! What travels between nodes of one version and the next.

use haven_core::heartbeat::{Ack, Datagram, Durable, Heartbeat, PeerView, RaftVote, Shortage};
use haven_core::ids::{BootId, ClusterId, Generation, Incarnation, LogIndex, MemberId, NodeId, StoreId, Term};
use haven_core::units::{Millis, WallTime};

use super::{lines, newest, unhex};

#[track_caller]
fn check(name: &str, datagram: &Datagram) {
    newest(name, &datagram.encode());
    for line in lines(name) {
        let read = Datagram::decode(&unhex(&line)).unwrap_or_else(|| panic!("{name}: cannot be read: {line}"));
        assert_eq!(std::mem::discriminant(&read), std::mem::discriminant(datagram), "{name}: {line}");
    }
    assert_eq!(Datagram::decode(&datagram.encode()).as_ref(), Some(datagram));
}

fn life() -> Incarnation {
    Incarnation { boot: BootId::from_bytes([1; 16]), generation: Generation(2) }
}

#[test]
fn heartbeats_of_every_age_are_read() {
    let view = PeerView {
        member: MemberId(2),
        boot_tag: 0x0202_0202,
        generation: Generation(1),
        sequence: 41,
        silence: Millis(90),
        hears_me: Some(Millis(110)),
        quiet_links: None,
    };
    let heartbeat = Heartbeat {
        cluster: ClusterId::from_bytes([9; 16]),
        from: NodeId::new("m1").unwrap(),
        incarnation: life(),
        sequence: 900,
        vote: RaftVote { term: Term(3), member: MemberId(1) },
        applied: LogIndex(33),
        store: StoreId::from_bytes([0x11; 16]),
        durable: Durable { term: Term(3), index: LogIndex(34), commits: 99 },
        hears: vec![view, PeerView { member: MemberId(3), hears_me: None, ..view }],
        lapses: 1,
        wall: WallTime(1_795_000_000_000),
        hash: Some((LogIndex(30), 0xdead_beef)),
        shortage: Some(Shortage::Ballast),
        leads: Some(Term(3)),
        prompt: Some(Millis(61_500)),
    };
    check("heartbeat.txt", &Datagram::Heartbeat(heartbeat));
}

#[test]
fn acknowledgements_of_every_age_are_read() {
    let ack = Ack {
        cluster: ClusterId::from_bytes([9; 16]),
        from: NodeId::new("m2").unwrap(),
        to: life(),
        sequence: 900,
        commit: LogIndex(33),
        act: Millis(1500),
        hold: Millis(20_000),
    };
    check("ack.txt", &Datagram::Ack(ack));
}
