//! Switching power and reading it, by `fence_*` programs and `ipmitool`.
//!
//! For: one device and one node at a time; levels, orders and proofs are decided elsewhere.
//! Never: `reboot` or `cycle`; a state concluded from a return code; a secret in arguments, `Debug` or a message [S7].
//! Every call is a program run of its own, hence a session of its own with the device [H-7]. What switches power is
//! ended by the kernel at its deadline, even if the daemon is frozen by then [S-11].
//!
//! One call per device at a time is best: many BMCs refuse a second session. A device's `delay` is the caller's to wait,
//! before the call.

mod agent;
mod cycle;
mod ipmitool;

use haven_core::event::{PowerState, TestResult};
use haven_core::ids::{DeviceId, NodeId};
use haven_core::plant::{self, Plant};
use haven_core::spec::{Device, not_power};
use haven_core::units::{Millis, Monotonic};
use haven_env::{BoxFuture, Ended, GroupState, Guard, Host, Program, RunReport, Secret, SecretError, Secrets};

use crate::detail::{bounded, without};
use crate::meta::{self, MetaData, MetaError};

pub use cycle::{CycleFault, CycleReport, SignOfLife, cycle};
pub(crate) use ipmitool::{NAME as IPMITOOL, path as ipmitool_path};

/// Share of a deadline that is left for KILL after TERM: a fifth, at most this.
const GRACE_MAX: Millis = Millis(500);
/// Longest wait for a fence program's description of itself.
const DESCRIBE: Millis = Millis::secs(10);

/// What is to be switched or read.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The device.
    pub device: &'a Device,
    /// The node whose power it is.
    pub node: &'a NodeId,
    /// Where the device's secrets are found.
    pub secrets: &'a dyn Secrets,
    /// Longest time for the whole call. A node with several outlets has that many runs, which share it equally.
    pub deadline: Millis,
    /// When an order must have begun to be sent, on this node's clock; reads have `None` [S-11].
    pub latest: Option<Monotonic>,
    /// Names the cgroup of the call's programs: calls under way at the same time have different ones, or the end of
    /// one would end the other.
    pub session: u64,
}

/// Why a device did not do, or did not say, what it was asked. None of them says anything about the power.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FenceTrouble {
    /// The program is not on this node.
    #[error("cannot use {device}: {program} is not installed on this node")]
    NotInstalled {
        /// The device.
        device: DeviceId,
        /// What is missing.
        program: String,
    },
    /// The device does not switch that node.
    #[error("cannot use {device} for {node}: it does not switch that node")]
    NotCovered {
        /// The device.
        device: DeviceId,
        /// The node.
        node: NodeId,
    },
    /// A parameter cannot be used; the text says which and why, never its value.
    #[error("cannot use {device}: {what}")]
    Parameter {
        /// The device.
        device: DeviceId,
        /// What is wrong.
        what: String,
    },
    /// A secret cannot be had.
    #[error("cannot use {device}")]
    Secret {
        /// The device.
        device: DeviceId,
        /// Why.
        #[source]
        cause: SecretError,
    },
    /// The program did not end in time and was ended.
    #[error("{device} did not {what} within {deadline}")]
    TimedOut {
        /// The device.
        device: DeviceId,
        /// What it was to do.
        what: &'static str,
        /// The time that it had.
        deadline: Millis,
    },
    /// The program ended otherwise than it should.
    #[error("{device} did not {what}: {how}")]
    Refused {
        /// The device.
        device: DeviceId,
        /// What it was to do.
        what: &'static str,
        /// How it ended and what it said, without secrets.
        how: String,
    },
    /// The program ended, but something that it started cannot be ended, and may still switch.
    #[error("{device}: what its program left behind cannot be ended and may still switch")]
    Lingering {
        /// The device.
        device: DeviceId,
    },
}

/// What a device is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Off,
    On,
    Status,
}

impl Action {
    /// The word that devices know.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Status => "status",
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Off => "switch off",
            Self::On => "switch on",
            Self::Status => "tell the power state",
        }
    }
}

/// A program for one run, and how to read a status from its report.
pub(crate) struct Run {
    pub(crate) program: Program,
    /// The secrets that its output must not repeat.
    pub(crate) secrets: Vec<Secret>,
}

