//! What the log says of the dead, and what is heard of them all the same.
//!
//! Never: a heartbeat that counts for what came after it was sent.

use super::io::{Facts, Output};
use super::{Node, Over};
use crate::event::Event;
use crate::heartbeat::Heartbeat;
use crate::plant::{self, Plant};

impl Node {
    /// A heartbeat of a boot that is over is late, or a contradiction: it is one if it echoes what this node sent
    /// after it had applied the proof.
    pub(super) fn hear_the_dead(&mut self, facts: &Facts, heartbeat: &Heartbeat) {
        let boot = heartbeat.incarnation.boot;
        let known = self.deaths_applied.get(&(heartbeat.from.clone(), boot)).copied();
        let of_me = |v: &&crate::heartbeat::PeerView| {
            v.member == self.id.member
                && v.boot_tag == self.id.incarnation.boot.tag()
                && v.generation == self.id.incarnation.generation
        };
        let echo = heartbeat.hears.iter().find(of_me).map_or(0, |v| v.sequence);
        let fresh = known.is_some_and(|sent_before| echo > sent_before) || plant::on(Plant::LateDatagramContradicts);
        // A node that fenced itself may have stopped everything in time and live on; it resets when it reads of it.
        let over = facts.state.members.get(&heartbeat.from).and_then(|m| m.death_of(boot)).map(|d| &d.proof);
        let over = over.is_some_and(|proof| !matches!(proof, crate::event::Proof::SelfFenced { .. }));
        if fresh && over && !facts.state.fencing.distrusted_ways.contains_key(&heartbeat.from) {
            let (node, witness) = (heartbeat.from.clone(), self.id.node.clone());
            self.outbox.put_once(Event::ContradictionSeen { node, boot, witness });
        }
    }

    pub(super) fn applied(&mut self, facts: &Facts, out: &mut Vec<Output>) {
        let sequence = self.ears.sequence();
        for member in facts.state.members.values() {
            for dead in &member.dead {
                self.deaths_applied.entry((member.node.clone(), dead.boot)).or_insert(sequence);
            }
        }
        let orders = &facts.state.fencing.orders;
        self.shots_applied.retain(|id, _| orders.contains_key(id));
        for order in orders.values().filter(|order| order.ended.is_some()) {
            self.shots_applied.entry(order.id).or_insert(sequence);
        }
        let Some(me) = facts.state.members.get(&self.id.node) else { return };
        if let Some(dead) = me.death_of(self.id.incarnation.boot) {
            if plant::on(Plant::GracefulDeath) {
                self.lease_end.begin();
                return;
            }
            // What is still in memory must not reach a disk that another node writes by now.
            self.over = Over::Yes;
            out.push(Output::Reset { why: format!("this boot was proven dead at {}", dead.since.index) });
            return;
        }
        if let Some(admission) = me.admission.filter(|a| a.incarnation == self.id.incarnation) {
            self.leases.readmitted(admission.lapses);
            self.lease_end.readmitted(admission.lapses);
        }
        self.hold_on_in_a_pause(facts, out);
        if me.incarnation == Some(self.id.incarnation) {
            self.audit_if_needed(facts, out);
        }
        self.acks.follow(facts);
    }
}
