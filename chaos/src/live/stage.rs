//! The stage of a run: machines with a daemon each, their BMCs, the wires between them, and the exclusive resources.
//!
//! Never: a resource before every machine votes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use haven_core::ids::{ConstraintId, DeviceId, NodeId, ResourceId};
use haven_core::spec::{
    Constraint, ConstraintBody, Device, HostMap, Location, LocationTarget, LocationWhere, SecretRef, SpecEdit,
};
use haven_core::units::Score;
use rustix::process::{Pid, Signal, kill_process};

use super::panel::{Panel, bring_up};
use super::wires::{Netem, Wires};
use crate::aboard::{AGENT_WORD, FENCE_WORD, agent, fence};
use crate::lab::{Aboard, Cluster, Disk, Fallible, Machine, Programs, primitive};
use crate::schedule::{Devices, Schedule, Setting, Wish};

/// Room for the state of a node, in MiB: enough for every run, little enough to be filled at once.
const DISK_MIB: u32 = 160;
/// Longest time for a call of a device.
const FENCE_TIMEOUT: &str = "8s";
/// Longest wait for the resources to run at first.
const BEGINS_WITHIN: Duration = Duration::from_secs(90);
/// How long a service manager waits before it starts a daemon again that has ended by itself.
const STARTED_AGAIN: Duration = Duration::from_secs(1);
/// The random source of the kernel.
const UUID: &str = "/proc/sys/kernel/random/uuid";

/// What is due on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Its daemon is started.
    Daemon,
    /// It reboots, if it has power.
    Boot,
}

/// All of it.
pub(super) struct Stage {
    /// Ends before the machines that it switches.
    pub(super) panel: Panel,
    pub(super) wires: Wires,
    pub(super) cluster: Cluster,
    pub(super) nodes: Vec<String>,
    /// The folder of the run that the machines see.
    pub(super) folder: PathBuf,
    /// The password of the BMCs.
    pub(super) secret: String,
    pub(super) due: BTreeMap<String, (Instant, Due)>,
    /// Daemons that ended though nobody had ended them.
    pub(super) ended: BTreeMap<String, u32>,
}

impl Stage {
    /// Founds the cluster of a schedule, and starts its resources.
    pub(super) fn set(schedule: &Schedule, haven: &Path, netem: Netem) -> Fallible<Self> {
        let Schedule { nodes, setting, .. } = schedule;
        let names: Vec<&str> = nodes.iter().map(NodeId::as_str).collect();
        let witnesses: Vec<&str> = setting.witnesses.iter().map(NodeId::as_str).collect();
        let programs = Programs { haven: haven.to_owned(), aboard: Aboard::Nothing, disk: Disk::Small(DISK_MIB) };
        let cluster = Cluster::with_witnesses(&names, setting.profile, &programs, &witnesses)?;
        let folder = cluster.lab.folder().join("run");
        for below in [agent::HISTORIES, agent::ILLS] {
            fs::create_dir_all(folder.join(below))?;
        }
        let secret = format!("haven-bmc-{}", fs::read_to_string(UUID)?.trim());
        let panel = Panel::new(&folder.join("panel.sock"), cluster.lab.rack(), &secret)?;
        let haven = haven.display();
        for machine in cluster.lab.machines().values() {
            let agent = format!("#!/bin/sh\nexec {haven} {AGENT_WORD} \"$@\"\n");
            machine.write(&format!("overlay/usr/lib/ocf/resource.d/{}", agent::FILE), &agent)?;
            let fence = format!("#!/bin/sh\nexec {haven} {FENCE_WORD}\n");
            machine.write(&format!("overlay/usr/sbin/{}", fence::PROGRAM), &fence)?;
        }
        let nodes: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let wires = Wires::new(cluster.lab.network().switch(), &folder, nodes.clone(), netem);
        let (due, ended) = (BTreeMap::new(), BTreeMap::new());
        let stage = Self { panel, wires, cluster, nodes, folder, secret, due, ended };
        stage.configure(setting)?;
        Ok(stage)
    }

