//! The log as a file that leaves the cluster: what `haven log export` writes and `haven sim from-log` reads.
//!
//! For: one form for a live and for a simulated cluster. The file has one JSON object per line: first a [`Header`], then
//! each entry as a [`Recorded`], in the order of the log and without a gap.
//! Never: a secret [S7]. Digests of join tokens are left out, and a parameter whose name is that of a secret has the value
//! `***`, although no configuration should have one; so have options of such names inside values and what agents said.
//! What has no such name before it, such as a comment that quotes a password, cannot be known.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::event::{Counted, Event, Joined, MemberKind, Standby};
use crate::ids::{ActionId, Incarnation, LinkId, LogIndex, MemberId, NodeId, OrderId, PlanId, ResourceId, Term};
use crate::plan::StepKey;
use crate::spec::{AttrSet, Device, NodeSpec, Resource, Spec, SpecEdit, Timing, is_secret};
use crate::state::{ClusterState, Entry, Member};
use crate::units::{LogTime, WallTime};

/// What the first line names the file's form by.
pub const FORMAT: &str = "haven-log";
/// The version of the form; a reader refuses any other.
pub const VERSION: u32 = 1;
/// What stands for a value that is not told.
const HIDDEN: &str = "***";

/// The first line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`].
    pub version: u32,
    /// The cluster's name.
    pub cluster: String,
    /// How the export came about, in words.
    pub origin: String,
    /// The first entry of the file.
    pub first: LogIndex,
    /// The last one.
    pub last: LogIndex,
    /// What was so right before the first entry.
    pub before: Before,
}

/// What was so before the first entry of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Before {
    /// The last entry before the export.
    pub index: LogIndex,
    /// Its time.
    pub time: LogTime,
    /// The wall clock at some moment, if one was agreed on.
    pub wall: Option<(WallTime, LogTime)>,
    /// Timings in force; `None` before the cluster was founded.
    pub timing: Option<Timing>,
    /// Until when the cluster was in maintenance.
    pub maintenance: Option<LogTime>,
    /// The members, by name.
    pub members: Vec<MemberBefore>,
    /// The configuration, without secrets.
    pub spec: Spec,
    /// What ran where, or may have.
    pub running: Vec<(ResourceId, NodeId)>,
    /// Which voter did not hear whom.
    pub silent: Vec<(NodeId, NodeId)>,
    /// Who did not hear whom on which link.
    pub links_down: Vec<(NodeId, NodeId, LinkId)>,
    /// The plan in force; the next one names it.
    pub plan: PlanId,
    /// Actions that had not ended, and what they do.
    pub steps: Vec<(ActionId, StepKey)>,
    /// Fence orders without a result, and whom they are against.
    pub orders: Vec<(OrderId, NodeId)>,
}

/// A member as it stood before the first entry of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberBefore {
    /// Its name.
    pub node: NodeId,
    /// Its number in the Raft group.
    pub member: MemberId,
    /// What it is for.
    pub kind: MemberKind,
    /// Whether it votes.
    pub votes: bool,
    /// How many addresses it has, one per link.
    pub links: u8,
    /// The word for where it stands, as `haven status` shows it.
    pub standing: String,
    /// The life that was heard last.
    pub incarnation: Option<Incarnation>,
    /// Whether that boot is proven to be over.
    pub off: bool,
    /// Whether it runs resources.
    pub standby: Standby,
    /// Whether its watchdog counts as proof; `None` if none is armed.
    pub watchdog: Option<Counted>,
}

/// One entry of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Its index.
    pub index: LogIndex,
    /// Its term.
    pub term: Term,
    /// The time that its leader stamped; only of events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<LogTime>,
    /// What happened; `None` where Raft speaks of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// Who votes from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voting: Option<RecordedVoting>,
}

/// Who votes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedVoting {
    /// The set of voters, or both sets during a change.
    pub sets: Vec<BTreeSet<MemberId>>,
    /// Members that do not vote.
    pub learners: BTreeSet<MemberId>,
}

