//! Commands of people and programs, judged by the leader: each becomes one event, or is denied with a remedy.
//!
//! What can be seen from the state alone is judged here once more even if the client judged it before: the client's
//! view may be old.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Fingerprint, MemberKind, PausePurpose, PowerState, Proof, Standby};
use crate::ids::{DeviceId, LogIndex, NodeId, OrderId, ResourceId};
use crate::node::{Facts, Node};
use crate::plant::{self, Plant};
use crate::spec::{Fault, Severity, SpecEdit, lint};
use crate::state::{ClusterState, Standing};
use crate::units::{Millis, Monotonic};

/// Longest pause of a daemon.
pub const PAUSE_MAX: Millis = Millis::secs(600);
/// Longest life of a join token.
pub const TOKEN_MAX: Millis = Millis::secs(7 * 86_400);
/// Longest maintenance; a longer one is a setting.
pub const MAINTENANCE_MAX: Millis = Millis::secs(30 * 86_400);
/// Longest free text that a command may carry into the log, in bytes.
const TEXT_MAX: usize = 512;

/// What a device said of a machine's power, or why it said nothing.
pub type Reading = (DeviceId, Result<PowerState, String>);

/// Something that somebody wants of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Change the configuration.
    Edit {
        /// The revision that was looked at; `None` takes whatever is current.
        base: Option<LogIndex>,
        /// The edits, all or none.
        edits: Vec<SpecEdit>,
        /// What for.
        comment: String,
    },
    /// Forgive the failures of a resource, or of a group's members.
    Cleanup {
        /// The resource.
        resource: ResourceId,
        /// On this node only.
        node: Option<NodeId>,
    },
    /// Send a node to standby or take it back.
    Standby {
        /// The node.
        node: NodeId,
        /// Which.
        standby: Standby,
    },
    /// Begin or end maintenance of the whole cluster.
    Maintenance {
        /// For how long; `None` ends it.
        span: Option<Millis>,
        /// What for.
        reason: String,
    },
    /// Switch a node off.
    Fence {
        /// The node.
        node: NodeId,
        /// Why.
        reason: String,
    },
    /// A person has seen that a node is off.
    FenceConfirm {
        /// The node, typed by the person.
        node: NodeId,
        /// What its devices said just now.
        power: Vec<Reading>,
        /// Members that were asked what they read, and have not answered.
        #[serde(default)]
        silent: Vec<NodeId>,
    },
    /// Make a join token.
    IssueToken {
        /// SHA-256 of the secret, 32 bytes.
        digest: Vec<u8>,
        /// For how long it can be used.
        span: Millis,
        /// What it admits.
        kind: MemberKind,
    },
    /// Remove a member for good.
    Remove {
        /// The node.
        node: NodeId,
    },
    /// The daemon of a node restarts; its resources go on.
    Pause {
        /// The node.
        node: NodeId,
        /// For how long at most.
        span: Millis,
        /// What for.
        purpose: PausePurpose,
    },
    /// The daemon of a node ends, after everything on it was stopped.
    Stop {
        /// The node.
        node: NodeId,
    },
    /// Nothing counts on a node's watchdog any more.
    Disarm {
        /// The node.
        node: NodeId,
    },
    /// End a freeze.
    Unfreeze {
        /// The entry that froze.
        freeze: LogIndex,
        /// Why that is safe.
        reason: String,
    },
    /// Set a transient attribute of a node, as agents do.
    Attribute {
        /// The node.
        node: NodeId,
        /// Its name.
        name: String,
        /// Its value; `None` removes it.
        value: Option<String>,
    },
    /// Change the certificate authority. Whoever gives this command holds the key of the one that it names.
    ChangeCa {
        /// The authority.
        ca: Fingerprint,
    },
    /// A member has a certificate of the authority, and says so itself.
    TakeCa {
        /// The node.
        node: NodeId,
        /// The authority.
        ca: Fingerprint,
    },
}

impl Command {
    /// Whether it is refused while the leader's disk is nearly full [S-25]: what grows the state, or comes again and
    /// again. What ends an outage, or keeps one from coming, is never refused for that.
    pub const fn can_wait(&self) -> bool {
        match self {
            Self::Edit { .. } | Self::IssueToken { .. } | Self::Attribute { .. } => true,
            Self::Cleanup { .. }
            | Self::Standby { .. }
            | Self::Maintenance { .. }
            | Self::Fence { .. }
            | Self::FenceConfirm { .. }
            | Self::Remove { .. }
            | Self::Pause { .. }
            | Self::Stop { .. }
            | Self::Disarm { .. }
            | Self::Unfreeze { .. }
            | Self::ChangeCa { .. }
            | Self::TakeCa { .. } => false,
        }
    }

