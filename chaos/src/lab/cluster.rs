//! A cluster in the lab: founded, joined and asked by the commands that people type.

use std::time::{Duration, Instant};

use haven_api::Client;
use haven_api::model::{FenceTestAsk, FenceTestMode};
use haven_api::view::{Links, LogLine, LogPage, Status, WhyNode};
use haven_core::control::Command;
use haven_core::event::Standby;
use haven_core::ids::{DeviceId, NodeId, ResourceId};
use haven_core::spec::{AgentName, AttrSet, Body, Device, HostMap, Resource, SpecEdit};

use super::bmc::Bmc;
use super::shell::{Fallible, finish, until};
use super::{Lab, Probe, Programs};

/// The machines of a lab's cluster.
pub const MACHINES: [&str; 3] = ["m1", "m2", "m3"];
/// Longest wait for a cluster to do what it does at once on an idle computer.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How the machines are wired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wires {
    /// One cable each.
    One,
    /// Two each, on two networks; the second address of this machine is not there until the test gives it.
    Two(&'static str),
}

/// Three machines with a daemon each, and a power switch.
pub struct Cluster {
    /// The machines.
    pub lab: Lab,
    /// What switches them.
    pub switch: Bmc,
    wires: Wires,
    names: Vec<String>,
    haven: String,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    /// Founds a cluster of [`MACHINES`] with this profile and waits until all of them vote.
    pub fn new(profile: &str, programs: &Programs) -> Fallible<Self> {
        Self::made(&MACHINES, profile, programs, Wires::One, &[])
    }

    /// The same with other wires.
    pub fn wired(profile: &str, programs: &Programs, wires: Wires) -> Fallible<Self> {
        Self::made(&MACHINES, profile, programs, wires, &[])
    }

    /// Founds a cluster of these machines, of which as many vote as can: one, three or five.
    pub fn of(names: &[&str], profile: &str, programs: &Programs) -> Fallible<Self> {
        Self::made(names, profile, programs, Wires::One, &[])
    }

    /// The same with some that vote and run nothing; the first is none of them.
    pub fn with_witnesses(names: &[&str], profile: &str, programs: &Programs, witnesses: &[&str]) -> Fallible<Self> {
        Self::made(names, profile, programs, Wires::One, witnesses)
    }

    fn made(names: &[&str], profile: &str, programs: &Programs, wires: Wires, witnesses: &[&str]) -> Fallible<Self> {
        let lab = Lab::new(names, programs)?;
        let haven = programs.haven.display().to_string();
        let switch = Bmc::new(&lab, &haven)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let cluster = Self { lab, switch, wires, names: names.clone(), haven, runtime };
        if let Wires::Two(late) = wires {
            for name in &names {
                cluster.lab.network().second_cable(name)?;
                if name != late {
                    cluster.lab.network().second_address(name, &cluster.second_address(name)?)?;
                }
            }
        }
        let (first, others) = names.split_first().ok_or("a cluster without a machine")?;
        cluster.place(first, &["init", "--name", "lab", "--profile", profile])?;
        cluster.start(first)?;
        for name in others {
            let kind: &[&str] = if witnesses.contains(&name.as_str()) { &["--witness"] } else { &[] };
            let token = cluster.haven(first, &[&["token", "create"], kind].concat())?;
            let token = token.split_whitespace().find(|word| word.starts_with("haven1-"));
            cluster.place(name, &[&["join", token.ok_or("no token was printed")?], kind].concat())?;
            cluster.start(name)?;
        }
        let voters = match names.len() {
            0..=2 => 1,
            3..=4 => 3,
            _ => 5,
        };
        cluster.wait("as many vote as can", PATIENCE, |cluster| {
            let status = cluster.status(first)?;
            let joined = status.nodes.len() == cluster.names.len();
            Ok((joined && status.quorum.voters == voters).then_some(()))
        })?;
        Ok(cluster)
    }

    fn place(&self, name: &str, words: &[&str]) -> Fallible<()> {
        let address = self.lab.with(name, |machine| machine.address().to_owned())?;
        let mut place = vec!["--node", name, "--advertise", &address, "--watchdog", "none", "--on-death", "kill-node"];
        let second = self.second_address(name)?;
        if let Wires::Two(_) = self.wires {
            place.extend(["--advertise", &second]);
        }
        self.haven(name, &[words, &place].concat()).map(drop)
    }

