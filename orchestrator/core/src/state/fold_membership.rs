//! The fold of events about members: joining, lives, loss, return and readmission.

use std::collections::BTreeMap;

use super::member::{Admission, DEAD_BOOTS_KEPT, DeadBoot, Member, Standing, Watchdog};
use super::{ClusterState, Refusal, Run, Token};
use crate::event::{Joined, Proof, Standby, Testimony, WatchdogReport};
use crate::ids::{BootId, Incarnation, MemberId, NodeId, StoreId};
use crate::plant::{self, Plant};
use crate::product::same_product;
use crate::units::LogTime;

impl ClusterState {
    pub(super) fn armed(
        &mut self,
        node: &NodeId,
        boot: BootId,
        report: &WatchdogReport,
        by: Option<Incarnation>,
    ) -> Result<(), Refusal> {
        let armed = self.now();
        let member = match by {
            Some(incarnation) if incarnation.boot == boot => self.life(node, incarnation)?,
            Some(_) | None => self.living(node, boot)?,
        };
        // The daemon may have closed it after the disarming; a copy that comes late must not count on it again [S-6].
        if member.disarmed.is_some() && member.disarmed == member.incarnation {
            return Err(Refusal::Already("the watchdog of this life was disarmed"));
        }
        member.watchdog = Some(Watchdog { boot, report: report.clone(), armed });
        Ok(())
    }

    pub(super) fn disarmed(&mut self, node: &NodeId, boot: BootId) -> Result<(), Refusal> {
        let member = self.living(node, boot)?;
        member.watchdog = None;
        member.disarmed = member.incarnation;
        Ok(())
    }

    pub(super) fn set_attribute(&mut self, node: &NodeId, name: &str, value: Option<&str>) -> Result<(), Refusal> {
        let attributes = &mut self.member_mut(node)?.attributes;
        match value {
            Some(value) => drop(attributes.insert(name.to_owned(), value.to_owned())),
            None => drop(attributes.remove(name)),
        }
        Ok(())
    }

    pub(super) fn set_standby(&mut self, node: &NodeId, standby: Standby, by: &str) -> Result<(), Refusal> {
        let member = self.member_mut(node)?;
        member.standby = standby;
        by.clone_into(&mut member.standby_by);
        Ok(())
    }

    pub(super) fn distrust_store(&mut self, node: &NodeId, store: StoreId, reason: &str) -> Result<(), Refusal> {
        let member = self.member_mut(node)?;
        if member.store != store {
            return Err(Refusal::UsedMember(node.clone()));
        }
        member.distrusted = Some(reason.to_owned());
        Ok(())
    }

    pub(super) fn member_mut(&mut self, node: &NodeId) -> Result<&mut Member, Refusal> {
        self.members.get_mut(node).ok_or_else(|| Refusal::UnknownNode(node.clone()))
    }

    /// The member, if `boot` is its current boot and not over.
    pub(super) fn living(&mut self, node: &NodeId, boot: BootId) -> Result<&mut Member, Refusal> {
        let member = self.member_mut(node)?;
        if let Some(dead) = member.death_of(boot) {
            return Err(Refusal::DeadBoot { node: node.clone(), boot, proof: dead.since.index });
        }
        if member.boot() != Some(boot) {
            let current = member.incarnation.map_or_else(|| "nothing".to_owned(), |i| i.to_string());
            return Err(Refusal::Incarnation { node: node.clone(), found: format!("{boot:?}"), current });
        }
        Ok(member)
    }

    /// The member, if it lives this very life.
    fn life(&mut self, node: &NodeId, incarnation: Incarnation) -> Result<&mut Member, Refusal> {
        let member = self.living(node, incarnation.boot)?;
        if member.incarnation != Some(incarnation) {
            let current = member.incarnation.map_or_else(|| "nothing".to_owned(), |i| i.to_string());
            return Err(Refusal::Incarnation { node: node.clone(), found: incarnation.to_string(), current });
        }
        Ok(member)
    }

