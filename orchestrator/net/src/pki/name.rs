//! Who a certificate is about: read from its one URI, `haven:CLUSTER/NODE`.

use haven_core::ids::{ClusterId, NodeId};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// The scheme of the URI.
const SCHEME: &str = "haven:";

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The cluster.
    pub(crate) cluster: ClusterId,
    /// The node; `None` for the authority itself.
    pub(crate) node: Option<NodeId>,
}

impl Subject {
    pub(crate) fn uri(&self) -> String {
        match &self.node {
            Some(node) => format!("{SCHEME}{}/{node}", self.cluster),
            None => format!("{SCHEME}{}", self.cluster),
        }
    }

    fn parse(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix(SCHEME)?;
        let (cluster, node) = match rest.split_once('/') {
            Some((cluster, node)) => (cluster, Some(NodeId::new(node).ok()?)),
            None => (rest, None),
        };
        let cluster = ClusterId::try_from(cluster.to_owned()).ok()?;
        Some(Self { cluster, node })
    }
}

/// Whom the certificate `der` names. `None` unless it holds exactly one name, and that is one of ours: with two names
/// it would be a matter of taste whose it is.
pub(crate) fn subject_of(der: &[u8]) -> Option<Subject> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let names = certificate.subject_alternative_name().ok()??;
    match names.value.general_names.as_slice() {
        [GeneralName::URI(uri)] => Subject::parse(uri),
        _ => None,
    }
}

/// The seconds since 1970 at which the certificate `der` begins and ceases to be valid.
pub(crate) fn validity_of(der: &[u8]) -> Option<(u64, u64)> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    let seconds = |time: i64| u64::try_from(time).ok();
    Some((seconds(validity.not_before.timestamp())?, seconds(validity.not_after.timestamp())?))
}
