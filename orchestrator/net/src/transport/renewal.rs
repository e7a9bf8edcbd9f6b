//! Another certificate, or another authority, while connections go on.

use std::future::Future;

use haven_core::ids::NodeId;
use haven_core::units::Millis;

use super::call::{self, Matter};
use super::{Present, QuicTransport};
use crate::enrol::{NotAdmitted, recertified};
use crate::error::NetError;
use crate::gate::lock;
use crate::pki::{Credentials, NodeIdentity, PkiError, TrustBundle};
use crate::tls::Purpose;

impl QuicTransport {
    /// Shows another certificate of the same key and believes other roots from here on. Connections go on, and members
    /// notice nothing: they know this node by its key.
    pub fn renew(&self, identity: NodeIdentity, trust: TrustBundle) -> Result<(), NetError> {
        let mut present = lock(&self.0.present);
        let old = &present.identity;
        let same = identity.cluster() == old.cluster()
            && identity.node() == old.node()
            && identity.key().digest() == old.key().digest();
        if !same {
            let (found, wanted) = (format!("{identity:?}"), format!("{old:?}"));
            return Err(PkiError::Mismatch { path: "the renewal".to_owned(), found, wanted }.into());
        }
        if trust.cluster() != self.0.cluster {
            return Err(NetError::TwoClusters);
        }
        let (own, shown) = (identity.certified()?, identity.certified_with(&trust)?);
        self.0.own.replace(own);
        self.0.shown.replace(shown);
        self.0.gate.set_trust(&trust);
        if let Some(desk) = &*lock(&self.0.desk) {
            desk.set_trust(&trust);
        }
        *present = Present { identity, trust };
        Ok(())
    }

    /// Asks the member `from` for another certificate of this node's key, the roots that it believes and, for a full
    /// member, the CA's key. Nothing of it is in use yet. Errors: it is no peer, gives none, or gives something wrong.
    pub fn certificate_from(
        &self,
        from: &NodeId,
        deadline: Millis,
    ) -> impl Future<Output = Result<Credentials, NetError>> + Send + use<> {
        let waiting = {
            let table = lock(&self.0.table);
            let up = self.0.links.iter().find(|link| table.live(from, link.id, Purpose::Call).is_some());
            up.or_else(|| self.0.links.first()).and_then(|link| table.waiting(from, link.id))
        };
        let (from, me, cluster) = (from.clone(), self.0.me.clone(), self.0.cluster);
        let key = lock(&self.0.present).identity.key().clone();
        async move {
            let failed = |why: String| NetError::Uncertified { from: from.clone(), why };
            let waiting = waiting.ok_or_else(|| failed("it is no peer".to_owned()))?;
            let answer = call::place(waiting, Matter::Certificate, Vec::new(), deadline).await;
            let answer = answer.map_err(|error| failed(error.to_string()))?;
            recertified(&answer, cluster, &me, &key)?.map_err(|refused| match refused {
                NotAdmitted::Refused(why) | NotAdmitted::Later(why) => failed(why),
            })
        }
    }
}
