//! From a recording to a scenario.
//!
//! The scenario begins a few seconds before the first thing that befell the cluster. What came before only says what there
//! is: members, configuration, and where everything runs.

use haven_core::event::{Counted, Event, MemberKind, Outcome, ReportCause};
use haven_core::export::{MemberBefore, Recorded};
use haven_core::ids::{LogIndex, NodeId, OrderId};
use haven_core::spec::{Severity, Spec, Timing, TimingFault, lint};
use haven_core::units::Millis;

use super::agents::{Agents, UNTESTED, middle};
use super::calm::Calm;
use super::clock::moments;
use super::faults::{Faults, UNIT, without_device};
use super::hearing::Hearing;
use super::known::Known;
use super::left::Left;
use super::orders::{Changes, orders};
use super::power::Power;
use super::tale::Teller;
use super::{Names, Recording, Tale};
use crate::cluster::{ClusterOptions, Devices};
use crate::scenario::{Action, Expected, Scenario, Step, When};
use crate::world::{Range, WatchdogModel};

/// Time before the first thing that happens.
const LEAD: Millis = Millis::secs(5);
/// The least time after the last one; more if D is long.
const TAIL: Millis = Millis::secs(60);
/// Whoever exports weeks means a part of them.
const LONGEST: Millis = Millis::secs(6 * 3600);
/// Machines that the simulator can have.
const MACHINES_MAX: usize = 64;
/// A gap between heartbeats that is worth a word, in parts of D.
const GAP_PARTS: u64 = 3;

/// What is to be otherwise in the replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Another D.
    pub dead_after: Option<Millis>,
    /// Another hold lease.
    pub hold: Option<Millis>,
    /// Another configuration, in the names of the recording.
    pub spec: Option<Spec>,
}

/// A recording as a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// What is replayed; its machines are called n1, n2, ...
    pub scenario: Scenario,
    /// Which machine stands for which node.
    pub names: Names,
    /// What is not in it.
    pub left: Left,
    /// What the recording tells, at the moments of the scenario's script.
    pub recorded: Tale,
}

/// Why a recording cannot be turned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotTurn {
    /// There is nobody in it.
    #[error("the recording has no members before the first thing that happens: nobody can replay it")]
    NoMembers,
    /// There are too many.
    #[error("the recording has {0} members, {MACHINES_MAX} can be replayed at most")]
    TooMany(usize),
    /// It goes on for too long.
    #[error("something is wrong for {0} in the recording, {LONGEST} can be replayed at most")]
    TooLong(Millis),
    /// These timings cannot be in force.
    #[error("the settings cannot be in force: {0}")]
    Timing(#[from] TimingFault),
    /// The configuration could not be committed.
    #[error("the configuration cannot be in force: {0}")]
    Spec(String),
}

/// What is gathered from the entries that matter.
struct Gathered {
    hearing: Hearing,
    power: Power,
    agents: Agents,
    orders: Vec<(Millis, Action)>,
    left: Left,
}

/// Turns `recording` into a scenario under `settings`. Errors: see [`CannotTurn`].
pub fn turn(recording: &Recording, settings: &Settings) -> Result<Turned, CannotTurn> {
    let moments = moments(recording);
    let start = first_trouble(recording);
    let mut teller = Teller::new(recording);
    let mut agents = Agents::default();
    let (mut nothing, calm) = (Left::default(), Power::default());
    for (entry, at) in recording.entries.iter().zip(&moments).take(start) {
        if let Some(event) = &entry.event {
            agents.hear(event, *at, teller.known(), &calm, &mut nothing);
        }
        teller.hear(entry, *at);
    }
    let known = teller.known().clone();
    let members = in_order(recording, &moments, start, &known)?;
    let names = Names::of(&members.iter().map(|member| member.node.clone()).collect::<Vec<_>>());
    let begins: Vec<_> = teller.running().map(|(id, node)| (id.to_string(), names.there(node))).collect();
    let changes = if settings.spec.is_some() { Changes::NotMade } else { Changes::Made };
    let gathered = gather(recording, &moments, start, teller, agents, &names, changes);
    let mut options = options(&members, &known, settings, &names)?;
    options.begins = begins.into_iter().filter(|(_, node)| options.is_full(node)).collect();
    let told = Tale::of(recording);
    let at_start = moments.get(start.saturating_sub(1)).copied().unwrap_or(Millis::ZERO);
    let (steps, left, calm) = script(gathered, &mut options, &names, &told, at_start);
    finish(recording, settings, (steps, calm), options, names, left, told)
}