    pub(super) fn join(&mut self, joined: &Joined) -> Result<(), Refusal> {
        let now = self.now();
        let used = joined.member <= self.last_member
            || self.members.values().any(|m| m.store == joined.store)
            || self.removed.contains(&joined.member);
        if used || joined.endpoints.is_empty() {
            return Err(Refusal::UsedMember(joined.node.clone()));
        }
        if let Some(digest) = &joined.token {
            // Spent in the same entry: a token admits one machine, whatever crashes in between.
            let usable = self.tokens.get(digest).is_some_and(|t| t.kind == joined.kind && t.admits(now.time));
            if !usable {
                return Err(Refusal::Token);
            }
        }
        if let Some(old) = self.members.get_mut(&joined.node) {
            // The same machine with another store: it keeps its boots, deaths and orders, and gets a new number.
            if joined.replaces != Some(old.member) {
                return Err(Refusal::KnownNode(joined.node.clone()));
            }
            if let (Some(was), Some(found)) = (&old.product_uuid, &joined.product_uuid)
                && !same_product(was, found)
            {
                let (node, was, found) = (joined.node.clone(), was.clone(), found.clone());
                return Err(Refusal::AnotherMachine { node, was, found });
            }
            self.removed.insert(old.member);
            // What the store that is gone had promised binds no other.
            self.digest.lines.retain(|line| line.node != joined.node);
            old.product_uuid = old.product_uuid.take().or_else(|| joined.product_uuid.clone());
            old.serial = joined.serial.as_deref().map(super::bounded).or_else(|| old.serial.take());
            old.member = joined.member;
            old.store = joined.store;
            old.endpoints.clone_from(&joined.endpoints);
            old.distrusted = None;
            // It came in by the key that it had; one without a key is known by the first that it shows.
            old.key = old.key.or(joined.key);
        } else {
            self.members.insert(joined.node.clone(), new_member(joined, now));
        }
        self.last_member = joined.member;
        // Who joins during a change of the authority may have been certified by the one before.
        if let Some(authority) = self.authority.as_mut().filter(|authority| authority.is_changing()) {
            authority.waiting.insert(joined.node.clone());
        }
        joined.token.as_ref().map_or(Ok(()), |digest| self.spend(digest))
    }

    /// A late copy changes nothing, and least of all makes a token good that was spent.
    pub(super) fn issue(&mut self, digest: String, token: Token) -> Result<(), Refusal> {
        if self.tokens.get(&digest).is_some_and(|known| known.spent.is_some()) {
            return Err(Refusal::Token);
        }
        self.tokens.entry(digest).or_insert(token);
        Ok(())
    }

    /// A join token admits one machine.
    pub(super) fn spend(&mut self, digest: &str) -> Result<(), Refusal> {
        let index = self.index;
        let token = self.tokens.get_mut(digest).filter(|token| token.spent.is_none()).ok_or(Refusal::Token)?;
        token.spent = Some(index);
        Ok(())
    }

    pub(super) fn booted(&mut self, node: &NodeId, store: StoreId, incarnation: Incarnation) -> Result<(), Refusal> {
        let now = self.now();
        let member = self.member_mut(node)?;
        if member.store != store {
            return Err(Refusal::UsedMember(node.clone()));
        }
        if let Some(dead) = member.death_of(incarnation.boot) {
            return Err(Refusal::DeadBoot { node: node.clone(), boot: incarnation.boot, proof: dead.since.index });
        }
        let before = member.incarnation;
        if let Some(old) = before.filter(|b| b.boot != incarnation.boot && member.death_of(b.boot).is_none())
            && plant::on(Plant::RebootIsNoProof)
        {
            return Err(Refusal::Incarnation {
                node: node.clone(),
                found: incarnation.to_string(),
                current: old.to_string(),
            });
        }
        if before.is_some_and(|b| b.boot == incarnation.boot && b.generation >= incarnation.generation) {
            let current = before.map_or_else(String::new, |b| b.to_string());
            return Err(Refusal::Incarnation { node: node.clone(), found: incarnation.to_string(), current });
        }
        member.incarnation = Some(incarnation);
        member.standing = Standing::Returning;
        member.since = now;
        member.admission = None;
        member.lapses = 0;
        if before.is_none_or(|b| b.boot != incarnation.boot) {
            member.booted = Some(now);
            member.well = None;
        }
        let old_boot = before.map(|b| b.boot).filter(|boot| *boot != incarnation.boot);
        if let Some(old_boot) = old_boot {
            member.attributes.clear();
            member.audit = None;
            member.watchdog = None;
            if member.death_of(old_boot).is_none() {
                self.bury(node, old_boot, Proof::Rebooted { by: incarnation.boot });
            }
        } else if plant::on(Plant::ProofNamesGeneration) && before.is_some() {
            // The planted bug: a new life of the daemon is taken for a new boot of the machine.
            self.believe_stopped(node);
        } else {
            self.orphan_actions(node, "the daemon restarted during it");
            // The new life counts its own actions.
            let presences = self.resources.values_mut().filter_map(|status| status.presence.get_mut(node));
            presences.for_each(|presence| presence.acted = None);
        }
        Ok(())
    }