    /// The node whose present standing the command is about. It may be sent again by a forwarder that stood still, and
    /// then meets another boot of that node, or the same one after a return; so it is bound to what was looked at.
    pub const fn target(&self) -> Option<&NodeId> {
        match self {
            Self::Fence { node, .. }
            | Self::FenceConfirm { node, .. }
            | Self::Pause { node, .. }
            | Self::Stop { node }
            | Self::Disarm { node } => Some(node),
            Self::Edit { .. }
            | Self::Cleanup { .. }
            | Self::Standby { .. }
            | Self::Maintenance { .. }
            | Self::IssueToken { .. }
            | Self::Remove { .. }
            | Self::Unfreeze { .. }
            | Self::Attribute { .. }
            | Self::ChangeCa { .. }
            | Self::TakeCa { .. } => None,
        }
    }

    /// Since when the node that the command is about stands as it does in `state`.
    pub fn looked_at(&self, state: &ClusterState) -> Option<LogIndex> {
        Some(state.members.get(self.target()?)?.since.index)
    }

    /// Refuses a command about a node that has gone on since it was looked at [S-13].
    pub fn is_of_now(&self, state: &ClusterState, looked_at: Option<LogIndex>) -> Result<(), Denied> {
        let (Some(node), Some(then), Some(now)) = (self.target(), looked_at, self.looked_at(state)) else {
            return Ok(());
        };
        if then == now || plant::on(Plant::OldWordCounts) {
            return Ok(());
        }
        Err(Denied::Outdated { node: node.clone(), then, now })
    }

    /// The request that this command must come by, because it carries what a node has looked up itself: what the fence
    /// devices say, whose key is held. A caller who may write that down himself has said nothing [S-13].
    pub const fn only_by(&self) -> Option<&'static str> {
        match self {
            Self::FenceConfirm { .. } => Some("/v1/fence/confirm"),
            Self::ChangeCa { .. } => Some("/v1/ca/rotate"),
            Self::TakeCa { .. } => Some("the daemon that has the certificate"),
            Self::Edit { .. }
            | Self::Cleanup { .. }
            | Self::Standby { .. }
            | Self::Maintenance { .. }
            | Self::Fence { .. }
            | Self::IssueToken { .. }
            | Self::Remove { .. }
            | Self::Pause { .. }
            | Self::Stop { .. }
            | Self::Disarm { .. }
            | Self::Unfreeze { .. }
            | Self::Attribute { .. } => None,
        }
    }
}

