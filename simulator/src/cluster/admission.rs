//! Founding: machines are let in, devices and resources configured, everything started.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use haven_core::control::Command;
use haven_core::event::{DeviceTest, Event, PowerState, TestResult};
use haven_core::ids::{ConstraintId, DeviceId, NodeId, ResourceId};
use haven_core::spec::{
    AgentName, AttrSet, Body, Constraint, ConstraintBody, Device, FenceLevel, HostMap, Location, LocationTarget,
    LocationWhere, Resource, SecretRef, SpecEdit,
};
use haven_core::units::{Millis, Score};
use haven_node::{JoinAsk, Node};

use super::options::{Devices, PDU, ResourceOptions};
use super::{Card, Cluster, SimNode, cluster_id};
use crate::exec::{Machine, SimRuntime, lock, now, sleep};
use crate::world::PASSWORD_AT;

/// Virtual time in which a cluster must be founded.
const FOUNDED_WITHIN: u64 = 120_000_000_000;

/// A primitive of the simulated agent.
pub fn primitive(id: &str) -> Option<Resource> {
    resource(id, ResourceOptions::simulated(), &BTreeMap::new())
}

fn resource(id: &str, agent: AgentName, params: &BTreeMap<String, String>) -> Option<Resource> {
    let body = Body::Primitive { agent: Some(agent), template: None };
    let mut resource = Resource::new(ResourceId::new(id).ok()?, body);
    if !params.is_empty() {
        resource.params = vec![AttrSet::of(params.clone())];
    }
    Some(resource)
}

/// The BMC of a machine, as a fence device.
pub fn bmc(node: &NodeId) -> Option<Device> {
    let name = format!("bmc-{node}");
    Some(Device {
        id: DeviceId::new(&name).ok()?,
        agent: "fence_sim".to_owned(),
        params: [("ip".to_owned(), name)].into(),
        secrets: password(),
        hosts: HostMap::Single(node.clone()),
        timeout: None,
        delay: None,
    })
}

/// Where every node finds what opens the devices.
fn password() -> BTreeMap<String, SecretRef> {
    SecretRef::parse(PASSWORD_AT).map(|place| ("password".to_owned(), place)).into_iter().collect()
}

/// The power strip of all machines, as a fence device.
fn pdu(outlets: BTreeMap<NodeId, Vec<String>>) -> Option<Device> {
    Some(Device {
        id: DeviceId::new(PDU).ok()?,
        agent: "fence_sim".to_owned(),
        params: [("ip".to_owned(), PDU.to_owned())].into(),
        secrets: password(),
        hosts: HostMap::Outlets(outlets),
        timeout: None,
        delay: None,
    })
}

/// First the BMC of a machine, then the power strip.
fn levels(node: &NodeId) -> Option<SpecEdit> {
    let level = |name: &str| DeviceId::new(name).ok().map(|id| FenceLevel { devices: vec![id] });
    let levels = [level(&format!("bmc-{node}"))?, level(PDU)?].into();
    Some(SpecEdit::SetTopology { node: node.clone(), levels })
}

fn prefers(id: &str, node: &NodeId, score: i64) -> Option<SpecEdit> {
    let target = LocationTarget::Resource(ResourceId::new(id).ok()?);
    let place = LocationWhere::Node { node: node.clone(), score: Score::new(score) };
    let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
    let id = ConstraintId::new(&format!("loc-{id}-{node}")).ok()?;
    Some(SpecEdit::PutConstraint(Constraint { id, body, seq: 0, until: None }))
}

impl Cluster {
    /// Switches every machine on, founds the cluster on `n1`, lets the others in, configures devices and resources, and
    /// waits until everything runs. Errors: what did not come about in time.
    pub async fn found(self: &Arc<Self>) -> Result<(), String> {
        self.world.start();
        self.wait("n1 does not lead", |c| c.leader().is_some()).await?;
        for machine in self.world.machines().filter(|m| *m != 1) {
            self.let_in(machine).await?;
            // The next one waits for its turn, so that it is known who votes: the first three, or the first five.
            let voters = match machine {
                0..=2 => 1,
                3..=4 => 3,
                _ => 5,
            };
            let votes = |c: &Cluster| c.state_of_leader(|s| s.voting.sets.len() == 1 && s.voters().len() == voters);
            self.wait("the members do not vote", votes).await?;
        }
        self.wait("the members are not online", |c| {
            let all = usize::from(c.options.machines);
            c.state_of_leader(|s| s.members.values().filter(|m| m.is_admitted()).count() == all)
        })
        .await?;
        self.configure().await?;
        self.wait("the resources do not run", Cluster::all_run).await?;
        self.let_go().await?;
        self.wait("the resources do not stay", Cluster::all_run).await
    }

    pub(crate) fn state_of_leader(&self, look: impl FnOnce(&haven_core::state::ClusterState) -> bool) -> bool {
        self.leader().is_some_and(|(_, node)| node.look(|facts, _| look(facts.state)))
    }

