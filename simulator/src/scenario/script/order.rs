//! What people order while a scenario runs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use haven_core::control::Command;
use haven_core::event::{FreezeSubject, PausePurpose, Standby};
use haven_core::ids::{ConstraintId, LogIndex, NodeId, ResourceId};
use haven_core::spec::{
    AgentName, Body, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Resource, SpecEdit,
};
use haven_core::state::Freeze;
use haven_core::units::{Millis, Score};
use haven_node::{CommandError, Readings};

use super::span;
use crate::check::{Answer, Change, OPERATOR, Subject};
use crate::cluster::{Cluster, SimNode, bmc, primitive};
use crate::exec::sleep;
use crate::world::{BadFault, DeviceAil, Fault, Phase};

/// Attempts at an order while nobody leads, a tenth of a second apart.
const ATTEMPTS: u32 = 300;

/// A person's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A resource is added, with the node that it prefers.
    Add(ResourceId, Option<NodeId>),
    /// A resource of this class and type is added.
    AddAs(ResourceId, String, NodeId),
    /// A resource is removed.
    Remove(ResourceId),
    /// The failures of a resource are forgiven.
    Cleanup(ResourceId),
    /// A node is seen to be off. Its devices are asked besides.
    Confirm(NodeId),
    /// The same, said so long after the node was looked at.
    ConfirmAfter(NodeId, Millis),
    /// Another device takes the name of a node's BMC.
    Redefine(NodeId),
    /// The same, with an ailment of that device.
    RedefineAs(NodeId, DeviceAil),
    /// A node is to be switched off.
    Fence(NodeId),
    /// A node goes to standby.
    Standby(NodeId),
    /// A node comes back from standby.
    Online(NodeId),
    /// The daemon of a node is about to restart.
    Pause(NodeId, Millis),
    /// Nothing counts on the watchdog of a node any more.
    Disarm(NodeId),
    /// Maintenance of the cluster; `None` ends it.
    Maintenance(Option<Millis>),
    /// What is frozen about a node goes on.
    Unfreeze(NodeId),
    /// A node attribute, as agents set them.
    Attribute(NodeId, String, String),
    /// A property of the cluster gets this value.
    Set(String, String),
}

impl Order {
    /// Has it done by whoever leads, once.
    pub(crate) async fn give(&self, cluster: &Arc<Cluster>) -> Result<LogIndex, CommandError> {
        let Some((_, leader)) = cluster.leader() else {
            return Err(CommandError::NoLeader { reached: 0, voters: 0 });
        };
        let asked = self.change().map(|(subject, change)| cluster.checker.asked(subject, change));
        let result = self.carry_out(cluster, &leader).await;
        if let Some(asked) = asked {
            let answer = match &result {
                Ok(index) => Answer::Committed(*index),
                Err(CommandError::Denied(_) | CommandError::Refused(_)) => Answer::Denied,
                Err(CommandError::NoLeader { .. } | CommandError::Unknown) => Answer::Unknown,
            };
            cluster.checker.answered(asked, answer);
        }
        if let (Self::RedefineAs(node, ail), Ok(_)) = (self, &result) {
            let fault = Fault::Device { device: format!("bmc-{node}"), ail: ail.clone() };
            // The machine is one of this world's, so it has a device.
            let _ = cluster.world.apply(&fault);
        }
        result
    }

    /// The machine that it names; `None` if it names none.
    pub(crate) const fn node(&self) -> Option<&NodeId> {
        match self {
            Self::Add(_, node) => node.as_ref(),
            Self::AddAs(_, _, node)
            | Self::Confirm(node)
            | Self::ConfirmAfter(node, _)
            | Self::Redefine(node)
            | Self::RedefineAs(node, _)
            | Self::Fence(node)
            | Self::Standby(node)
            | Self::Online(node)
            | Self::Pause(node, _)
            | Self::Disarm(node)
            | Self::Unfreeze(node)
            | Self::Attribute(node, _, _) => Some(node),
            Self::Remove(_) | Self::Cleanup(_) | Self::Maintenance(_) | Self::Set(..) => None,
        }
    }

