//! Faults on a real wire: partitions, load, and certificates that change. Judged by order and count, never by the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use haven_core::event::{Endpoint as Address, MemberKind};
use haven_core::ids::NodeId;
use haven_core::units::{Millis, WallTime};
use haven_env::{BoxFuture, CallClass, Peer, Transport};
use tokio::time::{MissedTickBehavior, interval};

use crate::bench::{LINK, LOOPBACK, SOON, Station, acquaint, authority, identity, name, trust, until};
use crate::gate::lock;
use crate::pki::wall_now;
use crate::relay::Relay;
use crate::{Applicant, ClusterCa, Enroller, NodeIdentity, NodeKey, NotAdmitted};

/// Between heartbeats, as with a dead-after of 1.5 s.
const BEAT: Duration = Duration::from_millis(100);

struct Pair {
    a: Station,
    b: Station,
    wire: Relay,
}

async fn pair() -> Pair {
    let ca = authority(1);
    let [a, b] = ["a", "b"].map(|node| Station::start(&ca, node, &[LOOPBACK]));
    let wire = Relay::start(LOOPBACK, b.address());
    a.transport.set_peers(vec![Peer { endpoints: vec![Address(wire.address().to_string())], ..b.peer() }]);
    b.transport.set_peers(vec![a.peer()]);
    a.call("b", "hello").await.unwrap();
    Pair { a, b, wire }
}

impl Pair {
    /// Both send heartbeats until `done`, at most `most` of them; returns how many were sent.
    async fn beat(&self, most: usize, mut done: impl FnMut(usize) -> bool) -> usize {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for sent in 0..most {
            ticks.tick().await;
            if done(sent) {
                return sent;
            }
            self.a.transport.send(&name("b"), LINK, b"beat".to_vec());
            self.b.transport.send(&name("a"), LINK, b"beat".to_vec());
        }
        most
    }

    fn heard(&self) -> [usize; 2] {
        [&self.a, &self.b].map(|station| lock(&station.ears.datagrams).len())
    }
}

async fn heals(beats_lost: usize) {
    let pair = pair().await;
    let before = pair.heard();
    pair.beat(100, |_| pair.heard().iter().zip(before).all(|(now, before)| *now > before + 3)).await;
    pair.wire.cut();
    pair.beat(beats_lost, |_| false).await;
    pair.wire.heal();
    let at_heal = pair.heard();
    let answered = AtomicBool::new(false);
    let call = async {
        let answer = pair.a.call("b", "again").await;
        answered.store(true, Ordering::SeqCst);
        answer
    };
    let most = 40;
    let both = || pair.heard().iter().zip(at_heal).all(|(now, before)| *now > before);
    let beats = pair.beat(most, |_| both() && answered.load(Ordering::SeqCst));
    let (answer, beats) = tokio::join!(call, beats);
    assert_eq!(answer.unwrap(), "a said again");
    assert!(beats < most, "after a partition of {beats_lost} heartbeats {beats} were sent until both ways worked");
}

#[tokio::test]
async fn after_a_short_partition_heartbeats_and_calls_go_on_at_once() {
    heals(10).await;
}