    /// Whether every configured resource runs once, by the log and in truth, and nothing is left to do.
    pub(crate) fn all_run(&self) -> bool {
        if self.options.spec.is_some() {
            return self.wanted_run();
        }
        self.state_of_leader(|s| {
            s.plan.in_flight().next().is_none()
                && s.plan.waiting().next().is_none()
                && s.resources
                    .iter()
                    .all(|(id, status)| status.running().count() == 1 && self.world.owners(id.as_str()).len() == 1)
        })
    }

    async fn wait(self: &Arc<Self>, what: &str, so: impl Fn(&Cluster) -> bool) -> Result<(), String> {
        let until = now() + FOUNDED_WITHIN;
        while !so(self) {
            if now() > until {
                return Err(what.to_owned());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn let_in(self: &Arc<Self>, machine: Machine) -> Result<(), String> {
        self.wait("a machine has no store", |c| lock(&c.applicants).contains_key(&machine)).await?;
        let store = lock(&self.applicants).get(&machine).copied().ok_or("it went away")?;
        let digest = vec![machine; 32];
        let kind = self.options.kind(machine);
        let issue = Command::IssueToken { digest: digest.clone(), span: Millis::secs(3600), kind };
        self.insist(&issue).await?;
        let token = Some(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        let ask = JoinAsk {
            node: self.name(machine),
            store,
            kind,
            endpoints: self.world.endpoints(machine),
            product_uuid: None,
            serial: None,
            token,
            key: None,
        };
        for _ in 0..100 {
            let Some((_, leader)) = self.leader() else { continue };
            match leader.admit(ask.clone()).await {
                Ok(admission) => {
                    let peers = admission.peers();
                    let card = Card { cluster: cluster_id(), member: admission.member, store, peers, founding: None };
                    lock(&self.cards).insert(machine, card);
                    return Ok(());
                }
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
        Err(format!("{} is not let in", self.name(machine)))
    }

    /// Has a command done, by whoever leads, trying again while nobody does.
    pub async fn insist(self: &Arc<Self>, command: &Command) -> Result<(), String> {
        let mut last = "nobody leads".to_owned();
        for _ in 0..100 {
            if let Some((_, leader)) = self.leader() {
                match leader.command("sim", command).await {
                    Ok(_) => return Ok(()),
                    Err(error) => last = error.to_string(),
                }
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err(last)
    }

    async fn configure(self: &Arc<Self>) -> Result<(), String> {
        let mut edits = Vec::new();
        for (name, value) in &self.options.properties {
            edits.push(SpecEdit::SetProperty { name: name.clone(), value: Some(value.clone()) });
        }
        let names: Vec<NodeId> = self.world.machines().map(|m| self.name(m)).collect();
        match self.options.devices {
            Devices::None => {}
            Devices::Bmc => edits.extend(names.iter().filter_map(bmc).map(SpecEdit::PutDevice)),
            Devices::BmcThenPdu(hang) => {
                let of = |machine| (self.name(machine), hang.of(machine, |machine| self.name(machine)));
                let strip = pdu(self.world.machines().map(of).collect());
                edits.extend(names.iter().filter_map(bmc).chain(strip).map(SpecEdit::PutDevice));
                edits.extend(names.iter().filter_map(levels));
            }
        }
        edits.extend(self.edits_of_spec());
        for options in &self.options.resources {
            let ResourceOptions { id, agent, params, prefers: wish } = options;
            if let Some(address) = options.address() {
                self.world.name_address(address, id);
            }
            edits.extend(resource(id, agent.clone(), params).map(SpecEdit::PutResource));
            edits.extend(wish.as_ref().and_then(|(node, score)| prefers(id, node, *score)));
        }
        if edits.is_empty() {
            return Ok(());
        }
        self.insist(&Command::Edit { base: None, edits, comment: "founding".to_owned() }).await?;
        match (self.options.tested, self.options.devices) {
            (Some(staleness), Devices::Bmc | Devices::BmcThenPdu(_)) => self.say_tested(staleness).await,
            (Some(_), Devices::None) | (None, _) => {}
        }
        Ok(())
    }

    /// The devices were tested before, by `fence test --cycle`.
    async fn say_tested(self: &Arc<Self>, staleness: Millis) {
        let Some((_, leader)) = self.leader() else { return };
        let by = leader.config().node.clone();
        for machine in self.world.machines() {
            let node = self.name(machine);
            let Some(device) = bmc(&node).map(|d| d.id) else { continue };
            let test = DeviceTest {
                device,
                node,
                by: by.clone(),
                result: TestResult::Passed(PowerState::On),
                off_time: Some(Millis::secs(3)),
                staleness: Some(staleness),
                definition: None,
            };
            let _ = Node::<SimRuntime>::propose(&leader, &Event::DeviceTested(test)).await;
        }
    }

    /// A clone of the node on `machine`, by name.
    pub fn node_named(&self, name: &NodeId) -> Option<SimNode> {
        self.node(self.world.machine(name)?)
    }
}