    /// What the client wants to be so from then on, if that is what it asks for.
    fn change(&self) -> Option<(Subject, Change)> {
        match self {
            Self::Add(id, _) | Self::AddAs(id, ..) => Some((Subject::Resource(id.clone()), Change::Put)),
            Self::Remove(id) => Some((Subject::Resource(id.clone()), Change::Remove)),
            Self::Standby(node) => Some((Subject::Standby(node.clone()), Change::Put)),
            Self::Online(node) => Some((Subject::Standby(node.clone()), Change::Remove)),
            Self::Attribute(node, name, value) => {
                Some((Subject::Attribute(node.clone(), name.clone(), value.clone()), Change::Put))
            }
            Self::Cleanup(_)
            | Self::Confirm(_)
            | Self::ConfirmAfter(..)
            | Self::Redefine(_)
            | Self::RedefineAs(..)
            | Self::Fence(_)
            | Self::Pause(..)
            | Self::Disarm(_)
            | Self::Maintenance(_)
            | Self::Unfreeze(_)
            | Self::Set(..) => None,
        }
    }

    async fn carry_out(&self, cluster: &Arc<Cluster>, leader: &SimNode) -> Result<LogIndex, CommandError> {
        let done = if let Self::ConfirmAfter(node, span) = self {
            // Who has looked at a machine that is not off says nothing of it.
            let machine = cluster.world.machine(node);
            if !machine.is_some_and(|machine| cluster.world.phase(machine) == Phase::Off) {
                return Err(CommandError::Refused(format!("{node} was not seen to be off")));
            }
            let word = Command::FenceConfirm { node: node.clone(), power: Vec::new(), silent: Vec::new() };
            let looked_at = word.looked_at(&leader.state());
            sleep(Duration::from_millis(span.0)).await;
            let Some((_, leader)) = cluster.leader() else {
                return Err(CommandError::NoLeader { reached: 0, voters: 0 });
            };
            let word = Self::Confirm(node.clone()).command(&leader).await;
            leader.command_about(OPERATOR, &word, looked_at).await?
        } else {
            leader.command(OPERATOR, &self.command(leader).await).await?
        };
        Ok(done.index)
    }

    /// The same, again while nobody leads.
    pub(super) async fn insist(&self, cluster: &Arc<Cluster>) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            match self.give(cluster).await {
                Ok(_) => return Ok(()),
                Err(error @ (CommandError::NoLeader { .. } | CommandError::Unknown)) => last = error.to_string(),
                Err(error) => return Err(error.to_string()),
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(last)
    }

    async fn command(&self, leader: &SimNode) -> Command {
        let edit = |edits: Vec<SpecEdit>| Command::Edit { base: None, edits, comment: String::new() };
        match self {
            Self::Add(id, wish) => {
                let resource = primitive(id.as_str()).map(SpecEdit::PutResource);
                let wish = wish.as_ref().and_then(|node| prefers(id, node));
                edit(resource.into_iter().chain(wish).collect())
            }
            Self::AddAs(id, agent, node) => {
                let body = Body::Primitive { agent: AgentName::parse(agent), template: None };
                let resource = Resource::new(id.clone(), body);
                edit([SpecEdit::PutResource(resource)].into_iter().chain(prefers(id, node)).collect())
            }
            Self::Cleanup(id) => Command::Cleanup { resource: id.clone(), node: None },
            // With the constraints that name it, as the command line does it.
            Self::Remove(id) => {
                let mut edits = leader.state().spec.free(std::slice::from_ref(id));
                edits.push(SpecEdit::RemoveResource(id.clone()));
                edit(edits)
            }
            // As the daemon does it: whatever the person says, the devices are asked.
            Self::Confirm(node) | Self::ConfirmAfter(node, _) => {
                let Readings { power, silent } = leader.read_power(node).await;
                Command::FenceConfirm { node: node.clone(), power, silent }
            }
            Self::Redefine(node) | Self::RedefineAs(node, _) => {
                let other = bmc(node).map(|mut device| {
                    device.params.insert("login_timeout".to_owned(), "9".to_owned());
                    SpecEdit::PutDevice(device)
                });
                edit(other.into_iter().collect())
            }
            Self::Fence(node) => Command::Fence { node: node.clone(), reason: "a person's wish".to_owned() },
            Self::Standby(node) => Command::Standby { node: node.clone(), standby: Standby::On },
            Self::Online(node) => Command::Standby { node: node.clone(), standby: Standby::Off },
            Self::Pause(node, span) => {
                Command::Pause { node: node.clone(), span: *span, purpose: PausePurpose::Restart }
            }
            Self::Disarm(node) => Command::Disarm { node: node.clone() },
            Self::Maintenance(span) => Command::Maintenance { span: *span, reason: "a test".to_owned() },
            Self::Unfreeze(node) => {
                let state = leader.state();
                let about = |f: &&Freeze| f.subject == FreezeSubject::Node(node.clone());
                let freeze = state.freezes.values().find(about).map_or(LogIndex(0), |f| f.since.index);
                Command::Unfreeze { freeze, reason: "a test".to_owned() }
            }
            Self::Attribute(node, name, value) => {
                Command::Attribute { node: node.clone(), name: name.clone(), value: Some(value.clone()) }
            }
            Self::Set(name, value) => {
                edit(vec![SpecEdit::SetProperty { name: name.clone(), value: Some(value.clone()) }])
            }
        }
    }
}

