//! The network between nodes: QUIC with mutual TLS, certificates, join tokens.
//!
//! For: `haven_env::Transport` on real machines, and letting machines in. Per peer and link there is one connection for
//! heartbeats and one for calls; of two nodes the one with the lower name dials.
//! Never: a message of somebody who is not a member, or not the one it says it is, in the hands of the node [S8]; never
//! a secret in an error, a log or `Debug` [S7].
//! Source: DESIGN sections 3 and 5.1; RFC 9000 (QUIC), RFC 9221 (datagrams), RFC 8446 (TLS 1.3).

mod bench;
mod enrol;
mod error;
mod gate;
mod pki;
mod relay;
mod tls;
mod token;
mod transport;
mod verify;

pub use enrol::{Applicant, EnrolAsk, EnrolError, Enrolled, Enroller, NotAdmitted, enrol};
pub use error::NetError;
pub use gate::Stranger;
pub use pki::{ClusterCa, Credentials, NodeIdentity, NodeKey, PkiError, TlsFolder, TrustBundle};
pub use token::{JoinToken, TokenError};
pub use transport::{LinkFact, NetSettings, QuicTransport};
