//! A pretended cluster: a CIB whose status is what became of the plans so far.
//!
//! For: an example from the moment at which nothing runs, by the plans that haven makes, to the one at which a node is lost.
//! Never: an outcome that no plan asked for, except the scores and attributes that agents would set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::read;

/// The code of an agent for "it does not run", and for "it is promoted".
const NOT_RUNNING: u32 = 7;
const RUNNING_PROMOTED: u32 = 8;

/// What is known of a resource on a node: each operation with its interval, its code, and when it was called.
type History = BTreeMap<(String, String), (u32, usize)>;

/// A configuration, and what has happened.
#[derive(Default)]
pub(super) struct Cluster {
    configuration: String,
    nodes: Vec<(String, String)>,
    lost: BTreeSet<String>,
    /// By node and resource.
    history: BTreeMap<(String, String), History>,
    /// By node and name.
    attributes: BTreeMap<(String, String), String>,
    calls: usize,
}

/// The value of an attribute in the text of an element.
fn value<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

impl Cluster {
    /// The configuration in a text in the words of the crm shell. All nodes are there, and nothing is known to run.
    pub(super) fn of(name: &str, text: &str) -> Self {
        let configuration = read(name, text).to_xml();
        let node = |tag: &str| Some((value(tag, "id")?.to_owned(), value(tag, "uname")?.to_owned()));
        let nodes = configuration.split("<node ").skip(1).filter_map(|tag| node(&format!(" {tag}"))).collect();
        Self { configuration, nodes, ..Self::default() }
    }

    /// The element of an object, its name left out.
    fn tag(&self, element: &str, id: &str) -> Option<&str> {
        let begin = format!("<{element}");
        let mut all = self.configuration.split(begin.as_str()).skip(1).filter_map(|rest| rest.split('>').next());
        all.find(|tag| value(tag, "id") == Some(id))
    }

    /// The agent of a resource, in the attributes of its element.
    fn agent(&self, resource: &str) -> String {
        let own = self.tag("primitive", resource).unwrap();
        let tag = value(own, "template").map_or(own, |template| self.tag("template", template).unwrap());
        let named =
            ["class", "provider", "type"].map(|name| value(tag, name).map(|value| format!(" {name}=\"{value}\"")));
        named.into_iter().flatten().collect()
    }

    /// A node does not answer any more.
    pub(super) fn lose(&mut self, node: &str) {
        self.lost.insert(node.to_owned());
    }

    /// An agent sets an attribute of its node, such as the score for a promotion.
    pub(super) fn set(&mut self, node: &str, name: &str, value: &str) {
        self.attributes.insert((node.to_owned(), name.to_owned()), value.to_owned());
    }

    /// Everything that a plan asks for is done, and goes well.
    pub(super) fn carry_out(&mut self, actions: &[String]) {
        let rank = |action: &str| {
            let ranks = ["probe ", "stop ", "demote ", "start ", "promote ", "monitor "];
            ranks.iter().position(|verb| action.starts_with(verb))
        };
        let mut actions: Vec<&String> = actions.iter().filter(|action| rank(action).is_some()).collect();
        actions.sort_by_key(|action| rank(action));
        actions.into_iter().for_each(|action| self.done(action));
    }

    fn done(&mut self, action: &str) {
        let words: Vec<&str> = action.split(' ').collect();
        let (verb, resource, node, interval) = match words.as_slice() {
            [verb, resource, node] => (*verb, *resource, *node, "0"),
            [verb, resource, node, interval] => (*verb, *resource, *node, *interval),
            other => panic!("{other:?} is no action"),
        };
        // Which number an instance has is not known to a node.
        let resource = resource.split(':').next().unwrap();
        let (verb, looks_once) = if verb == "probe" { ("monitor", true) } else { (verb, false) };
        let history = self.history.entry((node.to_owned(), resource.to_owned())).or_default();
        let promoted = history.contains_key(&("promote".to_owned(), "0".to_owned()));
        let code = match verb {
            "monitor" if looks_once => NOT_RUNNING,
            "monitor" if promoted => RUNNING_PROMOTED,
            _ => 0,
        };
        if verb == "promote" {
            // The monitor of the other role has ended.
            history.retain(|(verb, interval), _| verb != "monitor" || interval == "0");
        }
        self.calls += 1;
        history.insert((verb.to_owned(), interval.to_owned()), (code, self.calls));
    }

    /// The whole as Pacemaker would write it.
    pub(super) fn cib(&self) -> String {
        let mut states = String::new();
        for (id, node) in &self.nodes {
            let state = if self.lost.contains(node) {
                "in_ccm=\"false\" crmd=\"offline\" join=\"down\""
            } else {
                "in_ccm=\"true\" crmd=\"online\" join=\"member\""
            };
            let _ = write!(states, "<node_state id=\"{id}\" uname=\"{node}\" {state} expected=\"member\">");
            let _ = write!(states, "<transient_attributes id=\"{id}\"><instance_attributes id=\"{node}-transient\">");
            for ((_, name), value) in self.attributes.iter().filter(|((at, _), _)| at == node) {
                let _ = write!(states, "<nvpair id=\"{node}-{name}\" name=\"{name}\" value=\"{value}\"/>");
            }
            let _ = write!(states, "</instance_attributes></transient_attributes><lrm id=\"{id}\"><lrm_resources>");
            for ((_, resource), history) in self.history.iter().filter(|((at, _), _)| at == node) {
                states += &self.records(resource, history);
            }
            states += "</lrm_resources></lrm></node_state>";
        }
        let root = "validate-with=\"pacemaker-3.9\" crm_feature_set=\"3.16.2\" epoch=\"1\" num_updates=\"0\" admin_epoch=\"0\"";
        format!("<cib {root} have-quorum=\"1\">{}<status>{states}</status></cib>\n", self.configuration)
    }

    fn records(&self, resource: &str, history: &History) -> String {
        let mut text = format!("<lrm_resource id=\"{resource}\"{}>", self.agent(resource));
        for ((verb, interval), (code, call)) in history {
            let id = format!("{resource}_{verb}_{interval}");
            let key = format!("{call}:1:{code}:00000000-0000-0000-0000-000000000000");
            let _ = write!(
                text,
                "<lrm_rsc_op id=\"{id}\" operation=\"{verb}\" interval=\"{interval}\" call-id=\"{call}\" op-status=\"0\" \
                 rc-code=\"{code}\" transition-key=\"{key}\" transition-magic=\"0:{code};{key}\"/>"
            );
        }
        text + "</lrm_resource>"
    }
}
