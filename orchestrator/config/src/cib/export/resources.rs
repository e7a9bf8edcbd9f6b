//! Resources and operations.

use haven_core::ids::ResourceId;
use haven_core::spec::{AgentClass, AgentName, Body, OnFail, Operation, Resource};

use super::super::import::agents::{HAVEN, is_built_in};
use super::super::{reading, usual};
use super::{Work, role, span, xml};
use crate::diagnostic::quoted;

/// Deepest nesting: a primitive in a group in a clone. A configuration that contains itself is refused at commit.
const NESTED_MAX: u32 = 4;

impl Work<'_> {
    pub(super) fn resources(&mut self) {
        let spec = self.spec;
        self.xml.begin("resources", &[]);
        let mut templates: Vec<&Resource> =
            spec.resources.values().filter(|resource| matches!(resource.body, Body::Template { .. })).collect();
        templates.sort_by_key(|template| template.seq);
        templates.into_iter().for_each(|template| self.resource(template, 0));
        spec.top_level().into_iter().for_each(|resource| self.resource(resource, 0));
        self.devices();
        self.xml.end();
    }

    fn resource(&mut self, resource: &Resource, depth: u32) {
        let Resource { id, body, params, meta, utilization, operations, description, seq: _ } = resource;
        let mut attributes = vec![("id", id.as_str())];
        let (mut agent, mut children): (Option<&AgentName>, &[ResourceId]) = (None, &[]);
        let element = match body {
            Body::Primitive { agent: own, template } => {
                agent = own.as_ref();
                attributes.extend(template.as_ref().map(|template| ("template", template.as_str())));
                "primitive"
            }
            Body::Template { agent: own } => {
                agent = Some(own);
                "template"
            }
            Body::Group { members } => {
                children = members;
                "group"
            }
            Body::Clone { child } => {
                children = std::slice::from_ref(child);
                "clone"
            }
        };
        if let Some(agent) = agent {
            attributes.extend(self.agent(id, agent));
        }
        match description {
            Some(text) if xml::can_be_written(text) => attributes.push(("description", text)),
            Some(_) => self.error(format!("the description of {id} has control characters"), "write another one first"),
            None => {}
        }
        self.xml.begin(element, &attributes);
        self.sets(id.as_str(), "meta_attributes", meta);
        self.sets(id.as_str(), "instance_attributes", params);
        self.operations(id, operations);
        self.utilization(resource);
        self.sets(id.as_str(), "utilization", utilization);
        for child in children.iter().filter(|_| depth < NESTED_MAX) {
            match self.spec.resources.get(child) {
                Some(child) => self.resource(child, depth + 1),
                None => self.error(format!("{id} has the member {child}, which does not exist"), "remove it first"),
            }
        }
        self.xml.end();
    }

    /// Only whole numbers are capacities to Pacemaker.
    fn utilization(&mut self, resource: &Resource) {
        for (name, value) in resource.utilization.iter().flat_map(|set| &set.values) {
            if value.parse::<i64>().is_err() {
                let what = format!("utilization {} of {} is no whole number", quoted(name), resource.id);
                self.error(what, "set it to one first");
            }
        }
    }

    fn agent<'x>(&mut self, id: &ResourceId, agent: &'x AgentName) -> Vec<(&'x str, &'x str)> {
        let AgentName { class, provider, kind } = agent;
        match (class, provider.as_deref()) {
            (AgentClass::Haven, _) => {
                let what = format!("{id}: {agent} is written as ocf:{HAVEN}:{kind}, and Pacemaker has no such agent");
                self.note(what, "choose one of Pacemaker's, such as ocf:heartbeat:IPaddr2, if it is to run this");
                vec![("class", "ocf"), ("provider", HAVEN), ("type", kind)]
            }
            (AgentClass::Ocf, Some(HAVEN)) if is_built_in(kind) => {
                let what = format!("{id}: {agent} would be taken for an agent that is built into haven");
                self.error(what, "install that agent under another provider first");
                Vec::new()
            }
            (AgentClass::Ocf | AgentClass::Lsb | AgentClass::Systemd | AgentClass::Heartbeat, provider) => {
                let provider = provider.map(|provider| ("provider", provider));
                [("class", class.word())].into_iter().chain(provider).chain([("type", kind.as_str())]).collect()
            }
        }
    }

    fn operations(&mut self, id: &ResourceId, operations: &[Operation]) {
        if operations.is_empty() {
            return;
        }
        self.xml.begin("operations", &[]);
        for operation in operations {
            self.operation(id, operation);
        }
        self.xml.end();
    }

    fn operation(&mut self, resource: &ResourceId, operation: &Operation) {
        let Operation { name, interval, timeout, role: of, on_fail, start_delay, extra } = operation;
        let interval = span(*interval);
        let made = || usual::operation(resource.as_str(), name, &interval);
        let id = match extra.get("id") {
            Some(id) => id.clone(),
            None => self.ids.make(&made()),
        };
        let (timeout, delay) = (timeout.map(span), start_delay.map(span));
        let mut attributes = vec![("id", id.as_str()), ("name", name), ("interval", &interval)];
        attributes.extend(delay.as_deref().map(|delay| ("start-delay", delay)));
        attributes.extend(timeout.as_deref().map(|timeout| ("timeout", timeout)));
        attributes.extend(of.map(|of| ("role", role(of))));
        attributes.extend(on_fail.map(|on_fail| ("on-fail", OnFail::word(on_fail))));
        for (name, value) in extra.iter().filter(|(name, _)| *name != "id") {
            let known = matches!(name.as_str(), "enabled" | "record-pending" | "requires" | "interval-origin");
            match (known, reading::flag(value)) {
                (true, Some(true)) if value != "1" => attributes.push((name, "true")),
                (true, Some(false)) if value != "0" => attributes.push((name, "false")),
                (true, _) if xml::can_be_written(value) => attributes.push((name, value)),
                _ => self.error(
                    format!("{} of an operation of {resource} cannot be written", quoted(name)),
                    "remove it first",
                ),
            }
        }
        self.xml.leaf("op", &attributes);
    }
}
