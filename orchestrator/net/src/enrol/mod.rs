//! Joining: how a machine that has a token becomes one that has a certificate.
//!
//! The applicant dials an address of the token over the same port as members do, for another speech. It believes a
//! server whose certificate comes from the CA that the token names, and shows a certificate that it has signed itself:
//! the handshake proves that it holds that key. Inside, it sends the token's secret; the log knows the secret's SHA-256
//! alone. The cluster's answer is the certificate for that very key, the trusted roots, the admission, and for full
//! members the CA's key.
//!
//! A lost answer is asked for again with the same key and store: who proves the key that the log names for that store
//! gets the answer again, though the token is spent. Never: an answer for somebody who proves neither.

mod apply;
mod desk;

use std::fmt;

use haven_core::event::{Endpoint, KeyDigest, MemberKind};
use haven_core::ids::{ClusterId, NodeId, StoreId};
use haven_env::{BoxFuture, Secret};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use quinn::{RecvStream, SendStream};
use rustls::pki_types::CertificateDer;

use crate::pki::{ClusterCa, Credentials, NodeIdentity, NodeKey, PkiError, TrustBundle};

pub use apply::{EnrolAsk, EnrolError, Enrolled, enrol};
pub(crate) use desk::{AnyKey, Desk, no_desk};

/// Longest application, in bytes: a name, a few addresses.
const APPLICATION_MAX: usize = 16 * 1024;
/// Longest answer, in bytes: certificates and the addresses of all members.
const ANSWER_MAX: usize = 1024 * 1024;

/// A machine that wants to join, as the cluster sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// The name that it wants.
    pub node: NodeId,
    /// Its new store.
    pub store: StoreId,
    /// What it wants to be.
    pub kind: MemberKind,
    /// Its addresses, link 0 first.
    pub endpoints: Vec<Endpoint>,
    /// The hardware's own id.
    pub product_uuid: Option<String>,
    /// The serial number on its case, for the person who goes there; `None` if the firmware tells none.
    pub serial: Option<String>,
    /// SHA-256 of the secret that it has sent, as 64 hexadecimal digits.
    pub token: String,
    /// The key that it has proven to hold.
    pub key: KeyDigest,
}

/// Why a machine is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdmitted {
    /// It is refused, and will be again.
    Refused(String),
    /// The cluster cannot decide at the moment.
    Later(String),
}

/// Lets machines in, for the daemon: commits the joining and answers with the admission, in the form in which the
/// applicant's daemon reads it. Asked again by the same applicant, it gives the same answer.
pub trait Enroller: Send + Sync + 'static {
    /// Decides about `applicant`.
    fn admit(&self, applicant: Applicant) -> BoxFuture<'static, Result<Vec<u8>, NotAdmitted>>;

    /// What `node` is; `None` if it is no member. Members ask for another certificate of the key that they have.
    fn kind(&self, node: &NodeId) -> Option<MemberKind>;
}

#[derive(Encode, Decode)]
struct Application {
    #[n(0)]
    secret: Hidden,
    #[n(1)]
    node: NodeId,
    #[n(2)]
    store: StoreId,
    #[n(3)]
    kind: MemberKind,
    #[n(4)]
    endpoints: Vec<Endpoint>,
    #[n(5)]
    product_uuid: Option<String>,
    #[n(6)]
    serial: Option<String>,
}

#[derive(Encode, Decode)]
enum Answer {
    #[n(0)]
    Admitted {
        #[n(0)]
        certificate: ByteVec,
        #[n(1)]
        roots: Vec<ByteVec>,
        #[n(2)]
        admission: ByteVec,
        #[n(3)]
        ca_key: Option<Hidden>,
    },
    #[n(1)]
    Refused(#[n(0)] String),
    #[n(2)]
    Later(#[n(0)] String),
}

/// Secret bytes on the wire.
struct Hidden(Secret);

impl<C> Encode<C> for Hidden {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(self.0.reveal())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Hidden {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(Self(Secret::new(d.bytes()?)))
    }
}

impl Answer {
    /// What it gives to `node`, which holds `key`; nothing of it is kept yet. Errors: `Ok(Err(why))` is a refusal.
    fn credentials(self, cluster: ClusterId, node: &NodeId, key: &NodeKey) -> Result<Given, PkiError> {
        let (certificate, roots, admission, ca_key) = match self {
            Self::Admitted { certificate, roots, admission, ca_key } => (certificate, roots, admission, ca_key),
            Self::Refused(why) => return Ok(Err(NotAdmitted::Refused(why))),
            Self::Later(why) => return Ok(Err(NotAdmitted::Later(why))),
        };
        let identity = NodeIdentity::new(key.clone(), CertificateDer::from(Vec::from(certificate)))?;
        if identity.cluster() != cluster || identity.node() != node {
            let found = format!("{} of cluster {}", identity.node(), identity.cluster());
            let wanted = format!("{node} of cluster {cluster}");
            return Err(PkiError::Mismatch { path: "the answer".to_owned(), found, wanted });
        }
        let trust = TrustBundle::new(roots.into_iter().map(|root| CertificateDer::from(Vec::from(root))).collect())?;
        let ca = match (ca_key, trust.roots().first()) {
            (Some(key), Some(root)) => Some(ClusterCa::read(root.clone(), &key.0)?),
            (Some(_) | None, _) => None,
        };
        Ok(Ok((Credentials { identity, trust, ca }, admission.into())))
    }
}

/// Credentials and the admission, or why there are none.
type Given = Result<(Credentials, Vec<u8>), NotAdmitted>;

/// The credentials in an answer to a member that asked for another certificate.
pub(crate) fn recertified(
    bytes: &[u8],
    cluster: ClusterId,
    node: &NodeId,
    key: &NodeKey,
) -> Result<Result<Credentials, NotAdmitted>, PkiError> {
    let answer: Answer =
        minicbor::decode(bytes).map_err(|error| PkiError::unreadable("the answer with a certificate", error))?;
    Ok(answer.credentials(cluster, node, key)?.map(|(credentials, _)| credentials))
}

/// Sends one message and ends the stream.
async fn say<T: Encode<()>>(send: &mut SendStream, message: &T) -> Result<(), Broken> {
    // Overwritten when dropped: it may hold a secret.
    let bytes = Secret::new(minicbor::to_vec(message).map_err(|e| Broken(e.to_string()))?);
    send.write_all(bytes.reveal()).await.map_err(|e| Broken(e.to_string()))?;
    send.finish().map_err(|e| Broken(e.to_string()))
}

/// Reads one message of at most `most` bytes.
async fn hear<T: for<'b> Decode<'b, ()>>(recv: &mut RecvStream, most: usize) -> Result<T, Broken> {
    let bytes = Secret::new(recv.read_to_end(most).await.map_err(|e| Broken(e.to_string()))?);
    minicbor::decode(bytes.reveal()).map_err(|_| Broken("it sent something unreadable".to_owned()))
}

/// Why a message could not be sent or read.
struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