impl Header {
    /// The header of an export of `first` to `last`, where `state` is that before `first`.
    pub fn new(state: &ClusterState, origin: String, first: LogIndex, last: LogIndex) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            cluster: state.cluster.as_ref().map_or_else(String::new, |cluster| cluster.name.clone()),
            origin,
            first,
            last,
            before: Before::of(state),
        }
    }
}

impl Before {
    /// What of a state an export tells.
    pub fn of(state: &ClusterState) -> Self {
        let mut spec = state.spec.clone();
        hide_in_spec(&mut spec);
        let running = state
            .resources
            .iter()
            .flat_map(|(id, status)| status.possible_owners().map(move |(node, _)| (id.clone(), node.clone())));
        let steps = state.plan.in_flight().chain(state.plan.waiting());
        let open = state.fencing.orders.values().filter(|order| order.result.is_none());
        Self {
            index: state.index,
            time: state.time,
            wall: state.wall.believed,
            timing: state.cluster.as_ref().map(|_| state.timing.current),
            maintenance: state.maintenance.until.filter(|until| state.time < *until),
            members: state.members.values().map(|member| MemberBefore::of(state, member)).collect(),
            spec,
            running: running.collect(),
            silent: state.silences.keys().cloned().collect(),
            links_down: state.links_down.keys().cloned().collect(),
            plan: state.plan.id,
            steps: steps.map(|(id, step)| (id, step.step.key.clone())).collect(),
            orders: open.map(|order| (order.id, order.node.clone())).collect(),
        }
    }
}

impl MemberBefore {
    fn of(state: &ClusterState, member: &Member) -> Self {
        Self {
            node: member.node.clone(),
            member: member.member,
            kind: member.kind,
            votes: state.is_voter(member.member),
            links: u8::try_from(member.endpoints.len()).unwrap_or(u8::MAX),
            standing: member.standing.word().to_owned(),
            incarnation: member.incarnation,
            off: member.death().is_some(),
            standby: member.standby,
            watchdog: member.watchdog.as_ref().map(|watchdog| watchdog.report.counted.clone()),
        }
    }
}

impl Recorded {
    /// An entry as it is exported, without secrets.
    pub fn of(index: LogIndex, term: Term, entry: &Entry) -> Self {
        let (mut time, mut event, mut voting) = (None, None, None);
        match entry {
            Entry::Event(at, what) => (time, event) = (Some(*at), Some(without_secrets(what))),
            Entry::Voting { sets, learners } => {
                voting = Some(RecordedVoting { sets: sets.clone(), learners: learners.clone() });
            }
            Entry::Blank => {}
        }
        Self { index, term, time, event, voting }
    }
}

/// The event without what must not leave the cluster.
#[allow(clippy::too_many_lines, reason = "one arm per event, so that a new one is thought of here")]
pub fn without_secrets(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::NodeJoined(Joined { token, .. }) => *token = None,
        Event::TokenIssued { digest, .. } | Event::TokenSpent { digest } => digest.clear(),
        Event::SpecChanged { edits, .. } => edits.iter_mut().for_each(hide_in_edit),
        Event::AttributeSet { name, value: Some(value), .. } if is_secret(name) => HIDDEN.clone_into(value),
        Event::AttributeSet { value: Some(value), .. } => hide_in_text(value),
        Event::ActionFinished { detail, .. } => hide_in_text(detail),
        Event::ResourceReported(report) => hide_in_text(&mut report.detail),
        Event::AttributeSet { value: None, .. }
        | Event::ClusterFounded { .. }
        | Event::NodeBooted { .. }
        | Event::PeerSilent { .. }
        | Event::PeerHeard { .. }
        | Event::NodeLost { .. }
        | Event::NodeIsolated { .. }
        | Event::NodeReturned { .. }
        | Event::NodeReadmitted { .. }
        | Event::HoldLapsed { .. }
        | Event::NodePaused { .. }
        | Event::NodeStopped { .. }
        | Event::NodeRemoved { .. }
        | Event::FenceOrdered { .. }
        | Event::FenceWithdrawn { .. }
        | Event::FenceSent { .. }
        | Event::FenceFailed { .. }
        | Event::FenceConfirmed { .. }
        | Event::ContradictionSeen { .. }
        | Event::DeviceTested(_)
        | Event::WatchdogArmed { .. }
        | Event::WatchdogDisarmed { .. }
        | Event::BootAudited { .. }
        | Event::PlanAdopted(_)
        | Event::ActionStarted { .. }
        | Event::LinkChanged { .. }
        | Event::HeartbeatDigest(_)
        | Event::MaintenanceSet { .. }
        | Event::StandbySet { .. }
        | Event::FailuresCleared { .. }
        | Event::Frozen { .. }
        | Event::Unfrozen { .. }
        | Event::FeatureLevelRaised { .. }
        | Event::TimingSettled { .. }
        | Event::SilenceSettled { .. }
        | Event::StoreDistrusted { .. }
        | Event::LeaderHandedOver { .. }
        | Event::PowerOnOrdered { .. }
        | Event::CaChanged { .. }
        | Event::CaTaken { .. } => {}
    }
    event
}

