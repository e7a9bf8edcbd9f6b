//! What needs attention, worst first, each with the next command.

use haven_core::event::{AuditFinding, Counted};
use haven_core::ids::NodeId;
use haven_core::state::{ClusterState, Member, Standing};
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::clock::Clock;
use super::fencing::word_counts_in;
use super::nodes::{NodeRow, seconds};
use super::quorum::{Quorum, QuorumWord};
use super::resources::ResourceRow;
use crate::model::{HoldFact, StoreFact};

/// How bad it is. The order is that of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nothing can be decided.
    NoQuorum,
    /// Something that cannot be was found; a person decides.
    Frozen,
    /// Something that should run does not.
    Down,
    /// It runs, and the next failure may not be survived.
    Unsafe,
    /// Somebody asked for it.
    Asked,
}

/// One thing that needs attention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// How bad it is.
    pub weight: Weight,
    /// What is wrong and why, one sentence without a full stop.
    pub text: String,
    /// The exact next command.
    pub hint: String,
}

/// Nodes whose clocks differ by more than this are named: log files cannot be compared any more.
const SKEW_TOLD: u64 = 500;

/// Everything that needs attention, worst first.
pub(super) fn problems(
    scene: &Scene,
    clock: &Clock,
    quorum: &Quorum,
    nodes: &[NodeRow],
    resources: &[ResourceRow],
) -> Vec<Problem> {
    let mut found = Vec::new();
    no_quorum(scene, quorum, &mut found);
    frozen(scene, clock, &mut found);
    down(resources, &mut found);
    held(scene.state, clock, resources, &mut found);
    for member in scene.state.members.values() {
        node(member, quorum, nodes, &mut found);
    }
    fencing(scene.state, nodes, &mut found);
    here(scene, &mut found);
    rooms(scene, &mut found);
    links(scene, clock, &mut found);
    asked(scene, clock, &mut found);
    // Stable: what was found first among equals stays first.
    found.sort_by_key(|p| p.weight);
    found
}

fn add(found: &mut Vec<Problem>, weight: Weight, text: String, hint: impl Into<String>) {
    found.push(Problem { weight, text, hint: hint.into() });
}

fn no_quorum(scene: &Scene, quorum: &Quorum, found: &mut Vec<Problem>) {
    let missing = quorum.missing.join(", ");
    match quorum.word {
        QuorumWord::Ok | QuorumWord::Past => {}
        QuorumWord::Electing => {
            let text = "a majority is together and a leader is being elected; nothing is decided until then".to_owned();
            add(found, Weight::NoQuorum, text, "haven status");
        }
        QuorumWord::Lost => {
            let (heard, needed, voters) = (quorum.heard, quorum.needed, quorum.voters);
            let hold = match scene.local().map(|l| l.hold) {
                Some(HoldFact::Valid { left }) => {
                    format!("what runs here goes on for {} and is stopped then", seconds(left))
                }
                Some(HoldFact::Lapsed) => "exclusive resources here are stopped".to_owned(),
                Some(HoldFact::Never) | None => "nothing exclusive may run here".to_owned(),
            };
            let text =
                format!("NO QUORUM: {heard} of {voters} voters heard, {needed} needed; {missing} missing; {hold}");
            let first = quorum.missing.first().map_or_else(String::new, |node| format!("haven why {node}"));
            add(found, Weight::NoQuorum, text, first);
        }
    }
}

fn frozen(scene: &Scene, clock: &Clock, found: &mut Vec<Problem>) {
    for (index, freeze) in &scene.state.freezes {
        let subject = haven_core::story::subject_words(&freeze.subject);
        let age = seconds(clock.ago(freeze.since.time));
        let text = format!("{subject} is FROZEN since {age}: {}", freeze.reason);
        add(found, Weight::Frozen, text, format!("haven log --from {index} --to {index}"));
    }
}

fn down(resources: &[ResourceRow], found: &mut Vec<Problem>) {
    // What is frozen is told by its freeze, and what waits for a person's look by the node to look at.
    let told = |r: &&ResourceRow| !r.is_group && !r.as_wanted && r.state != "FROZEN" && r.unproven.is_empty();
    for row in resources.iter().filter(told) {
        let age = row.since.as_ref().map_or_else(String::new, |s| format!(" {}", seconds(Millis(s.ago_ms))));
        let why = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
        add(
            found,
            Weight::Down,
            format!("{} {}{age}{why}", row.resource, row.state),
            format!("haven why {}", row.resource),
        );
    }
}

