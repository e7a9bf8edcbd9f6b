use std::os::unix::fs::PermissionsExt;

use haven_core::units::WallTime;

use super::{ClusterCa, Credentials, NodeIdentity, NodeKey, PkiError, TlsFolder, TrustBundle, subject_of, wall_now};
use crate::bench::{authority, cluster, identity, name, trust};

#[test]
fn a_folder_gives_back_what_was_created() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFolder::new(folder.path().join("tls"));
    let made = tls.create(cluster(1), "prod", &name("m1"), wall_now()).unwrap();
    let read = tls.load().unwrap();
    assert_eq!(read.identity.key().digest(), made.identity.key().digest());
    assert_eq!(read.identity.certificate(), made.identity.certificate());
    assert_eq!(read.trust, made.trust);
    let ca = read.ca.unwrap();
    assert_eq!(ca.fingerprint(), made.ca.unwrap().fingerprint());
    // What was read back can certify others.
    let other = NodeKey::create(&name("m2")).unwrap();
    NodeIdentity::issue(&ca, &name("m2"), other, wall_now()).unwrap();
    for file in ["ca.key", "node.key", "ca.pem", "node.pem"] {
        let mode = std::fs::metadata(tls.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFolder::new(folder.path());
    tls.create(cluster(1), "prod", &name("m1"), wall_now()).unwrap();
    let open = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(folder.path().join("ca.key"), open).unwrap();
    let error = tls.load().unwrap_err();
    assert!(matches!(error, PkiError::Mode { .. }), "{error}");
    assert!(error.to_string().contains("640, 600 is needed"), "{error}");
}

#[test]
fn a_key_stays_when_joining_is_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFolder::new(folder.path());
    let first = tls.node_key(&name("m2")).unwrap();
    assert_eq!(tls.node_key(&name("m2")).unwrap().digest(), first.digest());
}

#[test]
fn a_certificate_of_another_key_or_an_authority_is_no_identity() {
    let ca = authority(1);
    let certificate = ca.certify(&name("m1"), &NodeKey::create(&name("m1")).unwrap().spki(), wall_now()).unwrap();
    let other = NodeKey::create(&name("m1")).unwrap();
    assert!(NodeIdentity::new(other.clone(), certificate).is_err());
    assert!(NodeIdentity::new(other, ca.certificate().clone()).is_err());
    let key = authority(1).key();
    assert!(ClusterCa::read(ca.certificate().clone(), &key).is_err(), "the key is another CA's");
}

#[test]
fn every_node_name_fits_into_a_certificate() {
    let ca = authority(1);
    for text in ["m1", "m1.mydomain.com", "rack_7:a", "_x", &"n".repeat(64)] {
        let subject = subject_of(identity(&ca, text).certificate()).unwrap();
        assert_eq!((subject.cluster, subject.node), (cluster(1), Some(name(text))));
    }
}

#[test]
fn a_certificate_is_due_when_a_third_of_its_life_is_left() {
    let ca = authority(1);
    let identity = identity(&ca, "m1");
    assert!(!identity.is_due(wall_now()));
    let before = |days: u64| WallTime(identity.expires().0 - days * 86_400_000);
    assert!(!identity.is_due(before(250)));
    assert!(identity.is_due(before(240)));
    assert!(identity.is_due(WallTime(identity.expires().0 + 1)));
    assert!(identity.is_due(WallTime(0)), "not valid yet");
}

#[test]
fn a_certificate_is_renewed_in_its_folder_for_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsFolder::new(folder.path());
    let made = tls.create(cluster(1), "prod", &name("m1"), wall_now()).unwrap();
    let (certificate, key) = (made.identity.certificate().clone(), made.identity.key().digest());
    let soon = WallTime(made.identity.expires().0 - 86_400_000);
    let kept = tls.renewed(made, wall_now()).unwrap();
    assert_eq!(*kept.identity.certificate(), certificate, "it is not time yet");
    tls.renewed(kept, soon).unwrap();
    let read = tls.load().unwrap();
    assert_eq!(read.identity.key().digest(), key);
    assert!(read.identity.expires() > soon && !read.identity.is_due(soon));
}

#[test]
fn two_roots_are_trusted_while_the_authority_changes_and_one_cluster_is_all_of_them() {
    let (old, new) = (authority(1), authority(1));
    let both = trust(&old).with_first(new.certificate().clone()).unwrap();
    assert_eq!(both.fingerprints(), [new.fingerprint(), old.fingerprint()]);
    assert_eq!(both.settled().fingerprints(), [new.fingerprint()]);
    let foreign = authority(2).certificate().clone();
    assert!(trust(&old).with_first(foreign).is_err());
    assert!(TrustBundle::new(Vec::new()).is_err());
    assert!(TrustBundle::new(vec![identity(&old, "m1").certificate().clone()]).is_err());
}

#[test]
fn keys_are_never_printed() {
    let ca = authority(1);
    let identity = identity(&ca, "m1");
    let printed = format!("{ca:?} {identity:?} {:?} {:?}", identity.key(), identity.key().pem());
    assert!(!printed.contains("PRIVATE"), "{printed}");
}

/// Every point at which a change of the authority may be cut off between its files.
#[test]
fn a_change_of_the_authority_that_is_cut_off_leaves_a_folder_that_can_be_used() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let before = TlsFolder::new(old.path());
    let made = before.create(cluster(1), "prod", &name("m1"), wall_now()).unwrap();
    let next = ClusterCa::create(cluster(1), "prod", wall_now()).unwrap();
    before.prepare(&next).unwrap();
    assert_eq!(before.prepared().unwrap().unwrap().fingerprint(), next.fingerprint());
    let fingerprint = next.fingerprint();
    let key = made.identity.key().clone();
    let identity = NodeIdentity::issue(&next, &name("m1"), key, wall_now()).unwrap();
    let trust = made.trust.with_first(next.certificate().clone()).unwrap();
    let changed = Credentials { identity, trust, ca: Some(next) };
    let after = TlsFolder::new(new.path());
    after.save(&changed).unwrap();
    // The order in which files change; see `TlsFolder::change`.
    for file in ["node.pem", "ca.pem", "ca.key"] {
        std::fs::copy(new.path().join(file), old.path().join(file)).unwrap();
        let read = before.load().unwrap();
        let first = read.trust.fingerprints()[0];
        assert_eq!(read.ca.unwrap().fingerprint(), first, "after {file}");
        assert_eq!(first == fingerprint, file != "node.pem", "after {file}");
    }
    before.change(&changed).unwrap();
    assert!(before.prepared().unwrap().is_none());
    assert_eq!(before.load().unwrap().ca.unwrap().fingerprint(), fingerprint);
}