    /// What a planted bug does: whatever runs on `node` is taken for stopped.
    fn believe_stopped(&mut self, node: &NodeId) {
        for status in self.resources.values_mut() {
            if let Some(presence) = status.presence.get_mut(node) {
                presence.run = Run::Stopped;
                status.generation += 1;
            }
        }
    }

    /// Records that `boot` is over, and frees what it held.
    pub(super) fn bury(&mut self, node: &NodeId, boot: BootId, proof: Proof) {
        let since = self.now();
        if let Some(member) = self.members.get_mut(node) {
            member.dead.push(DeadBoot { boot, since, proof });
            let excess = member.dead.len().saturating_sub(DEAD_BOOTS_KEPT);
            member.dead.drain(..excess);
            if member.watchdog.as_ref().is_some_and(|w| w.boot == boot) {
                member.watchdog = None;
            }
        }
        self.free_presence(node, boot);
    }

    pub(super) fn leave(&mut self, node: &NodeId, boot: BootId, to: Standing) -> Result<(), Refusal> {
        let now = self.now();
        let time = self.time;
        let member = self.living(node, boot)?;
        let may_leave = match (&member.standing, &to) {
            (Standing::Returning | Standing::Online, _) => true,
            // A pause that is over is a loss like any other [H-19].
            (Standing::Paused { until, .. }, _) => *until <= time && !plant::on(Plant::EndlessPause),
            // Who is isolated and then heard by nobody is lost; the other way round there is nothing to say.
            (Standing::Isolated { .. }, Standing::Lost) => true,
            (Standing::Joined | Standing::Lost | Standing::Isolated { .. } | Standing::Stopped, _) => false,
        };
        if !may_leave {
            let found = member.standing.word();
            return Err(Refusal::Standing { node: node.clone(), found, needed: "a node that takes part" });
        }
        let was_isolated = matches!(member.standing, Standing::Isolated { .. });
        let paused = matches!(member.standing, Standing::Paused { .. }).then_some(member.since);
        member.standing = to;
        // Reads of Off that began under the isolation stay good: the boot has been out of the cluster since then.
        if !was_isolated {
            // It was there when it began to take part.
            member.silent_since = Some(member.since.time);
            member.since = now;
            member.paused = paused;
        }
        member.admission = None;
        if plant::on(Plant::StartWithoutProof) {
            self.believe_stopped(node);
        }
        Ok(())
    }

    /// Since when a node that is lost may have been off: since one of those who testify has heard nothing of it. Others may
    /// just not have listened, so the longest silence counts.
    pub(super) fn missed(&mut self, node: &NodeId, testimonies: &[Testimony]) {
        let time = self.time;
        let longest = testimonies.iter().map(|testimony| testimony.silence).max();
        if let (Some(silence), Some(member)) = (longest, self.members.get_mut(node)) {
            let since = LogTime(time.0.saturating_sub(silence.0));
            member.silent_since = member.silent_since.max(Some(since));
        }
    }

    pub(super) fn returned(&mut self, node: &NodeId, incarnation: Incarnation) -> Result<(), Refusal> {
        let now = self.now();
        let member = self.life(node, incarnation)?;
        if !(member.is_released_by_proof() || matches!(member.standing, Standing::Paused { .. } | Standing::Stopped)) {
            let found = member.standing.word();
            return Err(Refusal::Standing { node: node.clone(), found, needed: "a lost or isolated node" });
        }
        member.standing = Standing::Returning;
        member.since = now;
        Ok(())
    }

    pub(super) fn readmit(&mut self, node: &NodeId, incarnation: Incarnation, lapses: u32) -> Result<(), Refusal> {
        let now = self.now();
        if let Some(order) = self.fencing.open_against(node).next()
            && !plant::on(Plant::ReadmitUnderOrder)
        {
            return Err(Refusal::OpenOrder { node: node.clone(), order: order.id });
        }
        if let Some(resource) = self.unverified(node) {
            return Err(Refusal::NotProbed { node: node.clone(), resource });
        }
        let member = self.life(node, incarnation)?;
        if member.standing != Standing::Returning {
            let found = member.standing.word();
            return Err(Refusal::Standing { node: node.clone(), found, needed: "a returning node" });
        }
        if member.lapses != lapses {
            return Err(Refusal::Lapses { node: node.clone(), known: member.lapses, covered: lapses });
        }
        member.standing = Standing::Online;
        member.since = now;
        member.admission = Some(Admission { incarnation, lapses, index: now.index });
        member.well = Some(now.index);
        Ok(())
    }

