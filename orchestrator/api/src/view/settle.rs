//! Whether everything that follows from an entry has happened.
//!
//! Settled means: no step is in flight or planned, nothing is to be fenced, no node has yet to be looked at or
//! audited. What is held for good reason (a node in standby, a failure beyond its threshold) is settled too, and named.

use std::collections::BTreeSet;

use haven_core::event::{AuditFinding, Event, Standby};
use haven_core::ids::{LogIndex, OrderId, ResourceId};
use haven_core::scheduler;
use haven_core::state::{ClusterState, Member, OrderResult, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::chronicle::Chronicle;
use super::problems::would_start;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettledWord {
    /// Everything is as wanted.
    Settled,
    /// Nothing moves any more, and something is not as wanted.
    Held,
    /// Something is still going on.
    Moving,
}

/// What has become of everything that follows from an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Settled {
    /// The word.
    pub word: SettledWord,
    /// The entry that was asked about.
    pub index: u64,
    /// The state that was looked at.
    pub applied: u64,
    /// What is going on, one line each.
    pub moving: Vec<String>,
    /// What the entry is about and is not as wanted, one line each.
    pub held: Vec<String>,
    /// What else is not as wanted, and was not touched by the entry.
    pub others: Vec<String>,
}

impl Settled {
    /// The exit code of a command that waited for it.
    pub const fn exit_code(&self) -> u8 {
        match self.word {
            SettledWord::Settled => 0,
            SettledWord::Held | SettledWord::Moving => 1,
        }
    }
}

/// Looks whether what follows from the entry at `index` is over. `event` is that entry, if it is known: it tells what
/// is related.
pub fn settled(state: &ClusterState, index: LogIndex, event: Option<&Event>) -> Settled {
    let planned = scheduler::plan(state);
    let mut moving = Vec::new();
    if state.index < index {
        moving.push(format!("this node has applied {} of {index}", state.index));
    }
    moving.extend(state.plan.in_flight().map(|(_, s)| format!("{} is under way", s.step.key)));
    moving.extend(state.plan.waiting().map(|(_, s)| format!("{} waits for its turn", s.step.key)));
    let known: BTreeSet<_> = state.plan.steps.values().map(|s| &s.step.key).collect();
    let fresh = planned.steps.iter().filter(|s| !known.contains(&s.key));
    moving.extend(fresh.map(|s| format!("{} is to be planned", s.key)));
    moving.extend(
        planned
            .fence
            .iter()
            .filter(|n| can_be_proven(state, &n.node))
            .map(|n| format!("{} is to be proven off: {}", n.node, n.reason)),
    );
    moving.extend(planned.standby.iter().map(|(node, id)| format!("{node} goes to standby after a failure of {id}")));
    moving.extend(unaudited(state));
    let drained = event.and_then(|event| drained(state, event));
    let (behind, found) = drained.map(|member| before_a_boot(member, index)).unwrap_or_default();
    moving.extend(behind);
    let order = state.fencing.orders.get(&OrderId(index.0));
    moving.extend(order.filter(|o| o.result.is_none()).map(|o| format!("{} is being switched off", o.node)));
    let about = related(state, event);
    let (mut held, mut others) = (found, Vec::new());
    for (id, reasons) in &planned.reasons {
        let Some(first) = reasons.waiting.first() else { continue };
        let line = format!("{id}: {first}");
        if about.as_ref().is_none_or(|ids| ids.contains(id)) { held.push(line) } else { others.push(line) }
    }
    held.extend(order.and_then(|o| Some(format!("{} was not switched off: {}", o.node, why_not(o.result.as_ref()?)?))));
    let word = match (moving.is_empty(), held.is_empty()) {
        (true, true) => SettledWord::Settled,
        (true, false) => SettledWord::Held,
        (false, _) => SettledWord::Moving,
    };
    Settled { word, index: index.0, applied: state.index.0, moving, held, others }
}

/// Why an order that has ended switched nothing off; `None` if it did.
fn why_not(result: &OrderResult) -> Option<String> {
    match result {
        OrderResult::Confirmed { .. } => None,
        OrderResult::Failed { reason } => Some(reason.clone()),
        OrderResult::Withdrawn { .. } => Some("the order was withdrawn, nothing was sent".to_owned()),
    }
}

/// Whether a device may still answer for `node`: an order is open, or one can be given.
fn can_be_proven(state: &ClusterState, node: &haven_core::ids::NodeId) -> bool {
    !state.fence_levels_missing(node)
}

/// Nodes whose boot was not looked at since the configuration changed: starts wait for that.
fn unaudited(state: &ClusterState) -> Vec<String> {
    let behind = |m: &&Member| {
        m.standing == Standing::Online
            && m.runs_resources()
            && m.death().is_none()
            && m.audit.as_ref().is_none_or(|a| Some(a.boot) != m.boot() || a.revision < state.revision)
    };
    let waits = !state.resources.is_empty();
    let members = state.members.values().filter(|_| waits).filter(behind);
    members.map(|m| format!("what {} starts at boot is being looked up", m.node)).collect()
}

