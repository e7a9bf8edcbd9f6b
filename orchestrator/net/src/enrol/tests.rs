use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use haven_core::event::{Endpoint, Fingerprint, KeyDigest, MemberKind};
use haven_core::ids::{NodeId, StoreId};
use haven_core::units::WallTime;
use haven_env::BoxFuture;

use super::{Applicant, EnrolAsk, EnrolError, Enroller, NotAdmitted, enrol};
use crate::bench::{LINK, LOOPBACK, Station, authority, cluster, name, trust};
use crate::gate::lock;
use crate::pki::wall_now;
use crate::{ClusterCa, JoinToken, NodeKey};

/// A cluster as far as tokens go.
#[derive(Default)]
struct Registry {
    tokens: Mutex<BTreeMap<String, MemberKind>>,
    joined: Mutex<BTreeMap<StoreId, KeyDigest>>,
    asked: AtomicUsize,
    undecided: AtomicUsize,
}

impl Registry {
    fn decide(&self, applicant: &Applicant) -> Result<Vec<u8>, NotAdmitted> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.undecided.load(Ordering::SeqCst) > 0 {
            self.undecided.fetch_sub(1, Ordering::SeqCst);
            return Err(NotAdmitted::Later("there is no leader".to_owned()));
        }
        if lock(&self.joined).get(&applicant.store) == Some(&applicant.key) {
            return Ok(b"welcome".to_vec());
        }
        let known = lock(&self.tokens).remove(&applicant.token);
        if known != Some(applicant.kind) {
            return Err(NotAdmitted::Refused("the join token is unknown, spent or expired".to_owned()));
        }
        lock(&self.joined).insert(applicant.store, applicant.key);
        Ok(b"welcome".to_vec())
    }
}

impl Enroller for Registry {
    fn admit(&self, applicant: Applicant) -> BoxFuture<'static, Result<Vec<u8>, NotAdmitted>> {
        let decided = self.decide(&applicant);
        Box::pin(async move { decided })
    }

    fn kind(&self, _: &NodeId) -> Option<MemberKind> {
        None
    }
}

struct Office {
    station: Station,
    registry: Arc<Registry>,
    ca: Arc<ClusterCa>,
}

impl Office {
    fn open() -> Self {
        let ca = Arc::new(authority(1));
        let station = Station::start(&ca, "m1", &[LOOPBACK]);
        let registry = Arc::new(Registry::default());
        station.transport.let_in(registry.clone(), ca.clone()).unwrap();
        Self { station, registry, ca }
    }

    fn token(&self, kind: MemberKind) -> JoinToken {
        let token = self.unknown_token(kind, self.ca.fingerprint());
        let digest = token.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        lock(&self.registry.tokens).insert(digest, kind);
        token
    }

    fn unknown_token(&self, kind: MemberKind, ca: Fingerprint) -> JoinToken {
        let hour = WallTime(wall_now().0 + 3_600_000);
        JoinToken::create(cluster(1), "prod", vec![self.station.address()], ca, kind, hour).unwrap()
    }
}

fn ask(store: u8) -> EnrolAsk {
    let endpoints = vec![Endpoint("10.0.0.2:7741".to_owned())];
    EnrolAsk { node: name("m2"), store: StoreId::from_bytes([store; 16]), endpoints, product_uuid: None, serial: None }
}

fn key() -> NodeKey {
    NodeKey::create(&name("m2")).unwrap()
}

#[tokio::test]
async fn who_has_a_token_gets_a_certificate_for_its_own_key_and_then_talks() {
    let office = Office::open();
    let key = key();
    let enrolled = enrol(&office.token(MemberKind::Full), ask(1), &key, wall_now()).await.unwrap();
    assert_eq!(enrolled.admission, b"welcome");
    assert_eq!(enrolled.credentials.identity.key().digest(), key.digest());
    assert_eq!(enrolled.credentials.ca.unwrap().fingerprint(), office.ca.fingerprint());
    let m2 = Station::with(enrolled.credentials.identity, &enrolled.credentials.trust, &[LOOPBACK]);
    crate::bench::acquaint(&[&office.station, &m2]);
    assert_eq!(m2.call_over("m1", LINK, "hello").await.unwrap(), "m2 said hello");
}

