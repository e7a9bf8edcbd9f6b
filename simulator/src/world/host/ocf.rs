//! Simulated OCF agents: every path under [`ROOT`] starts, stops and watches the resource that its environment names.
//!
//! Exit codes and environment: "OCF resource agent API", measured against resource-agents 4.12.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use haven_core::ids::NodeId;

use super::process::{Mood, Process};
use super::{Call, Output};
use crate::exec::{Machine, Prng, TrueTime, lock, now, sleep};
use crate::world::config::Range;
use crate::world::fault::{AgentOp, Ailment};
use crate::world::ledger::{Edge, promoted};
use crate::world::{Micros, World};

/// Where agents live: `ROOT/<provider>/<type>`.
const ROOT: &str = "/usr/lib/ocf/resource.d/";

const OK: i32 = 0;
const GENERIC: i32 = 1;
const UNIMPLEMENTED: i32 = 3;
const CONFIGURED: i32 = 6;
const NOT_RUNNING: i32 = 7;
const PROMOTED: i32 = 8;

/// What the agents of all machines suffer from, and how long they take.
pub(in crate::world) struct Agents {
    prng: Prng,
    ailments: BTreeMap<(Option<Machine>, String, AgentOp), Ailment>,
    stale: BTreeMap<(Machine, String), Stale>,
}

/// What a monitor goes on to say.
#[derive(Clone, Copy)]
struct Stale {
    code: i32,
    until: TrueTime,
}

impl Agents {
    pub(in crate::world) fn new(prng: Prng) -> Self {
        Self { prng, ailments: BTreeMap::new(), stale: BTreeMap::new() }
    }

    /// What ails `op` of `resource` on `machine`; an ailment of that machine goes before one of all machines.
    fn ailment(&self, machine: Machine, resource: &str, op: AgentOp) -> Ailment {
        let find = |machine| self.ailments.get(&(machine, resource.to_owned(), op)).copied();
        find(Some(machine)).or_else(|| find(None)).unwrap_or(Ailment::Well)
    }

    pub(in crate::world) fn heal(&mut self) {
        self.ailments.clear();
        self.stale.clear();
    }
}

pub(super) fn is_agent(path: &str) -> bool {
    let parts = path.strip_prefix(ROOT).and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(provider, kind)| !provider.is_empty() && !kind.is_empty() && !kind.contains('/'))
}

/// One run of an agent for one resource.
pub(super) struct Run<'a> {
    world: &'a World,
    machine: Machine,
    resource: &'a str,
    process: Option<&'a Process>,
}

pub(super) async fn run(call: Call, process: Arc<Process>) -> Output {
    let op = call.program.args.first().map_or("", String::as_str);
    if op == "meta-data" {
        return Output::printed(OK, META_DATA);
    }
    let Some(resource) = call.program.env.get("OCF_RESOURCE_INSTANCE").filter(|name| !name.is_empty()) else {
        return failed(CONFIGURED, "OCF_RESOURCE_INSTANCE is not set");
    };
    let run = Run { world: &call.world, machine: call.machine, resource, process: Some(&process) };
    match op {
        "start" => run.start().await,
        "stop" => run.stop().await,
        "monitor" | "status" => run.monitor().await,
        "promote" => run.promote().await,
        "demote" => run.demote().await,
        "migrate_to" => run.migrate_to(call.program.env.get("OCF_RESKEY_CRM_meta_migrate_target")).await,
        "migrate_from" => run.monitor().await,
        "notify" | "validate-all" | "reload" | "reload-agent" => Output::code(OK),
        other => failed(UNIMPLEMENTED, &format!("{other} is not implemented")),
    }
}

fn failed(code: i32, reason: &str) -> Output {
    Output::complained(code, format!("ocf-exit-reason:{reason}\n"))
}