/// Why a command is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Denied {
    /// Page: docs/errors/HV-CONFIG-01.md.
    #[error("the configuration was changed to revision {revision} since revision {base} was read")]
    Conflict {
        /// What was read.
        base: LogIndex,
        /// What it is at.
        revision: LogIndex,
    },
    /// Page: docs/errors/HV-CONFIG-02.md.
    #[error("the configuration would be wrong: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faulty {
        /// Everything that is wrong.
        faults: Vec<Fault>,
    },
    /// Page: docs/errors/HV-CONFIG-03.md.
    #[error("{0}")]
    Edit(String),
    /// Page: docs/errors/HV-NODE-01.md.
    #[error("node {0} is no member of this cluster")]
    UnknownNode(NodeId),
    /// Page: docs/errors/HV-RES-01.md.
    #[error("resource {0} is not in the configuration")]
    UnknownResource(ResourceId),
    /// Page: docs/errors/HV-FENCE-01.md.
    #[error("cannot take {node} for off: {why}")]
    NotOff {
        /// The node.
        node: NodeId,
        /// What speaks against it.
        why: String,
    },
    /// Page: docs/errors/HV-FENCE-02.md.
    #[error("cannot fence {node}: {why}")]
    NoFence {
        /// The node.
        node: NodeId,
        /// Why.
        why: String,
    },
    /// Page: docs/errors/HV-NODE-02.md.
    #[error("cannot remove or stop {node}: {why}")]
    Busy {
        /// The node.
        node: NodeId,
        /// What stands in the way.
        why: String,
    },
    /// Page: docs/errors/HV-NODE-04.md.
    #[error("{node} was looked at as it stood since entry {then}, and has gone on: it stands as it does since {now}")]
    Outdated {
        /// The node.
        node: NodeId,
        /// What was looked at.
        then: LogIndex,
        /// What it is at.
        now: LogIndex,
    },
    /// Page: docs/errors/HV-STORE-04.md.
    #[error("{node} leads and has {free} bytes free for its log, {needed} are needed for a change that can wait")]
    NoRoom {
        /// The leader.
        node: NodeId,
        /// Bytes that are free there.
        free: u64,
        /// Bytes that are kept for what cannot wait.
        needed: u64,
    },
    /// Page: docs/errors/HV-CLI-01.md.
    #[error("{what} is {found}, {allowed} is allowed")]
    Range {
        /// What was given.
        what: String,
        /// Its value.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}

impl Denied {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "HV-CONFIG-01",
            Self::Faulty { .. } => "HV-CONFIG-02",
            Self::Edit(_) => "HV-CONFIG-03",
            Self::UnknownNode(_) => "HV-NODE-01",
            Self::UnknownResource(_) => "HV-RES-01",
            Self::NotOff { .. } => "HV-FENCE-01",
            Self::NoFence { .. } => "HV-FENCE-02",
            Self::Busy { .. } => "HV-NODE-02",
            Self::Outdated { .. } => "HV-NODE-04",
            Self::NoRoom { .. } => "HV-STORE-04",
            Self::Range { .. } => "HV-CLI-01",
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "look at `haven config diff`, then make the change again",
            Self::Faulty { .. } => "mend what is named and commit again; nothing was changed",
            Self::Edit(_) => "look at `haven config show` for what is there",
            Self::UnknownNode(_) => "look at `haven status` for the members",
            Self::UnknownResource(_) => "look at `haven config show` for the resources",
            Self::NotOff { .. } => "switch the machine off, or wait, and confirm again",
            Self::NoFence { .. } => "look at `haven why` for the state of the node",
            Self::Busy { .. } => "run `haven node drain` first, or have the node proven off",
            Self::Outdated { .. } => "look at `haven status`, and give the command again if it is still meant",
            Self::NoRoom { .. } => "free space on that node's state file system, then repeat the command",
            Self::Range { .. } => "give a value in range",
        }
    }
}

impl Node {
    /// Judges a command: the event that it becomes. Only the leader's answer counts, since only it can commit.
    pub fn judge_command(&self, facts: &Facts, by: &str, command: &Command) -> Result<Event, Denied> {
        let by = crate::state::bounded(by);
        match command {
            Command::Edit { base, edits, comment } => edit(facts.state, *base, edits, comment, by),
            Command::Cleanup { resource, node } => cleanup(facts.state, resource, node.as_ref(), by),
            Command::Standby { node, standby } => {
                known(facts.state, node)?;
                Ok(Event::StandbySet { node: node.clone(), standby: *standby, by })
            }
            Command::Maintenance { span, reason } => maintenance(facts.state, *span, reason, by),
            Command::Fence { node, reason } => self.command_fence(facts, node, reason, &by),
            Command::FenceConfirm { node, power, silent } => self.command_confirm(facts, node, (power, silent), by),
            Command::IssueToken { digest, span, kind } => token(facts.state, digest, *span, *kind, by),
            Command::Remove { node } => remove(facts.state, node, by),
            Command::Pause { node, span, purpose } => pause(facts.state, node, *span, *purpose),
            Command::Stop { node } => stop(facts.state, node),
            Command::Disarm { node } => {
                let boot = member_boot(facts.state, node)?;
                Ok(Event::WatchdogDisarmed { node: node.clone(), boot })
            }
            Command::Unfreeze { freeze, reason } => {
                Ok(Event::Unfrozen { freeze: *freeze, reason: crate::state::bounded(reason), by })
            }
            Command::Attribute { node, name, value } => attribute(facts.state, node, name, value.as_deref()),
            Command::ChangeCa { ca } => Ok(Event::CaChanged { ca: *ca, by }),
            Command::TakeCa { node, ca } => {
                known(facts.state, node)?;
                Ok(Event::CaTaken { node: node.clone(), ca: *ca })
            }
        }
    }

