//! Programs that run: their signals, their deadlines, their ends.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use haven_env::{BoxFuture, Ended, GroupState, Guard, OUTPUT_MAX, Program, RunReport};

use super::{Call, Output};
use crate::exec::{self, Machine, Owner, Sleep, lock, spawn_on};
use crate::world::World;
use crate::world::config::Cgroups;
use crate::world::env::Life;
use crate::world::ledger::Edge;
use crate::world::trace::What;

const TERM: i32 = 15;
const KILL: i32 = 9;

/// How long the killer waits for what was killed.
const MOMENT: Duration = Duration::from_millis(100);

/// One program that runs.
pub(in crate::world) struct Process {
    pub(in crate::world) group: Option<String>,
    args: Vec<String>,
    state: Mutex<State>,
}

struct State {
    mood: Mood,
    signal: Option<i32>,
    /// Who runs the program.
    task: Option<Waker>,
    /// Who waits for its end.
    waiting: Vec<Waker>,
    ended: Option<Finish>,
}

/// What a program does about signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// It ends.
    Obeys,
    /// It ends at KILL only.
    IgnoresTerm,
    /// It waits in the kernel and ends when that lets it go.
    Uninterruptible,
}

#[derive(Clone)]
struct Finish {
    ended: Ended,
    stdout: String,
    stderr: String,
}

impl Finish {
    fn silent(ended: Ended) -> Self {
        Self { ended, stdout: String::new(), stderr: String::new() }
    }
}

impl Process {
    fn new(group: Option<String>, args: Vec<String>) -> Arc<Self> {
        let state = State { mood: Mood::Obeys, signal: None, task: None, waiting: Vec::new(), ended: None };
        Arc::new(Self { group, args, state: Mutex::new(state) })
    }

    pub(super) fn set_mood(&self, mood: Mood) {
        lock(&self.state).mood = mood;
    }

    fn signal(&self, signal: i32) {
        let mut state = lock(&self.state);
        // KILL is not taken back by a TERM that comes later.
        state.signal = Some(state.signal.map_or(signal, |before| before.min(signal)));
        if let Some(task) = state.task.take() {
            task.wake();
        }
    }

    /// The signal that ends it now; keeps `cx` for those to come.
    fn deadly(&self, cx: &Context) -> Option<i32> {
        let mut state = lock(&self.state);
        state.task = Some(cx.waker().clone());
        let signal = state.signal?;
        let deadly = match state.mood {
            Mood::Obeys => true,
            Mood::IgnoresTerm => signal == KILL,
            Mood::Uninterruptible => false,
        };
        deadly.then_some(signal)
    }

    fn finish(&self, finish: Finish) {
        let mut state = lock(&self.state);
        state.ended = Some(finish);
        std::mem::take(&mut state.waiting).into_iter().for_each(Waker::wake);
    }

    /// Waits for its end, at most until `limit` ends.
    async fn ended_before(&self, limit: Duration) -> Option<Finish> {
        let mut limit = exec::sleep(limit);
        poll_fn(|cx| {
            let mut state = lock(&self.state);
            if let Some(finish) = &state.ended {
                return Poll::Ready(Some(finish.clone()));
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            drop(state);
            Pin::new(&mut limit).poll(cx).map(|()| None)
        })
        .await
    }
}

/// Runs `body` until it ends, is killed, or the kernel's own timer ends it.
async fn obey_signals(process: Arc<Process>, body: BoxFuture<'static, Output>, mut timer: Option<Sleep>) -> Finish {
    let (mut body, mut expired) = (body, false);
    let ended = poll_fn(|cx| {
        if timer.as_mut().is_some_and(|kernel| Pin::new(kernel).poll(cx).is_ready()) {
            timer = None;
            expired = true;
            process.signal(KILL);
        }
        if let Some(signal) = process.deadly(cx) {
            return Poll::Ready(Err(signal));
        }
        body.as_mut().poll(cx).map(Ok)
    })
    .await;
    // Dropped while the program still counts as running.
    drop(body);
    match ended {
        Ok(Output { code, stdout, stderr }) => Finish { ended: Ended::Exited(code), stdout, stderr },
        Err(_) if expired => Finish::silent(Ended::TimedOut),
        Err(signal) => Finish::silent(Ended::Signalled(signal)),
    }
}

fn bounded(text: String) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    bytes.truncate(OUTPUT_MAX);
    bytes
}

impl World {
    /// Runs a program for a daemon, which enforces its deadline while it lives and runs.
    pub(super) async fn run_program(self: Arc<Self>, life: &Life, program: Program) -> RunReport {
        let (machine, group) = (life.machine, program.group.clone());
        let (deadline, grace) = (Duration::from_millis(program.deadline.0), Duration::from_millis(program.grace.0));
        let path = program.path.clone();
        self.freeze_before(machine, &path).await;
        let nothing = |ended| RunReport { ended, stdout: Vec::new(), stderr: Vec::new(), group: GroupState::Empty };
        // The new process looks at the clock itself, last of all.
        if program.latest.is_some_and(|latest| exec::monotonic(machine) > latest) {
            return nothing(Ended::TooLate);
        }
        let Some(process) = self.spawn_program(life, program) else {
            return nothing(Ended::NotStarted(format!("{path}: no such program")));
        };
        // A daemon that was frozen finds an answer that came in time, however late it looks.
        let mut finish = process.ended_before(deadline).await;
        let in_time = finish.is_some();
        if finish.is_none() {
            process.signal(TERM);
            finish = process.ended_before(grace).await;
        }
        if finish.is_none() {
            process.signal(KILL);
            self.signal_group(machine, group.as_deref(), KILL);
            finish = process.ended_before(MOMENT).await;
        }
        let finish = finish.unwrap_or_else(|| Finish::silent(Ended::TimedOut));
        let ended = match finish.ended {
            Ended::Signalled(_) if !in_time => Ended::TimedOut,
            Ended::Exited(_) | Ended::Signalled(_) | Ended::TimedOut | Ended::NotStarted(_) | Ended::TooLate => {
                finish.ended
            }
        };
        let state = self.group_state(machine, group.as_deref());
        RunReport { ended, stdout: bounded(finish.stdout), stderr: bounded(finish.stderr), group: state }
    }