/// The place of the first entry from which something befalls the cluster; their number if nothing does.
fn first_trouble(recording: &Recording) -> usize {
    let before = &recording.header.before;
    let away = |member: &MemberBefore| member.off || ["LOST", "ISOLATED", "stopped"].contains(&&*member.standing);
    if before.members.iter().any(away) || !before.silent.is_empty() || !before.links_down.is_empty() {
        return 0;
    }
    let all = recording.entries.len();
    recording.entries.iter().position(|entry| entry.event.as_ref().is_some_and(is_trouble)).unwrap_or(all)
}

fn is_trouble(event: &Event) -> bool {
    let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed | Outcome::Hopeless | Outcome::Unknown);
    if let Event::ActionFinished { outcome, .. } = event {
        return failed(outcome);
    }
    if let Event::ResourceReported(report) = event {
        return report.cause == ReportCause::Monitor;
    }
    matches!(
        event,
        Event::NodeLost { .. }
            | Event::NodeIsolated { .. }
            | Event::PeerSilent { .. }
            | Event::LinkChanged { .. }
            | Event::FenceOrdered { .. }
            | Event::HoldLapsed { .. }
            | Event::NodePaused { .. }
            | Event::NodeStopped { .. }
            | Event::StandbySet { .. }
            | Event::MaintenanceSet { .. }
            | Event::FailuresCleared { .. }
    )
}

/// The members, in the order of the machines that stand for them: who leads founds the cluster, and the first ones vote.
fn in_order(
    recording: &Recording,
    moments: &[Millis],
    start: usize,
    known: &Known,
) -> Result<Vec<MemberBefore>, CannotTurn> {
    let mut members: Vec<MemberBefore> = known.members.values().cloned().collect();
    if members.is_empty() {
        return Err(CannotTurn::NoMembers);
    }
    if members.len() > MACHINES_MAX {
        return Err(CannotTurn::TooMany(members.len()));
    }
    let leader = leader(recording, moments, start);
    let rank = |member: &MemberBefore| {
        let leads = leader.as_ref() == Some(&member.node) && member.kind == MemberKind::Full;
        let votes = member.votes && member.kind == MemberKind::Full && !member.off;
        (!leads, !votes, !member.votes, member.member)
    };
    members.sort_by_key(rank);
    Ok(members)
}

/// Who led when the first thing happened: whoever was lost just before somebody else began to lead, or else whose own line
/// is in the digest, which says that it needs no time to hear itself.
fn leader(recording: &Recording, moments: &[Millis], start: usize) -> Option<NodeId> {
    let entries = &recording.entries;
    let lost = entries.iter().zip(moments).enumerate().find_map(|(place, (entry, at))| match &entry.event {
        Some(Event::NodeLost { node, testimonies, .. }) => {
            let silence = testimonies.iter().map(|testimony| testimony.silence).max()?;
            Some((place, node, at.minus(silence)))
        }
        Some(_) | None => None,
    });
    let began = |entry: &Recorded| entry.event.is_none() && entry.voting.is_none();
    if let Some((place, node, from)) = lost
        && entries.iter().zip(moments).take(place).any(|(entry, at)| began(entry) && *at >= from)
    {
        return Some(node.clone());
    }
    let term = entries.get(start).or(entries.last())?.term;
    entries.iter().filter(|entry| entry.term == term).find_map(|entry| match &entry.event {
        Some(Event::HeartbeatDigest(digest)) => {
            let own = |line: &&haven_core::event::DigestLine| {
                (line.round_trip_us, line.misses, line.worst_gap) == (0, 0, Millis::ZERO)
            };
            digest.lines.iter().find(own).map(|line| line.node.clone())
        }
        Some(_) | None => None,
    })
}

