//! Running a program to its end or to its deadline.
//!
//! Never: a wait without a bound. A program that hangs, forks, floods its output, closes nothing or ignores TERM
//! costs its deadline, its grace, and a moment.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use haven_core::units::Millis;
use haven_env::{BoxFuture, Ended, GroupState, Guard, OUTPUT_MAX, Program, RunReport, Secret};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::group::{self, Cgroups, KILL_WAIT};
use super::launch::{self, Mode, Order};

/// How long output is waited for after the program has ended. What it printed is in the pipe by then; a pipe that
/// stays open belongs to a service that it started.
const AFTER_END: Duration = Duration::from_millis(50);
const CHUNK: usize = 8 * 1024;

/// What every run needs.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) launcher: PathBuf,
    /// `Err` says why there are none.
    pub(super) groups: Result<Cgroups, haven_env::HostError>,
    /// Environment that every program gets unless it sets its own.
    pub(super) environment: std::collections::BTreeMap<String, String>,
}

impl Runner {
    /// Runs `program`. Must be called on the runtime.
    pub(super) async fn run(&self, program: Program) -> RunReport {
        let began = Instant::now();
        let mut child = match self.start(&program) {
            Ok(child) => child,
            Err(why) => return not_started(why),
        };
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let writer = child.stdin.take().map(|stdin| feed(stdin, program.stdin.clone()));
        let out = child.stdout.take().map(Drain::start);
        let err = child.stderr.take().map(Drain::start);
        let deadline = span(program.deadline);
        let waited = match timeout(deadline, child.wait()).await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) | Err(_) => None,
        };
        let elapsed = began.elapsed();
        let group = program.group.as_deref();
        if waited.is_none() {
            self.end(&mut child, pid, group, span(program.grace)).await;
        }
        if let Some(writer) = writer {
            writer.abort();
        }
        let (stdout, stderr) = (Drain::taken(out).await, Drain::taken(err).await);
        let ended = waited.map_or(Ended::TimedOut, |status| ended(status, &stderr, elapsed, deadline));
        RunReport { ended, stdout, stderr, group: self.left(group) }
    }

    fn start(&self, program: &Program) -> Result<Child, String> {
        let group = self.give_group(program)?;
        let child = self.launch(program, group);
        if child.is_err() {
            self.left(program.group.as_deref());
        }
        child
    }

    /// The folder of the program's cgroup, which this run has from here on.
    fn give_group(&self, program: &Program) -> Result<Option<PathBuf>, String> {
        if !super::files::is_program(&program.path) {
            return Err(format!("{} is not a program here", program.path));
        }
        let group = match (&program.group, &self.groups) {
            (Some(name), _) if !group::is_name(name) => return Err(format!("`{name}` cannot name a cgroup")),
            (Some(name), Ok(groups)) => {
                Some(groups.make(name).map_err(|error| format!("cannot make cgroup {name}: {error}"))?)
            }
            (Some(_) | None, _) => None,
        };
        Ok(group)
    }

    fn launch(&self, program: &Program, group: Option<PathBuf>) -> Result<Child, String> {
        let mode = match program.guard {
            Guard::Daemon => Mode::Plain,
            Guard::Kernel => Mode::Watch,
        };
        let until = launch::now() + span(program.deadline);
        let latest = program.latest.map_or(until, |latest| Duration::from_micros(latest.as_micros()));
        let order = Order { mode, group, until, grace: span(program.grace), latest };
        let mut command = Command::new(&self.launcher);
        command.arg0(launch::NAME).args(order.arguments()).arg(&program.path).args(&program.args);
        command.env_clear().envs(&self.environment).envs(&program.env);
        for (name, secret) in &program.secret_env {
            let value = std::str::from_utf8(secret.reveal()).map_err(|_| format!("{name} is not text"))?;
            command.env(name, value);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir("/").kill_on_drop(false);
        command.spawn().map_err(|error| format!("cannot start the launcher: {error}"))
    }

    /// Asks everything that the program started to end, and ends it after `grace`.
    async fn end(&self, child: &mut Child, pid: Option<Pid>, group: Option<&str>, grace: Duration) {
        match (group, &self.groups) {
            (Some(group), Ok(groups)) => {
                groups.terminate(group);
                let _ = timeout(grace, child.wait()).await;
                groups.kill(group);
                groups.emptied(group, KILL_WAIT).await;
            }
            // The launcher made it the leader of a group of its own.
            (Some(_) | None, _) => {
                let signal = |signal| pid.map(|pid| kill_process_group(pid, signal));
                signal(Signal::TERM);
                let _ = timeout(grace, child.wait()).await;
                signal(Signal::KILL);
            }
        }
        let _ = timeout(KILL_WAIT, child.wait()).await;
    }

    fn left(&self, group: Option<&str>) -> GroupState {
        match (group, &self.groups) {
            (None, _) => GroupState::Empty,
            (Some(_), Err(_)) => GroupState::Unknown,
            (Some(group), Ok(groups)) => {
                groups.ended(group);
                let state = groups.state(group);
                if state == GroupState::Empty {
                    groups.remove(group);
                }
                state
            }
        }
    }
}

