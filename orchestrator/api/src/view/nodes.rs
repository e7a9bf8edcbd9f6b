//! One line per member: where it stands, since when, who hears it, how it is fenced.

use haven_core::event::{MemberKind, Standby};
use haven_core::ids::NodeId;
use haven_core::state::{ClusterState, Member, Since, Standing};
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::clock::{Clock, Moment};
use super::fencing::FencePath;

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeRow {
    /// Its name.
    pub node: String,
    /// One word; in capitals when it needs attention.
    pub state: String,
    /// Since when.
    pub since: Moment,
    /// `LEADER`, `voter`, `learner` or `witness`.
    pub role: String,
    /// Whether it is the node that answers.
    pub here: bool,
    /// How long ago the answering node heard it; `None` if never, or if the past is looked at.
    pub heard_ms: Option<u64>,
    /// Round trip from the answering node, in microseconds.
    pub round_trip_us: Option<u32>,
    /// How it is switched off.
    pub fence: FencePath,
    /// More about the state, one sentence; empty if the word says it all.
    pub note: String,
}

/// A state in a word, since when, and more about it.
pub(super) struct NodeWord {
    pub(super) word: &'static str,
    pub(super) since: Since,
    pub(super) note: String,
}

/// The rows of all members, by name.
pub(super) fn rows(scene: &Scene, clock: &Clock) -> Vec<NodeRow> {
    scene.state.members.values().map(|m| row(scene, clock, m)).collect()
}

fn row(scene: &Scene, clock: &Clock, member: &Member) -> NodeRow {
    let local = scene.local();
    let here = local.is_some_and(|l| l.node == member.node);
    let peer = local.and_then(|l| l.peers.iter().find(|p| p.node == member.node));
    let said = word(scene, member);
    NodeRow {
        node: member.node.to_string(),
        state: said.word.to_owned(),
        since: clock.moment(said.since),
        role: role(scene, member).to_owned(),
        here,
        heard_ms: if here { Some(0) } else { peer.and_then(|p| p.silence).map(|m| m.0) },
        round_trip_us: peer.and_then(|p| p.round_trip_us),
        fence: FencePath::of(scene.state, clock, &member.node),
        note: said.note,
    }
}

fn role(scene: &Scene, member: &Member) -> &'static str {
    let leads = scene.local().is_some_and(|l| l.leader.as_ref() == Some(&member.node));
    match (leads, member.kind, scene.state.is_voter(member.member)) {
        (true, ..) => "LEADER",
        (false, MemberKind::Witness, _) => "witness",
        (false, MemberKind::Full, true) => "voter",
        (false, MemberKind::Full, false) => "learner",
    }
}

/// Where `member` stands, in a word.
pub(super) fn word(scene: &Scene, member: &Member) -> NodeWord {
    let state = scene.state;
    let said = |word, note: String| NodeWord { word, since: member.since, note };
    if let Some(freeze) = state.freeze_of(Some(&member.node), None) {
        return NodeWord { word: "FROZEN", since: freeze.since, note: freeze.reason.clone() };
    }
    match &member.standing {
        Standing::Lost | Standing::Isolated { .. } => out_of_cluster(state, member),
        Standing::Joined => said("joined", "its daemon was not heard yet".to_owned()),
        Standing::Returning => said("returning", returning_note(state, member)),
        Standing::Paused { until, purpose } => {
            let left = until.since(state.time);
            let what = match purpose {
                haven_core::event::PausePurpose::Restart => "restart",
                haven_core::event::PausePurpose::Upgrade => "upgrade",
            };
            said("paused", format!("planned {what} of its daemon, {} left; its resources go on", seconds(left)))
        }
        Standing::Stopped => said("stopped", "its daemon ended in good order".to_owned()),
        Standing::Online => online(scene, member),
    }
}

fn online(scene: &Scene, member: &Member) -> NodeWord {
    let state = scene.state;
    let said = |word, since, note: String| NodeWord { word, since, note };
    let silences: Vec<(&NodeId, &Since)> =
        state.silences.iter().filter(|((_, subject), _)| *subject == member.node).map(|((o, _), s)| (o, s)).collect();
    if let Some((_, first)) = silences.iter().min_by_key(|(_, since)| since.index) {
        let names: Vec<String> = silences.iter().map(|(observer, _)| observer.to_string()).collect();
        return said("SILENT", **first, format!("not heard by {}", names.join(", ")));
    }
    let limit = state.timing.silence();
    let heard = scene.local().and_then(|l| l.peers.iter().find(|p| p.node == member.node)).map(|p| p.silence);
    if let Some(silence) = heard
        && silence.is_none_or(|s| s >= limit)
    {
        return said("SILENT", member.since, "not heard by the node that answers".to_owned());
    }
    if !member.is_admitted() {
        let note = format!("its hold lease lapsed ({} of this life); it waits to be readmitted", member.lapses);
        return said("WAITING", member.since, note);
    }
    let flag = |name: &str| {
        let configured = state.spec.nodes.get(&member.node).and_then(|n| n.attributes.get(name));
        let on = |v: &String| matches!(v.as_str(), "on" | "true" | "yes" | "1");
        member.attributes.get(name).or(configured).is_some_and(on)
    };
    if member.standby == Standby::On {
        return said("standby", member.since, format!("by {}", member.standby_by));
    }
    if flag("standby") {
        return said("standby", member.since, "by its attribute in the configuration".to_owned());
    }
    if flag("maintenance") {
        return said("maintenance", member.since, "by its attribute in the configuration".to_owned());
    }
    said("online", member.since, String::new())
}

fn out_of_cluster(state: &ClusterState, member: &Member) -> NodeWord {
    if let Some(dead) = member.death() {
        return NodeWord { word: "OFF", since: dead.since, note: dead.proof.words() };
    }
    let open = state.fencing.open_against(&member.node).next();
    if let Some(order) = open {
        let sent: Vec<String> = order.sent.iter().map(ToString::to_string).collect();
        let how = if sent.is_empty() {
            format!("{} is about to tell its device", order.executor)
        } else {
            format!("{} told {} to switch it off, and reads its power", order.executor, sent.join(" and "))
        };
        return NodeWord { word: "FENCING", since: order.ordered, note: how };
    }
    let holds = state.held_by(&member.node).next().is_some();
    let note = if holds { "not proven off; what it held stays where it is" } else { "it holds nothing" };
    let word = if member.standing == Standing::Lost { "LOST" } else { "ISOLATED" };
    NodeWord { word, since: member.since, note: note.to_owned() }
}

fn returning_note(state: &ClusterState, member: &Member) -> String {
    if let Some(order) = state.fencing.open_against(&member.node).next() {
        return format!("{} against it is not over yet", order.id);
    }
    match state.unverified(&member.node) {
        Some(resource) => format!("it is looked at before it may start anything: {resource} next"),
        None => "it is about to be readmitted".to_owned(),
    }
}

/// A duration as people say it, to a tenth of a second below ten seconds.
pub(super) fn seconds(span: Millis) -> String {
    crate::screen::span(span.0)
}