fn prefers(id: &ResourceId, node: &NodeId) -> Option<SpecEdit> {
    let place = LocationWhere::Node { node: node.clone(), score: Score::new(100) };
    let target = LocationTarget::Resource(id.clone());
    let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
    let name = ConstraintId::new(&format!("loc-{id}-{node}")).ok()?;
    Some(SpecEdit::PutConstraint(Constraint { id: name, body, seq: 0, until: None }))
}

impl Order {
    /// How orders are written. The first word of each form says which it is; words in capitals stand for others.
    pub(crate) const FORMS: &'static [&'static str] = &[
        "add RES",
        "add RES prefers NODE",
        "add RES as AGENT prefers NODE",
        "remove RES",
        "cleanup RES",
        "standby NODE",
        "online NODE",
        "pause NODE TIME",
        "maintenance TIME",
        "maintenance off",
        "fence NODE",
        "confirm NODE",
        "confirm NODE after TIME",
        "redefine NODE",
        "redefine NODE AILMENT",
        "disarm NODE",
        "unfreeze NODE",
        "attribute NODE NAME VALUE",
        "set NAME VALUE",
    ];
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let node = |name: &str| NodeId::new(name).map_err(|e| e.to_string());
        let resource = |name: &str| ResourceId::new(name).map_err(|e| e.to_string());
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match *words.as_slice() {
            ["add", id] => Self::Add(resource(id)?, None),
            ["add", id, "prefers", on] => Self::Add(resource(id)?, Some(node(on)?)),
            ["add", id, "as", agent, "prefers", on] => Self::AddAs(resource(id)?, agent.to_owned(), node(on)?),
            ["remove", id] => Self::Remove(resource(id)?),
            ["cleanup", id] => Self::Cleanup(resource(id)?),
            ["confirm", name] => Self::Confirm(node(name)?),
            ["confirm", name, "after", word] => Self::ConfirmAfter(node(name)?, span(word)?),
            ["redefine", name] => Self::Redefine(node(name)?),
            ["redefine", name, ref ail @ ..] => Self::RedefineAs(node(name)?, ail.join(" ").parse()?),
            ["fence", name] => Self::Fence(node(name)?),
            ["standby", name] => Self::Standby(node(name)?),
            ["online", name] => Self::Online(node(name)?),
            ["pause", name, word] => Self::Pause(node(name)?, span(word)?),
            ["disarm", name] => Self::Disarm(node(name)?),
            ["maintenance", "off"] => Self::Maintenance(None),
            ["maintenance", word] => Self::Maintenance(Some(span(word)?)),
            ["unfreeze", name] => Self::Unfreeze(node(name)?),
            ["attribute", on, name, value] => Self::Attribute(node(on)?, name.to_owned(), value.to_owned()),
            ["set", name, value] => Self::Set(name.to_owned(), value.to_owned()),
            _ => return Err(BadFault::misread("order", text, Self::FORMS)),
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Add(id, None) => write!(f, "add {id}"),
            Self::Add(id, Some(node)) => write!(f, "add {id} prefers {node}"),
            Self::AddAs(id, agent, node) => write!(f, "add {id} as {agent} prefers {node}"),
            Self::Remove(id) => write!(f, "remove {id}"),
            Self::Cleanup(id) => write!(f, "cleanup {id}"),
            Self::Confirm(node) => write!(f, "confirm {node}"),
            Self::ConfirmAfter(node, span) => write!(f, "confirm {node} after {span}"),
            Self::Redefine(node) => write!(f, "redefine {node}"),
            Self::RedefineAs(node, ail) => write!(f, "redefine {node} {ail}"),
            Self::Fence(node) => write!(f, "fence {node}"),
            Self::Standby(node) => write!(f, "standby {node}"),
            Self::Online(node) => write!(f, "online {node}"),
            Self::Pause(node, span) => write!(f, "pause {node} {span}"),
            Self::Disarm(node) => write!(f, "disarm {node}"),
            Self::Maintenance(None) => f.write_str("maintenance off"),
            Self::Maintenance(Some(span)) => write!(f, "maintenance {span}"),
            Self::Unfreeze(node) => write!(f, "unfreeze {node}"),
            Self::Attribute(node, name, value) => write!(f, "attribute {node} {name} {value}"),
            Self::Set(name, value) => write!(f, "set {name} {value}"),
        }
    }
}
