//! The roots that a member trusts: one, or two while the CA changes.

use haven_core::event::Fingerprint;
use haven_core::ids::ClusterId;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::{PkiError, fingerprint, subject_of};

/// Most roots at a time: the present one, the next, and the one before.
const ROOTS_MAX: usize = 3;

/// The roots that a member trusts, the present CA first. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustBundle {
    cluster: ClusterId,
    roots: Vec<CertificateDer<'static>>,
}

impl TrustBundle {
    /// Trusts `roots`, at least one and at most three; all must be of one cluster.
    pub fn new(roots: Vec<CertificateDer<'static>>) -> Result<Self, PkiError> {
        let wrong = |why: &str| PkiError::unreadable("the trusted roots", why);
        let mut clusters = roots.iter().map(|root| subject_of(root).filter(|s| s.node.is_none()).map(|s| s.cluster));
        let first = clusters.next().flatten().ok_or_else(|| wrong("the first is no cluster's"))?;
        if !clusters.all(|cluster| cluster == Some(first)) {
            return Err(wrong("they are not of one cluster"));
        }
        if roots.len() > ROOTS_MAX {
            return Err(wrong("there are more than three"));
        }
        Ok(Self { cluster: first, roots })
    }

    /// Whose roots they are.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// The roots, the present CA first.
    pub fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    /// The fingerprints of the roots, in the same order.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.roots.iter().map(|root| fingerprint(root)).collect()
    }

    /// The bundle in which `root` comes first and the others are still trusted, the oldest forgotten beyond three.
    pub fn with_first(&self, root: CertificateDer<'static>) -> Result<Self, PkiError> {
        let others = self.roots.iter().filter(|known| **known != root).cloned();
        let roots = std::iter::once(root.clone()).chain(others).take(ROOTS_MAX).collect();
        Self::new(roots)
    }

    /// The bundle that trusts the first root alone: the change of the CA is over.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { cluster: self.cluster, roots: self.roots.iter().take(1).cloned().collect() }
    }

    pub(crate) fn store(&self) -> RootCertStore {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(self.roots.iter().cloned());
        store
    }
}
