//! What is wrong with a configuration. Run at commit by the leader: a configuration with errors is refused whole,
//! and what this version cannot schedule is an error by name, never something that is accepted and then ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::attributes::AttrSet;
use super::constraint::{
    Colocation, Constraint, ConstraintBody, Location, LocationTarget, LocationWhere, Order, OrderKind, OrderVerb, Pair,
    SetJoin,
};
use super::meta::{KNOWN, OnFail, parse_bool, parse_span};
use super::resource::{Body, Operation, Resource, Role};
use super::settings::Settings;
use super::timing::Timing;
use super::{Device, HostMap, Spec, is_secret, not_power};
use crate::ids::{DeviceId, NodeId, ResourceId};
use crate::units::{Millis, Score};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which object, such as `resource ip_www`.
    pub object: String,
    /// What is wrong and what is needed.
    pub what: String,
    /// Whether the commit is refused.
    pub severity: Severity,
}

/// Whether a fault stops a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The commit is refused.
    Error,
    /// The commit goes through and says so.
    Warning,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.what)
    }
}

struct Lint<'a> {
    spec: &'a Spec,
    base: Timing,
    faults: Vec<Fault>,
}

/// All faults of `spec`, errors and warnings, in the order of the objects. Empty when it can be committed as it is.
pub fn lint(spec: &Spec, base: Timing) -> Vec<Fault> {
    let mut lint = Lint { spec, base, faults: Vec::new() };
    lint.settings();
    spec.resources.values().for_each(|r| lint.resource(r));
    lint.parents();
    spec.constraints.values().for_each(|c| lint.constraint(c));
    spec.devices.values().for_each(|d| lint.device(d));
    lint.topology();
    lint.power_supplies();
    lint.shared_outlets();
    lint.defaults();
    lint.faults
}