    pub(super) fn lapsed(&mut self, node: &NodeId, incarnation: Incarnation, lapses: u32) -> Result<(), Refusal> {
        let now = self.now();
        let member = self.life(node, incarnation)?;
        if lapses <= member.lapses {
            return Err(Refusal::Already("the lapse is known"));
        }
        member.lapses = lapses;
        member.admission = None;
        if member.standing == Standing::Online {
            member.standing = Standing::Returning;
            member.since = now;
        }
        Ok(())
    }

    pub(super) fn rest(&mut self, node: &NodeId, incarnation: Incarnation, to: Standing) -> Result<(), Refusal> {
        let now = self.now();
        if to == Standing::Stopped
            && let Some((resource, _)) = self.held_by(node).next()
        {
            return Err(Refusal::WeakProof(format!("{resource} is not known to be stopped on {node}")));
        }
        let member = self.life(node, incarnation)?;
        if !matches!(member.standing, Standing::Online | Standing::Returning) {
            let found = member.standing.word();
            return Err(Refusal::Standing { node: node.clone(), found, needed: "an online node" });
        }
        member.standing = to;
        member.since = now;
        member.admission = None;
        // In a pause the daemon is away and the hold lease is longer than the cluster counts with: nothing counts on
        // the watchdog from this very entry on [S-6, H-19].
        if !plant::on(Plant::CloseBeforeDisarm) {
            member.watchdog = None;
        }
        member.disarmed = Some(incarnation);
        Ok(())
    }

    pub(super) fn remove(&mut self, node: &NodeId) -> Result<(), Refusal> {
        if let Some((resource, _)) = self.held_by(node).next() {
            return Err(Refusal::WeakProof(format!("{resource} may still run on {node}")));
        }
        let member = self.members.remove(node).ok_or_else(|| Refusal::UnknownNode(node.clone()))?;
        self.removed.insert(member.member);
        self.plan.steps.retain(|_, s| s.step.key.node != *node);
        for status in self.resources.values_mut() {
            status.presence.remove(node);
            status.failures.remove(node);
        }
        self.silences.retain(|(observer, subject), _| observer != node && subject != node);
        self.links_down.retain(|(observer, subject, _), _| observer != node && subject != node);
        if let Some(authority) = &mut self.authority {
            authority.waiting.remove(node);
        }
        Ok(())
    }

    /// Actions of a life that is over: what they came to is unknown until somebody looks.
    fn orphan_actions(&mut self, node: &NodeId, why: &str) {
        let now = self.now();
        let orphans: Vec<_> =
            self.plan.in_flight().filter(|(_, s)| s.step.key.node == *node).map(|(id, s)| (id, s.clone())).collect();
        for (id, state) in orphans {
            self.plan.steps.remove(&id);
            let Some(status) = self.resources.get_mut(&state.step.key.resource) else { continue };
            status.generation += 1;
            if let Some(presence) = status.presence.get_mut(node) {
                presence.run = Run::Unknown { why: format!("{}: {why}", state.step.key) };
                presence.since = now;
            }
        }
    }
}

fn new_member(joined: &Joined, now: super::Since) -> Member {
    Member {
        node: joined.node.clone(),
        member: joined.member,
        store: joined.store,
        kind: joined.kind,
        endpoints: joined.endpoints.clone(),
        product_uuid: joined.product_uuid.clone(),
        joined: now,
        incarnation: None,
        standing: Standing::Joined,
        since: now,
        admission: None,
        lapses: 0,
        dead: Vec::new(),
        watchdog: None,
        audit: None,
        standby: Standby::Off,
        standby_by: String::new(),
        attributes: BTreeMap::new(),
        distrusted: None,
        key: joined.key,
        disarmed: None,
        booted: None,
        well: None,
        paused: None,
        silent_since: None,
        serial: joined.serial.as_deref().map(super::bounded),
    }
}

impl ClusterState {
    /// The number that the next member gets.
    pub fn next_member(&self) -> MemberId {
        self.last_member.next()
    }
}
