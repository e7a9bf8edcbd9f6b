//! The launcher: what runs between the daemon and a program.
//!
//! For: putting a program into its own session and its action's cgroup, with the scheduling, the out-of-memory score
//! and the signal mask of an ordinary process, without code between `fork` and `exec` in a daemon with threads. The
//! one program `haven` acts as the launcher when it is called [`NAME`].
//! For programs that switch power it stays and watches: it ends the whole cgroup at the deadline, however frozen or
//! dead the daemon is. The program itself is ended by a kernel timer of its own a grace later, and by the kernel at
//! once if the launcher dies. Only what such a program started and left behind, with the launcher frozen as well,
//! could live longer [S-11].
//! Never: a secret in its arguments; the environment and standard input pass through.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal as NixSignal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process, kill_process_group, pidfd_open,
    set_parent_process_death_signal, setpriority_process, setsid,
};
use rustix::time::{ClockId, clock_gettime};

use super::{group, sys};

/// The name under which `haven` acts as the launcher.
pub const NAME: &str = "haven-launch";
/// The code with which it ends if the program could not be started; the reason is on standard error.
pub(super) const NOT_STARTED: i32 = 120;
/// How much too late the kernel's timer may ring.
const ALARM_ERROR: Duration = Duration::from_millis(20);
/// How the reason begins.
pub(super) const PREFIX: &str = "haven-launch: ";

/// What the launcher does besides starting the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It becomes the program.
    Plain,
    /// It stays, and ends the program's cgroup at the deadline.
    Watch,
    /// It sets the kernel's timer and becomes the program, below a launcher with this process id that watches.
    Alarm(i32),
}

/// What the launcher is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) mode: Mode,
    /// Folder of the cgroup.
    pub(super) group: Option<PathBuf>,
    /// When the program is asked to end, since boot.
    pub(super) until: Duration,
    pub(super) grace: Duration,
    /// When it must have begun, since boot.
    pub(super) latest: Duration,
}

impl Order {
    /// The arguments that say all this; the program and its own arguments follow.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mode = match self.mode {
            Mode::Plain => "plain".to_owned(),
            Mode::Watch => "watch".to_owned(),
            Mode::Alarm(parent) => format!("alarm:{parent}"),
        };
        let group = self.group.as_ref().map_or_else(|| OsString::from("-"), |group| group.clone().into_os_string());
        let millis = |span: Duration| OsString::from(span.as_millis().to_string());
        vec![mode.into(), group, millis(self.until), millis(self.grace), millis(self.latest)]
    }

    fn read(words: &mut impl Iterator<Item = OsString>) -> Option<Self> {
        let mode = words.next()?.into_string().ok()?;
        let mode = match mode.split_once(':') {
            None if mode == "plain" => Mode::Plain,
            None if mode == "watch" => Mode::Watch,
            Some(("alarm", parent)) => Mode::Alarm(parent.parse().ok()?),
            Some(_) | None => return None,
        };
        let group = words.next()?;
        let mut millis = || Some(Duration::from_millis(words.next()?.to_str()?.parse().ok()?));
        let (until, grace, latest) = (millis()?, millis()?, millis()?);
        let group = (group != OsStr::new("-")).then(|| PathBuf::from(group));
        Some(Self { mode, group, until, grace, latest })
    }
}

/// Acts as the launcher, with the arguments after the launcher's own name. Returns only if the program could not be
/// started, or was watched to its end, with the code to end with.
pub fn main(arguments: impl Iterator<Item = OsString>) -> i32 {
    let mut words = arguments;
    let (Some(order), Some(program)) = (Order::read(&mut words), words.next()) else {
        return refuse("it is haven's own helper and takes its orders from the daemon");
    };
    let arguments: Vec<OsString> = words.collect();
    let shown = program.to_string_lossy().into_owned();
    let result = match order.mode {
        Mode::Plain => ready(&order).and_then(|()| in_time(&order)).map(|()| become_program(&program, &arguments)),
        Mode::Alarm(parent) => armed(&order, parent).map(|()| become_program(&program, &arguments)),
        Mode::Watch => ready(&order).and_then(|()| watch(&order, &program, &arguments)),
    };
    match result {
        Ok(code) => code,
        Err(error) => refuse(&format!("cannot start {shown}: {error}")),
    }
}

fn refuse(what: &str) -> i32 {
    let _ = writeln!(io::stderr(), "{PREFIX}{what}");
    NOT_STARTED
}

