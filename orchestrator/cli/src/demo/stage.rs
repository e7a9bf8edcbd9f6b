//! The stage of the demo: three machines with a daemon each, a BMC, guests, and the probe.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use haven_api::model::{FenceTestAsk, FenceTestMode, TokenAsk};
use haven_api::view::{LogPage, Status};
use haven_api::{Client, ClientError};
use haven_core::control;
use haven_core::event::MemberKind;
use haven_core::ids::{DeviceId, NodeId, ResourceId};
use haven_core::spec::{AgentName, AttrSet, Body, Device, HostMap, Resource, SpecEdit};
use haven_core::units::Millis;
use haven_daemon::demo;
use tempfile::TempDir;

use super::bmc::Bmc;
use super::error::DemoError;
use super::machine::Machine;
use super::probe::{Guest, Probe};
use super::report::seconds;
use super::talk::Talk;

/// The machines.
pub(super) const MACHINES: [&str; 3] = ["m1", "m2", "m3"];
/// The guests.
const GUESTS: [&str; 6] = ["web", "shop", "mail", "wiki", "files", "build"];
/// The fence device.
const DEVICE: &str = "bmc";
/// Longest time for one call of it.
const FENCE_TIMEOUT: &str = "3s";
/// How often a wait looks again.
const LOOK: Duration = Duration::from_millis(25);
/// Longest wait for each step of setting the stage.
const STEP: Duration = Duration::from_secs(30);

/// The stage. Everything on it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Stage {
    /// Last to go: the machines below write into it.
    folder: Option<TempDir>,
    pub(super) bmc: Bmc,
    pub(super) probe: Probe,
    began: Instant,
}

impl Stage {
    /// Sets the stage: founds, joins, configures, and waits until every guest answers.
    pub(super) async fn set(profile: &str, talk: &Talk) -> Result<Self, DemoError> {
        let began = Instant::now();
        let folder = tempfile::Builder::new().prefix("haven-demo-").tempdir();
        let folder = folder.map_err(DemoError::system("make a folder for itself"))?;
        let (bmc, guests) = rack(&folder).map_err(DemoError::system("make its machines"))?;
        let addresses = MACHINES.iter().filter_map(|name| bmc.with(name, |machine| machine.address)).collect();
        let probe = Probe::start(guests.clone(), addresses).map_err(DemoError::system("start its probe"))?;
        let stage = Self { folder: Some(folder), bmc, probe, began };
        talk.say("haven demo: three machines, six guests and a BMC, all pretended; haven itself is real");
        stage.found(profile, talk).await?;
        stage.configure(&guests, talk).await?;
        Ok(stage)
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default()
    }

    /// Time since the demo began, for its lines.
    pub(super) fn clock(&self) -> String {
        format!("{:5.1} s", seconds(self.began.elapsed()))
    }

    pub(super) fn client(&self, machine: &str) -> Client {
        let run = self.bmc.with(machine, |machine| machine.run()).unwrap_or_default();
        Client::new(run.join("haven.sock")).within(Duration::from_secs(5))
    }

    async fn found(&self, profile: &str, talk: &Talk) -> Result<(), DemoError> {
        let [first, others @ ..] = MACHINES;
        self.haven(first, &["init", "--name", "demo", "--profile", profile], talk)?;
        self.boot(first)?;
        self.wait("the first daemon answers", STEP, async || self.status(first).await.ok().map(drop)).await?;
        for name in others {
            let ask = TokenAsk { kind: MemberKind::Full, span: Millis::secs(600) };
            let given = self.client(first).issue_token(ask).await;
            let given = given.map_err(|error| refused(first, "make a join token", &error))?;
            self.haven(name, &["join", &given.token], talk)?;
            self.boot(name)?;
        }
        let ready = async || {
            let status = self.status(first).await.ok()?;
            (status.quorum.voters == MACHINES.len()).then_some(())
        };
        self.wait("all three machines vote", STEP, ready).await?;
        talk.say(&format!("{}  three machines, one cluster: all of them vote", self.clock()));
        Ok(())
    }

    async fn configure(&self, guests: &[Guest], talk: &Talk) -> Result<(), DemoError> {
        let [first, ..] = MACHINES;
        let edits = edits(guests, &self.folder().join("bmc.sock").display().to_string());
        let edits = edits.ok_or_else(|| DemoError::system("name its guests")(io::Error::other("a bad name")))?;
        let command = control::Command::Edit { base: None, edits, comment: "haven demo".to_owned() };
        let done = self.client(first).command(&command).await;
        done.map_err(|error| refused(first, "take the configuration", &error))?;
        let all = async || (self.probe.answering().len() == guests.len()).then_some(());
        self.wait("every guest answers", STEP, all).await?;
        // That they have started is in the log a moment later.
        let settled = async || {
            let status = self.status(first).await.ok()?;
            status.resources.iter().all(|row| row.as_wanted).then_some(())
        };
        self.wait("the log says that every guest is started", STEP, settled).await?;
        talk.say(&format!("{}  six guests are started, and all of them answer", self.clock()));
        for name in MACHINES {
            let node =
                NodeId::new(name).map_err(|error| DemoError::system("name a machine")(io::Error::other(error)))?;
            let tested = self.client(first).fence_test(&FenceTestAsk { node, mode: FenceTestMode::Read }).await;
            tested.map_err(|error| refused(first, "test the fence device", &error))?;
        }
        talk.say(&format!("{}  m1# haven fence test: the BMC tells the power of all three", self.clock()));
        Ok(())
    }