    /// Starts a program on the machine of `life`; `None` if there is no such program.
    fn spawn_program(self: &Arc<Self>, life: &Life, program: Program) -> Option<Arc<Process>> {
        let machine = life.machine;
        let kernel = (program.guard == Guard::Kernel).then_some(Duration::from_millis(program.deadline.0));
        let pid = self.with(machine, |state| {
            state.last_pid += 1;
            state.last_pid
        })?;
        let process = Process::new(program.group.clone(), program.args.clone());
        if let Some(group) = program.group.as_deref().filter(|_| program.args.iter().any(|arg| arg == "start")) {
            self.start_begins(machine, group.split(':').next().unwrap_or(group));
        }
        for arg in program.args.iter().chain(program.env.values()) {
            self.expose(arg.as_bytes(), || format!("the arguments of {} on {}", program.path, self.shown(machine)));
        }
        let shown = What::Began {
            machine,
            pid,
            path: &program.path,
            args: &program.args,
            group: program.group.as_deref().unwrap_or(""),
        };
        self.trace.add(shown);
        let call = Call { world: self.clone(), machine, boot: life.boot, begun: exec::now(), program };
        let body = self.program(&process, call)?;
        self.with(machine, |state| state.processes.insert(pid, process.clone()));
        let (me, child) = (self.me.clone(), process.clone());
        spawn_on(Owner::Machine(machine), async move {
            let finish = obey_signals(child.clone(), body, kernel.map(exec::sleep)).await;
            if let Some(world) = me.upgrade() {
                world.program_ended(machine, pid, &finish.ended);
            }
            child.finish(finish);
        });
        Some(process)
    }

    fn program_ended(&self, machine: Machine, pid: u64, ended: &Ended) {
        self.with(machine, |state| state.processes.remove(&pid));
        let (how, code) = match ended {
            Ended::Exited(code) => ("exits", *code),
            Ended::Signalled(signal) => ("is killed by", *signal),
            Ended::TimedOut => ("times out", 0),
            Ended::NotStarted(_) | Ended::TooLate => ("does not start", 0),
        };
        self.trace.add(What::Ended { machine, pid, how, code });
    }

    /// Whether a program that starts or stops a resource is under way.
    pub(in crate::world) fn is_acting(&self, machine: Machine) -> bool {
        let acts = |process: &Arc<Process>| {
            process.group.is_some() && process.args.iter().any(|arg| arg == "start" || arg == "stop")
        };
        self.with(machine, |state| state.processes.values().any(acts)).unwrap_or(false)
    }

    fn in_group(&self, machine: Machine, group: Option<&str>) -> Vec<Arc<Process>> {
        let of_group = |process: &&Arc<Process>| process.group.as_deref() == group;
        self.with(machine, |state| state.processes.values().filter(of_group).cloned().collect()).unwrap_or_default()
    }

    fn signal_group(&self, machine: Machine, group: Option<&str>, signal: i32) {
        if group.is_some() && self.cgroups(machine) == Cgroups::Available {
            self.in_group(machine, group).iter().for_each(|process| process.signal(signal));
        }
    }

    /// Kills what runs in the daemon's own cgroup, as the service manager does when the daemon has died.
    pub(in crate::world) fn kill_ungrouped(&self, machine: Machine) {
        self.in_group(machine, None).iter().for_each(|process| process.signal(KILL));
    }

    fn group_state(&self, machine: Machine, group: Option<&str>) -> GroupState {
        match (group, self.cgroups(machine)) {
            (None, _) => GroupState::Empty,
            (Some(_), Cgroups::Missing) => GroupState::Unknown,
            (Some(name), Cgroups::Available)
                if self.in_group(machine, group).is_empty() && self.services_in(machine, name).is_empty() =>
            {
                GroupState::Empty
            }
            (Some(_), Cgroups::Available) => GroupState::Lingering,
        }
    }

    /// The resources whose processes are in a cgroup: they were started there.
    fn services_in(&self, machine: Machine, group: &str) -> Vec<String> {
        let services = self.with(machine, |state| {
            let of_group = state.services.iter().filter(|(_, place)| *place == group);
            of_group.map(|(resource, _)| resource.clone()).collect()
        });
        services.unwrap_or_default()
    }

    pub(super) async fn kill_group(&self, machine: Machine, group: &str) -> GroupState {
        self.signal_group(machine, Some(group), KILL);
        for resource in self.services_in(machine, group) {
            self.end_copy(machine, &resource, Edge::Died);
        }
        for process in self.in_group(machine, Some(group)) {
            process.ended_before(MOMENT).await;
        }
        self.group_state(machine, Some(group))
    }
}
