//! What agents and fence programs say of themselves: parameters, and how long their actions may take.
//!
//! Never: trust in the text. It is bounded by what a host keeps of a program's output, its entities are not expanded
//! without bound, and what cannot be read is left out.
//! Source: the RelaxNG schema `ra-api-1` of the OCF, and `fence-agents`' metadata, which shares its form.

use haven_core::spec::{AgentClass, AgentName, parse_span};
use haven_core::units::Millis;
use haven_env::{BoxFuture, Ended, Host, Program};
use roxmltree::{Document, Node, ParsingOptions};

use crate::call::Call;
use crate::detail::{bounded, of_stderr};
use crate::{ip, ocf};

/// Longest wait for an agent's description of itself: it only prints a text.
const DEADLINE: Millis = Millis::secs(10);
/// Most elements that are read; the largest known description has some 500.
const NODES_MAX: u32 = 20_000;

/// What an agent says of itself. Everything may be empty: not every agent says anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetaData {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for, one line.
    pub description: String,
    /// Its parameters, in its own order.
    pub parameters: Vec<Parameter>,
    /// Its actions, in its own order. A monitor may occur several times, with different depths or roles.
    pub actions: Vec<ActionAdvice>,
    /// What a fence program switches.
    pub switches: Switches,
}

/// What a fence program switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switches {
    /// Power, or whatever it does not say.
    #[default]
    Power,
    /// Access to storage or network, which must be given back to a node that returns (`on` is automatic). The machine
    /// goes on running.
    Access,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether the agent refuses to work without it.
    pub required: bool,
    /// The value that it has when it is not given.
    pub default: Option<String>,
    /// `string`, `integer`, `boolean`, `select`, ...
    pub kind: String,
    /// What it is for, one line.
    pub description: String,
}

/// What an agent advises for one of its actions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionAdvice {
    /// `start`, `stop`, `monitor`, ...
    pub name: String,
    /// The shortest timeout that it advises.
    pub timeout: Option<Millis>,
    /// The time between two monitors that it advises.
    pub interval: Option<Millis>,
    /// How deeply this monitor looks.
    pub depth: Option<u32>,
    /// For which role this monitor is.
    pub role: Option<String>,
}

impl MetaData {
    /// The timeout that the agent advises for an action: the longest, if it names several.
    pub fn timeout(&self, action: &str) -> Option<Millis> {
        self.actions.iter().filter(|advice| advice.name == action).filter_map(|advice| advice.timeout).max()
    }
}

/// Why there is no description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// The agent is not installed.
    #[error("cannot describe {0}: it is not installed on this node")]
    NotInstalled(String),
    /// It did not print its description.
    #[error("cannot describe {agent}: {what}")]
    NotPrinted {
        /// The agent.
        agent: String,
        /// What happened instead.
        what: String,
    },
    /// It printed something else.
    #[error("cannot read the description of {agent}: {what}")]
    NotReadable {
        /// The agent.
        agent: String,
        /// The first fault.
        what: String,
    },
}

/// Asks an agent what it is, and how long its actions may take. Init scripts, heartbeat's scripts and units say
/// nothing, which is no error.
pub fn meta_data<'a>(host: &'a dyn Host, agent: &'a AgentName) -> BoxFuture<'a, Result<MetaData, MetaError>> {
    Box::pin(async move {
        match agent.class {
            AgentClass::Ocf => ask(host, &agent.to_string(), ocf::meta_data(host, agent, DEADLINE)).await,
            AgentClass::Haven if agent.kind == ip::KIND => Ok(ip::meta_data()),
            AgentClass::Haven => Err(MetaError::NotInstalled(agent.to_string())),
            AgentClass::Lsb | AgentClass::Systemd | AgentClass::Heartbeat => Ok(MetaData::default()),
        }
    })
}

