//! The fold of a change of the certificate authority.
//!
//! The log says which authority is the cluster's and which members are still without a certificate of it. Keys and
//! certificates themselves are never here: members get them from each other [S7].

use super::{Authority, ClusterState, Refusal};
use crate::event::Fingerprint;
use crate::ids::NodeId;

impl ClusterState {
    /// Another authority. One that is still being taken is replaced as a whole: who holds it takes the next one, too.
    pub(super) fn change_ca(&mut self, ca: Fingerprint) -> Result<(), Refusal> {
        if self.authority.as_ref().is_some_and(|authority| authority.ca == ca) {
            return Err(Refusal::Already("it is the authority already"));
        }
        let waiting = self.members.keys().cloned().collect();
        self.authority = Some(Authority { ca, waiting, since: self.now() });
        // Whoever has the key of the authority before could have posed as the cluster and been shown their secrets.
        self.tokens.clear();
        Ok(())
    }

    pub(super) fn take_ca(&mut self, node: &NodeId, ca: Fingerprint) -> Result<(), Refusal> {
        let authority = self.authority.as_mut().filter(|authority| authority.ca == ca);
        let authority = authority.ok_or(Refusal::Already("it is not the authority any more"))?;
        if authority.waiting.remove(node) { Ok(()) } else { Err(Refusal::Already("it is known to have it")) }
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{Bench, node};
    use crate::event::{Event, Fingerprint, MemberKind};
    use crate::units::{LogTime, Millis};

    fn ca(number: u8) -> Fingerprint {
        Fingerprint::from_bytes([number; 32])
    }

    fn change(number: u8) -> Event {
        Event::CaChanged { ca: ca(number), by: "olga".into() }
    }

    fn taken(name: &str, number: u8) -> Event {
        Event::CaTaken { node: node(name), ca: ca(number) }
    }

    fn waiting(bench: &Bench) -> Vec<String> {
        let authority = bench.state.authority.as_ref();
        authority.iter().flat_map(|a| a.waiting.iter().map(ToString::to_string)).collect()
    }

    #[test]
    fn a_change_of_the_authority_lasts_until_every_member_has_a_certificate_of_it() {
        let mut bench = Bench::three();
        let expires = LogTime(0) + Millis::secs(86_400);
        bench.ok(Event::TokenIssued { digest: vec![1; 32], expires, kind: MemberKind::Full, by: "olga".into() });
        bench.ok(change(1));
        assert!(bench.state.tokens.is_empty(), "tokens name the authority before");
        assert_eq!(waiting(&bench), ["a", "b", "c"]);
        bench.ok(taken("b", 1));
        bench.ok(taken("a", 1));
        assert_eq!(bench.refused(taken("a", 1)), "it is known to have it");
        assert_eq!(waiting(&bench), ["c"]);
        bench.ok(taken("c", 1));
        assert!(!bench.state.authority.as_ref().unwrap().is_changing());
        assert_eq!(bench.refused(change(1)), "it is the authority already");
    }

    #[test]
    fn a_second_change_replaces_one_that_is_under_way() {
        let mut bench = Bench::three();
        bench.ok(change(1));
        bench.ok(taken("b", 1));
        bench.ok(change(2));
        assert_eq!(waiting(&bench), ["a", "b", "c"]);
        assert_eq!(bench.refused(taken("a", 1)), "it is not the authority any more");
    }
}
