//! Labs whose test was killed before it could clean up.
//!
//! Never: a lab whose process lives, or anything that does not carry a lab's word.

use std::fs;
use std::path::Path;

use super::shell::{cgroup_mount, line};

/// How every lab's word begins; the process id of its test follows, then `x` and a number.
pub(super) const WORD: &str = "hl";
/// How every lab's folder begins; its word follows.
pub(super) const FOLDER: &str = "haven-lab-";

/// Whether `name` begins with the word of a lab whose process is gone.
fn is_abandoned(name: &str) -> bool {
    let pid = name.strip_prefix(WORD).and_then(|rest| rest.split_once('x')).map(|(pid, _)| pid);
    pid.is_some_and(|pid| {
        !pid.is_empty() && pid.chars().all(|c| c.is_ascii_digit()) && !Path::new("/proc").join(pid).exists()
    })
}

/// Ends and removes what such labs have left. What cannot be removed is left for the next one.
pub(super) fn abandoned() {
    if let Some(mount) = cgroup_mount() {
        for name in names(&mount).iter().filter(|name| is_abandoned(name)) {
            let _ = fs::write(mount.join(name).join("cgroup.kill"), "1");
            remove(&mount.join(name));
        }
    }
    for namespace in names(Path::new("/run/netns")).iter().filter(|name| is_abandoned(name)) {
        let _ = line(&format!("ip netns del {namespace}"));
    }
    let temporary = std::env::temp_dir();
    for name in names(&temporary) {
        if name.strip_prefix(FOLDER).is_some_and(is_abandoned) {
            unmount_below(&temporary.join(&name));
            let _ = fs::remove_dir_all(temporary.join(name));
        }
    }
}

/// Unmounts what a lab has mounted below its folder.
pub(super) fn unmount_below(folder: &Path) {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let places =
        mounts.lines().filter_map(|line| line.split(' ').nth(4)).filter(|at| Path::new(at).starts_with(folder));
    for place in places {
        let _ = super::shell::output("umount", &["-l", place]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Removes a cgroup and those below it.
pub(super) fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lab_whose_process_is_gone_is_abandoned() {
        let mine = std::process::id();
        for kept in [
            format!("hl{mine}x0"),
            format!("hl{mine}x0-m1"),
            "hlx0".to_owned(),
            "hlabcx1".to_owned(),
            "home".to_owned(),
        ] {
            assert!(!is_abandoned(&kept), "{kept}");
        }
        // Above the largest process id that Linux gives.
        assert!(is_abandoned("hl4194305x0") && is_abandoned("hl4194305x3-sw"));
    }
}