#[tokio::test]
async fn a_witness_does_not_get_the_key_of_the_ca() {
    let office = Office::open();
    let enrolled = enrol(&office.token(MemberKind::Witness), ask(1), &key(), wall_now()).await.unwrap();
    assert!(enrolled.credentials.ca.is_none());
}

#[tokio::test]
async fn a_token_admits_one_machine_and_its_answer_can_be_asked_for_again() {
    let office = Office::open();
    let (token, first) = (office.token(MemberKind::Full), key());
    enrol(&token, ask(1), &first, wall_now()).await.unwrap();
    // The same machine has lost the answer.
    enrol(&token, ask(1), &first, wall_now()).await.unwrap();
    // Another machine that knows token and store id, but does not hold the key.
    let error = enrol(&token, ask(1), &key(), wall_now()).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("spent")), ("HV-JOIN-05", true), "{error}");
    assert_eq!(lock(&office.registry.joined).len(), 1);
}

#[tokio::test]
async fn an_unknown_token_and_one_for_another_kind_are_refused() {
    let office = Office::open();
    let unknown = office.unknown_token(MemberKind::Full, office.ca.fingerprint());
    let error = enrol(&unknown, ask(1), &key(), wall_now()).await.unwrap_err();
    assert!(matches!(&error, EnrolError::Refused { node, .. } if *node == name("m2")), "{error}");
    assert!(lock(&office.registry.joined).is_empty());
}

#[tokio::test]
async fn a_token_that_is_over_is_not_even_sent() {
    let office = Office::open();
    let token = office.token(MemberKind::Full);
    let error = enrol(&token, ask(1), &key(), WallTime(token.expires().0 + 300_000)).await.unwrap_err();
    assert_eq!(error.to_string(), "the join token for prod is over since 5min, by this machine's clock");
    assert_eq!(office.registry.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_cluster_with_another_ca_never_sees_the_secret() {
    let office = Office::open();
    let other = authority(1).fingerprint();
    let token = office.unknown_token(MemberKind::Full, other);
    let error = enrol(&token, ask(1), &key(), wall_now()).await.unwrap_err();
    assert_eq!(error.code(), "HV-JOIN-04");
    let text = error.to_string();
    assert!(text.contains(&other.to_string()) && text.contains(&office.ca.fingerprint().to_string()), "{text}");
    assert_eq!(office.registry.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_member_that_is_no_ca_of_its_own_cannot_pose_as_the_cluster() {
    // A server that shows the right root, but whose own certificate is from another CA.
    let (ours, theirs) = (authority(1), Arc::new(authority(1)));
    let both = trust(&theirs).with_first(ours.certificate().clone()).unwrap();
    let thief = Station::with(crate::bench::identity(&theirs, "m1"), &both, &[LOOPBACK]);
    let registry = Arc::new(Registry::default());
    thief.transport.let_in(registry.clone(), theirs).unwrap();
    let hour = WallTime(wall_now().0 + 3_600_000);
    let addresses = vec![thief.address()];
    let token = JoinToken::create(cluster(1), "prod", addresses, ours.fingerprint(), MemberKind::Full, hour).unwrap();
    let error = enrol(&token, ask(1), &key(), wall_now()).await.unwrap_err();
    assert!(matches!(error, EnrolError::Unreachable { .. }), "{error}");
    assert_eq!(registry.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_joining_that_could_not_be_decided_is_repeated_with_the_same_token() {
    let office = Office::open();
    office.registry.undecided.store(1, Ordering::SeqCst);
    let (token, key) = (office.token(MemberKind::Full), key());
    let error = enrol(&token, ask(1), &key, wall_now()).await.unwrap_err();
    assert_eq!(error.code(), "HV-JOIN-06", "{error}");
    assert!(error.to_string().contains("there is no leader"), "{error}");
    enrol(&token, ask(1), &key, wall_now()).await.unwrap();
}

#[tokio::test]
async fn nobody_at_the_addresses_is_said_with_each_address() {
    let hour = WallTime(wall_now().0 + 3_600_000);
    let dead = std::net::UdpSocket::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap();
    let token =
        JoinToken::create(cluster(1), "prod", vec![dead], Fingerprint::from_bytes([1; 32]), MemberKind::Full, hour);
    let error = enrol(&token.unwrap(), ask(1), &key(), wall_now()).await.unwrap_err();
    assert_eq!(error.code(), "HV-JOIN-03");
    assert!(error.to_string().contains(&dead.to_string()), "{error}");
}
