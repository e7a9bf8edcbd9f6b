//! A node's key, and who it is by its certificate.

use std::fmt;
use std::sync::Arc;

use haven_core::event::KeyDigest;
use haven_core::ids::{ClusterId, NodeId};
use haven_core::units::WallTime;
use haven_env::Secret;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::authority::{NODE_DAYS, spki};
use super::name::validity_of;
use super::{ClusterCa, DAY, PkiError, TrustBundle, sha256, subject_of};

/// A node's key pair. It stays the same when its certificate is renewed: the members know the node by it.
#[derive(Clone)]
pub struct NodeKey(Arc<KeyPair>);

impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "NodeKey {:?}", self.digest())
    }
}

impl NodeKey {
    /// Makes a key.
    pub fn create(node: &NodeId) -> Result<Self, PkiError> {
        KeyPair::generate().map(|key| Self(Arc::new(key))).map_err(|e| PkiError::crypto("a key", node, e))
    }

    /// Reads a key in PEM form.
    pub fn read(pem: &Secret) -> Result<Self, PkiError> {
        let unreadable = |why: &dyn fmt::Display| PkiError::unreadable("the node's key", why);
        let pem = std::str::from_utf8(pem.reveal()).map_err(|e| unreadable(&e))?;
        KeyPair::from_pem(pem).map(|key| Self(Arc::new(key))).map_err(|e| unreadable(&e))
    }

    /// The key in PEM form, for its file.
    pub fn pem(&self) -> Secret {
        Secret::new(self.0.serialize_pem())
    }

    /// What the members know the node by.
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::from_bytes(sha256(&self.spki()))
    }

    /// The public key in the form SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        spki(&self.0)
    }

    /// The private key in PKCS #8 form.
    pub(crate) fn pkcs8(&self) -> Secret {
        Secret::new(self.0.serialized_der())
    }

    /// A certificate that says nothing but that its maker holds this key: with it a machine applies to join.
    pub(crate) fn self_signed(&self) -> Result<CertifiedKey, PkiError> {
        let failed = |e: rcgen::Error| PkiError::unreadable("the node's key", e);
        let certificate = CertificateParams::default().self_signed(&*self.0).map_err(failed)?.der().clone();
        self.certified(vec![certificate])
    }

    pub(super) fn certified(&self, chain: Vec<CertificateDer<'static>>) -> Result<CertifiedKey, PkiError> {
        let unreadable = |why: &dyn fmt::Display| PkiError::unreadable("the node's key", why);
        let key = PrivateKeyDer::try_from(self.0.serialize_der()).map_err(|e| unreadable(&e))?;
        let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).map_err(|e| unreadable(&e))?;
        Ok(CertifiedKey::new(chain, key))
    }
}

/// A node's key with the certificate that says whose it is.
#[derive(Clone)]
pub struct NodeIdentity {
    cluster: ClusterId,
    node: NodeId,
    key: NodeKey,
    certificate: CertificateDer<'static>,
}

impl fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "NodeIdentity {} {:?}", self.node, self.key.digest())
    }
}

impl NodeIdentity {
    /// Has `key` certified by `ca` as the one of `node`.
    pub fn issue(ca: &ClusterCa, node: &NodeId, key: NodeKey, now: WallTime) -> Result<Self, PkiError> {
        let certificate = ca.certify(node, &key.spki(), now)?;
        Self::new(key, certificate)
    }

    /// Puts a key and its certificate together. They must belong together.
    pub fn new(key: NodeKey, certificate: CertificateDer<'static>) -> Result<Self, PkiError> {
        let wrong = |why: &dyn fmt::Display| PkiError::unreadable("the node's certificate", why);
        let subject = subject_of(&certificate).ok_or_else(|| wrong(&"it names no node of a cluster"))?;
        let node = subject.node.ok_or_else(|| wrong(&"it is an authority's"))?;
        let parsed = rustls::server::ParsedCertificate::try_from(&certificate).map_err(|e| wrong(&e))?;
        if *parsed.subject_public_key_info() != *key.spki() {
            return Err(wrong(&"it is for another key"));
        }
        Ok(Self { cluster: subject.cluster, node, key, certificate })
    }

    /// The cluster.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The node.
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// Its key.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// When the certificate ceases to be valid.
    pub fn expires(&self) -> WallTime {
        let (_, end) = validity_of(&self.certificate).unwrap_or_default();
        WallTime(end.saturating_mul(1000))
    }

    /// Whether it is time for another certificate: less than a third of its life is left, or it is not valid yet, as
    /// one that was made while the clock was wrong.
    pub fn is_due(&self, now: WallTime) -> bool {
        let (begin, end) = validity_of(&self.certificate).unwrap_or_default();
        let now = now.0 / 1000;
        now < begin || end.saturating_sub(now) < NODE_DAYS * DAY / 3
    }

    /// What is shown to members.
    pub(crate) fn certified(&self) -> Result<CertifiedKey, PkiError> {
        self.key.certified(vec![self.certificate.clone()])
    }

    /// What is shown to applicants: the roots too, since they know no more of the CA than its fingerprint.
    pub(crate) fn certified_with(&self, trust: &TrustBundle) -> Result<CertifiedKey, PkiError> {
        let own = std::iter::once(self.certificate.clone());
        self.key.certified(own.chain(trust.roots().iter().cloned()).collect())
    }
}
