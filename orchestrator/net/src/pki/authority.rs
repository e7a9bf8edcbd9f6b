//! The cluster's own certificate authority.

use std::fmt;
use std::time::Duration;

use haven_core::event::Fingerprint;
use haven_core::ids::{ClusterId, NodeId};
use haven_core::units::WallTime;
use haven_env::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber, SubjectPublicKeyInfo,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::pki_types::CertificateDer;

use super::{DAY, PkiError, Subject, fingerprint, subject_of};

/// How long a CA is valid. Longer than any machine: a cluster must not end with a date.
const CA_DAYS: u64 = 30 * 365;
/// How long a node's certificate is valid; renewed when a third of that is left.
pub(super) const NODE_DAYS: u64 = 2 * 365;
/// How far back a certificate begins: other machines' clocks may be behind.
const BACKDATED_DAYS: u64 = 2;

/// The cluster's certificate authority: its certificate and its private key. Full members have it, witnesses do not.
pub struct ClusterCa {
    cluster: ClusterId,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl fmt::Debug for ClusterCa {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "ClusterCa {:?} of {:?}", self.fingerprint(), self.cluster)
    }
}

fn params(subject: &Subject, name: &str, now: WallTime, days: u64) -> Result<CertificateParams, rcgen::Error> {
    let day = now.0 / 1000 / DAY;
    let date = |day: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(day.saturating_mul(DAY));
    let mut params = CertificateParams::default();
    params.not_before = date(day.saturating_sub(BACKDATED_DAYS));
    params.not_after = date(day.saturating_add(days));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = vec![SanType::URI(subject.uri().try_into()?)];
    let mut serial = [0; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| rcgen::Error::RemoteKeyError)?;
    // The first bit stays clear: a serial number is a positive integer.
    if let Some(first) = serial.first_mut() {
        *first &= 0x7f;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

impl ClusterCa {
    /// Makes the authority of `cluster`; `name` is for people who look at the certificate.
    pub fn create(cluster: ClusterId, name: &str, now: WallTime) -> Result<Self, PkiError> {
        let failed = |why: rcgen::Error| PkiError::Crypto { what: "a CA", node: name.to_owned(), why: why.to_string() };
        let subject = Subject { cluster, node: None };
        let mut params = params(&subject, &format!("haven {name}"), now, CA_DAYS).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        Ok(Self { cluster, certificate, issuer: Issuer::new(params, key) })
    }

    /// Reads an authority from its certificate and its key in PEM form. Both must belong together.
    pub fn read(certificate: CertificateDer<'static>, key: &Secret) -> Result<Self, PkiError> {
        let unreadable = |why: &dyn fmt::Display| PkiError::unreadable("the CA", why);
        let subject = subject_of(&certificate).filter(|subject| subject.node.is_none());
        let cluster = subject.ok_or_else(|| unreadable(&"it is no cluster's"))?.cluster;
        let pem = std::str::from_utf8(key.reveal()).map_err(|e| unreadable(&e))?;
        let key = KeyPair::from_pem(pem).map_err(|e| unreadable(&e))?;
        let parsed = rustls::server::ParsedCertificate::try_from(&certificate).map_err(|e| unreadable(&e))?;
        if *parsed.subject_public_key_info() != *spki(&key) {
            return Err(unreadable(&"its key is not the one of its certificate"));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(|e| unreadable(&e))?;
        Ok(Self { cluster, certificate, issuer })
    }

    /// Whose authority it is.
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }

    /// What join tokens pin.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.certificate)
    }

    /// Its certificate: the root that members trust.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its private key in PEM form, for its file and for full members that join.
    pub fn key(&self) -> Secret {
        Secret::new(self.issuer.key().serialize_pem())
    }

    /// Certifies that the holder of the public key `spki` is `node`. Whoever calls this has seen proof of possession.
    pub fn certify(&self, node: &NodeId, spki: &[u8], now: WallTime) -> Result<CertificateDer<'static>, PkiError> {
        let failed = |why: rcgen::Error| PkiError::crypto("a certificate", node, why);
        let subject = Subject { cluster: self.cluster, node: Some(node.clone()) };
        let mut params = params(&subject, node.as_str(), now, NODE_DAYS).map_err(failed)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = SubjectPublicKeyInfo::from_der(spki).map_err(failed)?;
        Ok(params.signed_by(&key, &self.issuer).map_err(failed)?.der().clone())
    }
}

/// A public key in the form SubjectPublicKeyInfo.
pub(super) fn spki(key: &KeyPair) -> Vec<u8> {
    use rcgen::PublicKeyData;
    key.subject_public_key_info()
}