    /// Runs `haven` with `words` on a machine that has no daemon yet, and shows it as a person would type it.
    fn haven(&self, machine: &str, words: &[&str], talk: &Talk) -> Result<(), DemoError> {
        let (advertise, mut command) = self
            .bmc
            .with(machine, |m| (format!("{}:{}", m.address, m.port), m.haven(words)))
            .unwrap_or_else(|| (String::new(), Command::new("false")));
        command.args(["--node", machine, "--advertise", &advertise]);
        let shown: Vec<&str> =
            words.iter().map(|word| if word.starts_with("haven1-") { "TOKEN" } else { word }).collect();
        let shown = format!("haven {} --node {machine} --advertise {advertise}", shown.join(" "));
        talk.say(&format!("{}  {machine}# {shown}", self.clock()));
        let done = command.output().map_err(DemoError::system(format!("run `{shown}`")))?;
        if done.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(DemoError::Command { command: shown, said })
    }

    /// Switches a machine on.
    pub(super) fn boot(&self, machine: &str) -> Result<(), DemoError> {
        let booted = self.bmc.with(machine, Machine::boot).unwrap_or(Ok(()));
        booted.map_err(DemoError::system(format!("start the daemon of {machine}")))
    }

    pub(super) async fn status(&self, machine: &str) -> Result<Status, ClientError> {
        self.client(machine).get("/v1/status").await
    }

    pub(super) async fn log(&self, machine: &str, from: u64) -> Result<LogPage, ClientError> {
        self.client(machine).get(&format!("/v1/log?from={from}")).await
    }

    /// Waits until `is` finds something. If it does not come, the folder is kept for whoever looks why.
    pub(super) async fn wait<T, F>(&self, what: &str, span: Duration, mut is: impl FnMut() -> F) -> Result<T, DemoError>
    where
        F: Future<Output = Option<T>>,
    {
        let end = Instant::now() + span;
        loop {
            if let Some(found) = is().await {
                return Ok(found);
            }
            if let Some((guest, one, other)) = self.probe.seen().doubled.clone() {
                return Err(DemoError::TwoOwners { guest, one, other });
            }
            if Instant::now() >= end {
                let kept = super::machine::keep_logs(&self.folder());
                let seconds = span.as_secs();
                return Err(DemoError::Late { what: what.to_owned(), seconds, folder: kept });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.bmc.scrap();
    }
}

pub(super) fn refused(machine: &str, what: &str, error: &ClientError) -> DemoError {
    DemoError::Refused { machine: machine.to_owned(), what: what.to_owned(), said: error.to_string() }
}

/// Machines with addresses of their own, the BMC that switches them, and the guests with a port each.
fn rack(folder: &TempDir) -> io::Result<(Bmc, Vec<Guest>)> {
    let word = std::fs::read_to_string(super::machine::UUID)?;
    let mut machines = Vec::new();
    for (name, last) in MACHINES.iter().zip(1..) {
        let address = Ipv4Addr::new(127, 0, 0, last);
        let port = free_port(address)?;
        machines.push(Machine::new(folder.path(), word.trim(), name, address, port)?);
    }
    let bmc = Bmc::serve(&folder.path().join("bmc.sock"), machines)?;
    let guests: io::Result<Vec<Guest>> =
        GUESTS.iter().map(|id| Ok(Guest { id: (*id).to_owned(), port: free_port(Ipv4Addr::LOCALHOST)? })).collect();
    Ok((bmc, guests?))
}

/// A port that nobody has at this moment.
fn free_port(address: Ipv4Addr) -> io::Result<u16> {
    Ok(UdpSocket::bind((address, 0))?.local_addr()?.port())
}

/// The configuration: one device for all machines, and the guests. `None` if a name is bad.
fn edits(guests: &[Guest], socket: &str) -> Option<Vec<SpecEdit>> {
    let outlets = MACHINES.iter().map(|name| Some((NodeId::new(name).ok()?, vec![(*name).to_owned()])));
    let device = Device {
        id: DeviceId::new(DEVICE).ok()?,
        agent: demo::FENCE.to_owned(),
        params: [("address".to_owned(), socket.to_owned())].into(),
        secrets: Default::default(),
        hosts: HostMap::Outlets(outlets.collect::<Option<_>>()?),
        timeout: None,
        delay: None,
    };
    // A BMC that answers at once and fails is given up soon, so that the story of one goes on.
    let timeout = SpecEdit::SetProperty { name: "fence-timeout".to_owned(), value: Some(FENCE_TIMEOUT.to_owned()) };
    let mut edits = vec![SpecEdit::PutDevice(device), timeout];
    for guest in guests {
        let body = Body::Primitive { agent: Some(AgentName::parse(demo::AGENT)?), template: None };
        let mut resource = Resource::new(ResourceId::new(&guest.id).ok()?, body);
        resource.params = vec![AttrSet::of([("port".to_owned(), guest.port.to_string())])];
        edits.push(SpecEdit::PutResource(resource));
    }
    Some(edits)
}