/// Reads the entries from `start` on.
fn gather(
    recording: &Recording,
    moments: &[Millis],
    start: usize,
    mut teller: Teller,
    agents: Agents,
    names: &Names,
    changes: Changes,
) -> Gathered {
    let header = &recording.header;
    let begun = start > 0;
    let hearing = if begun { Hearing::default() } else { Hearing::before(header) };
    let power = if begun { Power::default() } else { Power::before(header, teller.known()) };
    let mut found = Gathered { hearing, power, agents, orders: Vec::new(), left: Left::default() };
    for (entry, at) in recording.entries.iter().zip(moments).skip(start) {
        let known = teller.known();
        let dead_after = known.timing.map(|timing| timing.dead_after).or(recording.dead_after()).unwrap_or_default();
        if let Some(event) = &entry.event {
            if let Event::FenceOrdered { node, .. } = event {
                found.power.ordered(OrderId(entry.index.0), node);
                found.agents.ordered(OrderId(entry.index.0), node, *at);
            }
            found.power.hear(event, *at, known, &found.hearing, &mut found.left);
            found.hearing.hear(event, *at, dead_after);
            found.agents.hear(event, *at, known, &found.power, &mut found.left);
            let orders = orders(entry, &known.spec, names, changes, &mut found.left);
            found.orders.extend(orders.into_iter().map(|order| (*at, Action::Ask(order))));
            if let Some(why) = why_not(event, dead_after) {
                found.left.out(why);
            }
        }
        teller.hear(entry, *at);
    }
    found.power.end();
    found.agents.end();
    found
}

impl ClusterOptions {
    fn is_full(&self, node: &NodeId) -> bool {
        !self.witnesses.contains(node)
    }
}

fn options(
    members: &[MemberBefore],
    known: &Known,
    settings: &Settings,
    names: &Names,
) -> Result<ClusterOptions, CannotTurn> {
    let spec = settings.spec.as_ref().unwrap_or(&known.spec);
    let timing = timing(known, settings, spec)?;
    let mut faults = lint(spec, timing).into_iter().filter(|fault| fault.severity == Severity::Error);
    if let Some(fault) = faults.next().filter(|_| settings.spec.is_some()) {
        return Err(CannotTurn::Spec(fault.to_string()));
    }
    let of_kind = |kind| members.iter().filter(move |member: &&MemberBefore| member.kind == kind);
    let counts =
        |member: &&MemberBefore| member.watchdog.as_ref().is_some_and(|counted| !matches!(counted, Counted::No(_)));
    let watched: Vec<NodeId> = members.iter().filter(counts).map(|member| names.there(&member.node)).collect();
    Ok(ClusterOptions {
        machines: u8::try_from(members.len()).unwrap_or(u8::MAX),
        witnesses: of_kind(MemberKind::Witness).map(|member| names.there(&member.node)).collect(),
        links: members.iter().map(|member| member.links).max().unwrap_or(1).max(1),
        timing,
        spec: Some(renamed(spec, names)),
        devices: if spec.devices.is_empty() { Devices::None } else { Devices::Bmc },
        watchdog: if watched.is_empty() { WatchdogModel::None } else { WatchdogModel::hardware() },
        watched: watched.into_iter().collect(),
        ..ClusterOptions::default()
    })
}

fn timing(known: &Known, settings: &Settings, spec: &Spec) -> Result<Timing, CannotTurn> {
    let base = known.timing.unwrap_or(ClusterOptions::default().timing);
    let mut timing = haven_core::spec::Settings::read(&spec.properties, base).0.timing;
    timing.dead_after = settings.dead_after.unwrap_or(timing.dead_after);
    if let Some(hold) = settings.hold {
        timing.hold = haven_core::spec::Hold::Set(hold);
    }
    timing.check()?;
    Ok(timing)
}