    /// The address of a machine on the second network.
    pub fn second_address(&self, name: &str) -> Fallible<String> {
        self.lab.with(name, |machine| machine.address().replace("10.77.", "10.78."))
    }

    /// The directions of links that are down as a machine has it, as `observer subject link`.
    pub fn links_down(&self, name: &str) -> Fallible<Vec<String>> {
        let client = self.client(name)?;
        let links: Links = self.runtime.block_on(client.get("/v1/links"))?;
        let down = links.rows.into_iter().filter(|row| row.state == "DOWN");
        Ok(down.map(|row| format!("{} {} {}", row.observer, row.subject, row.link)).collect())
    }

    /// Starts the daemon of a machine and waits until it answers.
    pub fn start(&self, name: &str) -> Fallible<()> {
        self.lab.with(name, |machine| machine.start_daemon())??;
        let answered = self.wait(&format!("the daemon of {name} answers"), PATIENCE, |cluster| {
            Ok(cluster.status(name).ok().map(drop))
        });
        let log = self.lab.with(name, |machine| machine.daemon_log())??;
        answered.map_err(|trouble| format!("{trouble}\n{log}").into())
    }

    /// Runs `haven` with `words` on a machine; what it printed. Errors: it ended with another code than 0.
    pub fn haven(&self, name: &str, words: &[&str]) -> Fallible<String> {
        self.lab.run(name, &[&[self.haven.as_str()], words].concat())
    }

    /// The same, whatever it ends with: what it printed.
    pub fn look(&self, name: &str, words: &[&str]) -> Fallible<String> {
        let words = [&["sh", "-c", "\"$@\" 2>&1 || true", "sh", self.haven.as_str()], words].concat();
        let mut command = self.lab.with(name, |machine| machine.command(&words))??;
        finish(&mut command)
    }

    fn client(&self, name: &str) -> Fallible<Client> {
        let socket = self.lab.with(name, |machine| machine.socket())?;
        Ok(Client::new(socket.ok_or_else(|| format!("{name} is off"))?).within(Duration::from_secs(5)))
    }

    /// The status as a machine sees it.
    pub fn status(&self, name: &str) -> Fallible<Status> {
        let client = self.client(name)?;
        Ok(self.runtime.block_on(client.get("/v1/status"))?)
    }

    /// The lines of a machine's metrics.
    pub fn metrics(&self, name: &str) -> Fallible<Vec<String>> {
        let client = self.client(name)?;
        Ok(self.runtime.block_on(client.metrics())?.lines().map(str::to_owned).collect())
    }

    /// What a machine says of a member.
    pub fn why_node(&self, name: &str, of: &str) -> Fallible<WhyNode> {
        let client = self.client(name)?;
        Ok(self.runtime.block_on(client.get(&format!("/v1/why/node/{of}")))?)
    }

    /// The log from an entry on, as a machine has it.
    pub fn log(&self, name: &str, from: u64) -> Fallible<Vec<LogLine>> {
        let client = self.client(name)?;
        let page: LogPage = self.runtime.block_on(client.get(&format!("/v1/log?from={from}")))?;
        Ok(page.lines)
    }

    /// Has a command committed; its index.
    pub fn command(&self, name: &str, command: &Command) -> Fallible<u64> {
        let client = self.client(name)?;
        Ok(self.runtime.block_on(client.command(command))?.index.0)
    }

    /// Changes the configuration.
    pub fn edit(&self, name: &str, edits: Vec<SpecEdit>) -> Fallible<u64> {
        self.command(name, &Command::Edit { base: None, edits, comment: "lab".to_owned() })
    }

    /// The device that reaches the lab's switch, for all machines.
    pub fn switch_device(&self) -> Fallible<SpecEdit> {
        let outlet = |name: &String| Ok::<_, haven_core::ids::BadName>((NodeId::new(name)?, vec![name.clone()]));
        let outlets = self.names.iter().map(outlet).collect::<Result<_, _>>()?;
        Ok(SpecEdit::PutDevice(Device {
            id: DeviceId::new("switch")?,
            agent: Bmc::PROGRAM.to_owned(),
            params: [("address".to_owned(), self.switch.address())].into(),
            secrets: [].into(),
            hosts: HostMap::Outlets(outlets),
            timeout: None,
            delay: None,
        }))
    }

