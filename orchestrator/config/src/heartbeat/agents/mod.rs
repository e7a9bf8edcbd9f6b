//! What the words of `haresources` mean here: agent, parameters, and what they claim for themselves.
//!
//! Where heartbeat's script hands its arguments to an OCF agent, that agent is used directly, with the parameters
//! that the script would set; addresses are haven's own agent's. Everything else is a script: of heartbeat, of init,
//! or a unit of systemd.
//! Source: the scripts of heartbeat 3.0.6 and `meta-data` of the agents of resource-agents 4.12.

mod address;
mod device;
mod special;
mod table;

use std::fmt;

use haven_core::spec::{AgentClass, AgentName, Operation};
use haven_core::units::Millis;

use super::haresources::Word;
use crate::diagnostic::{Report, quoted, shortened};

/// What one word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meaning {
    /// What the resource's id is made from, readable.
    pub(super) label: String,
    /// An agent that takes the same meaning as the script.
    pub(super) native: Option<Native>,
    /// The script, and its arguments.
    pub(super) script: String,
    pub(super) arguments: Vec<String>,
    /// Two resources that claim the same would work against each other.
    pub(super) claims: Vec<Thing>,
    pub(super) storage: Storage,
}

/// Something of which there is one, such as an address or a disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    /// What it is, `address` or `directory`; empty for a call of a script.
    kind: &'static str,
    name: String,
}

impl Thing {
    fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// Fit for a message, so a long name is cut.
impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.kind {
            "" => f.write_str(&quoted(&self.name)),
            kind => write!(f, "{kind} {}", shortened(&self.name)),
        }
    }
}

/// What a resource has to do with DRBD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// It makes a DRBD resource primary.
    DrbdRole,
    /// It mounts a DRBD device, which makes it primary, too, unless something before it did.
    OnDrbd,
    Other,
}

/// An agent with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Native {
    pub(super) agent: AgentName,
    pub(super) params: Vec<(String, String)>,
    pub(super) times: Times,
}

/// How long the operations of an agent may take, and how often it is asked how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) start: Millis,
    pub(super) stop: Millis,
    pub(super) interval: Millis,
    pub(super) monitor: Millis,
}

impl Times {
    const fn secs(start: u64, stop: u64, interval: u64, monitor: u64) -> Self {
        Self {
            start: Millis::secs(start),
            stop: Millis::secs(stop),
            interval: Millis::secs(interval),
            monitor: Millis::secs(monitor),
        }
    }

    /// heartbeat waited for scripts without limit, so they get far more time than agents; a stop that takes longer
    /// still ends in fencing.
    const SCRIPT: Self = Self::secs(300, 300, 30, 60);
    /// The service manager has limits of its own (90 s by default); this is just above.
    const UNIT: Self = Self::secs(100, 100, 30, 100);

    /// The times for agents of this class that say nothing themselves.
    pub(super) const fn of(class: AgentClass) -> Self {
        match class {
            AgentClass::Systemd => Self::UNIT,
            AgentClass::Ocf | AgentClass::Lsb | AgentClass::Heartbeat | AgentClass::Haven => Self::SCRIPT,
        }
    }

    pub(super) fn operations(self) -> Vec<Operation> {
        let operation = |name: &str, interval, timeout| Operation {
            name: name.to_owned(),
            interval,
            timeout: Some(timeout),
            ..Operation::default()
        };
        vec![
            operation("start", Millis::ZERO, self.start),
            operation("stop", Millis::ZERO, self.stop),
            operation("monitor", self.interval, self.monitor),
        ]
    }
}

/// What `word` means, or `None` when it cannot mean anything; the report says why.
pub(super) fn read(word: &Word, report: &mut Report) -> Option<Meaning> {
    let (script, arguments) = word.call();
    let found = match script {
        "IPaddr" | "IPaddr2" | "IPv6addr" => address::read(script, &arguments, word, report),
        _ => table::read(script, &arguments).or_else(|| special::read(script, &arguments)).transpose(),
    };
    match found {
        Ok(Some(meaning)) => Some(meaning),
        Ok(None) => Some(Meaning::plain(script, &arguments)),
        Err(Misfit { what, remedy }) => {
            report.error(word.place(), what, remedy);
            None
        }
    }
}

/// Why the arguments do not fit the script.
#[derive(Debug)]
struct Misfit {
    what: String,
    remedy: String,
}

impl Misfit {
    fn usage(script: &str, arguments: &[&str], usage: &str) -> Self {
        let what = match arguments.len() {
            0 => format!("{script} has no arguments, and needs some"),
            1 => format!("{script} has one argument, which does not fit"),
            count => format!("{script} has {count} arguments, which do not fit"),
        };
        Self { what, remedy: format!("write {}", quoted(usage)) }
    }
}

impl Meaning {
    /// A script and nothing more is known of it. Arguments are part of what it claims: `apache::a` and `apache::b`
    /// are two servers.
    fn plain(script: &str, arguments: &[&str]) -> Self {
        let label = match arguments.first() {
            Some(first) => format!("{script}_{first}"),
            None => script.to_owned(),
        };
        let call: Vec<&str> = std::iter::once(script).chain(arguments.iter().copied()).collect();
        Self {
            label,
            native: None,
            script: script.to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            claims: vec![Thing::new("", call.join("::"))],
            storage: Storage::Other,
        }
    }

    /// The agents that would do, best first.
    pub(super) fn candidates(&self) -> Vec<AgentName> {
        let class = |class| AgentName { class, provider: None, kind: self.script.clone() };
        let mut agents: Vec<AgentName> = self.native.iter().map(|native| native.agent.clone()).collect();
        agents.push(class(AgentClass::Heartbeat));
        // heartbeat would put the arguments before the action; neither init scripts nor units are called that way.
        if self.arguments.is_empty() {
            agents.extend([class(AgentClass::Lsb), class(AgentClass::Systemd)]);
        }
        agents
    }

    /// The parameters for `agent`, one of the candidates.
    pub(super) fn params(&self, agent: &AgentName) -> Vec<(String, String)> {
        match &self.native {
            Some(native) if native.agent == *agent => native.params.clone(),
            Some(_) | None => {
                self.arguments.iter().zip(1..).map(|(value, n): (_, u32)| (n.to_string(), value.clone())).collect()
            }
        }
    }

    pub(super) fn times(&self, agent: &AgentName) -> Times {
        match &self.native {
            Some(native) if native.agent == *agent => native.times,
            Some(_) | None => Times::of(agent.class),
        }
    }
}

fn ocf(kind: &str) -> AgentName {
    AgentName { class: AgentClass::Ocf, provider: Some("heartbeat".to_owned()), kind: kind.to_owned() }
}

#[cfg(test)]
mod tests;
