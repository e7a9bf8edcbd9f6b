//! A pretended machine: the processes that carry one mark.
//!
//! For: `haven daemon --demo`, without root and without cgroups. The groups of actions are marks as well, which is
//! sound here and nowhere else: nothing but haven's own guest agent and fence program runs, and neither clears its
//! environment. So a stop is proof, and a later life finds what an earlier one left [S-5].
//! Never: any other program; a change of this machine's addresses, units or files.

use std::io;
use std::sync::Arc;

use haven_core::ids::BootId;
use haven_core::units::Millis;
use haven_env::{BoxFuture, Ended, GroupState, Host, HostError, Program, Reply, Request, RunReport, UnitVerb};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process};
use tracing::error;

use super::memory::Memory;
use super::run::{Runner, in_a_task, not_started};
use super::{HostSettings, blocking, files, group};
use crate::demo::{self, Mark};
use crate::telemetry;

/// The variable that marks the processes of one action: `MACHINE/GROUP`.
const GROUP: &str = "HAVEN_DEMO_GROUP";
/// The program that acts as agent, guest and fence program: this very one.
const SELF: &str = "/proc/self/exe";
/// How often the machine looks whether the demo that made it still runs.
const LOOK: std::time::Duration = std::time::Duration::from_millis(500);

/// A pretended machine.
#[derive(Debug)]
pub struct DemoHost {
    boot: BootId,
    machine: Mark,
    runner: Arc<Runner>,
    memory: Memory,
    faces: String,
}

impl DemoHost {
    /// The machine whose mark this process carries, in its boot `boot`. It ends when the process that started this one
    /// does. Errors: this process carries no mark, or the folder for its memory cannot be made.
    pub fn open(settings: HostSettings, boot: BootId) -> io::Result<Self> {
        let marked = |name: &str| std::env::var(name).map_err(|_| io::Error::other(format!("{name} is not set")));
        let mark = marked(demo::VARIABLE)?;
        let mut environment = settings.environment;
        for name in [demo::VARIABLE, demo::agent::ADDRESS] {
            environment.insert(name.to_owned(), marked(name)?);
        }
        let none = HostError::Unsupported("a pretended machine uses no cgroups".to_owned());
        let machine = Mark::machine(mark);
        end_with_parent(machine.clone())?;
        Ok(Self {
            boot,
            machine,
            runner: Arc::new(Runner { launcher: settings.launcher, groups: Err(none), environment }),
            memory: Memory::open(settings.runtime.join("memory"), boot)?,
            faces: settings.faces.to_string_lossy().into_owned(),
        })
    }

    fn group(&self, group: &str) -> Mark {
        Mark::named(GROUP, format!("{}/{group}", self.machine.value()))
    }
}

/// Nobody is left to pull the plug once the demo is gone, so the machine does it itself.
fn end_with_parent(machine: Mark) -> io::Result<()> {
    let parent: Option<Pid> = getppid();
    let watch = move || {
        while getppid() == parent {
            std::thread::sleep(LOOK);
        }
        end(&machine)
    };
    std::thread::Builder::new().name("demo-parent".to_owned()).spawn(watch).map(drop)
}

fn end(machine: &Mark) -> ! {
    if let Err(error) = machine.kill() {
        error!(%error, "a process of this pretended machine is left");
    }
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort()
}

/// What the demo runs in place of `program`; nothing for any other program.
fn stand_in(program: &Program) -> Option<Vec<String>> {
    let word = match program.path.as_str() {
        demo::AGENT_PATH => demo::AGENT_WORD,
        demo::FENCE_PATH => demo::FENCE_WORD,
        _ => return None,
    };
    Some([&[word.to_owned()], program.args.as_slice()].concat())
}

fn state(mark: &Mark) -> GroupState {
    match mark.lives() {
        Ok(false) => GroupState::Empty,
        Ok(true) => GroupState::Lingering,
        Err(_) => GroupState::Unknown,
    }
}

impl Host for DemoHost {
    fn boot_id(&self) -> BootId {
        self.boot
    }

    fn run(&self, mut program: Program) -> BoxFuture<'_, RunReport> {
        let Some(args) = stand_in(&program) else {
            let why = format!("the demo runs no {}", program.path);
            return Box::pin(std::future::ready(not_started(why)));
        };
        (program.path, program.args) = (SELF.to_owned(), args);
        let mark = program.group.take().filter(|name| group::is_name(name)).map(|name| self.group(&name));
        if let Some(mark) = &mark {
            program.env.insert(GROUP.to_owned(), mark.value().to_owned());
        }
        let runner = self.runner.clone();
        in_a_task(async move {
            let mut report = runner.run(program).await;
            if let Some(mark) = mark {
                if report.ended == Ended::TimedOut {
                    let _ = mark.kill();
                }
                report.group = state(&mark);
            }
            report
        })
    }

    fn has_program(&self, path: &str) -> bool {
        matches!(path, demo::AGENT_PATH | demo::FENCE_PATH)
    }

    fn faces(&self) -> String {
        self.faces.clone()
    }

    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        let refused = |what: &str| Err(HostError::Unsupported(format!("a pretended machine has no {what}")));
        Box::pin(async move {
            match request {
                Request::ReadFile { path } => blocking(move || files::read_file(&path)).await,
                Request::ReadFolder { path } => blocking(move || files::read_folder(&path)).await,
                Request::Addresses => Ok(Reply::Addresses(Vec::new())),
                Request::AddressAdd { .. }
                | Request::AddressRemove { .. }
                | Request::AddressProbe { .. }
                | Request::AddressAnnounce { .. }
                | Request::InterfaceFor { .. } => refused("address to move"),
                Request::Unit { verb: UnitVerb::Start | UnitVerb::Stop, .. } => refused("units to start or stop"),
                Request::Unit { verb: UnitVerb::Status | UnitVerb::IsEnabled, unit, .. } => {
                    Err(HostError::NotFound(unit))
                }
            }
        })
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(std::time::Duration::from_millis(span.0)))
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        let found = demo::marks(GROUP).map_err(|error| HostError::Failed(error.to_string()))?;
        let ours = format!("{}/", self.machine.value());
        let mut groups: Vec<String> =
            found.iter().filter_map(|value| value.strip_prefix(&ours)).map(str::to_owned).collect();
        groups.sort();
        groups.dedup();
        Ok(groups)
    }

    fn kill_group(&self, group: &str) -> BoxFuture<'_, GroupState> {
        let mark = self.group(group);
        Box::pin(async move {
            let _ = mark.kill();
            state(&mark)
        })
    }

    fn remember(&self, key: &str, value: &[u8]) {
        if let Err(error) = self.memory.remember(key, value) {
            error!(key, %error, "cannot remember a value until the next boot");
        }
    }

    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.memory.recall(key)
    }

    fn reset_now(&self, why: &str) {
        telemetry::say_at_once(&format!("this pretended boot ends now: {why}"));
        end(&self.machine)
    }
}