/// What only a person can free: one line for each node that somebody has to look at.
fn held(state: &ClusterState, clock: &Clock, resources: &[ResourceRow], found: &mut Vec<Problem>) {
    for member in state.members.values() {
        let node = &member.node;
        let rows: Vec<&ResourceRow> = resources.iter().filter(|r| !r.is_group && r.unproven == node.as_str()).collect();
        let Some(first) = rows.first() else { continue };
        let names = rows.iter().map(|r| r.resource.as_str()).collect::<Vec<_>>().join(", ");
        let age = seconds(clock.ago(member.since.time));
        let left = word_counts_in(state, clock, member);
        let when = if left > Millis::ZERO { format!(", in {} at the earliest", seconds(left)) } else { String::new() };
        let text = format!("{names} HELD {age}: {}; say so once you have seen {node} off{when}", first.note);
        add(found, Weight::Down, text, format!("haven fence confirm {node}"));
    }
}

fn node(member: &Member, quorum: &Quorum, rows: &[NodeRow], found: &mut Vec<Problem>) {
    let Some(row) = rows.iter().find(|r| r.node == member.node.as_str()) else { return };
    if row.state == "FROZEN" {
        return;
    }
    let (name, why) = (&member.node, format!("haven why {}", member.node));
    let age = seconds(Millis(row.since.ago_ms));
    match &member.standing {
        Standing::Lost | Standing::Isolated { .. } => {
            add(found, Weight::Unsafe, format!("node {name} {} {age}: {}", row.state, row.note), why);
        }
        Standing::Returning | Standing::Joined => {
            add(found, Weight::Unsafe, format!("node {name} {} {age}: {}", row.state, row.note), why);
        }
        Standing::Paused { .. } | Standing::Stopped => {
            add(found, Weight::Asked, format!("node {name} {} {age}: {}", row.state, row.note), why);
        }
        Standing::Online if row.state == "standby" => {
            add(
                found,
                Weight::Asked,
                format!("node {name} in standby {age}: {}", row.note),
                format!("haven node online {name}"),
            );
        }
        // Without quorum the silent ones are named by the first line.
        Standing::Online if row.state == "SILENT" && quorum.word == QuorumWord::Lost => {}
        Standing::Online if row.state == "SILENT" || row.state == "WAITING" => {
            add(found, Weight::Unsafe, format!("node {name} {}: {}", row.state, row.note), why);
        }
        Standing::Online => {}
    }
    if let Some(reason) = &member.distrusted {
        let text = format!("node {name}: its store may not vote: {reason}");
        add(found, Weight::Unsafe, text, format!("haven reset (on {name}), then haven join"));
    }
    for finding in member.audit.iter().flat_map(|a| &a.findings) {
        add(found, Weight::Unsafe, would_start(name, finding), format!("haven why {}", finding.resource));
    }
}

/// What the boot of `node` starts behind haven's back, and how that is ended.
pub(super) fn would_start(node: &NodeId, finding: &AuditFinding) -> String {
    format!("{node} would start {} at boot by itself: {}", finding.resource, finding.what)
}

fn fencing(state: &ClusterState, nodes: &[NodeRow], found: &mut Vec<Problem>) {
    let full = |row: &&NodeRow| state.members.values().any(|m| m.node.as_str() == row.node && m.runs_resources());
    let names = |rows: Vec<&NodeRow>| rows.iter().map(|r| r.node.clone()).collect::<Vec<_>>().join(", ");
    let full: Vec<&NodeRow> = nodes.iter().filter(full).collect();
    let watched = |row: &&NodeRow| {
        let member = state.members.values().find(|m| m.node.as_str() == row.node);
        let watchdog = member.and_then(|m| m.watchdog.as_ref());
        watchdog.is_some_and(|w| !matches!(w.report.counted, Counted::No(_)))
    };
    // A node alone has nobody to fence it, and nobody who would take over.
    let bare: Vec<&NodeRow> = full.iter().copied().filter(|r| full.len() > 1 && r.fence.devices.is_empty()).collect();
    if !bare.is_empty() {
        let safe = bare.iter().all(watched);
        let what = if safe { "only its watchdog proves" } else { "nothing proves" };
        let text =
            format!("FENCING OFF for {}: {what} that it is off, so what it held may wait for a person", names(bare));
        add(found, Weight::Unsafe, text, "haven fence add");
    }
    for row in full.iter().filter(|r| !r.fence.devices.is_empty()) {
        if let Some(device) = row.fence.devices.iter().find(|d| d.distrusted) {
            let text = format!(
                "fence device {} of {} contradicted itself and is not believed until tested",
                device.device, row.node
            );
            add(found, Weight::Unsafe, text, format!("haven fence test {}", row.node));
        } else if let Some(device) = row.fence.devices.iter().find(|d| !d.failed.is_empty()) {
            let text = format!("fence device {} of {} failed its test: {}", device.device, row.node, device.failed);
            add(found, Weight::Unsafe, text, format!("haven fence test {}", row.node));
        }
    }
    let untested: Vec<&NodeRow> = full
        .iter()
        .copied()
        .filter(|r| !r.fence.devices.is_empty() && r.fence.devices.iter().all(|d| d.tested.is_none()))
        .collect();
    if let Some(first) = untested.first() {
        let hint = if untested.len() > 1 {
            "haven fence test --all".to_owned()
        } else {
            format!("haven fence test {}", first.node)
        };
        add(found, Weight::Unsafe, format!("FENCING UNTESTED for {}", names(untested)), hint);
    }
}