/// Tells the device to switch the node off, every outlet of it. `Ok` says that the device took the order, and nothing
/// about the power: only [`power_state`] does. All outlets are tried; the first trouble is returned.
pub fn power_off<'a>(host: &'a dyn Host, target: &'a Target<'a>) -> BoxFuture<'a, Result<(), FenceTrouble>> {
    Box::pin(switch(host, target, Action::Off))
}

/// Tells the device to switch the node on, every outlet of it. As of [`power_off`], `Ok` proves nothing.
pub fn power_on<'a>(host: &'a dyn Host, target: &'a Target<'a>) -> BoxFuture<'a, Result<(), FenceTrouble>> {
    Box::pin(switch(host, target, Action::On))
}

/// Reads the node's power in a session of its own: `Off` only if every outlet says so.
pub fn power_state<'a>(host: &'a dyn Host, target: &'a Target<'a>) -> BoxFuture<'a, Result<PowerState, FenceTrouble>> {
    Box::pin(read(host, target))
}

/// For `fence test`: reach the device, log in, read the power state.
pub fn probe<'a>(host: &'a dyn Host, target: &'a Target<'a>) -> BoxFuture<'a, TestResult> {
    Box::pin(async move {
        match read(host, target).await {
            Ok(state) => TestResult::Passed(state),
            Err(trouble) => TestResult::Failed(shown(&trouble)),
        }
    })
}

/// What a person should know before choosing a program: it hands its secret on where other users of the machine can
/// read it. `None`: nothing is known against it.
pub fn caution(agent: &str) -> Option<&'static str> {
    const IPMI: [&str; 7] =
        ["fence_ipmilan", "fence_ipmilanplus", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_idrac", "fence_imm"];
    const SNMP: [&str; 9] = [
        "fence_apc_snmp",
        "fence_tripplite_snmp",
        "fence_eaton_snmp",
        "fence_emerson",
        "fence_eps_snmp",
        "fence_ibmblade",
        "fence_ifmib",
        "fence_cisco_mds",
        "fence_cisco_ucs_snmp",
    ];
    if IPMI.contains(&agent) {
        Some("it passes the password to ipmitool as an argument, which every local user can read: use agent ipmitool")
    } else if SNMP.contains(&agent) {
        Some("it passes the community or password to snmpget as an argument, which every local user can read")
    } else {
        None
    }
}

/// What a fence program says of itself. `ipmitool` says nothing.
pub fn meta_data<'a>(host: &'a dyn Host, agent: &'a str) -> BoxFuture<'a, Result<MetaData, MetaError>> {
    Box::pin(async move {
        match agent::path(agent) {
            Some(path) => {
                let mut program = agent::bare(&path, DESCRIBE);
                program.stdin = Secret::new("action=metadata\n");
                meta::ask(host, agent, program).await
            }
            None => Ok(MetaData::default()),
        }
    })
}

/// A trouble with its cause, as one line.
pub(crate) fn shown(trouble: &FenceTrouble) -> String {
    match std::error::Error::source(trouble) {
        Some(cause) => bounded(&format!("{trouble}: {cause}")),
        None => bounded(&trouble.to_string()),
    }
}

async fn switch(host: &dyn Host, target: &Target<'_>, action: Action) -> Result<(), FenceTrouble> {
    let mut first = Ok(());
    for run in runs(host, target, action)? {
        let result = one(host, target, action, run).await.map(|_| ());
        // The other supplies of the node are switched even if one outlet refuses: half off is closer than all on.
        first = first.and(result);
    }
    first
}

async fn read(host: &dyn Host, target: &Target<'_>) -> Result<PowerState, FenceTrouble> {
    let mut state = PowerState::Off;
    for run in runs(host, target, Action::Status)? {
        let secrets = run.secrets.clone();
        let report = one(host, target, Action::Status, run).await?;
        let one = if target.device.agent == ipmitool::NAME { ipmitool::state(&report) } else { agent::state(&report) };
        match one {
            Some(PowerState::Off) => {}
            Some(PowerState::On) => state = PowerState::On,
            None => return Err(refused(target, Action::Status, &report, &secrets)),
        }
    }
    Ok(state)
}

