//! haven's configuration as a CIB.
//!
//! For: `haven export cib`, so that nobody is caught here. [`super::import`] makes the same configuration of it again.
//! Never: a secret, or anything that a reader could take for one [S7]; a part left out without a word; a text that Pacemaker's
//! schema refuses.
//! Source: Pacemaker's schema 3.7, the first with today's names of roles.

mod constraints;
mod devices;
mod resources;
mod rules;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeSet;

use haven_core::ids::NodeId;
use haven_core::spec::{AttrSet, Role, SETTINGS, Spec, is_secret, parse_span};
use haven_core::units::{Millis, Score};

use self::xml::{Ids, Xml};
use super::usual;
use crate::diagnostic::{Diagnostic, Place, Severity, listed, quoted};

/// Settings that Pacemaker has under the same name.
const ALIKE: [&str; 7] = [
    "cluster-name",
    "no-quorum-policy",
    "symmetric-cluster",
    "maintenance-mode",
    "stop-all-resources",
    "start-failure-is-fatal",
    "placement-strategy",
];
/// What an object that cannot be written needs.
const RENAME: &str = "give it another name first";

/// What an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The CIB. With errors it lacks what the errors are about.
    pub text: String,
    /// What a CIB cannot say, as errors, and what Pacemaker would do otherwise, as notes; all about the whole.
    pub said: Vec<Diagnostic>,
}

/// Writes the configuration as a CIB. `members` are nodes of it, too, whether anything is configured of them or not.
pub fn export(spec: &Spec, members: &BTreeSet<NodeId>) -> Exported {
    let mut work = Work { spec, xml: Xml::default(), ids: Ids::default(), said: Vec::new() };
    work.take_ids();
    let root = [
        ("crm_feature_set", "3.13.0"),
        ("validate-with", "pacemaker-3.7"),
        ("epoch", "1"),
        ("num_updates", "0"),
        ("admin_epoch", "0"),
    ];
    work.xml.begin("cib", &root);
    work.xml.begin("configuration", &[]);
    work.options();
    work.nodes(members);
    work.resources();
    work.constraints();
    work.topology();
    work.defaults();
    work.tags();
    work.xml.end();
    work.xml.leaf("status", &[]);
    work.xml.end();
    Exported { text: work.xml.finish(), said: work.said }
}

/// An export under way.
struct Work<'s> {
    spec: &'s Spec,
    xml: Xml,
    ids: Ids,
    said: Vec<Diagnostic>,
}