/// Leaves everything of the daemon behind.
fn ready(order: &Order) -> io::Result<()> {
    // Fails only for the leader of a group, which has left the daemon's session already.
    let _ = setsid();
    if let Some(group) = &order.group {
        fs::write(group.join("cgroup.procs"), "0")?;
    }
    ordinary();
    Ok(())
}

/// Makes this process an ordinary one, whatever the daemon that started it has taken for itself.
pub(crate) fn ordinary() {
    // Each of these fails only where the daemon could not have changed it either.
    let _ = sys::ordinary_scheduling();
    let _ = setpriority_process(None, 0);
    let _ = fs::write("/proc/self/oom_score_adj", "0");
}

/// What the launcher says of a program that it did not begin because its time had passed.
pub(super) const TOO_LATE: &str = "it is too late to begin";

/// Refuses what is too late. Before this, no time is lost that is not noticed here.
fn in_time(order: &Order) -> io::Result<()> {
    if now() > order.latest.min(order.until) { Err(io::Error::other(TOO_LATE)) } else { Ok(()) }
}

/// Time since boot, suspend included.
pub(super) fn now() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
}

fn armed(order: &Order, parent: i32) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(parent) {
        return Err(io::Error::other("its launcher has ended"));
    }
    let end = order.until + order.grace;
    loop {
        let left = end.saturating_sub(now());
        sys::alarm_after(left)?;
        // Had this process stood still before the timer was set, it would ring that much too late.
        if left.saturating_sub(end.saturating_sub(now())) <= ALARM_ERROR {
            break;
        }
    }
    // From here on, a process that stands still finds the timer has rung, and ends before it does anything.
    in_time(order)
}

/// Becomes the program; if that fails, says why and returns the code.
fn become_program(program: &OsStr, arguments: &[OsString]) -> i32 {
    let error = Command::new(program).args(arguments).exec();
    refuse(&format!("cannot start {}: {error}", program.to_string_lossy()))
}

fn watch(order: &Order, program: &OsStr, arguments: &[OsString]) -> io::Result<i32> {
    // Asking the whole cgroup to end must not end the one who counts the grace. Children get an empty mask.
    let term = SigSet::from(NixSignal::SIGTERM);
    term.thread_block()?;
    in_time(order)?;
    let inner = Order { mode: Mode::Alarm(getpid().as_raw_nonzero().get()), ..order.clone() };
    let mut child =
        Command::new("/proc/self/exe").arg0(NAME).args(inner.arguments()).arg(program).args(arguments).spawn()?;
    let handle = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let handle = handle.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    if let Some(status) = ended_by(&mut child, handle.as_ref(), order.until)? {
        return Ok(mirror(status, &term));
    }
    each(order.group.as_deref(), Signal::TERM);
    let status = ended_by(&mut child, handle.as_ref(), now() + order.grace)?;
    // What the program started may not have ended with it. This ends the launcher, too.
    each(order.group.as_deref(), Signal::KILL);
    match status {
        Some(status) => Ok(mirror(status, &term)),
        None => Ok(child.wait().map_or(NOT_STARTED, |status| mirror(status, &term))),
    }
}

fn each(group: Option<&Path>, signal: Signal) {
    match group {
        Some(path) if signal == Signal::KILL => group::kill(path),
        Some(path) => group::signal_all(path, signal, group::DEPTH_MAX),
        // Without a cgroup at least the session's own group; the launcher leads it.
        None => {
            let _ = kill_process_group(getpid(), signal);
        }
    }
}

fn ended_by(child: &mut Child, handle: Option<&OwnedFd>, until: Duration) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let left = until.saturating_sub(now());
        if left.is_zero() {
            return Ok(None);
        }
        // Without a handle, before Linux 5.3, the child is looked at now and then.
        let wait = if handle.is_some() { left } else { left.min(Duration::from_millis(10)) };
        let mut polled: Vec<PollFd> = handle.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let wait = Timespec::try_from(wait).map_err(io::Error::other)?;
        match poll(&mut polled, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Ends as the program ended, so that the daemon sees its status.
fn mirror(status: ExitStatus, blocked: &SigSet) -> i32 {
    if let Some(code) = status.code() {
        return code;
    }
    let signal = status.signal().unwrap_or(0);
    let _ = blocked.thread_unblock();
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = kill_process(getpid(), signal);
    }
    128 + signal
}