/// The program runs for an action, one per outlet.
fn runs(host: &dyn Host, target: &Target<'_>, action: Action) -> Result<Vec<Run>, FenceTrouble> {
    let device = target.device;
    let Some(outlets) = device.hosts.outlet(target.node) else {
        return Err(FenceTrouble::NotCovered { device: device.id.clone(), node: target.node.clone() });
    };
    let count = u64::try_from(outlets.len().max(1)).unwrap_or(u64::MAX);
    let share = Millis(target.deadline.0 / count);
    if let Some(what) = not_power(&device.agent) {
        return Err(bad(target, format!("{} switches no power but {what}", device.agent)));
    }
    let mut outlets: Vec<Option<&str>> = outlets.iter().map(|outlet| Some(outlet.as_str())).collect();
    if outlets.is_empty() {
        outlets.push(None);
    }
    let make = |(before, outlet): (u64, Option<&str>)| {
        let mut run = if device.agent == ipmitool::NAME {
            ipmitool::run(host, target, action, outlet)?
        } else {
            agent::run(host, target, action, outlet)?
        };
        let program = &mut run.program;
        program.grace = Millis(share.0 / 5).min(GRACE_MAX);
        program.deadline = share.minus(program.grace);
        // The outlets are switched one after the other, each within its share: the last one begins by as much later.
        program.latest = target.latest.map(|latest| latest + share.times(before));
        program.group = Some(format!("fence.{}.{}.{}.{}", device.id, target.node, action.word(), target.session));
        program.guard = match action {
            Action::Off | Action::On => Guard::Kernel,
            Action::Status => Guard::Daemon,
        };
        Ok(run)
    };
    (0..).zip(outlets).map(make).collect()
}

/// Runs one program to its end. For switching, code 0 is needed, and nothing may be left of it.
async fn one(host: &dyn Host, target: &Target<'_>, action: Action, run: Run) -> Result<RunReport, FenceTrouble> {
    let device = target.device.id.clone();
    let deadline = run.program.deadline + run.program.grace;
    let group = run.program.group.clone().unwrap_or_default();
    let report = host.run(run.program).await;
    if report.group == GroupState::Lingering && host.kill_group(&group).await == GroupState::Lingering {
        return Err(FenceTrouble::Lingering { device });
    }
    match (&report.ended, action) {
        (Ended::TimedOut, _) => Err(FenceTrouble::TimedOut { device, what: action.shown(), deadline }),
        (Ended::Exited(0), _) | (Ended::Exited(_), Action::Status) => Ok(report),
        (Ended::Exited(_) | Ended::Signalled(_) | Ended::NotStarted(_) | Ended::TooLate, _) => {
            Err(refused(target, action, &report, &run.secrets))
        }
    }
}

fn refused(target: &Target<'_>, action: Action, report: &RunReport, secrets: &[Secret]) -> FenceTrouble {
    let ended = match &report.ended {
        Ended::Exited(code) => format!("its program ended with code {code}"),
        Ended::Signalled(signal) => format!("its program was killed by signal {signal}"),
        Ended::TimedOut => "its program did not end".to_owned(),
        Ended::NotStarted(why) => why.clone(),
        Ended::TooLate => "it is too late to begin".to_owned(),
    };
    let text = [report.stderr.as_slice(), report.stdout.as_slice()].map(String::from_utf8_lossy);
    let said = text.iter().find_map(|text| telling(text));
    let how = match said {
        Some(line) if plant::on(Plant::RepeatsSecrets) => format!("{ended}: {}", line.trim()),
        Some(line) => format!("{ended}: {}", without(line.trim(), secrets.iter().map(Secret::reveal))),
        None => ended,
    };
    FenceTrouble::Refused { device: target.device.id.clone(), what: action.shown(), how: bounded(&how) }
}

/// The line that tells most: the first that names a failure, else the last, where Python puts its exception.
fn telling(text: &str) -> Option<&str> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let failure = lines.clone().find(|line| ["Failed", "Unable", "rror:"].iter().any(|word| line.contains(word)));
    failure.or_else(|| lines.next_back())
}

/// The device's secrets by name.
pub(crate) fn secrets_of(target: &Target<'_>) -> Result<Vec<(String, Secret)>, FenceTrouble> {
    let fetch = |(name, place): (&String, _)| match target.secrets.get(place) {
        Ok(secret) => Ok((name.clone(), secret)),
        Err(cause) => Err(FenceTrouble::Secret { device: target.device.id.clone(), cause }),
    };
    target.device.secrets.iter().map(fetch).collect()
}

/// A trouble about a parameter.
pub(crate) fn bad(target: &Target<'_>, what: String) -> FenceTrouble {
    FenceTrouble::Parameter { device: target.device.id.clone(), what }
}

#[cfg(test)]
mod tests;
