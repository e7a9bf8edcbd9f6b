//! One machine as its agents see it: programs in cgroups, and requests.
//!
//! Programs are models chosen by path. They are tasks of their machine, not of the daemon that started them, so they
//! survive it, stand still with their machine, and end with its boot.

mod fence;
mod ocf;
mod process;
mod requests;

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;

use haven_core::ids::BootId;
use haven_core::units::Millis;
use haven_env::{BoxFuture, GroupState, Host, HostError, Program, Reply, Request, RunReport};

pub(super) use ocf::Agents;
pub(super) use process::Process;
pub(super) use requests::{Tables, own_address, without_prefix};

use super::World;
use super::config::Cgroups;
use super::env::Life;
use super::machine::MachineState;
use super::trace::What;
use crate::exec::TrueTime;
use crate::exec::{self, Machine};

/// What a simulated program gets.
pub struct Call {
    /// The world, for programs that change it.
    pub world: Arc<World>,
    /// Where it runs.
    pub machine: Machine,
    /// The boot in which it runs.
    pub boot: BootId,
    /// When it began, in nanoseconds of the world.
    pub begun: TrueTime,
    /// How it was called.
    pub program: Program,
}

/// What a simulated program leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Its exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained.
    pub stderr: String,
}

impl Output {
    /// `code`, and nothing printed.
    pub fn code(code: i32) -> Self {
        Self { code, ..Self::default() }
    }

    /// `code`, and `text` on standard output.
    pub fn printed(code: i32, text: impl Into<String>) -> Self {
        Self { code, stdout: text.into(), stderr: String::new() }
    }

    /// `code`, and `text` on standard error.
    pub fn complained(code: i32, text: impl Into<String>) -> Self {
        Self { code, stdout: String::new(), stderr: text.into() }
    }
}

/// A program of the caller's own, see [`World::install`].
pub trait SimProgram: Send + Sync {
    /// Runs it, as a task of the machine: [`exec::sleep`] goes by the machine's clock, and the future is dropped when
    /// the program is killed.
    fn run(&self, call: Call) -> BoxFuture<'static, Output>;
}

impl<F: Fn(Call) -> BoxFuture<'static, Output> + Send + Sync> SimProgram for F {
    fn run(&self, call: Call) -> BoxFuture<'static, Output> {
        self(call)
    }
}

/// The machine, for one daemon life.
#[derive(Debug)]
pub(super) struct SimHost(pub(super) Arc<Life>);

/// What a dead life waits for.
async fn never<T>() -> T {
    pending().await
}

impl Host for SimHost {
    fn boot_id(&self) -> BootId {
        self.0.boot
    }

    fn run(&self, program: Program) -> BoxFuture<'_, RunReport> {
        Box::pin(async move {
            let Some(world) = self.0.world() else { return never().await };
            world.run_program(&self.0, program).await
        })
    }

    fn has_program(&self, path: &str) -> bool {
        self.0.world().is_some_and(|world| world.knows_program(path))
    }

    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        Box::pin(async move {
            let Some(world) = self.0.world() else { return never().await };
            world.answer(self.0.machine, request).await
        })
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if self.0.world().is_none() {
                return never().await;
            }
            exec::sleep(std::time::Duration::from_millis(span.0)).await;
        })
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        let over = || HostError::Failed("this daemon life is over".into());
        let world = self.0.world().ok_or_else(over)?;
        if world.cgroups(self.0.machine) == Cgroups::Missing {
            return Err(HostError::Unsupported("its kernel has no cgroups".into()));
        }
        Ok(world.groups(self.0.machine))
    }

    fn kill_group(&self, group: &str) -> BoxFuture<'_, GroupState> {
        let group = group.to_owned();
        Box::pin(async move {
            let Some(world) = self.0.world() else { return never().await };
            world.kill_group(self.0.machine, &group).await
        })
    }

    fn remember(&self, key: &str, value: &[u8]) {
        if let Some(world) = self.0.world() {
            world.with(self.0.machine, |state| state.memory.insert(key.to_owned(), value.to_vec()));
        }
    }

    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.0.world()?.with(self.0.machine, |state| state.memory.get(key).cloned())?
    }

    fn reset_now(&self, why: &str) {
        if let Some(world) = self.0.world() {
            world.trace.add(What::Note { machine: self.0.machine, text: why });
            world.reset_because(self.0.machine, "resets itself");
        }
    }
}

impl World {
    pub(super) fn cgroups(&self, machine: Machine) -> Cgroups {
        let both = |state: &mut MachineState| match (state.config.cgroups, state.cgroups) {
            (Cgroups::Available, Cgroups::Available) => Cgroups::Available,
            (Cgroups::Missing, _) | (_, Cgroups::Missing) => Cgroups::Missing,
        };
        self.with(machine, both).unwrap_or(Cgroups::Missing)
    }

    /// Lets a machine use its cgroups from now on, or not.
    pub(super) fn lend_cgroups(&self, machine: Machine, cgroups: Cgroups) {
        self.with(machine, |state| state.cgroups = cgroups);
    }

    /// The cgroups of a machine that hold a program or a service, sorted.
    pub fn groups(&self, machine: Machine) -> Vec<String> {
        let groups = self.with(machine, |state| {
            let programs = state.processes.values().filter_map(|process| process.group.as_ref());
            let groups: BTreeSet<&String> = programs.chain(state.services.values()).collect();
            groups.into_iter().cloned().collect()
        });
        groups.unwrap_or_default()
    }

    fn knows_program(&self, path: &str) -> bool {
        exec::lock(&self.programs).contains_key(path) || ocf::is_agent(path) || fence::is_fence(path)
    }

    /// The model that stands behind a path.
    fn program(self: &Arc<Self>, process: &Arc<Process>, call: Call) -> Option<BoxFuture<'static, Output>> {
        let path = call.program.path.clone();
        let own = exec::lock(&self.programs).get(&path).cloned();
        if let Some(own) = own {
            return Some(own.run(call));
        }
        if ocf::is_agent(&path) {
            return Some(Box::pin(ocf::run(call, process.clone())));
        }
        fence::is_fence(&path).then(|| -> BoxFuture<'static, Output> { Box::pin(fence::run(call)) })
    }
}