    fn command_fence(&self, facts: &Facts, node: &NodeId, reason: &str, by: &str) -> Result<Event, Denied> {
        let fault = |why: String| Denied::NoFence { node: node.clone(), why };
        let no = |why: &str| Err(fault(why.to_owned()));
        let member = known(facts.state, node)?;
        let Some(boot) = member.boot().filter(|_| member.death().is_none()) else {
            return no("it is off already, as far as the log knows");
        };
        if facts.state.fence_levels_missing(node) {
            return no("no fence device switches it; add one with `haven fence add`");
        }
        if facts.state.fencing.open_against(node).next().is_some() {
            return no("an order against it is open already");
        }
        let (state, leader) = (facts.state, self.name());
        let level = state.shot_for_a_person(node, leader).map_err(fault)?;
        let along = state.taken_along(node, level);
        let able = |m: &&crate::state::Member| m.is_admitted() && m.node != *node && !along.contains(&m.node);
        let mut able: Vec<_> = state.members.values().filter(able).collect();
        able.sort_by_key(|m| m.node != *leader);
        let Some((executor, incarnation)) = able.first().and_then(|m| Some((m.node.clone(), m.incarnation?))) else {
            return no("no other node is there to do it");
        };
        Ok(Event::FenceOrdered {
            node: node.clone(),
            boot,
            executor,
            executor_incarnation: incarnation,
            send_within: facts.state.timing.current.dead_after,
            device_deadline: facts.state.settings().fence_timeout,
            reason: crate::state::bounded(&format!("{reason} (asked for by {by})")),
            level: u32::try_from(level).unwrap_or(0),
            standing_since: Some(member.since.index),
        })
    }

    /// A person's word is bound to the boot and to an order against it; it is refused while anything speaks against
    /// it [S-13].
    fn command_confirm(
        &self,
        facts: &Facts,
        node: &NodeId,
        (power, silent): (&[Reading], &[NodeId]),
        by: String,
    ) -> Result<Event, Denied> {
        let no = |why: String| Err(Denied::NotOff { node: node.clone(), why });
        let member = known(facts.state, node)?;
        if let Some(boot) = member.boot().filter(|_| member.is_released_by_proof() && !member.awaits_proof()) {
            return no(format!("boot {boot} is proven off already, and nothing waits for a word"));
        }
        let Some(boot) = member.boot().filter(|_| member.awaits_proof()) else {
            return no(format!("it is {}; only a lost or isolated node can be confirmed", member.standing.word()));
        };
        let Some(order) = facts.state.fencing.orders.values().rev().find(|o| o.node == *node && o.boot == boot) else {
            return no("there is no order against it yet".to_owned());
        };
        if let Some(other) = self.heard_by(facts, node)
            && !plant::on(Plant::WordWhileHeard)
        {
            return no(format!("{other} hears it"));
        }
        if let Some((device, _)) = power.iter().find(|(_, state)| *state == Ok(PowerState::On))
            && !plant::on(Plant::WordAgainstADevice)
        {
            return no(format!("{device} reads On"));
        }
        if let Some(reader) = silent.first() {
            return no(format!("{reader} was asked what it reads of its power, and has not answered"));
        }
        let watchdog = member.watchdog.as_ref().map_or(facts.state.timing.current.watchdog, |w| w.report.timeout);
        let needed = facts.state.self_fence_sum(watchdog);
        let waited = self.counted_from(node).map_or(Millis::ZERO, |from: Monotonic| facts.now.since(from));
        if waited < needed && !plant::on(Plant::WordWhileHeard) {
            let left = needed.minus(waited);
            return no(format!("it may still run for {left} by its own lease"));
        }
        let proof = Proof::PersonsWord { by, order: OrderId(order.id.0) };
        Ok(Event::FenceConfirmed { node: node.clone(), boot, proof })
    }
}

impl ClusterState {
    /// Whether no device is configured that could switch `node` off.
    pub fn fence_levels_missing(&self, node: &NodeId) -> bool {
        self.spec.fence_levels(node).iter().all(|level| level.devices.is_empty())
    }
}

fn known<'a>(state: &'a ClusterState, node: &NodeId) -> Result<&'a crate::state::Member, Denied> {
    state.members.get(node).ok_or_else(|| Denied::UnknownNode(node.clone()))
}

fn member_boot(state: &ClusterState, node: &NodeId) -> Result<crate::ids::BootId, Denied> {
    let busy = || Denied::Busy { node: node.clone(), why: "none of its lives is known".to_owned() };
    known(state, node)?.boot().ok_or_else(busy)
}

