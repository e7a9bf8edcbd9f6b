//! The cluster's side of joining.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use haven_core::event::{KeyDigest, MemberKind};
use haven_core::ids::NodeId;
use minicbor::bytes::ByteVec;
use quinn::Connection;
use rustls::Error;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{ANSWER_MAX, APPLICATION_MAX, Answer, Applicant, Application, Enroller, Hidden, NotAdmitted, hear, say};
use crate::gate::lock;
use crate::pki::{ClusterCa, TrustBundle, sha256, wall_now};
use crate::token::digest_text;
use crate::verify::Judge;

/// Applications that are decided at a time.
const OPEN_MAX: usize = 4;
/// Applications that are looked at within [`SPAN`]: people join machines one by one, whoever tries more is guessing.
const SPAN_MAX: u32 = 20;
const SPAN: Duration = Duration::from_secs(10);
/// How long an applicant may take to say what it wants.
const HEAR_WITHIN: Duration = Duration::from_secs(5);
/// How long deciding may take, an election included.
const DECIDE_WITHIN: Duration = Duration::from_secs(30);
/// How long the applicant may take to read the answer.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Takes applications.
pub(crate) struct Desk {
    enroller: Arc<dyn Enroller>,
    ca: Arc<ClusterCa>,
    trust: Mutex<TrustBundle>,
    open: Semaphore,
    rate: Mutex<Rate>,
}

impl Desk {
    pub(crate) fn new(enroller: Arc<dyn Enroller>, ca: Arc<ClusterCa>, trust: TrustBundle) -> Self {
        let rate = Mutex::new(Rate { from: Instant::now(), count: 0 });
        Self { enroller, ca, trust: Mutex::new(trust), open: Semaphore::new(OPEN_MAX), rate }
    }

    pub(crate) fn set_trust(&self, trust: &TrustBundle) {
        lock(&self.trust).clone_from(trust);
    }

    /// One applicant, from its application to its answer.
    pub(crate) async fn serve(&self, connection: Connection) {
        let Some(spki) = key_of(&connection) else { return };
        let Ok(Ok((mut send, mut recv))) = timeout(HEAR_WITHIN, connection.accept_bi()).await else { return };
        let heard = timeout(HEAR_WITHIN, hear::<Application>(&mut recv, APPLICATION_MAX)).await;
        let Ok(Ok(application)) = heard else { return };
        let answer = self.decide(application, &spki).await;
        if say(&mut send, &answer).await.is_ok() {
            // The applicant hangs up when it has read everything.
            let _ = timeout(READ_WITHIN, connection.closed()).await;
        }
    }

    async fn decide(&self, application: Application, spki: &[u8]) -> Answer {
        let Some(_permit) = self.open.try_acquire().ok().filter(|_| lock(&self.rate).allows(Instant::now())) else {
            return Answer::Later("too many machines apply at the moment".to_owned());
        };
        let Application { secret, node, store, kind, endpoints, product_uuid, serial } = application;
        // Made before the joining is committed: a key that cannot be certified must not spend the token.
        let certificate = match self.ca.certify(&node, spki, wall_now()) {
            Ok(certificate) => certificate,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        let token = digest_text(secret.0.reveal());
        drop(secret);
        let key = KeyDigest::from_bytes(sha256(spki));
        let applicant = Applicant { node: node.clone(), store, kind, endpoints, product_uuid, serial, token, key };
        let decided = timeout(DECIDE_WITHIN, self.enroller.admit(applicant)).await;
        match decided.unwrap_or_else(|_| Err(NotAdmitted::Later("nobody has decided in time".to_owned()))) {
            Ok(admission) => {
                tracing::info!(node = %node, "machine admitted");
                self.admitted(kind, &certificate, admission)
            }
            Err(NotAdmitted::Refused(why)) => {
                tracing::warn!(node = %node, error = why, "machine refused");
                Answer::Refused(why)
            }
            Err(NotAdmitted::Later(why)) => Answer::Later(why),
        }
    }

    /// Another certificate for a member, for the key by which it is known: when the one that it has ends, or the CA has
    /// changed. It proves the key by its connection. The bytes of the answer.
    pub(crate) fn recertify(&self, node: &NodeId, connection: &Connection) -> Vec<u8> {
        let known = self.enroller.kind(node).zip(key_of(connection));
        let answer = match known.map(|(kind, spki)| (kind, self.ca.certify(node, &spki, wall_now()))) {
            Some((kind, Ok(certificate))) => self.admitted(kind, &certificate, Vec::new()),
            Some((_, Err(error))) => Answer::Refused(error.to_string()),
            None => Answer::Refused(format!("{node} is no member")),
        };
        encoded(&answer)
    }

    fn admitted(&self, kind: MemberKind, certificate: &CertificateDer<'_>, admission: Vec<u8>) -> Answer {
        let roots = lock(&self.trust).roots().iter().map(|root| ByteVec::from(root.to_vec())).collect();
        let ca_key = match kind {
            MemberKind::Full => Some(Hidden(self.ca.key())),
            MemberKind::Witness => None,
        };
        debug_assert!(admission.len() < ANSWER_MAX, "an admission is small");
        Answer::Admitted { certificate: certificate.to_vec().into(), roots, admission: admission.into(), ca_key }
    }
}

/// The answer of a node that certifies nobody, as a witness.
pub(crate) fn no_desk() -> Vec<u8> {
    encoded(&Answer::Later("it does not hold the CA".to_owned()))
}

fn encoded(answer: &Answer) -> Vec<u8> {
    // Writing to a `Vec` does not fail; were it to, the asker reads that the answer is none.
    minicbor::to_vec(answer).unwrap_or_default()
}

/// Counts applications within a span of time.
struct Rate {
    from: Instant,
    count: u32,
}

impl Rate {
    /// Whether one more is looked at.
    fn allows(&mut self, now: Instant) -> bool {
        if now.duration_since(self.from) > SPAN {
            *self = Self { from: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= SPAN_MAX
    }
}

/// The public key that the applicant has proven to hold.
fn key_of(connection: &Connection) -> Option<Vec<u8>> {
    let chain = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    let parsed = ParsedCertificate::try_from(chain.first()?).ok()?;
    Some(parsed.subject_public_key_info().to_vec())
}

/// Applicants show a certificate that says nothing; what counts is that they hold its key.
#[derive(Debug)]
pub(crate) struct AnyKey;

impl Judge for AnyKey {
    fn judge(&self, certificate: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<(), Error> {
        ParsedCertificate::try_from(certificate).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tries_many_tokens_has_to_wait() {
        let start = Instant::now();
        let mut rate = Rate { from: start, count: 0 };
        let allowed = (0..100).filter(|_| rate.allows(start + SPAN)).count();
        assert_eq!(allowed, usize::try_from(SPAN_MAX).unwrap());
        assert!(rate.allows(start + SPAN * 2));
    }
}