fn here(scene: &Scene, found: &mut Vec<Problem>) {
    let Some(local) = scene.local() else { return };
    match &local.store {
        StoreFact::Fine => {}
        StoreFact::Low { free, needed } => {
            let text = format!(
                "disk of {} nearly full: {} MiB free, {} MiB needed; changes are refused",
                local.node,
                free >> 20,
                needed >> 20
            );
            add(found, Weight::Unsafe, text, "haven doctor");
        }
        StoreFact::Failed { reason } => {
            add(found, Weight::Unsafe, format!("store of {} failed: {reason}", local.node), "haven doctor");
        }
    }
    if let Some((voter, why)) = local.refused_by.iter().next() {
        let text = format!("{voter} does not listen to the store of {}: {why}", local.node);
        add(found, Weight::Unsafe, text, "haven reset, then haven join");
    }
    for peer in &local.peers {
        if let Some(ahead) = peer.clock_ahead.filter(|ahead| ahead.unsigned_abs() > SKEW_TOLD) {
            let way = if ahead > 0 { "ahead" } else { "behind" };
            let by = seconds(Millis(ahead.unsigned_abs()));
            let text = format!(
                "clock of {} is {by} {way} of {}; decisions do not depend on it, log files do",
                peer.node, local.node
            );
            add(found, Weight::Unsafe, text, "haven doctor");
        }
    }
}

/// Logs of other nodes that are short of room, by the last digest; this node knows its own better.
fn rooms(scene: &Scene, found: &mut Vec<Problem>) {
    let here = scene.local().map(|local| &local.node);
    for line in scene.state.digest.lines.iter().filter(|line| Some(&line.node) != here) {
        if let Some(shortage) = line.shortage {
            add(found, Weight::Unsafe, format!("{}: {}", line.node, shortage.words()), "haven doctor");
        }
    }
}

fn links(scene: &Scene, clock: &Clock, found: &mut Vec<Problem>) {
    for ((observer, subject, link), since) in &scene.state.links_down {
        let out = |node| scene.state.members.get(node).is_some_and(Member::is_released_by_proof);
        if out(observer) || out(subject) {
            continue;
        }
        let age = seconds(clock.ago(since.time));
        let text = format!("{link} from {subject} to {observer} down {age}");
        add(found, Weight::Unsafe, text, "haven links");
    }
}

fn asked(scene: &Scene, clock: &Clock, found: &mut Vec<Problem>) {
    let state = scene.state;
    if let Some(until) = state.maintenance.until.filter(|until| state.time < *until) {
        let left = seconds(until.since(clock.now()));
        let (by, reason) = (&state.maintenance.by, &state.maintenance.reason);
        let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        let text = format!("MAINTENANCE by {by}{why}, {left} left: nothing is started, stopped or moved");
        add(found, Weight::Asked, text, "haven maintenance off");
    } else if state.in_maintenance() {
        let text = "MAINTENANCE by the setting maintenance-mode: nothing is started, stopped or moved".to_owned();
        add(found, Weight::Asked, text, "haven config set maintenance-mode=false");
    }
    if state.settings().stop_all {
        let text = "stop-all-resources is on: nothing is kept running".to_owned();
        add(found, Weight::Asked, text, "haven config set stop-all-resources=false");
    }
}
