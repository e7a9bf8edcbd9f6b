//! Why a node is lost, fenced, held or not trusted, and which proof is missing.

use haven_core::event::{Counted, Event};
use haven_core::ids::NodeId;
use haven_core::state::{ClusterState, Member, OrderResult, Standing};
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::chronicle::Chronicle;
use super::clock::Clock;
use super::drill::{Failover, last_failover};
use super::fencing::{ends_the_quorum, names, word_counts_in};
use super::log::{LogLine, is_told, line};
use super::nodes::{self, NodeRow, seconds};

/// Events of the story that are told at most, the newest.
const STORY_MAX: usize = 20;

/// One way in which it could be proven that the node's boot is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProofRow {
    /// `power`, `reboot`, `watchdog`, `storage` or `person`.
    pub way: String,
    /// Whether this is the proof that was given.
    pub given: bool,
    /// How it stands, one sentence.
    pub state: String,
}

/// Everything about one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhyNode {
    /// Its line in `status`.
    pub row: NodeRow,
    /// The state that was looked at.
    pub index: u64,
    /// Why it is as it is, one sentence each, the first cause first.
    pub because: Vec<String>,
    /// What its boot holds, or may hold.
    pub holds: Vec<String>,
    /// The ways of proof; empty unless it is out of the cluster.
    pub proofs: Vec<ProofRow>,
    /// What stands between it and its being a full part of the cluster, one sentence each.
    pub missing: Vec<String>,
    /// What a person could do, each with its command.
    pub changes: Vec<String>,
    /// Its last failover by phases.
    pub failover: Option<Failover>,
    /// The last events about it, oldest first.
    pub story: Vec<LogLine>,
}

/// Explains a node; `None` if it is no member.
pub fn why_node(scene: &Scene, id: &NodeId) -> Option<WhyNode> {
    let state = scene.state;
    let member = state.members.get(id)?;
    let (clock, chronicle) = (Clock::of(scene), Chronicle::of(scene));
    let row = nodes::rows(scene, &clock).into_iter().find(|r| r.node == id.as_str())?;
    let about =
        |entry: &&crate::backend::PastEntry| entry.event().is_some_and(|(_, event)| is_about(&chronicle, event, id));
    let mut story: Vec<LogLine> = scene
        .recent
        .iter()
        .rev()
        .filter(|e| is_told(e))
        .filter(about)
        .take(STORY_MAX)
        .map(|entry| line(&clock, &chronicle, entry))
        .collect();
    story.reverse();
    let out = member.is_released_by_proof();
    Some(WhyNode {
        index: state.index.0,
        because: because(scene, &chronicle, member, &row),
        holds: state.held_by(id).map(|(id, _)| id.to_string()).collect(),
        proofs: if out { proofs(state, &clock, member) } else { Vec::new() },
        missing: missing(state, member),
        changes: changes(state, member),
        failover: last_failover(scene.recent, clock.now(), id),
        story,
        row,
    })
}

/// Plans and actions are about nodes too; the story of a node is about the node itself.
fn is_about(chronicle: &Chronicle, event: &Event, id: &NodeId) -> bool {
    let work = matches!(
        event,
        Event::PlanAdopted(_) | Event::ActionStarted { .. } | Event::ActionFinished { .. } | Event::BootAudited { .. }
    );
    !work && chronicle.about(event).nodes.contains(id)
}

fn because(scene: &Scene, chronicle: &Chronicle, member: &Member, row: &NodeRow) -> Vec<String> {
    let state = scene.state;
    let mut found = Vec::new();
    let at = |index: haven_core::ids::LogIndex| {
        let entry = scene.recent.iter().find(|e| e.index == index)?;
        entry.event().map(|(_, event)| format!("{} (event {index})", chronicle.tell(event)))
    };
    if let Some(freeze) = state.freeze_of(Some(&member.node), None) {
        found.push(format!("{} (event {})", freeze.reason, freeze.since.index));
    }
    if let Some(cause) = at(member.since.index) {
        found.push(cause);
    }
    if let Some(dead) = member.death() {
        found.push(format!("its boot is over: {} (event {})", dead.proof.words(), dead.since.index));
    }
    // The note of a node that is proven off is its proof, and that of a frozen one its freeze: both are said.
    let said = member.death().is_some() || row.state == "FROZEN";
    if found.is_empty() || !(row.note.is_empty() || said) {
        let note = if row.note.is_empty() { format!("it is {}", row.state) } else { row.note.clone() };
        found.push(note);
    }
    found
}

fn proofs(state: &ClusterState, clock: &Clock, member: &Member) -> Vec<ProofRow> {
    let way = |name: &str, state: String| ProofRow { way: name.to_owned(), given: false, state };
    let mut rows = vec![
        way("power", power(state, clock, member)),
        way("reboot", "proven as soon as the same machine joins with another boot".to_owned()),
        way("watchdog", watchdog(state, clock, member)),
        way("storage", "not accepted as proof in this version".to_owned()),
        way("person", person(state, clock, member)),
    ];
    if let Some(dead) = member.death() {
        use haven_core::event::Proof;
        let given = match &dead.proof {
            Proof::PoweredOff { .. } => "power",
            Proof::Rebooted { .. } => "reboot",
            Proof::SelfFenced { .. } => "watchdog",
            Proof::StorageTaken { .. } => "storage",
            Proof::PersonsWord { .. } => "person",
        };
        rows.retain(|r| r.way == given);
        for row in &mut rows {
            row.given = true;
            row.state = format!(
                "{}, {} ago (event {})",
                dead.proof.words(),
                seconds(clock.ago(dead.since.time)),
                dead.since.index
            );
        }
    }
    rows
}

