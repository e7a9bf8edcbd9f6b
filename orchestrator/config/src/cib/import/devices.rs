//! Fence devices and their levels.
//!
//! Never: a password in an edit [S7]; a device that could switch a machine that nobody named.
//! Source: Pacemaker Explained, "Fencing"; research/agents-and-fencing.md, 1.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{DeviceId, NodeId};
use haven_core::scheduler::engine::config::{BodyDef, LevelDef, LevelTarget, ResourceDef};
use haven_core::spec::{AttrSet, Device, FenceLevel, HostMap, SecretRef, SpecEdit, is_secret};

use super::super::reading;
use super::hosts;
use super::sets::{Flat, Owner};
use super::tally::{Fate, Thing};
use super::work::{STONITH, Work};
use super::{SecretFile, SecretsTo};
use crate::diagnostic::quoted;

/// How a parameter begins that says where a secret of haven's is found.
pub(in crate::cib) const REFERENCE: &str = "haven-secret-";
/// What Pacemaker's words about a device mean where it has one outlet per node.
const OUTLET: [&str; 2] = ["port", "plug"];

/// A device as far as its parameters have been read.
#[derive(Default)]
struct Draft<'c> {
    params: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretRef>,
    list: Option<&'c str>,
    map: Option<&'c str>,
    check: Option<&'c str>,
    argument: Option<&'c str>,
    outlet: Option<&'c str>,
    off_timeout: Option<&'c str>,
    reboot_timeout: Option<&'c str>,
    refused: bool,
}

impl<'a> Work<'_, 'a, '_> {
    pub(super) fn device(&mut self, resource: &ResourceDef) {
        let ResourceDef { id, body, own, meta, params, utilization, operations } = resource;
        let object = format!("fence device {id}");
        let owner = Owner { id, object: &object };
        let part = self.places.id(id);
        let BodyDef::Primitive { agent: Some(agent), template: None } = body else {
            let what = format!("fence device {} is made from a template", quoted(id));
            self.refused_whole(resource, &what, "write its class, type and parameters out");
            return;
        };
        let name = self.name(id, part, DeviceId::new);
        let program = self.program(id, &agent.kind);
        let own = (!own.is_empty()).then(|| AttrSet::of(own.clone()));
        let mut draft = Draft::default();
        for value in self.flat(owner, "a fence device", params) {
            let fate = self.parameter(id, value, &mut draft);
            self.count(Thing::Value, format!("{object} {}", value.name), fate);
        }
        draft.refused |= params.iter().any(|set| set.rule.is_some());
        for set in own.iter().chain(meta) {
            let places = self.places.pairs(set.id.as_deref(), part);
            for (name, value) in &set.values {
                let fate = self.device_meta(places.find(name), name, value, &mut draft);
                self.count(Thing::Value, format!("{object} {name}"), fate);
            }
        }
        for (name, _) in utilization.iter().flat_map(|set| &set.values) {
            let fate = self.note(part, "a fence device uses no capacity of a node");
            self.count(Thing::Value, format!("{object} {name}"), fate);
        }
        for operation in operations {
            let what = format!("{} of {}: haven tests its devices itself", operation.name, quoted(id));
            let fate = self.note(self.places.id(&operation.id), what);
            self.count(Thing::Operation, format!("{object} op {}", operation.name), fate);
            for set in operation.meta.iter().chain(&operation.params) {
                set.values.keys().for_each(|name| self.count(Thing::Value, format!("{object} {name}"), fate));
            }
        }
        let hosts = program.as_deref().and_then(|program| self.hosts(id, program, &draft));
        let timeout = self.timeout(id, &draft);
        let fate = match (name, program, hosts, draft.refused) {
            (Some(id), Some(agent), Some(hosts), false) => {
                let Draft { params, secrets, .. } = draft;
                self.edit(SpecEdit::PutDevice(Device { id, agent, params, secrets, hosts, timeout, delay: None }));
                Fate::Taken
            }
            _ => Fate::Refused,
        };
        self.count(Thing::Resource, object, fate);
    }

    /// The program that switches. Errors are said.
    fn program(&mut self, id: &str, kind: &str) -> Option<String> {
        if kind.starts_with("fence_") && kind != "fence_legacy" || kind == "ipmitool" {
            return Some(kind.to_owned());
        }
        let remedy = match kind {
            "external/ipmi" => "use fence_ipmilan, or ipmitool by `haven fence add`",
            "external/riloe" => "use fence_ilo, or the one of your iLO's generation",
            "external/rackpdu" | "apcmastersnmp" => "use fence_apc_snmp",
            "apcmaster" => "use fence_apc",
            "external/drac5" => "use fence_idrac",
            "external/libvirt" => "use fence_virsh",
            "external/vcenter" => "use fence_vmware_rest",
            "external/xen0" => "use fence_xenapi",
            "meatware" => "remove it: a person's word is given by `haven fence confirm`",
            _ => "use a fence_* program that switches this machine's power",
        };
        let what = format!("{} is driven by {}, a plugin that haven cannot run", quoted(id), quoted(kind));
        self.refuse(self.places.attribute(id, "type"), what, remedy);
        None
    }

