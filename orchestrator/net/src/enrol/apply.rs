//! The applicant's side of joining.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::event::{Endpoint as Address, Fingerprint};
use haven_core::ids::{ClusterId, NodeId, StoreId};
use haven_core::units::{Millis, WallTime};
use quinn::Endpoint;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use tokio::time::timeout;

use super::{ANSWER_MAX, Answer, Application, Broken, Hidden, NotAdmitted, hear, say};
use crate::gate::lock;
use crate::pki::{Credentials, NodeKey, PkiError, TrustBundle, fingerprint, subject_of};
use crate::tls::{self, Own, Purpose, SERVER_NAME};
use crate::token::JoinToken;
use crate::verify::{Judge, Verifier};

/// How long one address may take to answer at all.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long the cluster may take to decide.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What a machine says of itself when it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolAsk {
    /// The name that it wants.
    pub node: NodeId,
    /// Its new store; the same one when the application is repeated.
    pub store: StoreId,
    /// Its addresses, link 0 first.
    pub endpoints: Vec<Address>,
    /// The hardware's own id.
    pub product_uuid: Option<String>,
    /// The serial number on its case, for the person who goes there; `None` if the firmware tells none.
    pub serial: Option<String>,
}

/// What a machine gets that was let in.
#[derive(Debug)]
pub struct Enrolled {
    /// Its certificate and whom it trusts; the CA too, unless it is a witness.
    pub credentials: Credentials,
    /// The admission, as the cluster's `Enroller` gave it.
    pub admission: Vec<u8>,
}

/// Why a machine could not join. Nothing was kept; the same token can be used again unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// By this machine's clock the token is over. Page: docs/errors/HV-JOIN-02.md.
    #[error("the join token for {cluster} is over since {since}, by this machine's clock")]
    Over {
        /// The cluster.
        cluster: String,
        /// Since when.
        since: Millis,
    },
    /// Nobody answered. Page: docs/errors/HV-JOIN-03.md.
    #[error("nobody of {cluster} answers: {}", tried.join("; "))]
    Unreachable {
        /// The cluster.
        cluster: String,
        /// What was tried, and what came of it.
        tried: Vec<String>,
    },
    /// Who answered has another CA than the token names. Page: docs/errors/HV-JOIN-04.md.
    #[error("{address} is not of {cluster}: its CA is {found}, the token names {wanted}")]
    OtherCa {
        /// Who answered.
        address: SocketAddr,
        /// The cluster.
        cluster: String,
        /// The CA that it shows.
        found: String,
        /// The CA of the token.
        wanted: Fingerprint,
    },
    /// The cluster refuses. Page: docs/errors/HV-JOIN-05.md.
    #[error("{cluster} does not let {node} in: {why}")]
    Refused {
        /// The cluster.
        cluster: String,
        /// The name that was wanted.
        node: NodeId,
        /// Why.
        why: String,
    },
    /// The cluster cannot decide, or its answer was lost. Page: docs/errors/HV-JOIN-06.md.
    #[error("{cluster} has not decided: {}", tried.join("; "))]
    Undecided {
        /// The cluster.
        cluster: String,
        /// What was tried, and what came of it.
        tried: Vec<String>,
    },
    /// Keys or certificates cannot be used.
    #[error(transparent)]
    Pki(#[from] PkiError),
}

impl EnrolError {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Over { .. } => "HV-JOIN-02",
            Self::Unreachable { .. } => "HV-JOIN-03",
            Self::OtherCa { .. } => "HV-JOIN-04",
            Self::Refused { .. } => "HV-JOIN-05",
            Self::Undecided { .. } => "HV-JOIN-06",
            Self::Pki(error) => error.code(),
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Over { .. } => "look at the clock of this machine, or make a new token with `haven token create`",
            Self::Unreachable { .. } => "open the UDP port between the machines, then join again with the same token",
            Self::OtherCa { .. } => "make a new token with `haven token create` on the cluster that you mean",
            Self::Refused { .. } => "do what the text says, or make a new token with `haven token create`",
            Self::Undecided { .. } => "join again with the same token; that is safe",
            Self::Pki(error) => error.remedy(),
        }
    }
}

/// What came of one address.
enum Tried {
    Unreachable(String),
    Undecided(String),
    Final(EnrolError),
}

/// Applies to join with `token`, at one of its addresses after the other. `key` is kept by the caller before this is
/// called, so that it can be repeated with the same one. Errors: [`EnrolError`] says whether to try again.
pub async fn enrol(token: &JoinToken, ask: EnrolAsk, key: &NodeKey, now: WallTime) -> Result<Enrolled, EnrolError> {
    let cluster = token.name().to_owned();
    if let Some(since) = token.over_since(now) {
        return Err(EnrolError::Over { cluster, since });
    }
    let (mut silent, mut undecided, mut other) = (Vec::new(), Vec::new(), None);
    for address in token.addresses() {
        match apply(token, &ask, key, *address).await {
            Ok(enrolled) => return Ok(enrolled),
            Err(Tried::Unreachable(why)) => silent.push(format!("{address}: {why}")),
            Err(Tried::Undecided(why)) => undecided.push(format!("{address}: {why}")),
            // Another cluster may have taken over an address; the next may be right.
            Err(Tried::Final(error @ EnrolError::OtherCa { .. })) => drop(other.get_or_insert(error)),
            Err(Tried::Final(error)) => return Err(error),
        }
    }
    if !undecided.is_empty() {
        return Err(EnrolError::Undecided { cluster, tried: undecided });
    }
    Err(other.unwrap_or(EnrolError::Unreachable { cluster, tried: silent }))
}

