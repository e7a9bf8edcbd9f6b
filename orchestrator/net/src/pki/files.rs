//! The folder `tls/` of a node: `ca.pem` (trusted roots), `ca.key` (full members), `node.pem` and `node.key`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haven_core::ids::{ClusterId, NodeId};
use haven_core::units::WallTime;
use haven_env::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{ClusterCa, NodeIdentity, NodeKey, PkiError, TrustBundle};

/// Longest file that is read: three roots are less than 4 KiB.
const FILE_MAX: u64 = 64 * 1024;
/// Length of a line in a PEM file. Source: RFC 7468, section 2.
const PEM_LINE: usize = 64;

/// The key and the certificate of an authority that is to be the cluster's.
const NEXT_KEY: &str = "ca-to-come.key";
const NEXT_ROOT: &str = "ca-to-come.pem";

/// Everything that the transport needs of a node.
#[derive(Debug)]
pub struct Credentials {
    /// Who it is.
    pub identity: NodeIdentity,
    /// Whom it believes.
    pub trust: TrustBundle,
    /// The authority; `None` on witnesses.
    pub ca: Option<ClusterCa>,
}

/// The folder in which a node keeps its keys and certificates.
#[derive(Debug, Clone)]
pub struct TlsFolder(PathBuf);

impl TlsFolder {
    /// The folder at `path`; it need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the authority of a cluster, and key and certificate of its founder.
    pub fn create(
        &self,
        cluster: ClusterId,
        name: &str,
        node: &NodeId,
        now: WallTime,
    ) -> Result<Credentials, PkiError> {
        let ca = ClusterCa::create(cluster, name, now)?;
        let identity = NodeIdentity::issue(&ca, node, self.node_key(node)?, now)?;
        let trust = TrustBundle::new(vec![ca.certificate().clone()])?;
        let credentials = Credentials { identity, trust, ca: Some(ca) };
        self.save(&credentials)?;
        Ok(credentials)
    }