/// The configuration in the names of the simulator. What expires by the log's time does not expire in a replay.
fn renamed(spec: &Spec, names: &Names) -> Spec {
    use haven_core::spec::{ConstraintBody, LocationWhere};
    let mut spec = spec.clone();
    for constraint in spec.constraints.values_mut() {
        constraint.until = None;
        if let ConstraintBody::Location(location) = &mut constraint.body
            && let LocationWhere::Node { node, .. } = &mut location.place
        {
            *node = names.there(node);
        }
    }
    spec.nodes = spec.nodes.into_iter().map(|(node, spec)| (names.there(&node), spec)).collect();
    // Devices and their levels are the simulator's own, and what they are told with stays at home.
    spec.devices.clear();
    spec.topology.clear();
    spec.resources.values_mut().for_each(|resource| resource.params.clear());
    spec
}

/// Everything that happens, in order, with what is left out.
fn script(
    gathered: Gathered,
    options: &mut ClusterOptions,
    names: &Names,
    told: &Tale,
    at_start: Millis,
) -> (Vec<(Millis, Action)>, Left, Calm) {
    let Gathered { hearing, power, agents, orders, mut left } = gathered;
    let boot = Faults::boot(&power.troubles);
    let slack = options.timing.dead_after.max(Millis::secs(1));
    let mut faults = Faults::default();
    for trouble in &power.troubles {
        faults.machine(trouble, boot, names, &mut left);
    }
    for silence in hearing.unexplained(&power.troubles, slack) {
        if names.has(&silence.observer) && names.has(&silence.subject) {
            faults.silence(&silence, names);
        } else {
            left.out("silences of nodes that were no members at first");
        }
    }
    faults.cut();
    agents.fails.iter().filter(|fails| names.has(&fails.node)).for_each(|fails| faults.device(fails, names));
    faults.agents(&agents, at_start, names);
    faults.also_busy(told);
    options.boot = Range { min: boot, max: boot };
    (options.start, options.stop) = (Range { min: UNIT, max: UNIT }, Range { min: UNIT, max: UNIT });
    if let Some(switching) = middle(&agents.switching) {
        let switching = switching.max(Millis(100));
        options.switching = Range { min: switching, max: switching };
    }
    options.tested = match agents.apart {
        Some(apart) if apart >= UNTESTED => None,
        Some(_) | None => options.tested,
    };
    let mut steps: Vec<(Millis, Action)> =
        faults.steps.into_iter().map(|(at, fault)| (at, Action::Fault(fault))).collect();
    faults.busy.extend(orders.iter().map(|(at, _)| (*at, Some(*at))));
    steps.extend(orders);
    steps.sort_by_key(|(at, _)| *at);
    let calm = Calm::of(faults.busy);
    (steps, left, calm)
}

fn finish(
    recording: &Recording,
    settings: &Settings,
    (steps, calm): (Vec<(Millis, Action)>, Calm),
    options: ClusterOptions,
    names: Names,
    mut left: Left,
    told: Tale,
) -> Result<Turned, CannotTurn> {
    let first = steps.iter().map(|(at, _)| calm.moment(*at)).find(|at| *at > Millis::ZERO).unwrap_or(Millis::ZERO);
    let zero = first.minus(LEAD);
    let moment = |at: Millis| calm.moment(at).minus(zero);
    let last = steps.iter().map(|(at, _)| moment(*at)).max().unwrap_or(Millis::ZERO);
    if last > LONGEST {
        return Err(CannotTurn::TooLong(last));
    }
    let tail = TAIL.max(options.timing.dead_after.times(10));
    let end = (when(last + tail), Action::Pass);
    let steps = steps.into_iter().map(|(at, action)| (when(moment(at)), action)).chain([end]);
    if calm.total() > Millis::ZERO {
        left.assume(format!("quiet stretches in which nothing was wrong: {} of them are skipped", calm.total()));
    }
    let nodes: Vec<NodeId> = names.pairs().map(|(_, node)| node.clone()).collect();
    let bare = without_device(nodes.iter(), settings.spec.as_ref().unwrap_or(&recording.header.before.spec)).len();
    if options.devices == Devices::Bmc && (1..nodes.len()).contains(&bare) {
        left.assume("nodes without a fence device: in the replay each has one");
    }
    let mut recorded = told.changed(&Names::default(), moment);
    recorded.losses.retain(|loss| loss.judged > Millis::ZERO);
    recorded.outages.retain(|outage| outage.until.is_none_or(|until| until > Millis::ZERO));
    let header = &recording.header;
    let stand: Vec<String> = names.pairs().map(|(machine, node)| format!("{machine} is {node}")).collect();
    let (LogIndex(from), LogIndex(to)) = (header.first, header.last);
    let scenario = Scenario {
        title: format!("What happened in {}, entries {from} to {to}", header.cluster),
        why: format!("Turned from a recording ({}): {}.", header.origin, stand.join(", ")),
        seed: 1,
        cluster: options,
        script: steps.map(|(when, action)| Step { when, action }).collect(),
        expected: Expected::default(),
    };
    Ok(Turned { scenario, names, left, recorded })
}