/// Runs a program in a task of its own, which begins now: its deadline is kept even if nobody waits for the answer any more.
pub(super) fn in_a_task(running: impl Future<Output = RunReport> + Send + 'static) -> BoxFuture<'static, RunReport> {
    let task = tokio::spawn(running);
    Box::pin(async move {
        task.await.unwrap_or_else(|_| RunReport {
            ended: Ended::TimedOut,
            stdout: Vec::new(),
            stderr: b"the daemon ended before the program".to_vec(),
            group: GroupState::Unknown,
        })
    })
}

pub(super) fn not_started(why: String) -> RunReport {
    RunReport { ended: Ended::NotStarted(why), stdout: Vec::new(), stderr: Vec::new(), group: GroupState::Empty }
}

fn span(span: Millis) -> Duration {
    Duration::from_millis(span.0)
}

/// `elapsed` tells the end of a launcher that killed its cgroup, and itself with it, from another KILL.
fn ended(status: ExitStatus, stderr: &[u8], elapsed: Duration, deadline: Duration) -> Ended {
    if let Some(code) = status.code() {
        if code == launch::NOT_STARTED && stderr.starts_with(launch::PREFIX.as_bytes()) {
            let why = String::from_utf8_lossy(stderr);
            let why = why.trim().strip_prefix(launch::PREFIX).unwrap_or_default().to_owned();
            return if why.ends_with(launch::TOO_LATE) { Ended::TooLate } else { Ended::NotStarted(why) };
        }
        return Ended::Exited(code);
    }
    let signal = status.signal().unwrap_or(0);
    let by_guard = signal == libc::SIGALRM || (signal == libc::SIGKILL && elapsed >= deadline);
    if by_guard { Ended::TimedOut } else { Ended::Signalled(signal) }
}

fn feed(mut stdin: ChildStdin, text: Secret) -> JoinHandle<()> {
    tokio::spawn(async move {
        // A program that reads nothing breaks the pipe, which is its own affair.
        let _ = stdin.write_all(text.reveal()).await;
        let _ = stdin.shutdown().await;
    })
}

/// Reads a stream to its end, and keeps the beginning.
struct Drain {
    kept: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    full: usize,
}

impl Drain {
    fn start(mut stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let kept = Arc::new(Mutex::new(Kept { bytes: Vec::new(), full: OUTPUT_MAX }));
        let shared = kept.clone();
        let task = tokio::spawn(async move {
            let mut chunk = vec![0; CHUNK];
            while let Ok(count @ 1..) = stream.read(&mut chunk).await {
                let mut kept = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let room = kept.full.saturating_sub(kept.bytes.len()).min(count);
                kept.bytes.extend_from_slice(chunk.get(..room).unwrap_or_default());
            }
        });
        Self { kept, task }
    }

    /// What came, after a moment for the rest. The stream is read on in the background: a service that was started
    /// with it open would otherwise block or be ended by its next line.
    async fn taken(drain: Option<Self>) -> Vec<u8> {
        let Some(mut drain) = drain else { return Vec::new() };
        let _ = timeout(AFTER_END, &mut drain.task).await;
        let mut kept = drain.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.full = 0;
        std::mem::take(&mut kept.bytes)
    }
}