    /// One parameter of a device.
    fn parameter<'c>(&mut self, id: &str, value: Flat<'a, 'c>, draft: &mut Draft<'c>) -> Fate {
        let Flat { part, name, value } = value;
        match name {
            "pcmk_host_list" => draft.list = Some(value),
            "pcmk_host_map" => draft.map = Some(value),
            "pcmk_host_check" => draft.check = Some(value),
            "pcmk_host_argument" => draft.argument = Some(value),
            "pcmk_off_timeout" => draft.off_timeout = Some(value),
            "pcmk_reboot_timeout" => draft.reboot_timeout = Some(value),
            _ if OUTLET.contains(&name) => draft.outlet = Some(value),
            _ if name.starts_with("pcmk_") => return self.of_pacemaker(part, name, value, draft),
            "action" | "option" => {
                return self.note(part, format!("{name} {}: haven switches off, and reads back", quoted(value)));
            }
            "method" => {
                return self.note(part, format!("method {}: haven switches off, and never cycles", quoted(value)));
            }
            "nodename" => return self.note(part, "nodename: haven names the node itself"),
            "priority" | "stonith-timeout" if value != "0" => {
                draft.refused = true;
                let what = format!("{name} of {} is read by Pacemaker and not by the device", quoted(id));
                let remedy =
                    if name == "priority" { "write a fencing-topology instead" } else { "write pcmk_off_timeout" };
                return self.refuse(part, what, remedy);
            }
            "priority" | "stonith-timeout" => return self.note(part, format!("{name} 0 says nothing")),
            "delay" => {
                let what = "delay: the device waits before it switches; only the side that has quorum does so, and needs no advantage";
                self.said.warning(part, what, "remove it, so that a failover is not late by it");
                draft.params.insert(name.to_owned(), value.to_owned());
            }
            _ if name.starts_with(REFERENCE) => return self.reference(part, name, value, draft),
            _ if is_secret(name) => return self.secret(id, part, name, value, draft),
            _ => drop(draft.params.insert(name.to_owned(), value.to_owned())),
        }
        Fate::Taken
    }

    /// Parameters that Pacemaker's fencer reads itself.
    fn of_pacemaker(&mut self, part: &str, name: &str, value: &str, draft: &mut Draft) -> Fate {
        let rest = name.strip_prefix("pcmk_").unwrap_or_default();
        let one_side = "only the side that has quorum switches, so that nobody need be given an advantage";
        match rest {
            "delay_base" | "delay_max" => return self.note(part, format!("{name} is not needed: {one_side}")),
            "action_limit" => {
                return self.note(part, format!("{name} is not needed: one call at a time goes to a device"));
            }
            "off_action" if value != "off" => {}
            _ => {
                let (verb, what) = rest.split_once('_').unwrap_or((rest, ""));
                let known =
                    ["off", "on", "reboot", "list", "status", "monitor", "metadata", "validate"].contains(&verb);
                if known && matches!(what, "action" | "timeout" | "retries") {
                    let what = "haven calls off, on and status, each as often as its time allows";
                    return self.note(part, format!("{name} is not needed: {what}"));
                }
            }
        }
        draft.refused = true;
        self.refuse(part, format!("{name} {} asks for what haven does not do", quoted(value)), "remove it")
    }

    fn device_meta(&mut self, part: &str, name: &str, value: &str, draft: &mut Draft) -> Fate {
        let stopped = name == "target-role" && value.eq_ignore_ascii_case("stopped");
        let unmanaged = name == "is-managed" && reading::flag(value) == Some(false);
        if stopped || unmanaged || name == "provides" {
            draft.refused = true;
            let what = match name {
                "provides" => format!("provides {}: nothing is unfenced by haven", quoted(value)),
                _ => format!("{name} {}: the device is not to be used, and haven would use it", quoted(value)),
            };
            return self.refuse(part, what, "remove it, or the device");
        }
        self.note(part, format!("{name} is not needed: haven does not start or move fence devices"))
    }

    /// The place of a secret, as haven writes it into a CIB.
    fn reference(&mut self, part: &str, name: &str, value: &str, draft: &mut Draft) -> Fate {
        let parameter = name.strip_prefix(REFERENCE).unwrap_or_default();
        let Some(place) = SecretRef::parse(value).filter(|_| !parameter.is_empty()) else {
            draft.refused = true;
            let what = format!("{} is no place of a secret", quoted(name));
            return self.refuse(part, what, "write file:/path or credential:NAME");
        };
        let what = format!("{parameter} is read from {place}, which must be there on every node");
        draft.secrets.insert(parameter.to_owned(), place);
        self.note(part, what);
        Fate::Taken
    }

    /// A password in the CIB.
    fn secret(&mut self, id: &str, part: &str, name: &str, value: &str, draft: &mut Draft) -> Fate {
        let elsewhere = value == "lrm://";
        match (self.import.secrets, DeviceId::new(id)) {
            (SecretsTo::Folder(folder), Ok(device)) if !elsewhere => {
                let path = format!("{}/{id}.{name}", folder.trim_end_matches('/'));
                let what = format!("{name} of {} goes into {path}, which must be there on every node", quoted(id));
                self.said.note(part, what, format!("copy {path} to the other nodes, with mode 0600"));
                draft.secrets.insert(name.to_owned(), SecretRef::File(path.clone()));
                self.secrets.push(SecretFile { device, parameter: name.to_owned(), path, value: value.to_owned() });
                Fate::Taken
            }
            (SecretsTo::Folder(_) | SecretsTo::Refused, _) => {
                draft.refused = true;
                let (what, remedy) = if elsewhere {
                    (
                        format!("{name} of {} is not in the CIB but in a file of cibsecret", quoted(id)),
                        format!(
                            "write {REFERENCE}{name} with the value file:/var/lib/pacemaker/lrm/secrets/{id}/{name} instead, or a \
                             copy of that file"
                        ),
                    )
                } else {
                    (
                        format!("{name} of {} is a secret and would be in the log for ever", quoted(id)),
                        "give --secrets DIR, and each goes into a file there".to_owned(),
                    )
                };
                self.refuse(part, what, remedy)
            }
        }
    }

    /// Which nodes the device switches. Errors are said.
    fn hosts(&mut self, id: &str, program: &str, draft: &Draft) -> Option<HostMap> {
        let part = self.places.id(id);
        let mapped = match draft.map.map(hosts::map).transpose() {
            Ok(mapped) => mapped.unwrap_or_default(),
            Err(entry) => {
                let what = format!("pcmk_host_map of {}: {} has no outlet", quoted(id), quoted(&entry));
                self.refuse(
                    self.places.pair_of(id, "pcmk_host_map").unwrap_or(part),
                    what,
                    "write NODE:OUTLET;NODE:OUTLET",
                );
                return None;
            }
        };
        let listed = hosts::list(draft.list.unwrap_or_default());
        if mapped.is_empty() && listed.is_empty() {
            let how = match draft.check {
                Some("none") => "Pacemaker uses it for every node",
                Some(_) | None => "Pacemaker asks the device itself",
            };
            let what = format!("nothing says which nodes {} switches: {how}", quoted(id));
            self.refuse(part, what, "write pcmk_host_list, or pcmk_host_map with the outlets");
            return None;
        }
        if !matches!(draft.argument, None | Some("none" | "port" | "plug")) {
            let place = self.places.pair_of(id, "pcmk_host_argument").unwrap_or(part);
            let what = format!("pcmk_host_argument of {}: haven names an outlet as port only", quoted(id));
            self.refuse(place, what, "use a program that takes the outlet as its port or plug");
            return None;
        }
        let mut found: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
        let mut well = true;
        let nodes: BTreeSet<&str> = mapped.iter().map(|(node, _)| node.as_str()).collect();
        let unmapped = |name: &&&str| !nodes.contains(**name);
        let alone = listed.iter().filter(unmapped).map(|name| ((*name).to_owned(), Vec::new()));
        for (name, outlets) in alone.chain(mapped.iter().cloned()) {
            let place = self.places.pair_of(id, if draft.map.is_some() { "pcmk_host_map" } else { "pcmk_host_list" });
            match self.node(&name, place.unwrap_or(part)) {
                Some(node) => drop(found.insert(node, if outlets.is_empty() { vec![name] } else { outlets })),
                None => well = false,
            }
        }
        if !well {
            return None;
        }
        self.host_map(id, program, draft, found)
    }

    /// How the nodes with their outlets are switched. `found` is not empty.
    fn host_map(
        &mut self,
        id: &str,
        program: &str,
        draft: &Draft,
        found: BTreeMap<NodeId, Vec<String>>,
    ) -> Option<HostMap> {
        let part = self.places.id(id);
        let without = match draft.argument {
            Some(argument) => argument == "none",
            None => hosts::is_of_one_machine(program),
        };
        let outlet = draft.outlet.map(|outlet| outlet.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>());
        let nodes: Vec<&NodeId> = found.keys().collect();
        match (nodes.as_slice(), outlet, draft.map.is_none()) {
            ([node], _, _) if without => Some(HostMap::Single((*node).clone())),
            ([node], Some(outlets), true) => Some(HostMap::Outlets(BTreeMap::from([((*node).clone(), outlets)]))),
            (_, None, _) if !without => Some(HostMap::Outlets(found)),
            (_, Some(_), _) if !without => {
                let place = OUTLET.iter().find_map(|name| self.places.pair_of(id, name));
                let what = format!("{} has one port for several nodes, or beside a pcmk_host_map", quoted(id));
                self.refuse(place.unwrap_or(part), what, "write pcmk_host_map, and no port");
                None
            }
            _ => {
                let what = format!("{} is to switch several nodes, and {program} switches one machine", quoted(id));
                self.refuse(part, what, "write one device for each node");
                None
            }
        }
    }

    /// Longest time for one call. A restart is an "off" here, so that its time counts where no other is given.
    fn timeout(&mut self, id: &str, draft: &Draft) -> Option<haven_core::units::Millis> {
        let (name, value) = match (draft.off_timeout, draft.reboot_timeout) {
            (Some(off), _) => ("pcmk_off_timeout", off),
            (None, Some(reboot)) => ("pcmk_reboot_timeout", reboot),
            (None, None) => return None,
        };
        let part = self.places.pair_of(id, name).unwrap_or_else(|| self.places.id(id));
        match reading::span(value) {
            Some(span) => {
                if name == "pcmk_reboot_timeout" {
                    self.note(part, format!("{name} {value} is the time for `off`, which is what haven does"));
                }
                Some(span)
            }
            None => {
                self.refuse(part, format!("{name} {} is no span of time", quoted(value)), "write a number with a unit");
                None
            }
        }
    }

    /// The levels of devices, node by node.
    pub(super) fn topology(&mut self, levels: &[LevelDef]) {
        let mut found: BTreeMap<NodeId, BTreeMap<u32, Vec<DeviceId>>> = BTreeMap::new();
        for (number, level) in levels.iter().enumerate() {
            // Levels need no id.
            let place =
                self.places.levels().get(number).map_or(self.places.section("fencing-topology"), |level| level.name());
            let fate = self.level(level, place, &mut found);
            let object = match &level.target {
                LevelTarget::Node(node) => format!("fencing topology of {node}"),
                LevelTarget::Pattern(_) | LevelTarget::Attribute(..) => "fencing topology".to_owned(),
            };
            self.count(Thing::Level, object, fate);
        }
        for (node, levels) in found {
            let levels = levels.into_values().map(|devices| FenceLevel { devices }).collect();
            self.edit(SpecEdit::SetTopology { node, levels });
        }
    }

    fn level(
        &mut self,
        level: &LevelDef,
        part: &'a str,
        found: &mut BTreeMap<NodeId, BTreeMap<u32, Vec<DeviceId>>>,
    ) -> Fate {
        let LevelDef { target, index, devices } = level;
        let node = match target {
            LevelTarget::Node(node) => node,
            LevelTarget::Pattern(pattern) => {
                let what = format!("a fencing-level is for all nodes like {}", quoted(pattern));
                return self.refuse(part, what, "write one for each node, with target");
            }
            LevelTarget::Attribute(name, value) => {
                let what = format!("a fencing-level is for all nodes with {name} {}", quoted(value));
                return self.refuse(part, what, "write one for each node, with target");
            }
        };
        if !(1..=9).contains(index) {
            // The reader has said that it is not tried.
            return Fate::Noted;
        }
        let Some(node) = self.node(node, part) else { return Fate::Refused };
        let mut named = Vec::new();
        for device in devices {
            if self.places.element(device).is_some() && !self.devices.contains(device) {
                let what = format!("{} is no fence device: its class is not {STONITH}", quoted(device));
                return self.refuse(part, what, "take it out of the level");
            }
            match self.name(device, part, DeviceId::new) {
                Some(device) => named.push(device),
                None => return Fate::Refused,
            }
        }
        let levels = found.entry(node).or_default();
        if levels.contains_key(index) {
            return self.refuse(
                part,
                format!("level {index} is there twice for this node"),
                "put all its devices into one",
            );
        }
        levels.insert(*index, named);
        Fate::Taken
    }
}
