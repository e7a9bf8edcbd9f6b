//! What a simulated cluster consists of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use haven_core::event::MemberKind;
use haven_core::ids::NodeId;
use haven_core::spec::{AgentClass, AgentName, Profile, Spec, Timing};
use haven_core::units::Millis;
use haven_log::Snapshots;
use haven_node::Founding;

use crate::disk::DiskProfile;
use crate::exec::Machine;
use crate::world::{
    Cgroups, DeviceConfig, DeviceModel, Disks, MachineConfig, Range, Supply, Timings, TraceMode, WatchdogModel,
    WorldConfig,
};

/// A resource that is configured when the cluster is founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceOptions {
    /// Its id.
    pub id: String,
    /// Its agent.
    pub agent: AgentName,
    /// The agent's parameters.
    pub params: BTreeMap<String, String>,
    /// The node that it prefers, with this score.
    pub prefers: Option<(NodeId, i64)>,
}

impl ResourceOptions {
    /// A resource of the simulated agent.
    pub fn new(id: &str, prefers: Option<(NodeId, i64)>) -> Self {
        Self { id: id.to_owned(), agent: Self::simulated(), params: BTreeMap::new(), prefers }
    }

    /// The simulated agent.
    pub fn simulated() -> AgentName {
        AgentName { class: AgentClass::Ocf, provider: Some("haven".to_owned()), kind: "Sim".to_owned() }
    }

    /// The address that the resource is, if it is one.
    pub(super) fn address(&self) -> Option<&str> {
        let is_address = self.agent.class == AgentClass::Haven && self.agent.kind == "ip";
        self.params.get("ip").filter(|_| is_address).map(String::as_str)
    }
}

/// What a simulated cluster consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// How many machines; they are called `n1`, `n2`, ...
    pub machines: u8,
    /// Those of them that vote and run nothing.
    pub witnesses: BTreeSet<NodeId>,
    /// How many networks between them.
    pub links: u8,
    /// Timings of the cluster.
    pub timing: Timing,
    /// Resources to begin with; primitives.
    pub resources: Vec<ResourceOptions>,
    /// When failures of resources no longer count; zero if only a clean-up ends them.
    pub failure_timeout: Millis,
    /// Settings to begin with.
    pub properties: Vec<(String, String)>,
    /// A whole configuration to begin with, beside those. Its resources are run by simulated agents, without their
    /// parameters; its devices and timings are not looked at.
    pub spec: Option<Spec>,
    /// Where resources of it run when the script begins, wherever else they could.
    pub begins: BTreeMap<String, NodeId>,
    /// How long the start of a resource takes.
    pub start: Range,
    /// How long its stop takes.
    pub stop: Range,
    /// From a fence device's taking of an order to its effect.
    pub switching: Range,
    /// Whether each machine has a BMC that is configured as its fence device.
    pub devices: Devices,
    /// Where the BMCs get their own power from.
    pub bmc_supply: Supply,
    /// How stale a `fence test --cycle` has found the BMCs; `None` if none was run.
    pub tested: Option<Millis>,
    /// The watchdog of each machine.
    pub watchdog: WatchdogModel,
    /// The machines that have one; all of them, if none is named.
    pub watched: BTreeSet<NodeId>,
    /// Whether the machines have cgroups.
    pub cgroups: Cgroups,
    /// How the disks behave.
    pub disk: DiskProfile,
    /// Bytes of ballast beside each store.
    pub ballast: u64,
    /// How often snapshots are taken.
    pub snapshots: Snapshots,
    /// How long the history is kept; `None` as in a real node.
    pub history: Option<Millis>,
    /// How long a machine takes to boot.
    pub boot: Range,
    /// What becomes of the trace.
    pub tracing: Tracing,
}

/// The name of the power strip, where there is one.
pub(crate) const PDU: &str = "pdu";

/// Fence devices of a simulated cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Devices {
    /// A BMC each.
    Bmc,
    /// None configured, although the BMCs exist.
    None,
    /// A BMC each, and one PDU for all as the second fence level.
    BmcThenPdu(Outlets),
}