fn hide_in_edit(edit: &mut SpecEdit) {
    match edit {
        SpecEdit::PutResource(resource) => hide_in_resource(resource),
        SpecEdit::PutDevice(device) => hide_in_device(device),
        SpecEdit::SetNode { spec, .. } => hide_in_node(spec),
        SpecEdit::SetProperty { name, value: Some(value) } if is_secret(name) => HIDDEN.clone_into(value),
        SpecEdit::SetProperty { value: Some(value), .. } => hide_in_text(value),
        SpecEdit::SetResourceDefaults(sets) | SpecEdit::SetOperationDefaults(sets) => hide_in_sets(sets),
        SpecEdit::SetProperty { value: None, .. }
        | SpecEdit::RemoveResource(_)
        | SpecEdit::PutConstraint(_)
        | SpecEdit::RemoveConstraint(_)
        | SpecEdit::RemoveDevice(_)
        | SpecEdit::SetTopology { .. }
        | SpecEdit::SetTag { .. } => {}
    }
}

fn hide_in_spec(spec: &mut Spec) {
    spec.resources.values_mut().for_each(hide_in_resource);
    spec.devices.values_mut().for_each(hide_in_device);
    spec.nodes.values_mut().for_each(hide_in_node);
    hide_in_map(&mut spec.properties);
    hide_in_sets(&mut spec.resource_defaults);
    hide_in_sets(&mut spec.operation_defaults);
}

fn hide_in_resource(resource: &mut Resource) {
    for sets in [&mut resource.params, &mut resource.meta, &mut resource.utilization] {
        hide_in_sets(sets);
    }
    resource.operations.iter_mut().for_each(|operation| hide_in_map(&mut operation.extra));
}

/// Where a secret is found is none; what a device was given by mistake may be one.
fn hide_in_device(device: &mut Device) {
    hide_in_map(&mut device.params);
}

fn hide_in_node(node: &mut NodeSpec) {
    hide_in_map(&mut node.attributes);
}

fn hide_in_sets(sets: &mut [AttrSet]) {
    sets.iter_mut().for_each(|set| hide_in_map(&mut set.values));
}

fn hide_in_map(values: &mut std::collections::BTreeMap<String, String>) {
    for (name, value) in values.iter_mut() {
        if is_secret(name) { HIDDEN.clone_into(value) } else { hide_in_text(value) }
    }
}

