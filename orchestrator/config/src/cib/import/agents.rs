//! Which agent runs a resource here.

use haven_core::scheduler::engine::config::AgentDef;
use haven_core::spec::{AgentClass, AgentName};

use super::work::Work;
use crate::diagnostic::quoted;

/// The provider under which a CIB names haven's own agents.
pub(in crate::cib) const HAVEN: &str = "haven";
/// The agents that are built into haven. Others of that provider are scripts as any other.
const BUILT_IN: [&str; 1] = ["ip"];

/// Whether an agent of the provider [`HAVEN`] is one that is built in.
pub(in crate::cib) fn is_built_in(kind: &str) -> bool {
    BUILT_IN.contains(&kind)
}

impl<'a> Work<'_, 'a, '_> {
    /// The agent of the resource `id`. Errors are said.
    pub(super) fn agent(&mut self, id: &str, agent: &AgentDef) -> Option<AgentName> {
        let AgentDef { class, provider, kind } = agent;
        let part = self.places.attribute(id, "class");
        let provider = provider.as_deref();
        let (what, remedy) = match (class.as_str(), provider, kind.as_str()) {
            ("ocf", Some("pacemaker"), "remote") => (
                "is the connection to a remote node, and this version of haven has none".to_owned(),
                "make that machine a member by `haven join`, and remove it here",
            ),
            ("ocf", Some("linbit"), _) => (
                "drives DRBD, which this version of haven does not".to_owned(),
                "remove it and what depends on it; run DRBD 9 with `quorum majority` beside haven",
            ),
            ("ocf", Some(HAVEN), kind) if is_built_in(kind) => {
                return self.named(id, &format!("{}:{kind}", AgentClass::Haven.word()));
            }
            ("ocf", Some(provider), kind) => {
                if provider == "pacemaker" {
                    let what =
                        format!("{kind} is an agent of Pacemaker: it must stay installed, and may need its daemons");
                    self.said.warning(
                        self.places.attribute(id, "type"),
                        what,
                        "look for another agent, or try it first",
                    );
                }
                return self.named(id, &format!("ocf:{provider}:{kind}"));
            }
            ("ocf", None, _) => ("names no provider".to_owned(), "write the provider, such as heartbeat"),
            ("lsb" | "systemd" | "heartbeat", None, kind) => return self.named(id, &format!("{class}:{kind}")),
            ("lsb" | "systemd" | "heartbeat", Some(_), _) => {
                ("has a provider, which only ocf has".to_owned(), "remove the provider")
            }
            ("service", ..) => (
                "has the class service, which is another one on each machine".to_owned(),
                "write systemd, or lsb for an init script",
            ),
            ("upstart" | "nagios", ..) => (
                format!("has the class {class}, which Pacemaker 3.0 has no longer, either"),
                "write a unit of systemd or an OCF agent",
            ),
            (class, ..) => (
                format!("has the class {}, which haven does not know", quoted(class)),
                "write ocf, systemd, lsb or heartbeat",
            ),
        };
        self.refuse(part, format!("{} {what}", quoted(id)), remedy);
        None
    }

    fn named(&mut self, id: &str, text: &str) -> Option<AgentName> {
        let found = AgentName::parse(text);
        if found.is_none() {
            let what = format!("{} is no name of an agent", quoted(text));
            self.refuse(self.places.attribute(id, "type"), what, "write the name of an installed agent");
        }
        found
    }
}

/// Whether this agent makes a DRBD device usable, or uses one that something has made so.
pub(super) fn uses_drbd(agent: &AgentName, device: Option<&str>) -> bool {
    let on_drbd = device.is_some_and(|device| {
        let parts: Vec<&str> = device.split('/').filter(|part| !part.is_empty()).collect();
        matches!(parts.as_slice(), ["dev", part, ..] if part.starts_with("drbd"))
    });
    matches!(agent.kind.as_str(), "drbddisk" | "drbdupper" | "drbd") || on_drbd
}