    /// Where the secret of the BMCs lies, on every machine at the same place.
    pub(super) fn secret_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    fn configure(&self, setting: &Setting) -> Fallible<()> {
        let first = self.nodes.first().ok_or("a cluster without a machine")?;
        fs::write(self.secret_file(), &self.secret)?;
        fs::set_permissions(self.secret_file(), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let timeout = SpecEdit::SetProperty { name: "fence-timeout".to_owned(), value: Some(FENCE_TIMEOUT.to_owned()) };
        let mut edits = vec![timeout];
        let property =
            |(name, value): &(String, String)| SpecEdit::SetProperty { name: name.clone(), value: Some(value.clone()) };
        edits.extend(setting.properties.iter().map(property));
        match setting.devices {
            Devices::Bmcs => edits.extend(self.devices()?.into_values().map(SpecEdit::PutDevice)),
            Devices::None => {}
        }
        for resource in &setting.resources {
            edits.extend(added(resource, &self.folder)?);
        }
        self.cluster.edit(first, edits)?;
        self.cluster.wait("every resource runs", BEGINS_WITHIN, |cluster| {
            let status = cluster.status(first)?;
            let running = status.resources.iter().filter(|row| row.as_wanted && !row.on.is_empty()).count();
            Ok((running == setting.resources.len()).then_some(()))
        })
    }

    /// The devices by the machines that they switch.
    pub(super) fn devices(&self) -> Fallible<BTreeMap<String, Device>> {
        let device = |node: &String| {
            let device = Device {
                id: DeviceId::new(&format!("bmc-{node}"))?,
                agent: fence::PROGRAM.to_owned(),
                params: [("address".to_owned(), self.panel.address())].into(),
                secrets: [("passwd".to_owned(), SecretRef::File(self.secret_file().display().to_string()))].into(),
                hosts: HostMap::Outlets([(NodeId::new(node)?, vec![node.to_owned()])].into()),
                timeout: None,
                delay: None,
            };
            Ok((node.clone(), device))
        };
        self.nodes.iter().map(device).collect()
    }

    /// Does something with a machine.
    pub(super) fn with<T>(&self, node: &str, act: impl FnOnce(&mut Machine) -> Fallible<T>) -> Fallible<T> {
        self.cluster.lab.with(node, act)?
    }

    /// Sends a signal to the processes of a node that run `haven` with this word.
    pub(super) fn signal(&self, node: &str, word: &str, signal: Signal) -> Fallible<usize> {
        let found = self.with(node, |machine| if machine.is_up() { machine.running(word) } else { Ok(Vec::new()) })?;
        send(&found, signal);
        Ok(found.len())
    }

    /// What a service manager and a machine's firmware do by themselves: what is due is started, and so is a daemon that
    /// has ended although nobody had ended it.
    pub(super) fn look_after(&mut self) -> Fallible<()> {
        let now = Instant::now();
        for node in self.nodes.clone() {
            match self.due.get(&node).copied() {
                Some((at, due)) if at <= now => {
                    self.due.remove(&node);
                    self.do_now(&node, due)?;
                }
                Some(_) => {}
                None => self.miss(&node, now)?,
            }
        }
        Ok(())
    }

    fn do_now(&self, node: &str, due: Due) -> Fallible<()> {
        self.with(node, |machine| match due {
            // A machine without power does not boot, and one that is down has no service manager.
            Due::Boot if machine.power() == crate::lab::Power::On => bring_up(machine),
            Due::Daemon if machine.is_up() => bring_up(machine),
            Due::Boot | Due::Daemon => Ok(()),
        })
    }

    /// A daemon that resets its machine ends with everything that it has started; one that only ended is started again.
    fn miss(&mut self, node: &str, now: Instant) -> Fallible<()> {
        let ended = self.with(node, |machine| Ok(machine.is_up() && !machine.has_daemon()))?;
        if !ended {
            return Ok(());
        }
        *self.ended.entry(node.to_owned()).or_default() += 1;
        let left = self.with(node, |machine| machine.running(crate::aboard::WRITER_WORD))?;
        if left.is_empty() {
            self.with(node, |machine| machine.crash())?;
            self.due.insert(node.to_owned(), (now + STARTED_AGAIN, Due::Boot));
        } else {
            self.due.insert(node.to_owned(), (now + STARTED_AGAIN, Due::Daemon));
        }
        Ok(())
    }
}

/// What adds a resource that writes its history below `folder`, with what it prefers.
pub(super) fn added(wish: &Wish, folder: &Path) -> Fallible<Vec<SpecEdit>> {
    let id = &wish.id;
    let mut edits = vec![primitive(id, agent::NAME, &[(agent::FOLDER, &folder.display().to_string())])?];
    if let Some((node, score)) = &wish.prefers {
        let place = LocationWhere::Node { node: node.clone(), score: Score::new(*score) };
        let target = LocationTarget::Resource(ResourceId::new(id)?);
        let body = ConstraintBody::Location(Location { target, role: None, place, discovery: None });
        let name = ConstraintId::new(&format!("loc-{id}-{node}"))?;
        edits.push(SpecEdit::PutConstraint(Constraint { id: name, body, seq: 0, until: None }));
    }
    Ok(edits)
}

/// Sends a signal to processes; one that has ended meanwhile is well.
pub(super) fn send(pids: &[Pid], signal: Signal) {
    for pid in pids {
        let _ = kill_process(*pid, signal);
    }
}