/// The member that `event` drains, if it is there to be looked at and there is something to look for.
fn drained<'a>(state: &'a ClusterState, event: &Event) -> Option<&'a Member> {
    let Event::StandbySet { node, standby: Standby::On, .. } = event else { return None };
    let member = state.members.get(node)?;
    let present = member.standing == Standing::Online && member.death().is_none();
    (present && member.runs_resources() && !state.resources.is_empty()).then_some(member)
}

/// A drained machine is mostly one that is about to boot: what its boot would start is looked up again after the
/// entry at `index`, and named before it does [H-28]. What is waited for, and what was found.
fn before_a_boot(member: &Member, index: LogIndex) -> (Option<String>, Vec<String>) {
    match &member.audit {
        Some(audit) if audit.since.index > index => {
            let line = |finding: &AuditFinding| would_start(&member.node, finding);
            (None, audit.findings.iter().map(line).collect())
        }
        Some(_) | None => (Some(format!("what {} starts at boot is being looked up", member.node)), Vec::new()),
    }
}

/// The resources that the entry is about; `None` means all.
fn related(state: &ClusterState, event: Option<&Event>) -> Option<BTreeSet<ResourceId>> {
    let about = Chronicle::default().about(event?);
    if about.resources.is_empty() {
        return None;
    }
    let primitives = about.resources.iter().flat_map(|id| state.spec.primitives(id));
    Some(primitives.chain(about.resources.iter().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use haven_core::ids::NodeId;

    use super::*;
    use crate::view::bench::{Bench, rsc};

    #[test]
    fn an_order_to_fence_is_waited_for_until_the_node_is_off_or_spared() {
        let mut bench = Bench::healthy();
        let order = bench.order("a");
        assert!(check(&bench, LogIndex(order.0)).moving.contains(&"a is being switched off".to_owned()));
        bench.ok(Event::FenceFailed { order, reason: "ilo-a: busy".into() });
        let settled = check(&bench, LogIndex(order.0));
        assert_eq!(
            (settled.word, settled.held),
            (SettledWord::Held, vec!["a was not switched off: ilo-a: busy".into()])
        );
    }

    fn check(bench: &Bench, index: LogIndex) -> Settled {
        let event = bench.past.iter().find(|e| e.index == index).and_then(|e| e.event()).map(|(_, event)| event);
        settled(&bench.state, index, event)
    }

    #[test]
    fn an_edit_is_settled_when_its_resource_runs() {
        let mut bench = Bench::three();
        bench.add(&["db"]);
        let index = bench.state.revision;
        let first = check(&bench, index);
        assert_eq!(first.word, SettledWord::Moving);
        assert!(first.moving.iter().any(|m| m.starts_with("probe db on a")), "{:?}", first.moving);
        bench.settle();
        assert_eq!(check(&bench, index).word, SettledWord::Settled);
    }

    #[test]
    fn an_entry_that_this_node_has_not_applied_is_waited_for() {
        let bench = Bench::three();
        let ahead = check(&bench, LogIndex(bench.state.index.0 + 5));
        assert_eq!(ahead.word, SettledWord::Moving);
    }

    #[test]
    fn a_drain_waits_for_a_look_at_the_boot_and_names_what_it_would_start() {
        let mut bench = Bench::three();
        bench.add(&["db"]);
        bench.settle();
        let by = "ann".to_owned();
        bench.ok(Event::StandbySet { node: NodeId::new("a").unwrap(), standby: Standby::On, by });
        let index = bench.state.index;
        bench.settle();
        let waits = check(&bench, index);
        assert_eq!(waits.word, SettledWord::Moving);
        assert_eq!(waits.moving, ["what a starts at boot is being looked up"]);
        bench.audit_finds("a", &[]);
        assert_eq!(check(&bench, index).word, SettledWord::Settled);
        bench.audit_finds("a", &[("db", "db.service is enabled: run systemctl disable db.service")]);
        let named = check(&bench, index);
        assert_eq!(named.word, SettledWord::Held);
        assert_eq!(
            named.held,
            ["a would start db at boot by itself: db.service is enabled: run systemctl disable db.service"]
        );
    }

    #[test]
    fn what_an_entry_did_not_touch_does_not_hold_it_up() {
        let mut bench = Bench::three();
        bench.add(&["db", "web"]);
        bench.settle();
        bench.forbid_everywhere("web");
        bench.settle();
        let about_web = bench.revision_before_audit;
        assert_eq!(check(&bench, about_web).word, SettledWord::Held, "web may run nowhere");
        bench.add(&["ip"]);
        let about_ip = bench.revision_before_audit;
        bench.settle();
        let settled = check(&bench, about_ip);
        assert_eq!(settled.word, SettledWord::Settled);
        assert_eq!(settled.others, ["web: no node may run it"]);
        assert!(bench.state.resources.contains_key(&rsc("ip")));
    }
}