impl Work<'_> {
    fn say(&mut self, severity: Severity, what: String, remedy: &str) {
        let diagnostic = Diagnostic { severity, place: Place::Whole, what, remedy: remedy.to_owned() };
        if !self.said.contains(&diagnostic) {
            self.said.push(diagnostic);
        }
    }

    fn error(&mut self, what: String, remedy: &str) {
        self.say(Severity::Error, what, remedy);
    }

    fn note(&mut self, what: String, remedy: &str) {
        self.say(Severity::Note, what, remedy);
    }

    /// Takes all ids that people chose, before any is made.
    fn take_ids(&mut self) {
        let spec = self.spec;
        let resources = spec.resources.keys().map(|id| ("resource", id.as_str()));
        let devices = spec.devices.keys().map(|id| ("fence device", id.as_str()));
        let constraints = spec.constraints.keys().map(|id| ("constraint", id.as_str()));
        let tags = spec.tags.keys().map(|id| ("tag", id.as_str()));
        for (kind, id) in resources.chain(devices).chain(constraints).chain(tags) {
            if self.ids.take(id) {
                continue;
            }
            let why =
                if xml::can_be_an_id(id) { "another object has it, too" } else { "XML does not allow it as an id" };
            self.error(format!("{kind} {} cannot be written: {why}", quoted(id)), RENAME);
        }
        let sets =
            spec.resources.values().flat_map(|resource| [&resource.params, &resource.meta, &resource.utilization]);
        let sets = sets.chain([&spec.resource_defaults, &spec.operation_defaults]).flatten();
        let operations = spec.resources.values().flat_map(|resource| &resource.operations);
        let chosen = sets.filter_map(|set| set.id.as_deref());
        for id in chosen.chain(operations.filter_map(|op| op.extra.get("id").map(String::as_str))) {
            if !self.ids.take(id) {
                self.error(format!("the id {} cannot be written: it is no XML id, or there twice", quoted(id)), RENAME);
            }
        }
    }

    /// A name and a value.
    fn pair(&mut self, of: &str, name: &str, value: &str) {
        if is_secret(name) {
            self.error(format!("{} of {of} is a secret, and is not written", quoted(name)), "keep it in a file");
        } else if !xml::can_be_written(name) || !xml::can_be_written(value) || value.eq_ignore_ascii_case("#default") {
            let what = format!("{} of {of} cannot be written: it is #default, or has control characters", quoted(name));
            self.error(what, "set it to another value first");
        } else {
            let id = self.ids.make(&format!("{of}-{name}"));
            self.xml.leaf("nvpair", &[("id", &id), ("name", name), ("value", value)]);
        }
    }

    /// Sets of one kind. Those without values are not written.
    fn sets(&mut self, owner: &str, kind: &'static str, sets: &[AttrSet]) {
        for (index, set) in sets.iter().filter(|set| !set.values.is_empty()).enumerate() {
            let AttrSet { id, score, rule, values } = set;
            let id = id.clone().unwrap_or_else(|| self.ids.make(&usual::set(owner, kind, index)));
            let points = points(*score);
            let mut attributes = vec![("id", id.as_str())];
            if *score != Score::ZERO {
                attributes.push(("score", &points));
            }
            self.xml.begin(kind, &attributes);
            if let Some(rule) = rule {
                self.rule(&format!("{id}-rule"), &[], rule);
            }
            for (name, value) in values {
                self.pair(&id, name, &readable(name, value));
            }
            self.xml.end();
        }
    }

    fn options(&mut self) {
        let spec = self.spec;
        let own = |name: &str| SETTINGS.iter().any(|(setting, ..)| *setting == name);
        self.xml.begin("crm_config", &[]);
        self.ids.take("cib-bootstrap-options");
        self.xml.begin("cluster_property_set", &[("id", "cib-bootstrap-options")]);
        self.pair("cib-bootstrap-options", "stonith-enabled", "true");
        let mut left = Vec::new();
        for (name, value) in &spec.properties {
            match (name.as_str(), value.as_str()) {
                ("fence-timeout", value) => {
                    self.pair("cib-bootstrap-options", "stonith-timeout", &readable("timeout", value));
                }
                ("power-on-after-fence", "true") => self.pair("cib-bootstrap-options", "stonith-action", "reboot"),
                ("power-on-after-fence", "false") => self.pair("cib-bootstrap-options", "stonith-action", "off"),
                (name, value) if ALIKE.contains(&name) => self.pair("cib-bootstrap-options", name, value),
                (name, value) if own(name) => left.push((name, value)),
                (name, _) => self.error(format!("property {name} is no setting"), "remove it first"),
            }
        }
        self.xml.end();
        if !left.is_empty() {
            self.ids.take("haven-settings");
            self.xml.begin("cluster_property_set", &[("id", "haven-settings")]);
            left.iter().for_each(|(name, value)| self.pair("haven-settings", name, value));
            self.xml.end();
            let names = listed(left.iter().map(|(name, _)| *name));
            self.note(format!("only haven reads {names}; Pacemaker passes over them"), "");
        }
        self.xml.end();
        if spec.devices.is_empty() {
            let what = "there is no fence device, and Pacemaker starts nothing without one".to_owned();
            self.note(what, "configure one before Pacemaker is to run this");
        }
    }

    fn nodes(&mut self, members: &BTreeSet<NodeId>) {
        let spec = self.spec;
        let names: BTreeSet<&NodeId> = spec.named_nodes().into_iter().chain(members).collect();
        self.xml.begin("nodes", &[]);
        if !names.is_empty() {
            self.note(
                "nodes have their names for ids".to_owned(),
                "write Corosync's node ids instead, if Pacemaker is to run this",
            );
        }
        for name in names {
            let attributes = [("id", name.as_str()), ("uname", name.as_str())];
            let Some(node) = spec.nodes.get(name) else {
                self.xml.leaf("node", &attributes);
                continue;
            };
            self.xml.begin("node", &attributes);
            let utilization = node.utilization.iter().map(|(name, amount)| (name.clone(), amount.to_string()));
            self.sets(&format!("node-{name}"), "instance_attributes", &[AttrSet::of(node.attributes.clone())]);
            self.sets(&format!("node-{name}"), "utilization", &[AttrSet::of(utilization)]);
            self.xml.end();
        }
        self.xml.end();
    }

    fn defaults(&mut self) {
        let spec = self.spec;
        for (section, sets) in [("rsc_defaults", &spec.resource_defaults), ("op_defaults", &spec.operation_defaults)] {
            if !sets.is_empty() {
                self.xml.begin(section, &[]);
                self.sets(section, "meta_attributes", sets);
                self.xml.end();
            }
        }
    }

    fn tags(&mut self) {
        let spec = self.spec;
        if spec.tags.is_empty() {
            return;
        }
        self.xml.begin("tags", &[]);
        for (tag, members) in &spec.tags {
            self.xml.begin("tag", &[("id", tag.as_str())]);
            members.iter().for_each(|member| self.xml.leaf("obj_ref", &[("id", member.as_str())]));
            self.xml.end();
        }
        self.xml.end();
    }
}

/// A score in Pacemaker's words.
fn points(score: Score) -> String {
    match score {
        Score::INFINITY => "INFINITY".to_owned(),
        Score::MINUS_INFINITY => "-INFINITY".to_owned(),
        score => score.points().to_string(),
    }
}

/// A span without a fraction, which Pacemaker does not read.
fn span(span: Millis) -> String {
    if span.0.is_multiple_of(1000) { format!("{}s", span.0 / 1000) } else { format!("{}ms", span.0) }
}

/// The value as Pacemaker reads it: spans without a fraction.
fn readable(name: &str, value: &str) -> String {
    match parse_span(value) {
        Some(found) if matches!(name, "timeout" | "failure-timeout") && value.contains('.') => span(found),
        Some(_) | None => value.to_owned(),
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Stopped => "Stopped",
        Role::Started => "Started",
        Role::Unpromoted => "Unpromoted",
        Role::Promoted => "Promoted",
    }
}