impl<'a> Run<'a> {
    /// The same for a job of the service manager, which nobody can kill.
    pub(super) fn of_unit(world: &'a World, machine: Machine, resource: &'a str) -> Self {
        Self { world, machine, resource, process: None }
    }

    pub(super) fn is_running(&self) -> bool {
        self.runs(self.resource)
    }

    fn runs(&self, name: &str) -> bool {
        lock(&self.world.ledger).copy_on(self.machine, name).is_some()
    }

    fn begin(&self, name: &str) {
        if let Some(boot) = self.world.boot_id(self.machine) {
            self.world.begin_copy(self.machine, boot, name, Edge::Began);
            if let Some(group) = self.process.and_then(|process| process.group.clone()) {
                self.world.with(self.machine, |state| state.services.insert(name.to_owned(), group));
            }
        }
    }

    /// Does `change` after most of the time that it takes, or as the ailment of `op` has it.
    async fn work(&self, op: AgentOp, range: Range, change: impl FnOnce(&Self)) -> Output {
        let ailment = lock(&self.world.agents).ailment(self.machine, self.resource, op);
        let span = range.draw(&mut lock(&self.world.agents).prng);
        let nap = |parts: u64| sleep(Duration::from_micros(span.0.saturating_mul(parts) / 5));
        let what = || format!("{} of {} failed", op.word(), self.resource);
        match ailment {
            Ailment::Well | Ailment::Stale(_) => nap(4).await,
            Ailment::Slow(factor) => nap(factor.saturating_mul(5)).await,
            Ailment::Fail(code) => {
                nap(5).await;
                return failed(code, &what());
            }
            Ailment::FailHalfway(code) => {
                nap(4).await;
                change(self);
                nap(1).await;
                return failed(code, &what());
            }
            Ailment::Hang => {
                self.mood(Mood::IgnoresTerm);
                pending::<()>().await;
            }
            Ailment::Stuck(late) => {
                self.mood(Mood::Uninterruptible);
                sleep(Duration::from_millis(late.0)).await;
            }
        }
        change(self);
        nap(1).await;
        Output::code(OK)
    }

    fn mood(&self, mood: Mood) {
        if let Some(process) = self.process {
            process.set_mood(mood);
        }
    }

    async fn look(&self) {
        let range = self.world.timings.monitor;
        let span = range.draw(&mut lock(&self.world.agents).prng);
        sleep(Duration::from_micros(span.0)).await;
    }

    pub(super) async fn start(&self) -> Output {
        if self.is_running() {
            self.look().await;
            return Output::code(OK);
        }
        let begin = |run: &Self| {
            // The service manager has one job for a unit; of programs, each does what it came for.
            if run.is_running() && run.process.is_some() {
                run.world.start_twice(run.machine, run.resource);
            }
            run.begin(run.resource);
        };
        self.work(AgentOp::Start, self.world.timings.start, begin).await
    }

    pub(super) async fn stop(&self) -> Output {
        if !self.is_running() {
            self.look().await;
            return Output::code(OK);
        }
        let end = |run: &Self| run.world.end_copy(run.machine, run.resource, Edge::Stopped);
        self.work(AgentOp::Stop, self.world.timings.stop, end).await
    }

    async fn monitor(&self) -> Output {
        let done = self.work(AgentOp::Monitor, self.world.timings.monitor, |_| ()).await;
        if done.code != OK {
            return done;
        }
        let stale = lock(&self.world.agents).stale.get(&(self.machine, self.resource.to_owned())).copied();
        match stale.filter(|stale| now() < stale.until) {
            Some(stale) => Output::code(stale.code),
            None => Output::code(self.status()),
        }
    }

    fn status(&self) -> i32 {
        match (self.is_running(), self.runs(&promoted(self.resource))) {
            (true, true) => PROMOTED,
            (true, false) => OK,
            (false, _) => NOT_RUNNING,
        }
    }

