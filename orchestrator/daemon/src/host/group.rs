//! Control groups: which processes belong to which action, whoever their parent is by now.
//!
//! For: a cgroup per action, below a folder that outlives the daemon, so that a later life finds what an earlier one
//! left [S-5].
//! Never: a controller or a limit; only membership is used, so it works beside any other manager of cgroups.
//! Source: the kernel's "Control Group v2", `cgroup.events`, `cgroup.kill`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use haven_env::{GroupState, HostError};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// Longest name of a cgroup that is accepted; the file system allows 255 bytes.
const NAME_MAX: usize = 200;
/// Wait between two looks at a cgroup that is about to be empty.
const LOOK: Duration = Duration::from_millis(5);
/// How long processes are given to end after KILL. Only one that waits in the kernel takes longer.
pub(super) const KILL_WAIT: Duration = Duration::from_secs(1);
/// How deep programs nest cgroups of their own below their action's.
pub(super) const DEPTH_MAX: u32 = 8;

/// The cgroups of one node's actions.
#[derive(Debug)]
pub(super) struct Cgroups {
    base: PathBuf,
    /// Runs per cgroup that have been given one and have not ended: their folders stay, also before the launcher has
    /// moved itself there.
    in_use: Mutex<BTreeMap<String, usize>>,
}

/// Whether `name` can be a cgroup's.
pub(super) fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.len() <= NAME_MAX
        && name.chars().all(inner)
        // The kernel's own files begin so.
        && !name.starts_with("cgroup.")
}

impl Cgroups {
    /// Makes the folder `haven/node` where cgroup v2 is mounted; where that is not permitted, below this process's own
    /// cgroup, which a user's service manager may have given away. Errors: there is no cgroup v2, or this process may
    /// make folders in neither.
    pub(super) fn open(node: &str) -> Result<Self, HostError> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|e| HostError::Failed(e.to_string()))?;
        let Some(root) = mounted(&mounts) else {
            return Err(HostError::Unsupported("cgroup v2 is not mounted".to_owned()));
        };
        let own = own(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default());
        let base = root.join("haven").join(node);
        let first = match usable(&base) {
            Ok(()) => return Ok(Self { base, in_use: Mutex::default() }),
            Err(error) => error,
        };
        let below = own.map(|own| root.join(own).join("haven").join(node)).filter(|below| usable(below).is_ok());
        match below {
            Some(base) => Ok(Self { base, in_use: Mutex::default() }),
            None => Err(HostError::Unsupported(format!(
                "cannot make cgroup {}: {first}; run the daemon as root",
                base.display()
            ))),
        }
    }

    fn path(&self, group: &str) -> PathBuf {
        self.base.join(group)
    }

    fn in_use(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the cgroup for a run and returns its folder, which stays until [`Cgroups::ended`]. One that exists is
    /// used as it is.
    pub(super) fn make(&self, group: &str) -> io::Result<PathBuf> {
        let path = self.path(group);
        // Under the lock, or another run that ends could remove it in between.
        let mut in_use = self.in_use();
        // The folder above goes with the last life that had nothing left in it.
        fs::create_dir_all(&path)?;
        *in_use.entry(group.to_owned()).or_default() += 1;
        Ok(path)
    }

    /// A run for which the cgroup was made has ended.
    pub(super) fn ended(&self, group: &str) {
        let mut in_use = self.in_use();
        if let Some(runs) = in_use.get_mut(group) {
            *runs = runs.saturating_sub(1);
            if *runs == 0 {
                in_use.remove(group);
            }
        }
    }

    /// Whether the cgroup, or one below it, has a process.
    pub(super) fn state(&self, group: &str) -> GroupState {
        match fs::read_to_string(self.path(group).join("cgroup.events")) {
            Ok(text) if text.lines().any(|line| line == "populated 0") => GroupState::Empty,
            Ok(_) => GroupState::Lingering,
            Err(error) if error.kind() == io::ErrorKind::NotFound => GroupState::Empty,
            // Its folder was removed while it was read, which only works when it is empty.
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => GroupState::Empty,
            Err(_) => GroupState::Unknown,
        }
    }

    /// The cgroups with processes, sorted. Folders of empty ones are removed.
    pub(super) fn populated(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.base) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            result => result?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type()?.is_dir() {
                continue;
            }
            match self.state(&name) {
                GroupState::Empty => self.remove(&name),
                GroupState::Lingering | GroupState::Unknown => found.push(name),
            }
        }
        found.sort();
        Ok(found)
    }

    /// Asks every process of the cgroup to end.
    pub(super) fn terminate(&self, group: &str) {
        signal_all(&self.path(group), Signal::TERM, DEPTH_MAX);
    }

    /// Ends every process of the cgroup and of those below it.
    pub(super) fn kill(&self, group: &str) {
        kill(&self.path(group));
    }

    /// Ends everything of this node.
    pub(super) fn kill_all(&self) {
        kill(&self.base);
    }

    /// Waits until the cgroup is empty, at most `span`.
    pub(super) async fn emptied(&self, group: &str, span: Duration) -> GroupState {
        let until = Instant::now() + span;
        loop {
            let state = self.state(group);
            if state != GroupState::Lingering || Instant::now() >= until {
                return state;
            }
            sleep(LOOK).await;
        }
    }

    /// Removes the folder of an empty cgroup that no run has; does nothing to another.
    pub(super) fn remove(&self, group: &str) {
        let in_use = self.in_use();
        if in_use.contains_key(group) {
            return;
        }
        remove(&self.path(group), DEPTH_MAX);
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        // Fails while something is left in it, which a next life must find.
        let _ = fs::remove_dir(&self.base);
    }
}