fn when(at: Millis) -> When {
    When::At(at)
}

/// Why an event is not in the scenario, if it should be. What the cluster itself did is not: it does so again.
fn why_not(event: &Event, dead_after: Millis) -> Option<String> {
    let why = match event {
        Event::HeartbeatDigest(digest) => {
            let worth = |gap: Millis| gap.times(GAP_PARTS) >= dead_after && gap < dead_after;
            let gaps = digest.lines.iter().filter(|line| worth(line.worst_gap)).count();
            return (gaps > 0).then(|| {
                format!("gaps between heartbeats of a third of dead-after ({dead_after}) and more: when is not logged")
            });
        }
        Event::NodeJoined(_) | Event::NodeRemoved { .. } => "members that joined or left",
        Event::NodeIsolated { cause: haven_core::event::IsolationCause::Lagging, .. } => {
            "nodes that did not keep up with the log: how slow their disks were is not logged"
        }
        Event::NodeStopped { .. } => "planned stops of a daemon",
        Event::StoreDistrusted { .. } => "stores that were lost or came back shorter",
        Event::ContradictionSeen { .. } => "devices that lied: what was proven off was heard",
        Event::Frozen { .. } | Event::Unfrozen { .. } => "freezes and their ends",
        Event::DeviceTested(_) => "tests of fence devices",
        Event::TokenIssued { .. } | Event::TokenSpent { .. } | Event::CaChanged { .. } | Event::CaTaken { .. } => {
            "join tokens and certificates"
        }
        Event::ClusterFounded { .. }
        | Event::NodeBooted { .. }
        | Event::PeerSilent { .. }
        | Event::PeerHeard { .. }
        | Event::NodeLost { .. }
        | Event::NodeIsolated { .. }
        | Event::NodeReturned { .. }
        | Event::NodeReadmitted { .. }
        | Event::HoldLapsed { .. }
        | Event::NodePaused { .. }
        | Event::FenceOrdered { .. }
        | Event::FenceWithdrawn { .. }
        | Event::FenceSent { .. }
        | Event::FenceFailed { .. }
        | Event::FenceConfirmed { .. }
        | Event::WatchdogArmed { .. }
        | Event::WatchdogDisarmed { .. }
        | Event::BootAudited { .. }
        | Event::PlanAdopted(_)
        | Event::ActionStarted { .. }
        | Event::ActionFinished { .. }
        | Event::ResourceReported(_)
        | Event::SpecChanged { .. }
        | Event::AttributeSet { .. }
        | Event::LinkChanged { .. }
        | Event::MaintenanceSet { .. }
        | Event::StandbySet { .. }
        | Event::FailuresCleared { .. }
        | Event::FeatureLevelRaised { .. }
        | Event::TimingSettled { .. }
        | Event::SilenceSettled { .. }
        | Event::LeaderHandedOver { .. }
        | Event::PowerOnOrdered { .. } => return None,
    };
    Some(why.to_owned())
}