async fn apply(token: &JoinToken, ask: &EnrolAsk, key: &NodeKey, address: SocketAddr) -> Result<Enrolled, Tried> {
    let unreachable = |why: &dyn std::fmt::Display| Tried::Unreachable(why.to_string());
    let host = if address.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let endpoint = Endpoint::client(SocketAddr::new(host, 0)).map_err(|e| unreachable(&e))?;
    let provider = tls::provider();
    let judge =
        TokenCa { cluster: token.cluster(), wanted: token.ca(), found: Mutex::default(), provider: provider.clone() };
    let verifier = Verifier::new(judge, provider);
    let own = key.self_signed().map_err(|e| Tried::Final(e.into()))?;
    let config = tls::client(verifier.clone(), Arc::new(Own::certified(own)), Purpose::Join);
    let config = config.map_err(|e| unreachable(&e))?;
    let connecting = endpoint.connect_with(config, address, SERVER_NAME).map_err(|e| unreachable(&e))?;
    let connection = match timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            let found = lock(&verifier.judge().found).take();
            return Err(match found {
                Some(found) => Tried::Final(EnrolError::OtherCa {
                    address,
                    cluster: token.name().to_owned(),
                    found,
                    wanted: token.ca(),
                }),
                None => unreachable(&error),
            });
        }
        Err(_) => return Err(unreachable(&"no answer")),
    };
    let answer = timeout(ANSWER_WITHIN, talk(&connection, token, ask)).await;
    connection.close(0_u32.into(), b"done");
    let answer = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => return Err(Tried::Undecided(format!("the answer was lost: {why}"))),
        Err(_) => return Err(Tried::Undecided("no answer in time".to_owned())),
    };
    match answer.credentials(token.cluster(), &ask.node, key).map_err(|e| Tried::Final(e.into()))? {
        Ok((credentials, admission)) => {
            check_roots(token, &credentials.trust).map_err(|e| Tried::Final(e.into()))?;
            Ok(Enrolled { credentials, admission })
        }
        Err(NotAdmitted::Refused(why)) => {
            let (cluster, node) = (token.name().to_owned(), ask.node.clone());
            Err(Tried::Final(EnrolError::Refused { cluster, node, why }))
        }
        Err(NotAdmitted::Later(why)) => Err(Tried::Undecided(why)),
    }
}

async fn talk(connection: &quinn::Connection, token: &JoinToken, ask: &EnrolAsk) -> Result<Answer, Broken> {
    let (mut send, mut recv) = connection.open_bi().await.map_err(|e| Broken(e.to_string()))?;
    let application = Application {
        secret: Hidden(token.secret().clone()),
        node: ask.node.clone(),
        store: ask.store,
        kind: token.kind(),
        endpoints: ask.endpoints.clone(),
        product_uuid: ask.product_uuid.clone(),
        serial: ask.serial.clone(),
    };
    say(&mut send, &application).await?;
    hear(&mut recv, ANSWER_MAX).await
}

/// Whether the roots that were given hold the CA that the token names.
fn check_roots(token: &JoinToken, trust: &TrustBundle) -> Result<(), PkiError> {
    let found = trust.fingerprints();
    if found.contains(&token.ca()) {
        return Ok(());
    }
    let found = found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let wanted = format!("CA {}", token.ca());
    Err(PkiError::Mismatch { path: "the trusted roots".to_owned(), found, wanted })
}

/// Believes a server whose certificate is from the CA that the token names. The server sends that CA's certificate
/// along; its fingerprint tells whether it is the one.
#[derive(Debug)]
struct TokenCa {
    cluster: ClusterId,
    wanted: Fingerprint,
    /// The other CA that the server has shown.
    found: Mutex<Option<String>>,
    provider: Arc<CryptoProvider>,
}

impl Judge for TokenCa {
    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let root = others.iter().find(|other| fingerprint(other) == self.wanted);
        let Some(root) = root else {
            let shown = others.first().map_or_else(|| "not shown".to_owned(), |c| fingerprint(c).to_string());
            *lock(&self.found) = Some(shown);
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        };
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        let parsed = ParsedCertificate::try_from(certificate)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &[], now, algorithms)?;
        match subject_of(certificate) {
            Some(subject) if subject.cluster == self.cluster && subject.node.is_some() => Ok(()),
            Some(_) | None => Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }
}