    async fn promote(&self) -> Output {
        if !self.is_running() {
            return failed(NOT_RUNNING, &format!("{} does not run", self.resource));
        }
        let begin = |run: &Self| run.begin(&promoted(run.resource));
        self.work(AgentOp::Promote, self.world.timings.promote, begin).await
    }

    async fn demote(&self) -> Output {
        if !self.is_running() {
            return failed(NOT_RUNNING, &format!("{} does not run", self.resource));
        }
        let end = |run: &Self| run.world.end_copy(run.machine, &promoted(run.resource), Edge::Stopped);
        self.work(AgentOp::Demote, self.world.timings.promote, end).await
    }

    /// Copies, then switches over at one instant, if the target is up and reached both ways at that instant. Nothing
    /// of this depends on the daemon that began it [S-17].
    async fn migrate_to(&self, target: Option<&String>) -> Output {
        let target = target.and_then(|name| self.world.machine(&NodeId::new(name).ok()?));
        let Some(target) = target.filter(|target| *target != self.machine) else {
            return failed(CONFIGURED, "no target to migrate to");
        };
        if !self.is_running() {
            return failed(NOT_RUNNING, &format!("{} does not run", self.resource));
        }
        let mut switched = false;
        let switch = |run: &Self| switched = run.switch_to(target);
        let done = self.work(AgentOp::Migrate, self.world.timings.migrate, switch).await;
        if done.code == OK && !switched {
            return failed(GENERIC, "the target is not reached");
        }
        done
    }

    fn switch_to(&self, target: Machine) -> bool {
        let Some(boot) = self.world.boot_id(target) else { return false };
        let reached = lock(&self.world.net).carries_calls(self.machine, target);
        if !reached || !self.is_running() || self.world.is_standing(target) {
            return false;
        }
        self.world.end_copy(self.machine, self.resource, Edge::Migrated);
        self.world.begin_copy(target, boot, self.resource, Edge::Began);
        true
    }
}

impl World {
    pub(in crate::world) fn set_ailment(
        &self,
        machine: Option<Machine>,
        resource: &str,
        op: AgentOp,
        ailment: Ailment,
    ) {
        let machines: Vec<Machine> = machine.map_or_else(|| self.machines().collect(), |machine| vec![machine]);
        let codes: Vec<(Machine, i32)> = machines
            .into_iter()
            .map(|machine| (machine, Run { world: self, machine, resource, process: None }.status()))
            .collect();
        let mut agents = lock(&self.agents);
        for (machine, code) in codes {
            let key = (machine, resource.to_owned());
            if let Ailment::Stale(span) = ailment {
                let until = now().saturating_add(Micros::millis(span.0).nanos());
                agents.stale.insert(key, Stale { code, until });
            } else if op == AgentOp::Monitor {
                agents.stale.remove(&key);
            }
        }
        agents.ailments.insert((machine, resource.to_owned(), op), ailment);
    }

    /// A resource on a machine ends by itself.
    pub fn resource_dies(&self, machine: Machine, resource: &str) {
        self.end_copy(machine, resource, Edge::Died);
    }

    /// A program of the caller's own has started a copy of a resource. Does nothing on a machine that is not up.
    pub fn copy_begins(&self, machine: Machine, resource: &str) {
        if let Some(boot) = self.boot_id(machine) {
            self.begin_copy(machine, boot, resource, Edge::Began);
        }
    }
}

const META_DATA: &str = r#"<?xml version="1.0"?>
<resource-agent name="simulated" version="1.0">
<version>1.1</version>
<longdesc lang="en">A resource of the simulator.</longdesc>
<shortdesc lang="en">simulated</shortdesc>
<parameters/>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="promote" timeout="20s"/>
<action name="demote" timeout="20s"/>
<action name="notify" timeout="20s"/>
<action name="migrate_to" timeout="60s"/>
<action name="migrate_from" timeout="60s"/>
<action name="meta-data" timeout="5s"/>
<action name="validate-all" timeout="20s"/>
</actions>
</resource-agent>
"#;
