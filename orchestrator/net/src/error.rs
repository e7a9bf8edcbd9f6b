//! What keeps the network from working.

use std::io;
use std::net::SocketAddr;

use haven_core::ids::{LinkId, NodeId};

use crate::pki::PkiError;

/// Why the network cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Somebody else has the port. Page: docs/errors/HV-NET-01.md.
    #[error("cannot listen on UDP {address} for {link}: another program has the port")]
    PortTaken {
        /// The link.
        link: LinkId,
        /// The address.
        address: SocketAddr,
    },
    /// No link was configured. Page: docs/errors/HV-NET-02.md.
    #[error("cannot start the network: {found} links are configured, 1 to 8 are needed")]
    Links {
        /// How many are.
        found: usize,
    },
    /// A socket cannot be made. Page: docs/errors/HV-NET-02.md.
    #[error("cannot make a UDP socket on {address}")]
    Socket {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Keys and certificates are of two clusters. Page: docs/errors/HV-NET-03.md.
    #[error("the node's certificate and the trusted roots are of two clusters")]
    TwoClusters,
    /// Keys or certificates cannot be used.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A member gives this node no certificate. Page: docs/errors/HV-NET-04.md.
    #[error("{from} gives this node no certificate: {why}")]
    Uncertified {
        /// Who was asked.
        from: NodeId,
        /// Why.
        why: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

impl NetError {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "HV-NET-01",
            Self::Links { .. } | Self::Socket { .. } | Self::Tls(_) => "HV-NET-02",
            Self::TwoClusters => "HV-NET-03",
            Self::Uncertified { .. } => "HV-NET-04",
            Self::Pki(error) => error.code(),
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "run `ss -ulpn` to see who has it, and stop that or give haven another port",
            Self::Links { .. } => "give this node 1 to 8 addresses in node.toml",
            Self::Socket { .. } => "look at the address and at the limits of the system, then start again",
            Self::TwoClusters => "run `haven reset` here and join again",
            Self::Uncertified { .. } => "look at `haven ca show` and at the connections in `haven doctor`",
            Self::Pki(error) => error.remedy(),
            Self::Tls(_) => "report this with the text of the error",
        }
    }
}