#[tokio::test]
async fn after_a_long_partition_the_peer_is_dialled_anew_at_once() {
    heals(60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_snapshot_delays_neither_heartbeats_nor_votes() {
    let pair = Arc::new(pair().await);
    let done = Arc::new(AtomicBool::new(false));
    let snapshot = {
        let (pair, done) = (pair.clone(), done.clone());
        tokio::spawn(async move {
            let bytes = vec![7; 64 * 1024 * 1024];
            let answer = pair.a.transport.call(&name("b"), LINK, CallClass::Snapshot, bytes, SOON).await;
            done.store(true, Ordering::SeqCst);
            answer
        })
    };
    let votes = AtomicUsize::new(0);
    let voting = async {
        while !done.load(Ordering::SeqCst) {
            pair.a.call("b", "vote").await.unwrap();
            votes.fetch_add(1, Ordering::SeqCst);
        }
    };
    // The longest run of heartbeats of which none has arrived.
    let (mut last, mut since, mut worst) = (pair.heard(), 0, 0);
    let beating = pair.beat(1000, |sent| {
        let now = pair.heard();
        if now.iter().zip(last).all(|(now, before)| *now > before) {
            (last, since) = (now, sent);
        }
        worst = worst.max(sent - since);
        done.load(Ordering::SeqCst)
    });
    let (_, sent) = tokio::join!(voting, beating);
    assert!(snapshot.await.unwrap().is_ok());
    assert!(votes.load(Ordering::SeqCst) >= 2, "votes wait for the snapshot");
    assert!(worst < 10, "{worst} heartbeats in a row did not arrive, of {sent}");
    let sizes: Vec<usize> = lock(&pair.b.ears.calls).iter().map(|call| call.2).collect();
    assert!(sizes.contains(&(64 * 1024 * 1024)));
}

#[tokio::test]
async fn the_authority_changes_under_load_and_no_call_fails() {
    let (old, new) = (authority(1), authority(1));
    let stations = ["a", "b", "c"].map(|node| Station::start(&old, node, &[LOOPBACK]));
    let [a, b, c] = &stations;
    acquaint(&[a, b, c]);
    let (calls, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let load = async {
        while !done.load(Ordering::SeqCst) {
            for (from, to) in [(a, "b"), (b, "c"), (c, "a")] {
                from.call(to, "load").await.unwrap();
                calls.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    let both = trust(&old).with_first(new.certificate().clone()).unwrap();
    let change = async {
        for bundle in [both.clone(), both.settled()] {
            for station in &stations {
                station.transport.renew(renewed(&new, station), bundle.clone()).unwrap();
                let at = calls.load(Ordering::SeqCst);
                until("calls go on", || calls.load(Ordering::SeqCst) > at + 3).await;
            }
        }
        done.store(true, Ordering::SeqCst);
    };
    tokio::join!(load, change);
}

fn renewed(ca: &ClusterCa, station: &Station) -> NodeIdentity {
    let (node, key) = (station.identity.node(), station.identity.key().clone());
    NodeIdentity::issue(ca, node, key, wall_now()).unwrap()
}

#[tokio::test]
async fn a_member_that_was_away_during_the_change_of_the_authority_is_not_cut_off() {
    let (old, new) = (authority(1), authority(1));
    let [a, b, stranger] = ["a", "b", "d"].map(|node| Station::start(&old, node, &[LOOPBACK]));
    // `a` has the next authority and has forgotten the old one, `b` knows nothing of it.
    a.transport.renew(renewed(&new, &a), trust(&new)).unwrap();
    acquaint(&[&a, &b]);
    assert_eq!(a.call("b", "hello").await.unwrap(), "a said hello");
    assert_eq!(b.call("a", "hello").await.unwrap(), "b said hello");
    // For a member without a key the authority decides, and for `a` the old one is none.
    a.transport.set_peers(vec![Peer { key: None, ..stranger.peer() }]);
    stranger.transport.set_peers(vec![a.peer()]);
    let call = a.transport.call(&name("d"), LINK, CallClass::Raft, b"x".to_vec(), Millis(1000)).await;
    assert!(call.is_err(), "{call:?}");
    let both = trust(&new).with_first(old.certificate().clone()).unwrap();
    a.transport.renew(renewed(&new, &a), both).unwrap();
    assert_eq!(a.call("d", "hello").await.unwrap(), "a said hello");
}

#[tokio::test]
async fn a_certificate_that_has_expired_does_not_part_members_that_know_each_others_keys() {
    let ca = authority(1);
    let long_ago = WallTime(1_000_000_000_000);
    let [a, b] = ["a", "b"].map(|node| {
        let key = NodeKey::create(&name(node)).unwrap();
        let expired = NodeIdentity::issue(&ca, &name(node), key, long_ago).unwrap();
        Station::with(expired, &trust(&ca), &[LOOPBACK])
    });
    assert!(a.identity.is_due(wall_now()));
    acquaint(&[&a, &b]);
    assert_eq!(a.call("b", "hello").await.unwrap(), "a said hello");
}

#[tokio::test]
async fn a_renewal_for_another_key_or_name_is_refused() {
    let ca = authority(1);
    let a = Station::start(&ca, "a", &[LOOPBACK]);
    for other in [identity(&ca, "a"), identity(&ca, "b")] {
        assert!(a.transport.renew(other, trust(&ca)).is_err());
    }
}

/// Everybody that asks is a member of this kind.
struct Known(Option<MemberKind>);

impl Enroller for Known {
    fn admit(&self, _: Applicant) -> BoxFuture<'static, Result<Vec<u8>, NotAdmitted>> {
        Box::pin(async { Err(NotAdmitted::Refused("nobody joins here".to_owned())) })
    }

    fn kind(&self, _: &NodeId) -> Option<MemberKind> {
        self.0
    }
}

#[tokio::test]
async fn a_member_gets_another_certificate_of_its_key_and_the_ca_only_if_it_is_a_full_one() {
    let (old, new) = (authority(1), Arc::new(authority(1)));
    let [a, b] = ["a", "b"].map(|node| Station::start(&old, node, &[LOOPBACK]));
    acquaint(&[&a, &b]);
    assert_eq!(a.call("b", "hello").await.unwrap(), "a said hello");
    let asked = |why: &'static str| {
        let answer = a.transport.certificate_from(&name("b"), SOON);
        async move {
            let error = answer.await.unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
    };
    asked("it does not hold the CA").await;
    let both = trust(&old).with_first(new.certificate().clone()).unwrap();
    b.transport.renew(renewed(&new, &b), both).unwrap();
    b.transport.let_in(Arc::new(Known(None)), new.clone()).unwrap();
    asked("a is no member").await;
    for kind in [MemberKind::Full, MemberKind::Witness] {
        b.transport.let_in(Arc::new(Known(Some(kind))), new.clone()).unwrap();
        let given = a.transport.certificate_from(&name("b"), SOON).await.unwrap();
        assert_eq!(given.identity.key().digest(), a.key());
        assert_eq!(given.trust.fingerprints(), [new.fingerprint(), old.fingerprint()]);
        assert_eq!(given.ca.map(|ca| ca.fingerprint()), (kind == MemberKind::Full).then(|| new.fingerprint()));
    }
    assert!(a.transport.certificate_from(&name("c"), SOON).await.is_err(), "it is no peer");
}