/// Where cgroup v2 is mounted, from the text of `/proc/self/mountinfo`. It is alone on most machines and beside the
/// controllers of version 1 on some.
fn mounted(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        if after.split(' ').next()? != "cgroup2" {
            return None;
        }
        Some(PathBuf::from(before.split(' ').nth(4)?.replace("\\040", " ")))
    })
}

/// This process's own cgroup, from the text of `/proc/self/cgroup`, relative to the mount.
fn own(cgroups: &str) -> Option<PathBuf> {
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    (!path.is_empty() && !path.contains("..")).then(|| PathBuf::from(path))
}

/// Makes the folder, and finds out whether a process may be moved into one below it.
fn usable(base: &Path) -> io::Result<()> {
    fs::create_dir_all(base)?;
    fs::OpenOptions::new().write(true).open(base.join("cgroup.procs")).map(|_| ())
}

/// Ends every process in the cgroup at `path`, by one write where the kernel can do that.
pub(super) fn kill(path: &Path) {
    if fs::write(path.join("cgroup.kill"), "1").is_err() {
        // Before Linux 5.14. A process may fork while it is done, hence more than once.
        for _ in 0..10 {
            signal_all(path, Signal::KILL, DEPTH_MAX);
        }
    }
}

/// Sends `signal` to every process in the cgroup at `path` except this one.
pub(super) fn signal_all(path: &Path, signal: Signal, depth: u32) {
    let me = rustix::process::getpid();
    let text = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    for pid in text.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw) {
        if pid != me {
            // It may have ended since, which is what was wanted.
            let _ = kill_process(pid, signal);
        }
    }
    if depth > 0 {
        below(path).for_each(|inner| signal_all(&inner, signal, depth - 1));
    }
}

fn remove(path: &Path, depth: u32) {
    if depth > 0 {
        below(path).for_each(|inner| remove(&inner, depth - 1));
    }
    let _ = fs::remove_dir(path);
}

fn below(path: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_is_found_alone_and_beside_version_1() {
        let hybrid = "37 31 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
                      38 31 0:38 / /sys/fs/cgroup/unified rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(mounted(hybrid), Some(PathBuf::from("/sys/fs/cgroup/unified")));
        let alone = "26 25 0:22 / /sys/fs/cgroup rw shared:4 master:3 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(mounted(alone), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(mounted("26 25 0:22 / /proc rw - proc proc rw\n"), None);
    }

    #[test]
    fn the_own_cgroup_is_the_one_of_version_2() {
        let hybrid = "4:memory:/x\n0::/user.slice/user-1000.slice\n";
        assert_eq!(own(hybrid), Some(PathBuf::from("user.slice/user-1000.slice")));
        assert_eq!((own("0::/\n"), own("0::/../x\n"), own("4:memory:/x\n")), (None, None, None));
    }

    #[test]
    fn an_empty_folder_stays_as_long_as_a_run_has_it() {
        let base = std::env::temp_dir().join(format!("haven-group-{}", std::process::id()));
        let groups = Cgroups { base: base.clone(), in_use: Mutex::default() };
        let path = groups.make("1.1").unwrap();
        groups.make("1.1").unwrap();
        // The launcher has not moved itself there yet, and another action looks what is left.
        assert_eq!(groups.populated().unwrap(), Vec::<String>::new());
        assert!(path.exists());
        groups.ended("1.1");
        groups.remove("1.1");
        assert!(path.exists(), "the second run still has it");
        groups.ended("1.1");
        assert_eq!(groups.populated().unwrap(), Vec::<String>::new());
        assert!(!path.exists());
        drop(groups);
        assert!(!base.exists());
    }

    #[test]
    fn a_name_that_could_leave_the_folder_is_none() {
        for good in ["12.3", "fence.bmc3.m3.off", "a:b_c-d"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "cgroup.kill", "-x", &"x".repeat(201)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