/// Options in a value, such as `user=x,password=y` or `-e DB_PASSWORD=y`, and passwords in addresses of the web. What
/// people and programs write without such a name before it cannot be known.
fn hide_in_text(text: &mut String) {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '?' | '"' | '\'');
    let (mut shown, mut follows) = (String::with_capacity(text.len()), false);
    for piece in text.split_inclusive(ends_word) {
        let word = piece.trim_end_matches(ends_word);
        let end = piece.get(word.len()..).unwrap_or_default();
        let name = word.split_once('=').map_or(word, |(name, _)| name).trim_start_matches('-');
        let names_one = !name.is_empty() && is_secret(name);
        if follows && !word.is_empty() {
            shown.push_str(HIDDEN);
        } else if let Some((before, _)) = word.split_once('=').filter(|(_, value)| names_one && !value.is_empty()) {
            shown.extend([before, "=", HIDDEN]);
        } else if let Some((before, (_, after))) =
            word.split_once("://").and_then(|(before, rest)| Some((before, rest.rsplit_once('@')?)))
        {
            shown.extend([before, "://", HIDDEN, "@", after]);
        } else {
            shown.push_str(word);
        }
        follows = (names_one && word.starts_with('-') && !word.contains('=')) || (follows && word.is_empty());
        shown.push_str(end);
    }
    *text = shown;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, node, primitive, rsc};
    use crate::ids::DeviceId;
    use crate::spec::HostMap;

    fn device() -> Device {
        let params = [("passwd", "hunter2"), ("ip", "10.9.0.1")];
        Device {
            id: DeviceId::new("bmc").unwrap(),
            agent: "fence_ilo4".to_owned(),
            params: params.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            secrets: std::collections::BTreeMap::new(),
            hosts: HostMap::Single(node("a")),
            timeout: None,
            delay: None,
        }
    }

    fn told(event: Event) -> String {
        let entry = Entry::Event(LogTime(5), &event);
        format!("{:?}", Recorded::of(LogIndex(7), Term(1), &entry))
    }

    #[test]
    fn digests_of_tokens_and_parameters_with_the_names_of_secrets_are_not_told() {
        let (by, kind) = ("olga".to_owned(), MemberKind::Full);
        let issued = Event::TokenIssued { digest: vec![201, 202], expires: LogTime(9), kind, by: by.clone() };
        assert!(!told(issued).contains("201"));
        assert!(!told(Event::TokenSpent { digest: vec![201, 202] }).contains("201"));
        let mut db = primitive("db");
        db.params.push(AttrSet::of([("replication_passwd", "hunter2"), ("port", "5432")]));
        let edits = vec![SpecEdit::PutDevice(device()), SpecEdit::PutResource(db)];
        let changed = told(Event::SpecChanged { base: LogIndex(0), edits, by, comment: String::new() });
        assert!(!changed.contains("hunter2") && changed.contains("10.9.0.1") && changed.contains("5432"), "{changed}");
        for (name, value) in [("apikey", "hunter2"), ("mount", "ro,password=hunter2")] {
            let (name, value) = (name.to_owned(), Some(value.to_owned()));
            let edit = SpecEdit::SetProperty { name: name.clone(), value: value.clone() };
            let (by, edits) = ("olga".to_owned(), vec![edit]);
            assert!(!told(Event::AttributeSet { node: node("a"), name, value }).contains("hunter2"));
            let changed = Event::SpecChanged { base: LogIndex(0), edits, by, comment: String::new() };
            assert!(!told(changed).contains("hunter2"));
        }
    }

    #[test]
    fn options_with_the_names_of_secrets_are_hidden_inside_values_and_what_agents_said() {
        for (text, shown) in [
            ("user=x,password=y,ro", "user=x,password=***,ro"),
            ("-e DB_PASSWORD=y -p 80", "-e DB_PASSWORD=*** -p 80"),
            ("--password  y --verbose", "--password  *** --verbose"),
            ("http://u:p@web/x?token=y&a=b", "http://***@web/x?token=***&a=b"),
            ("cannot log in: passwd='y'", "cannot log in: passwd='y'"),
            ("the password is wrong, again", "the password is wrong, again"),
            ("", ""),
        ] {
            let mut text = text.to_owned();
            hide_in_text(&mut text);
            assert_eq!(text, shown);
        }
    }

    #[test]
    fn what_was_before_says_who_was_there_and_what_ran_and_no_secret() {
        let mut bench = Bench::three();
        bench.add(vec![primitive("db")]);
        bench.settle();
        bench.state.spec.devices.insert(DeviceId::new("bmc").unwrap(), device());
        let before = Before::of(&bench.state);
        assert_eq!(before.members.iter().map(|m| m.node.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(before.running.iter().any(|(resource, _)| *resource == rsc("db")), "{:?}", before.running);
        assert!(!format!("{before:?}").contains("hunter2"));
        assert_eq!((before.index, before.timing), (bench.state.index, Some(bench.state.timing.current)));
    }
}