fn power(state: &ClusterState, clock: &Clock, member: &Member) -> String {
    if state.fence_levels_missing(&member.node) {
        return "no device can switch it off".to_owned();
    }
    if let Some(order) = state.fencing.open_against(&member.node).next() {
        let sent: Vec<String> = order.sent.iter().map(ToString::to_string).collect();
        let age = seconds(clock.ago(order.ordered.time));
        let apart: Vec<Millis> = order.sent.iter().map(|d| state.fencing.reads_apart(d)).collect();
        let apart = apart.into_iter().max().unwrap_or(Millis::ZERO);
        return if sent.is_empty() {
            format!("{} by {} {age} ago, nothing sent yet", order.id, order.executor)
        } else {
            format!(
                "{} by {} {age} ago, off sent to {}; must read Off twice, {apart} apart",
                order.id,
                order.executor,
                sent.join(" and ")
            )
        };
    }
    let last = state.fencing.orders.values().rev().find(|o| o.node == member.node && Some(o.boot) == member.boot());
    match last.map(|o| (&o.id, &o.result)) {
        Some((id, Some(OrderResult::Failed { reason }))) => format!("{id} failed: {reason}; it is tried again"),
        Some((id, Some(OrderResult::Withdrawn { .. }))) => format!("{id} was withdrawn, nothing was sent"),
        Some((id, Some(OrderResult::Confirmed { index }))) => format!("{id} was confirmed at {index}"),
        Some((id, None)) => format!("{id} is open"),
        None if state.held_by(&member.node).next().is_none() => {
            "not ordered: it holds nothing that anybody waits for".to_owned()
        }
        None => match state.shot_that_ends_the_quorum(&member.node) {
            Some(along) => format!("not ordered: {}", ends_the_quorum(&along)),
            None => "not ordered yet".to_owned(),
        },
    }
}

fn watchdog(state: &ClusterState, clock: &Clock, member: &Member) -> String {
    let Some(watchdog) = member.watchdog.as_ref().filter(|w| Some(w.boot) == member.boot()) else {
        return "no watchdog was armed on that boot".to_owned();
    };
    if let Counted::No(why) = &watchdog.report.counted {
        return format!("{} does not count: {why}", watchdog.report.identity);
    }
    if state.fencing.distrusted_ways.contains_key(&member.node) {
        return "not believed: the node contradicted a proof before".to_owned();
    }
    let sum = state.self_fence_sum(watchdog.report.timeout);
    let left = sum.minus(clock.ago(member.since.time));
    format!(
        "{} resets it for certain {} after its last lease; about {} to go",
        watchdog.report.identity,
        seconds(sum),
        seconds(left)
    )
}

fn person(state: &ClusterState, clock: &Clock, member: &Member) -> String {
    let ordered = state.fencing.orders.values().any(|o| o.node == member.node && Some(o.boot) == member.boot());
    let left = word_counts_in(state, clock, member);
    match (ordered, left > Millis::ZERO) {
        (false, _) => "accepted only after an order against it".to_owned(),
        (true, true) => format!("accepted in about {}, when nothing hears it and no device reads On", seconds(left)),
        (true, false) => {
            format!("accepted when nothing hears it and no device reads On: haven fence confirm {}", member.node)
        }
    }
}

fn missing(state: &ClusterState, member: &Member) -> Vec<String> {
    let mut found = Vec::new();
    if member.is_admitted() {
        return found;
    }
    match &member.standing {
        Standing::Joined => found.push("its daemon must be heard by the leader".to_owned()),
        Standing::Stopped => found.push("its daemon must be started".to_owned()),
        Standing::Paused { .. } => found.push("its daemon must come back".to_owned()),
        Standing::Lost | Standing::Isolated { .. } => {
            found.push("it must be heard again, or be proven off and boot again".to_owned());
        }
        Standing::Returning | Standing::Online => {}
    }
    found.extend(state.fencing.open_against(&member.node).map(|o| format!("{} against it must end", o.id)));
    if let Some(resource) = state.unverified(&member.node).filter(|_| member.standing == Standing::Returning) {
        found.push(format!("it must be looked whether {resource} runs there"));
    }
    if let Some(reason) = &member.distrusted {
        found.push(format!("its store is not trusted: {reason}"));
    }
    if found.is_empty() {
        found.push("the leader must readmit it".to_owned());
    }
    found
}

fn changes(state: &ClusterState, member: &Member) -> Vec<String> {
    let name = &member.node;
    let mut found = Vec::new();
    if member.awaits_proof() {
        if let Some(along) = state.shot_that_ends_the_quorum(name) {
            let others = names(&along);
            found.push(format!(
                "pull {name}'s cord from the outlet that it shares with {others}, and take {name} out of that device"
            ));
        }
        if state.fence_levels_missing(name) {
            found.push(format!("give it a fence device: haven fence add, then haven fence test {name}"));
        }
        found.push(format!("look at the machine, switch it off, and say so: haven fence confirm {name}"));
    } else if member.is_released_by_proof() {
        found.push(format!("switch {name} on; it rejoins by itself"));
        found.push(format!("or take it out for good: haven node remove {name}"));
    }
    if member.standing == Standing::Stopped {
        found.push(format!("start its daemon on {name}: systemctl start haven"));
    }
    if member.standby == haven_core::event::Standby::On {
        found.push(format!("take it back: haven node online {name}"));
    }
    if let Some(freeze) = state.freeze_of(Some(name), None) {
        found.push(format!("test its devices: haven fence test {name}"));
        found.push(format!("end the freeze when you know what runs: haven unfreeze {}", freeze.since.index));
    }
    if member.distrusted.is_some() {
        found.push(format!("on {name}: haven reset, then haven join with a new token"));
    }
    found
}
