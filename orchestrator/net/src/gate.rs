//! Who may speak: the one place that decides whether a certificate is a member's [S8].
//!
//! It is asked twice: during the TLS handshake, so that a stranger gets no connection, and once more when the
//! connection is taken into use, because the members may have changed in between. TLS itself proves that the peer holds
//! the certificate's private key; both ends check that signature.
//!
//! A member whose public key the log names is believed by that key and by nothing else: neither the CA nor the
//! certificate's dates matter, so a wrong clock, a forgotten renewal or a change of the CA never takes a cluster apart,
//! and a stolen CA key makes no second `m2`. A member whose key is not known yet is believed by a certificate of a
//! trusted root, valid at this moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use haven_core::event::KeyDigest;
use haven_core::ids::{ClusterId, NodeId};
use haven_env::Peer;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

use crate::pki::{TrustBundle, sha256, subject_of};
use crate::verify::Judge;

/// A poisoned lock means that a task has panicked: what it guards is replaced as a whole, never left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a peer is not let in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Stranger {
    /// It showed no certificate, or one that cannot be read or that names nobody.
    #[error("its certificate names no node")]
    Nameless,
    /// The certificate is of another cluster.
    #[error("its certificate is of cluster {0}")]
    OtherCluster(ClusterId),
    /// The name is no member's: never was, or was removed.
    #[error("{0} is no member")]
    NoMember(NodeId),
    /// The name is a member's, the key is not.
    #[error("{0} has another key than the one that joined")]
    OtherKey(NodeId),
    /// No trusted root stands behind the certificate, or it is not valid at this time.
    #[error("the certificate of {node} is not valid: {why}")]
    NotCertified {
        /// The name that it claims.
        node: NodeId,
        /// What is wrong.
        why: String,
    },
    /// Somebody else answered at the address of a member.
    #[error("{found} answered where {wanted} was called")]
    SomebodyElse {
        /// Who was called.
        wanted: NodeId,
        /// Who answered.
        found: NodeId,
    },
    /// It dialled, though of two nodes the one with the lower name does.
    #[error("{0} dialled out of turn")]
    NotItsTurn(NodeId),
}

/// A peer that may speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its name.
    pub(crate) node: NodeId,
    /// The key that it has proven to hold.
    pub(crate) key: KeyDigest,
}

/// Decides who may speak.
#[derive(Debug)]
pub(crate) struct Gate {
    cluster: ClusterId,
    provider: Arc<CryptoProvider>,
    roots: Mutex<Arc<RootCertStore>>,
    members: Mutex<BTreeMap<NodeId, Option<KeyDigest>>>,
}

impl Gate {
    pub(crate) fn new(cluster: ClusterId, provider: Arc<CryptoProvider>, trust: &TrustBundle) -> Self {
        let roots = Mutex::new(Arc::new(trust.store()));
        Self { cluster, provider, roots, members: Mutex::default() }
    }

    pub(crate) fn set_members(&self, peers: &[Peer]) {
        *lock(&self.members) = peers.iter().map(|peer| (peer.node.clone(), peer.key)).collect();
    }

    pub(crate) fn set_trust(&self, trust: &TrustBundle) {
        *lock(&self.roots) = Arc::new(trust.store());
    }

    /// Who shows this chain of certificates, if it is a member.
    pub(crate) fn identify(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<Known, Stranger> {
        let (certificate, others) = chain.split_first().ok_or(Stranger::Nameless)?;
        let subject = subject_of(certificate).ok_or(Stranger::Nameless)?;
        if subject.cluster != self.cluster {
            return Err(Stranger::OtherCluster(subject.cluster));
        }
        let node = subject.node.ok_or(Stranger::Nameless)?;
        // By the same parser that hands the key to the check of the handshake's signature: two parsers could be made
        // to see two keys.
        let parsed = ParsedCertificate::try_from(certificate).map_err(|_| Stranger::Nameless)?;
        let key = KeyDigest::from_bytes(sha256(&parsed.subject_public_key_info()));
        let pinned = lock(&self.members).get(&node).copied();
        match pinned {
            None => return Err(Stranger::NoMember(node)),
            Some(Some(pinned)) if pinned != key => return Err(Stranger::OtherKey(node)),
            Some(Some(_)) => {}
            Some(None) => {
                let roots = lock(&self.roots).clone();
                let algorithms = self.provider.signature_verification_algorithms.all;
                verify_server_cert_signed_by_trust_anchor(&parsed, &roots, others, now, algorithms)
                    .map_err(|e| Stranger::NotCertified { node: node.clone(), why: e.to_string() })?;
            }
        }
        Ok(Known { node, key })
    }

    /// Whether `known` may still speak.
    pub(crate) fn still_knows(&self, known: &Known) -> bool {
        let pinned = lock(&self.members).get(&known.node).copied();
        pinned.is_some_and(|pinned| pinned.is_none_or(|pinned| pinned == known.key))
    }
}

fn refused(why: &Stranger) -> Error {
    tracing::debug!(error = %why, "peer refused");
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}

fn chain<'a>(end: &'a CertificateDer<'a>, others: &'a [CertificateDer<'a>]) -> Vec<CertificateDer<'a>> {
    std::iter::once(end).chain(others).cloned().collect()
}

/// The side that is called: lets members in.
#[derive(Debug)]
pub(crate) struct CalledSide(pub(crate) Arc<Gate>);

impl Judge for CalledSide {
    fn judge(&self, end: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        self.0.identify(&chain(end, others), now).map(drop).map_err(|why| refused(&why))
    }
}

/// The side that calls: talks to nobody but the one it has called.
#[derive(Debug)]
pub(crate) struct CallingSide {
    pub(crate) gate: Arc<Gate>,
    pub(crate) wanted: NodeId,
}

impl Judge for CallingSide {
    fn judge(&self, end: &CertificateDer<'_>, others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        match self.gate.identify(&chain(end, others), now) {
            Ok(known) if known.node == self.wanted => Ok(()),
            Ok(known) => Err(refused(&Stranger::SomebodyElse { wanted: self.wanted.clone(), found: known.node })),
            Err(why) => Err(refused(&why)),
        }
    }
}