/// Runs `program`, which prints a description of `name`.
pub(crate) async fn ask(host: &dyn Host, name: &str, program: Program) -> Result<MetaData, MetaError> {
    if !host.has_program(&program.path) {
        return Err(MetaError::NotInstalled(name.to_owned()));
    }
    let report = host.run(program).await;
    let what = match report.ended {
        Ended::Exited(0) => return parse_meta_data(name, &report.stdout),
        Ended::Exited(code) => {
            format!("it ended with code {code}: {}", of_stderr(&report.stderr, &Default::default()))
        }
        Ended::Signalled(signal) => format!("it was killed by signal {signal}"),
        Ended::TimedOut => format!("it did not end within {DEADLINE}"),
        Ended::NotStarted(why) => why,
        Ended::TooLate => "it is too late to begin".to_owned(),
    };
    Err(MetaError::NotPrinted { agent: name.to_owned(), what })
}

/// Reads a description; `name` is for the error only.
pub fn parse_meta_data(name: &str, xml: &[u8]) -> Result<MetaData, MetaError> {
    let refuse = |what: String| MetaError::NotReadable { agent: name.to_owned(), what };
    let text = String::from_utf8_lossy(xml);
    // Descriptions name their document type, so it cannot be refused; the parser bounds what entities expand to.
    let options = ParsingOptions { allow_dtd: true, nodes_limit: NODES_MAX, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text.trim(), options).map_err(|e| refuse(e.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "resource-agent" {
        return Err(refuse(format!("its root is <{}>, <resource-agent> is needed", root.tag_name().name())));
    }
    let inner = |name: &'static str| root.children().filter(move |node| node.has_tag_name(name));
    Ok(MetaData {
        name: attribute(&root, "name"),
        version: attribute(&root, "version"),
        description: description(&root),
        parameters: inner("parameters").flat_map(|node| node.children()).filter_map(|n| parameter(&n)).collect(),
        actions: inner("actions").flat_map(|node| node.children()).filter_map(|n| action(&n)).collect(),
        switches: if inner("actions").flat_map(|node| node.children()).any(|n| is_unfencing(&n)) {
            Switches::Access
        } else {
            Switches::Power
        },
    })
}

fn attribute(node: &Node, name: &str) -> String {
    bounded(node.attribute(name).unwrap_or_default())
}

fn description(node: &Node) -> String {
    let short = node.children().find(|child| child.has_tag_name("shortdesc"));
    bounded(short.and_then(|child| child.text()).unwrap_or_default())
}

fn parameter(node: &Node) -> Option<Parameter> {
    if !node.has_tag_name("parameter") {
        return None;
    }
    let content = node.children().find(|child| child.has_tag_name("content"));
    let of_content = |name| content.and_then(|content| content.attribute(name));
    Some(Parameter {
        name: bounded(node.attribute("name")?),
        required: node.attribute("required") == Some("1"),
        default: of_content("default").map(bounded),
        kind: of_content("type").map_or_else(|| "string".to_owned(), bounded),
        description: description(node),
    })
}

fn is_unfencing(node: &Node) -> bool {
    node.has_tag_name("action")
        && node.attribute("name") == Some("on")
        && matches!(node.attribute("automatic"), Some("1" | "true"))
}

fn action(node: &Node) -> Option<ActionAdvice> {
    if !node.has_tag_name("action") {
        return None;
    }
    let span = |name| node.attribute(name).and_then(parse_span).filter(|span| *span > Millis::ZERO);
    Some(ActionAdvice {
        name: bounded(node.attribute("name")?),
        timeout: span("timeout"),
        interval: span("interval"),
        depth: node.attribute("depth").and_then(|depth| depth.parse().ok()),
        role: node.attribute("role").map(bounded),
    })
}

impl Call {
    /// The agent's own advice for this call's verb, if it gives any.
    pub fn advised_timeout(&self, meta: &MetaData) -> Option<Millis> {
        meta.timeout(if self.verb.asks() { "monitor" } else { self.verb.word() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeHost, complained, printed};

    const DUMMY: &str = r#"<?xml version="1.0"?>
<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">
<resource-agent name="Dummy" version="1.0">
<shortdesc lang="en">Example stateless resource agent</shortdesc>
<parameters>
<parameter name="state" unique-group="state" required="1">
<shortdesc lang="en">State file</shortdesc>
<content type="string" default="/run/Dummy.state" />
</parameter>
</parameters>
<actions>
<action name="start" timeout="20s" />
<action name="monitor" timeout="20" interval="10s" depth="0" />
<action name="monitor" timeout="30s" interval="5s" role="Master" />
<action name="odd" timeout="soon" />
</actions>
</resource-agent>"#;

    #[test]
    fn a_description_gives_parameters_and_timeouts() {
        let meta = parse_meta_data("ocf:heartbeat:Dummy", DUMMY.as_bytes()).unwrap();
        assert_eq!(meta.description, "Example stateless resource agent");
        assert_eq!(meta.parameters[0].default.as_deref(), Some("/run/Dummy.state"));
        assert!(meta.parameters[0].required);
        assert_eq!(meta.timeout("start"), Some(Millis::secs(20)));
        assert_eq!(meta.timeout("monitor"), Some(Millis::secs(30)));
        assert_eq!(meta.timeout("odd"), None);
        assert_eq!(meta.actions[1].interval, Some(Millis::secs(10)));
    }

    #[test]
    fn a_fence_program_that_gives_access_back_switches_no_power() {
        let fabric = r#"<resource-agent name="fence_x"><actions>
            <action name="on" on_target="1" automatic="1"/><action name="off"/></actions></resource-agent>"#;
        assert_eq!(parse_meta_data("fence_x", fabric.as_bytes()).unwrap().switches, Switches::Access);
        let power = fabric.replace("automatic=\"1\"", "automatic=\"0\"");
        assert_eq!(parse_meta_data("fence_x", power.as_bytes()).unwrap().switches, Switches::Power);
    }

    #[test]
    fn entities_that_explode_are_refused() {
        let mut bomb = "<!DOCTYPE x [<!ENTITY a0 \"ha\">".to_owned();
        for n in 1..30 {
            bomb.push_str(&format!("<!ENTITY a{n} \"&a{0};&a{0};\">", n - 1));
        }
        bomb.push_str("]><resource-agent name=\"&a29;\"/>");
        assert!(parse_meta_data("x", bomb.as_bytes()).is_err());
    }

    #[test]
    fn a_description_cut_short_is_refused() {
        let error = parse_meta_data("ocf:x:y", &DUMMY.as_bytes()[..300]).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the description of ocf:x:y: "), "{error}");
    }

    #[test]
    fn an_agent_is_asked_only_if_it_can_answer() {
        let path = "/usr/lib/ocf/resource.d/heartbeat/Dummy";
        let host = FakeHost::new().with_program(path, |_| printed(0, DUMMY));
        let ask = |host: &FakeHost, agent: &str| host.block_on(meta_data(host, &AgentName::parse(agent).unwrap()));
        assert_eq!(ask(&host, "ocf:heartbeat:Dummy").unwrap().name, "Dummy");
        assert_eq!(host.ran()[0].args, ["meta-data"]);
        assert_eq!(ask(&host, "lsb:vz").unwrap(), MetaData::default());
        assert_eq!(ask(&host, "haven:ip").unwrap().timeout("start"), Some(Millis::secs(20)));
        assert_eq!(
            ask(&host, "ocf:heartbeat:Nope").unwrap_err().to_string(),
            "cannot describe ocf:heartbeat:Nope: it is not installed on this node"
        );
        let broken = FakeHost::new().with_program(path, |_| complained(1, "no perl\n"));
        assert_eq!(
            ask(&broken, "ocf:heartbeat:Dummy").unwrap_err().to_string(),
            "cannot describe ocf:heartbeat:Dummy: it ended with code 1: no perl"
        );
    }
}