    /// Measures the fence devices of a machine by switching it off and on, and waits until it is back.
    pub fn cycle(&self, asked: &str, of: &str) -> Fallible<()> {
        let standby = |standby| Command::Standby { node: node(of), standby };
        let index = self.command(asked, &standby(Standby::On))?;
        // The one that is asked has to know of it itself.
        self.wait("the standby is applied", PATIENCE, |cluster| {
            Ok((cluster.status(asked)?.index >= index).then_some(()))
        })?;
        let ask = FenceTestAsk { node: node(of), mode: FenceTestMode::Cycle };
        let client = self.client(asked)?;
        self.runtime.block_on(client.fence_test(&ask))?;
        self.wait(&format!("{of} is back"), PATIENCE, |cluster| Ok(cluster.status(of).ok().map(drop)))?;
        self.command(asked, &standby(Standby::Off))?;
        self.healthy(asked)
    }

    /// Waits until every machine is a member in good standing and nothing is left to do, as `asked` sees it.
    pub fn healthy(&self, asked: &str) -> Fallible<()> {
        self.wait("every machine is well", PATIENCE, |cluster| {
            let status = cluster.status(asked)?;
            let well = status.nodes.len() == cluster.names.len() && status.quorum.heard == status.quorum.voters;
            let calm = well && status.nodes.iter().all(|row| is_well(&row.state));
            Ok(calm.then_some(()))
        })
    }

    /// Who leads, as `asked` sees it.
    pub fn leader(&self, asked: &str) -> Fallible<String> {
        self.wait("somebody leads", PATIENCE, |cluster| Ok(cluster.status(asked)?.leader))
    }

    /// Waits until the log of `asked` has a line of this kind from `from` on whose text has `text` in it.
    pub fn logged(&self, asked: &str, from: u64, kind: &str, text: &str) -> Fallible<LogLine> {
        self.wait(&format!("the log says {kind} {text}"), PATIENCE, |cluster| {
            let lines = cluster.log(asked, from)?;
            Ok(lines.into_iter().find(|line| line.kind == kind && line.text.contains(text)))
        })
    }

    /// Waits until a resource is as wanted; where it runs.
    pub fn settled(&self, asked: &str, resource: &str) -> Fallible<String> {
        self.wait(&format!("{resource} runs"), PATIENCE, |cluster| {
            let status = cluster.status(asked)?;
            let row = status.resources.into_iter().find(|row| row.resource == resource);
            Ok(row.filter(|row| row.state == "started").map(|row| row.on))
        })
    }

    /// Waits for something; a failure comes with the status and the log of whoever answers.
    pub fn wait<T>(&self, what: &str, span: Duration, mut is: impl FnMut(&Self) -> Fallible<Option<T>>) -> Fallible<T> {
        let found = until(what, span, || is(self));
        found.map_err(|trouble| format!("{trouble}\n{}", self.story()).into())
    }

    fn story(&self) -> String {
        let seen = |name: &String| {
            let status = self.look(name, &["status"]).ok()?;
            let log = self.look(name, &["log"]).ok()?;
            Some(format!("--- status and log of {name}\n{status}\n{log}"))
        };
        self.names.iter().find_map(seen).unwrap_or_default()
    }

    /// A probe of the address that moves.
    pub fn probe(&self, address: &str, port: u16) -> Fallible<Probe> {
        Probe::start(self.lab.network(), address, port)
    }

    /// Kills a machine; when.
    pub fn crash(&self, name: &str) -> Fallible<Instant> {
        self.lab.with(name, |machine| machine.crash())?
    }
}

fn is_well(state: &str) -> bool {
    matches!(state, "online" | "standby")
}

fn node(name: &str) -> NodeId {
    #[allow(clippy::unwrap_used, reason = "the names of the lab's machines are names")]
    NodeId::new(name).unwrap()
}

/// A resource with an agent and its parameters.
pub fn primitive(id: &str, agent: &str, params: &[(&str, &str)]) -> Fallible<SpecEdit> {
    let agent = AgentName::parse(agent).ok_or_else(|| format!("{agent} is no agent"))?;
    let mut resource = Resource::new(ResourceId::new(id)?, Body::Primitive { agent: Some(agent), template: None });
    resource.params = vec![AttrSet::of(params.iter().copied())];
    Ok(SpecEdit::PutResource(resource))
}