fn edit(
    state: &ClusterState,
    base: Option<LogIndex>,
    edits: &[SpecEdit],
    comment: &str,
    by: String,
) -> Result<Event, Denied> {
    let revision = state.revision;
    if let Some(base) = base.filter(|base| *base != revision) {
        return Err(Denied::Conflict { base, revision });
    }
    let spec = state.spec.edited(edits, u64::MAX >> 1).map_err(|e| Denied::Edit(e.to_string()))?;
    let mut faults = lint(&spec, state.timing.base);
    faults.retain(|fault| fault.severity == Severity::Error);
    // What was wrong before must not keep people from mending something else.
    let old = lint(&state.spec, state.timing.base);
    faults.retain(|fault| !old.contains(fault));
    if !faults.is_empty() {
        return Err(Denied::Faulty { faults });
    }
    Ok(Event::SpecChanged { base: revision, edits: edits.to_vec(), by, comment: crate::state::bounded(comment) })
}

fn cleanup(state: &ClusterState, resource: &ResourceId, node: Option<&NodeId>, by: String) -> Result<Event, Denied> {
    if let Some(node) = node {
        known(state, node)?;
    }
    if !state.resources.contains_key(resource) {
        return Err(Denied::UnknownResource(resource.clone()));
    }
    Ok(Event::FailuresCleared { resource: resource.clone(), node: node.cloned(), by })
}

fn within(what: &str, span: Millis, most: Millis) -> Result<(), Denied> {
    if span == Millis::ZERO || span > most {
        let (what, found) = (what.to_owned(), span.to_string());
        return Err(Denied::Range { what, found, allowed: format!("up to {most}") });
    }
    Ok(())
}

fn maintenance(state: &ClusterState, span: Option<Millis>, reason: &str, by: String) -> Result<Event, Denied> {
    if let Some(span) = span {
        within("the length of a maintenance", span, MAINTENANCE_MAX)?;
    }
    let until = span.map(|span| state.time + span);
    Ok(Event::MaintenanceSet { until, reason: crate::state::bounded(reason), by })
}

fn token(state: &ClusterState, digest: &[u8], span: Millis, kind: MemberKind, by: String) -> Result<Event, Denied> {
    within("the life of a join token", span, TOKEN_MAX)?;
    if digest.len() != 32 {
        let (found, allowed) = (format!("{} bytes", digest.len()), "32 bytes".to_owned());
        return Err(Denied::Range { what: "the digest of a join token".to_owned(), found, allowed });
    }
    Ok(Event::TokenIssued { digest: digest.to_vec(), expires: state.time + span, kind, by })
}

fn remove(state: &ClusterState, node: &NodeId, by: String) -> Result<Event, Denied> {
    let member = known(state, node)?;
    let busy = |why: String| Err(Denied::Busy { node: node.clone(), why });
    if let Some((resource, _)) = state.held_by(node).next() {
        return busy(format!("{resource} may still run there"));
    }
    let gone = member.death().is_some()
        || matches!(member.standing, Standing::Stopped | Standing::Joined)
        || member.standby == Standby::On;
    if !gone {
        return busy("it is neither drained, stopped nor proven off".to_owned());
    }
    Ok(Event::NodeRemoved { node: node.clone(), by })
}

fn pause(state: &ClusterState, node: &NodeId, span: Millis, purpose: PausePurpose) -> Result<Event, Denied> {
    within("a pause", span, PAUSE_MAX)?;
    let incarnation = known(state, node)?.incarnation;
    let busy = || Denied::Busy { node: node.clone(), why: "none of its lives is known".to_owned() };
    Ok(Event::NodePaused { node: node.clone(), incarnation: incarnation.ok_or_else(busy)?, span, purpose })
}

fn stop(state: &ClusterState, node: &NodeId) -> Result<Event, Denied> {
    let incarnation = known(state, node)?.incarnation;
    let busy = |why: String| Denied::Busy { node: node.clone(), why };
    if let Some((resource, _)) = state.held_by(node).next() {
        return Err(busy(format!("{resource} may still run there")));
    }
    let incarnation = incarnation.ok_or_else(|| busy("none of its lives is known".to_owned()))?;
    Ok(Event::NodeStopped { node: node.clone(), incarnation })
}

fn attribute(state: &ClusterState, node: &NodeId, name: &str, value: Option<&str>) -> Result<Event, Denied> {
    known(state, node)?;
    let long = name.is_empty() || name.len() > TEXT_MAX || value.is_some_and(|v| v.len() > TEXT_MAX);
    if long {
        let (found, allowed) = (format!("{} bytes", name.len()), format!("1 to {TEXT_MAX} bytes"));
        return Err(Denied::Range { what: "a node attribute".to_owned(), found, allowed });
    }
    Ok(Event::AttributeSet { node: node.clone(), name: name.to_owned(), value: value.map(str::to_owned) })
}