impl Lint<'_> {
    fn error(&mut self, object: &impl fmt::Display, what: impl Into<String>) {
        self.faults.push(Fault { object: object.to_string(), what: what.into(), severity: Severity::Error });
    }

    fn not_yet(&mut self, object: &impl fmt::Display, what: &str) {
        self.error(object, format!("{what} is not scheduled by this version of haven; remove it"));
    }

    fn settings(&mut self) {
        let (settings, faults) = Settings::read(&self.spec.properties, self.base);
        for (name, what) in faults {
            self.error(&format!("property {name}"), what);
        }
        if let Err(fault) = settings.timing.check() {
            self.error(&"property dead-after", fault.to_string());
        }
    }

    fn resource(&mut self, resource: &Resource) {
        let object = format!("resource {}", resource.id);
        match &resource.body {
            Body::Primitive { .. } => self.primitive(resource, &object),
            Body::Group { members } => self.group(resource, members, &object),
            Body::Clone { .. } => self.not_yet(&object, "a clone"),
            Body::Template { .. } => self.not_yet(&object, "a template"),
        }
        self.attr_sets(&object, "params", &resource.params);
        self.attr_sets(&object, "meta", &resource.meta);
        self.attr_sets(&object, "utilization", &resource.utilization);
        self.meta(&object, &resource.meta);
        resource.operations.iter().for_each(|op| self.operation(op, &object));
    }

    fn primitive(&mut self, resource: &Resource, object: &str) {
        match &resource.body {
            Body::Primitive { agent: Some(_), template: None } => self.settled(resource, object),
            Body::Primitive { agent: None, template: Some(_) } => self.not_yet(&object, "a template reference"),
            Body::Primitive { .. } | Body::Group { .. } | Body::Clone { .. } | Body::Template { .. } => {
                self.error(&object, "names both an agent and a template, or neither; exactly one is needed");
            }
        }
    }

    /// What of a primitive would be in the log without an effect, or should not be there.
    fn settled(&mut self, resource: &Resource, object: &str) {
        for name in resource.params.iter().flat_map(|set| set.values.keys()).filter(|name| is_secret(name)) {
            let remedy = "put it into a file of mode 0600 that the agent or the service itself reads";
            self.error(&object, format!("parameter {name} is a secret and would be in the log for ever; {remedy}"));
        }
        let recurring = |op: &&Operation| op.name == "monitor" && op.interval > Millis::ZERO;
        if resource.operations.iter().filter(recurring).count() > 1 {
            self.not_yet(&object, "a second recurring monitor");
        }
    }

    fn group(&mut self, resource: &Resource, members: &[ResourceId], object: &str) {
        if !resource.params.is_empty() {
            self.not_yet(&object, "a parameter of a group");
        }
        if !resource.operations.is_empty() {
            self.not_yet(&object, "an operation of a group");
        }
        if !resource.utilization.is_empty() {
            self.not_yet(&object, "the utilization of a group");
        }
        if members.is_empty() {
            self.error(&object, "has no members, at least one is needed");
        }
        let mut seen = BTreeSet::new();
        for member in members {
            if !seen.insert(member) {
                self.error(&object, format!("names member {member} twice"));
            }
            match self.spec.resources.get(member).map(|r| &r.body) {
                Some(Body::Primitive { .. }) => {}
                Some(_) => self.error(&object, format!("member {member} is not a primitive")),
                None => self.error(&object, format!("member {member} does not exist; add it first")),
            }
        }
    }

    fn parents(&mut self) {
        let mut parents: BTreeMap<&ResourceId, Vec<&ResourceId>> = BTreeMap::new();
        for resource in self.spec.resources.values() {
            for child in resource.children() {
                parents.entry(child).or_default().push(&resource.id);
            }
        }
        for (child, of) in parents {
            if let [first, second, ..] = of.as_slice() {
                self.error(&format!("resource {child}"), format!("is a member of both {first} and {second}"));
            }
        }
    }

    fn attr_sets(&mut self, object: &impl fmt::Display, what: &str, sets: &[AttrSet]) {
        if sets.iter().any(|set| set.rule.is_some()) {
            self.not_yet(object, &format!("a rule on {what}"));
        }
    }

    fn meta(&mut self, object: &impl fmt::Display, sets: &[AttrSet]) {
        for (name, value) in sets.iter().flat_map(|set| &set.values) {
            let readable = match name.as_str() {
                "priority" | "resource-stickiness" => Score::parse(value).is_some(),
                "target-role" => Role::parse(value).is_some(),
                "is-managed" | "maintenance" => parse_bool(value).is_some(),
                "migration-threshold" => value.parse::<u32>().is_ok() || Score::parse(value) == Some(Score::INFINITY),
                "failure-timeout" => parse_span(value).is_some(),
                _ => true,
            };
            if !readable {
                self.error(object, format!("meta attribute {name} has the value `{value}`, which cannot be read"));
            } else if !KNOWN.contains(&name.as_str()) {
                self.not_yet(object, &format!("meta attribute {name}"));
            } else if name == "resource-stickiness" && Score::parse(value).is_some_and(|score| score < Score::ZERO) {
                self.not_yet(object, &format!("resource-stickiness {value}"));
            } else if name == "target-role" && matches!(Role::parse(value), Some(Role::Promoted | Role::Unpromoted)) {
                self.not_yet(object, &format!("target-role {value}"));
            }
        }
    }

    fn operation(&mut self, op: &Operation, object: &str) {
        let object = format!("{object} op {}", op.name);
        match op.name.as_str() {
            "monitor" => {}
            "start" | "stop" if op.interval > Millis::ZERO => {
                self.error(&object, "has an interval, only monitor may have one");
            }
            "start" | "stop" => {}
            // Agents advertise them and tools copy them; they are never run for a plain primitive, in Pacemaker either.
            "validate-all" | "meta-data" | "notify" | "reload" | "reload-agent" | "status" => {}
            _ => self.not_yet(&object, "this operation"),
        }
        if op.timeout == Some(Millis::ZERO) {
            self.error(&object, "has a timeout of 0, at least 1ms is needed");
        }
        if op.role.is_some_and(|role| role != Role::Started) {
            self.not_yet(&object, "a role");
        }
        if op.start_delay.is_some_and(|delay| delay > Millis::ZERO) {
            self.not_yet(&object, "start-delay");
        }
        match op.on_fail {
            Some(OnFail::Demote | OnFail::RestartContainer) => self.not_yet(&object, "this on-fail"),
            Some(OnFail::Ignore) if op.name == "stop" => {
                self.error(&object, "on-fail=ignore would start a second copy beside one that may still run");
            }
            _ => {}
        }
        for (name, value) in &op.extra {
            match name.as_str() {
                "enabled" if op.name == "monitor" && parse_bool(value).is_some() => {}
                "enabled" if parse_bool(value) == Some(true) => {}
                "record-pending" | "id" => {}
                _ => self.not_yet(&object, &format!("attribute {name}")),
            }
        }
    }

    fn constraint(&mut self, constraint: &Constraint) {
        let object = format!("constraint {}", constraint.id);
        match &constraint.body {
            ConstraintBody::Location(location) => self.location(location, &object),
            ConstraintBody::Colocation(colocation) => self.colocation(colocation, &object),
            ConstraintBody::Order(order) => self.order(order, &object),
        }
    }

    fn known(&mut self, id: &ResourceId, object: &str) {
        match self.spec.resources.get(id).map(|r| &r.body) {
            Some(Body::Template { .. }) => self.not_yet(&object, "a template in a constraint"),
            Some(_) => {}
            None if self.spec.tags.contains_key(id) => self.not_yet(&object, "a tag in a constraint"),
            None => self.error(&object, format!("resource {id} does not exist; add it first")),
        }
    }

    fn location(&mut self, location: &Location, object: &str) {
        match &location.target {
            LocationTarget::Resource(id) => self.known(id, object),
            LocationTarget::Set(ids) => ids.iter().for_each(|id| self.known(id, object)),
            LocationTarget::Pattern(_) => self.not_yet(&object, "a pattern"),
        }
        if location.role.is_some_and(|role| role != Role::Started) {
            self.not_yet(&object, "a role");
        }
        if matches!(location.place, LocationWhere::Rules(_)) {
            self.not_yet(&object, "a rule");
        }
        if location.discovery.is_some() {
            self.not_yet(&object, "resource-discovery");
        }
    }

    fn sides(&mut self, first: &Pair, second: &Pair, object: &str) {
        for side in [first, second] {
            self.known(&side.resource, object);
            if side.role.is_some_and(|role| role != Role::Started) {
                self.not_yet(&object, "a role");
            }
            if matches!(side.verb, Some(OrderVerb::Promote | OrderVerb::Demote)) {
                self.not_yet(&object, "promote or demote");
            }
        }
        if first.resource == second.resource {
            self.error(&object, format!("binds {} to itself", first.resource));
        }
    }

    fn colocation(&mut self, colocation: &Colocation, object: &str) {
        match &colocation.join {
            SetJoin::Pair(first, second) => self.sides(first, second, object),
            SetJoin::Sets(_) => self.not_yet(&object, "a resource set"),
        }
        if colocation.node_attribute.is_some() {
            self.not_yet(&object, "node-attribute");
        }
        if colocation.influence.is_some() {
            self.not_yet(&object, "influence");
        }
    }

    fn order(&mut self, order: &Order, object: &str) {
        match &order.join {
            SetJoin::Pair(first, second) => self.sides(first, second, object),
            SetJoin::Sets(_) => self.not_yet(&object, "a resource set"),
        }
        if order.kind == OrderKind::Serialize {
            self.not_yet(&object, "kind Serialize");
        }
    }

    fn device(&mut self, device: &Device) {
        let object = format!("fence device {}", device.id);
        let program = device.agent.as_str();
        let plain = program.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        if !plain || !(program.starts_with("fence_") || program == "ipmitool") {
            self.error(&object, format!("program `{program}` is neither a fence_* agent nor ipmitool"));
        }
        if device.hosts.nodes().is_empty() {
            self.error(&object, "switches no node, name at least one");
        }
        if let Some(what) = not_power(program) {
            self.error(&object, format!("program `{program}` does not switch power but {what}, which proves no death"));
        }
        if device.delay.is_some() {
            self.not_yet(&object, "a delay");
        }
        let longest = Settings::read(&self.spec.properties, self.base).0.fence_timeout;
        if let Some(timeout) = device.timeout.filter(|timeout| *timeout > longest) {
            self.error(
                &object,
                format!("timeout {timeout} is above fence-timeout, which is {longest}; raise that first"),
            );
        }
        for name in device.params.keys() {
            if is_secret(name) {
                self.error(
                    &object,
                    format!("parameter {name} is a secret and would be in the log; give it as {name}=file:/path"),
                );
            }
            if name.starts_with("pcmk_") {
                self.not_yet(&object, &format!("parameter {name}, which Pacemaker reads itself,"));
            }
            if matches!(name.as_str(), "action" | "option" | "method" | "port" | "plug" | "nodename") {
                self.error(&object, format!("parameter {name} is set by haven; remove it"));
            }
        }
    }

    fn topology(&mut self) {
        let spec = self.spec;
        for (node, levels) in &spec.topology {
            let object = format!("fencing topology of {node}");
            for id in levels.iter().flat_map(|level| &level.devices) {
                match spec.devices.get(id) {
                    None => self.error(&object, format!("fence device {id} does not exist; add it first")),
                    Some(device) if device.hosts.outlet(node).is_none() => {
                        self.error(&object, format!("fence device {id} does not switch {node}"));
                    }
                    Some(_) => {}
                }
            }
            if levels.iter().any(|level| level.devices.is_empty()) {
                self.error(&object, "has a level without devices");
            }
        }
    }

    /// A device that switches one machine and no outlet is a part of that machine, and dead with it when the plug is
    /// pulled [S-14].
    fn power_supplies(&mut self) {
        let spec = self.spec;
        let switched: BTreeSet<&NodeId> = spec.devices.values().flat_map(|device| device.hosts.nodes()).collect();
        for node in switched {
            let inside = |id: &DeviceId| spec.devices.get(id).is_some_and(|d| matches!(d.hosts, HostMap::Single(_)));
            let levels = spec.fence_levels(node);
            if !levels.is_empty() && levels.iter().all(|level| level.devices.iter().any(inside)) {
                let what = "what can switch it off shares its power supply: when that fails, nothing proves the node off, \
                            and what it ran waits for a person; add an outlet of a PDU as a further fence level";
                let object = format!("node {node}");
                self.faults.push(Fault { object, what: what.to_owned(), severity: Severity::Warning });
            }
        }
    }

    /// Who hangs on the outlets of another node goes off with it, whole or not.
    fn shared_outlets(&mut self) {
        let spec = self.spec;
        for (id, device) in &spec.devices {
            for node in device.hosts.nodes() {
                if device
                    .hosts
                    .outlet(node)
                    .is_some_and(|of| of.is_empty() && matches!(device.hosts, HostMap::Outlets(_)))
                {
                    self.error(&format!("fence device {id}"), format!("switches no outlet for {node}; name one"));
                }
            }
        }
        let switched: BTreeSet<&NodeId> = spec.devices.values().flat_map(|device| device.hosts.nodes()).collect();
        for node in switched {
            let levels = spec.fence_levels(node);
            let along: BTreeSet<NodeId> = levels.iter().flat_map(|level| spec.switched_along(node, level)).collect();
            if let Some(other) = along.first() {
                let what = format!(
                    "{other} hangs on the same outlets of a PDU: whoever of the two is switched off takes the other one \
                     along; give each its own outlets"
                );
                self.faults.push(Fault { object: format!("node {node}"), what, severity: Severity::Warning });
            }
        }
    }

    fn defaults(&mut self) {
        let spec = self.spec;
        self.attr_sets(&"rsc_defaults", "defaults", &spec.resource_defaults);
        self.meta(&"rsc_defaults", &spec.resource_defaults);
        self.attr_sets(&"op_defaults", "defaults", &spec.operation_defaults);
        for (name, value) in spec.operation_defaults.iter().flat_map(|set| &set.values) {
            match name.as_str() {
                "timeout" if parse_span(value).is_some_and(|span| span > Millis::ZERO) => {}
                "timeout" => self.error(&"op_defaults", format!("timeout is `{value}`, a time is needed")),
                "record-pending" => {}
                _ => self.not_yet(&"op_defaults", &format!("attribute {name}")),
            }
        }
    }
}
