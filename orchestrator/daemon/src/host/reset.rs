//! Ending this boot at once, without syncing anything.
//!
//! Source: the kernel's "sysrq", reboot(2).

use std::fs::{File, OpenOptions};
use std::io::Write;

use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process, kill_process_group};
use rustix::system::{RebootCommand, reboot};

use super::group::Cgroups;

/// What a reset does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetMode {
    /// It resets the machine. Only for a daemon that owns its machine.
    Real,
    /// It ends the actions' cgroups and the daemon's process group, which is all of the machine that a node in a
    /// demo or in a namespace has. If the daemon does not lead its group, it ends alone. Without cgroups, programs
    /// that it started go on.
    Exit,
}

/// The way to end this boot, opened while everything still works.
#[derive(Debug)]
pub(super) struct Reset {
    mode: ResetMode,
    /// Opened at the start: at the time of need every file system may hang.
    trigger: Option<File>,
}

impl Reset {
    pub(super) fn open(mode: ResetMode) -> Self {
        let trigger = match mode {
            ResetMode::Real => OpenOptions::new().write(true).open("/proc/sysrq-trigger").ok(),
            ResetMode::Exit => None,
        };
        Self { mode, trigger }
    }

    /// Ends this boot. Returns never in effect: if the kernel refuses, the process ends without feeding the watchdog
    /// again.
    pub(super) fn now(&self, groups: Option<&Cgroups>) -> ! {
        match self.mode {
            ResetMode::Real => {
                if let Some(mut trigger) = self.trigger.as_ref() {
                    let _ = trigger.write_all(b"b");
                }
                let _ = reboot(RebootCommand::Restart);
            }
            ResetMode::Exit => {
                if let Some(groups) = groups {
                    groups.kill_all();
                }
                let me: Pid = getpid();
                if getpgrp() == me {
                    let _ = kill_process_group(me, Signal::KILL);
                }
                let _ = kill_process(me, Signal::KILL);
            }
        }
        std::process::abort()
    }
}