    /// The node's key; made if there is none, so that joining can be repeated with the same one.
    pub fn node_key(&self, node: &NodeId) -> Result<NodeKey, PkiError> {
        match self.secret("node.key") {
            Ok(pem) => NodeKey::read(&pem),
            Err(PkiError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
                let key = NodeKey::create(node)?;
                self.write("node.key", key.pem().reveal())?;
                Ok(key)
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps all of `credentials`.
    pub fn save(&self, credentials: &Credentials) -> Result<(), PkiError> {
        self.write("node.key", credentials.identity.key().pem().reveal())?;
        if let Some(ca) = &credentials.ca {
            self.write("ca.key", ca.key().reveal())?;
        }
        self.save_certificates(&credentials.identity, &credentials.trust)
    }

    /// Keeps the certificates: after a renewal, or when the roots change.
    pub fn save_certificates(&self, identity: &NodeIdentity, trust: &TrustBundle) -> Result<(), PkiError> {
        self.write("ca.pem", pem(trust.roots()).as_bytes())?;
        self.write("node.pem", pem(std::slice::from_ref(identity.certificate())).as_bytes())
    }

    /// Reads everything back. Errors: [`PkiError`] says which file and what is wrong with it.
    pub fn load(&self) -> Result<Credentials, PkiError> {
        let trust = TrustBundle::new(self.certificates("ca.pem")?)?;
        let key = NodeKey::read(&self.secret("node.key")?)?;
        let path = self.shown("node.pem");
        let missing = || PkiError::unreadable(path.clone(), "it holds no certificate");
        let certificate = self.certificates("node.pem")?.into_iter().next().ok_or_else(missing)?;
        let identity = NodeIdentity::new(key, certificate)?;
        if identity.cluster() != trust.cluster() {
            let found = format!("cluster {}", identity.cluster());
            return Err(PkiError::Mismatch { path, found, wanted: format!("cluster {}", trust.cluster()) });
        }
        let ca = match (self.secret("ca.key"), trust.roots().first()) {
            (Ok(key), Some(root)) => {
                Some(ClusterCa::read(root.clone(), &key).or_else(|error| self.end_change(root, error))?)
            }
            (Err(PkiError::File { cause, .. }), _) if cause.kind() == io::ErrorKind::NotFound => None,
            (Err(error), _) => return Err(error),
            (Ok(_), None) => None,
        };
        Ok(Credentials { identity, trust, ca })
    }

    /// The same credentials, with another certificate for the same key if it is time for one and this node has the CA.
    /// A witness cannot certify itself; its members know it by its key all the same.
    pub fn renewed(&self, mut credentials: Credentials, now: WallTime) -> Result<Credentials, PkiError> {
        if let Some(ca) = credentials.ca.as_ref().filter(|_| credentials.identity.is_due(now)) {
            let (node, key) = (credentials.identity.node().clone(), credentials.identity.key().clone());
            credentials.identity = NodeIdentity::issue(ca, &node, key, now)?;
            self.save_certificates(&credentials.identity, &credentials.trust)?;
        }
        Ok(credentials)
    }

    /// Keeps an authority that is to be the cluster's; it counts once the log says so.
    pub fn prepare(&self, ca: &ClusterCa) -> Result<(), PkiError> {
        self.write(NEXT_KEY, ca.key().reveal())?;
        self.write(NEXT_ROOT, pem(std::slice::from_ref(ca.certificate())).as_bytes())
    }

    /// The authority that was kept by [`TlsFolder::prepare`], if there is one.
    pub fn prepared(&self) -> Result<Option<ClusterCa>, PkiError> {
        let missing =
            |error: &PkiError| matches!(error, PkiError::File { cause, .. } if cause.kind() == io::ErrorKind::NotFound);
        match (self.secret(NEXT_KEY), self.certificates(NEXT_ROOT)) {
            (Ok(key), Ok(roots)) => roots.into_iter().next().map(|root| ClusterCa::read(root, &key)).transpose(),
            (Err(error), _) | (_, Err(error)) if missing(&error) => Ok(None),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// Keeps credentials of another authority. Whatever crashes in between, [`TlsFolder::load`] finds either the
    /// authority before or this one.
    pub fn change(&self, credentials: &Credentials) -> Result<(), PkiError> {
        if let Some(ca) = &credentials.ca {
            self.write(NEXT_KEY, ca.key().reveal())?;
        }
        self.write("node.pem", pem(std::slice::from_ref(credentials.identity.certificate())).as_bytes())?;
        // From here on the first root is the other one, and the key that belongs to it is the one beside.
        self.write("ca.pem", pem(credentials.trust.roots()).as_bytes())?;
        if let Some(ca) = &credentials.ca {
            self.write("ca.key", ca.key().reveal())?;
        }
        self.forget_prepared()
    }

    /// Removes what [`TlsFolder::prepare`] kept.
    pub fn forget_prepared(&self) -> Result<(), PkiError> {
        for name in [NEXT_ROOT, NEXT_KEY] {
            match fs::remove_file(self.0.join(name)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(PkiError::File { tried: "remove", path: self.shown(name), cause });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Ends a change of the authority that was cut off between its files; `error` if there was none.
    fn end_change(&self, root: &CertificateDer<'static>, error: PkiError) -> Result<ClusterCa, PkiError> {
        let Ok(key) = self.secret(NEXT_KEY) else { return Err(error) };
        let ca = ClusterCa::read(root.clone(), &key).map_err(|_| error)?;
        self.write("ca.key", key.reveal())?;
        self.forget_prepared()?;
        Ok(ca)
    }

    fn shown(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn certificates(&self, name: &str) -> Result<Vec<CertificateDer<'static>>, PkiError> {
        let bytes = self.read(name, |_| Ok(()))?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes.reveal()).collect();
        certificates.map_err(|e| PkiError::unreadable(self.shown(name), format!("{e:?}")))
    }

    /// A private key; refused if others could read it.
    fn secret(&self, name: &str) -> Result<Secret, PkiError> {
        self.read(name, |mode| {
            let path = self.shown(name);
            if mode & 0o077 == 0 { Ok(()) } else { Err(PkiError::Mode { path, mode: mode & 0o7777 }) }
        })
    }

    fn read(&self, name: &str, allowed: impl FnOnce(u32) -> Result<(), PkiError>) -> Result<Secret, PkiError> {
        let failed = |cause| PkiError::File { tried: "read", path: self.shown(name), cause };
        let file = File::open(self.0.join(name)).map_err(failed)?;
        allowed(file.metadata().map_err(failed)?.permissions().mode())?;
        let mut bytes = Vec::new();
        file.take(FILE_MAX).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Secret::new(bytes))
    }

    /// Writes a file whole or not at all, readable by its owner alone.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PkiError> {
        let failed = |cause| PkiError::File { tried: "write", path: self.shown(name), cause };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(failed)?;
        let (beside, place) = (self.0.join(format!("{name}.next")), self.0.join(name));
        let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
        let written = options.open(&beside).and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&beside, &place)).map_err(failed)?;
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Certificates in PEM form.
pub(crate) fn pem(certificates: &[CertificateDer<'_>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let body = STANDARD.encode(certificate);
        for (at, letter) in body.chars().enumerate() {
            if at > 0 && at % PEM_LINE == 0 {
                text.push('\n');
            }
            text.push(letter);
        }
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text
}