/// How machines hang on a PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlets {
    /// Each has one outlet, which has its name.
    One,
    /// Each has two power supplies on two outlets, `n1-a` and `n1-b`: it is off when both are.
    Two,
    /// Two of them hang on one outlet, `n1` and `n2` on `n1`, `n3` and `n4` on `n3`: whoever is switched off takes the
    /// other one along.
    Shared,
}

impl Outlets {
    /// The outlets on which the machine of this number hangs, `name` gives a machine's name by its number.
    pub(super) fn of(self, machine: Machine, name: impl Fn(Machine) -> NodeId) -> Vec<String> {
        let own = name(machine);
        match self {
            Self::One => vec![own.as_str().to_owned()],
            Self::Two => ["a", "b"].map(|supply| format!("{own}-{supply}")).to_vec(),
            Self::Shared => {
                let first = if machine.is_multiple_of(2) { machine.saturating_sub(1) } else { machine };
                vec![name(first).as_str().to_owned()]
            }
        }
    }
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self {
            machines: 3,
            witnesses: BTreeSet::new(),
            links: 1,
            timing: Timing::of(Profile::Lan),
            resources: Vec::new(),
            failure_timeout: Millis::ZERO,
            properties: Vec::new(),
            spec: None,
            begins: BTreeMap::new(),
            start: Timings::default().start,
            stop: Timings::default().stop,
            switching: Timings::default().switching,
            devices: Devices::Bmc,
            bmc_supply: Supply::Own,
            tested: Some(Millis(0)),
            watchdog: WatchdogModel::None,
            watched: BTreeSet::new(),
            cgroups: Cgroups::Available,
            disk: DiskProfile::default(),
            ballast: 0,
            snapshots: Snapshots::default(),
            history: None,
            boot: Range::ms(3000, 6000),
            tracing: Tracing::Off,
        }
    }
}

/// What becomes of the trace, apart from its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracing {
    /// Nothing.
    Off,
    /// Its lines are kept.
    Keep,
}

impl ClusterOptions {
    pub(crate) fn name(&self, machine: Machine) -> NodeId {
        let name = NodeId::new(&format!("n{machine}"));
        name.or_else(|_| NodeId::new("n")).unwrap_or_else(|_| unreachable_name())
    }

    pub(crate) fn kind(&self, machine: Machine) -> MemberKind {
        if self.witnesses.contains(&self.name(machine)) { MemberKind::Witness } else { MemberKind::Full }
    }

    pub(crate) fn world(&self, disks: Arc<dyn Disks>) -> WorldConfig {
        let mut config = WorldConfig::cluster(self.machines);
        config.links = self.links;
        config.disks = disks;
        let Self { start, stop, switching, .. } = *self;
        config.timings = Timings { start, stop, switching, ..config.timings };
        config.trace = match self.tracing {
            Tracing::Off => TraceMode::Off,
            Tracing::Keep => TraceMode::Collect,
        };
        config.shared = BTreeSet::new();
        for device in &mut config.devices {
            if let DeviceModel::Bmc { supply, .. } = &mut device.model {
                *supply = self.bmc_supply;
            }
        }
        if let Devices::BmcThenPdu(hang) = self.devices {
            let mut outlets: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
            for machine in 1..=self.machines {
                for outlet in hang.of(machine, |machine| self.name(machine)) {
                    outlets.entry(outlet).or_default().push(self.name(machine));
                }
            }
            config.devices.push(DeviceConfig { name: PDU.to_owned(), model: DeviceModel::Pdu { outlets } });
        }
        for machine in &mut config.machines {
            let watched = self.watched.is_empty() || self.watched.contains(&machine.name);
            *machine = MachineConfig {
                boot: self.boot,
                watchdog: if watched { self.watchdog.clone() } else { WatchdogModel::None },
                cgroups: self.cgroups,
                ..machine.clone()
            };
        }
        config
    }

    pub(crate) fn founding(&self) -> Founding {
        let defaults = [("resource-stickiness", "1"), ("migration-threshold", "3")];
        let mut resource_defaults: Vec<_> = defaults.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        if self.failure_timeout > Millis::ZERO {
            resource_defaults.push(("failure-timeout".to_owned(), self.failure_timeout.to_string()));
        }
        Founding { name: "sim".to_owned(), resource_defaults }
    }
}

#[allow(clippy::panic, reason = "`n` is a name")]
fn unreachable_name() -> NodeId {
    panic!("`n` is a name")
}
