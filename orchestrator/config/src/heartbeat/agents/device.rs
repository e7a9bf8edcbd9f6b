//! What a `Filesystem` mounts, as one name however it is spelled.
//!
//! Never: one file system under two names, because two machines that mount an ext3 at the same time destroy it.
//! Source: mount(8) for the tags; the agent Filesystem of resource-agents 4.12 for `-U`, `-L`, `--uuid`, `--label`.

use super::Thing;

/// File systems whose server is elsewhere: any number of machines may mount them.
const NETWORK: [&str; 21] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "efs",
    "glusterfs",
    "lustre",
    "moosefs",
    "ncpfs",
    "nfs",
    "nfs4",
    "pvfs2",
    "rozofs",
    "smb3",
    "smbfs",
    "sshfs",
    "virtiofs",
    "wekafs",
];
/// File systems without a disk, whose device is a word that nobody reads.
const IN_MEMORY: [&str; 4] = ["overlay", "overlayfs", "ramfs", "tmpfs"];

/// Spellings of the tags by which mount finds a disk, with the name that a claim gives each.
const TAGS: [(&str, &str); 12] = [
    ("--uuid", "uuid"),
    ("-U", "uuid"),
    ("UUID=", "uuid"),
    ("/dev/disk/by-uuid/", "uuid"),
    ("--label", "label"),
    ("-L", "label"),
    ("LABEL=", "label"),
    ("/dev/disk/by-label/", "label"),
    ("PARTUUID=", "partuuid"),
    ("/dev/disk/by-partuuid/", "partuuid"),
    ("PARTLABEL=", "partlabel"),
    ("/dev/disk/by-partlabel/", "partlabel"),
];

/// Whether every machine has one of its own, or mounts what a server hands out to all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Device {
    /// Only one machine may mount it, and this is what it is called: `uuid 1`, `label data`, `device /dev/sdb1`.
    Disk(Thing),
    /// Any number of machines may.
    Shared,
}

/// What `Filesystem::text::directory::kind` mounts. `kind` is empty if the line names none.
pub(super) fn read(text: &str, kind: &str) -> Device {
    let kind = kind.strip_prefix("fuse.").unwrap_or(kind);
    if NETWORK.contains(&kind) || IN_MEMORY.contains(&kind) || is_on_a_server(text) {
        return Device::Shared;
    }
    let path = without_double_slashes(text);
    let tagged = TAGS.iter().find_map(|(spelling, tag)| Some((*tag, path.strip_prefix(spelling)?)));
    let Some((tag, rest)) = tagged else { return Device::Disk(Thing::new("device", path)) };
    let name = rest.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    // The digits of a uuid are written in either case.
    let name = if tag.ends_with("uuid") { name.to_ascii_lowercase() } else { name.to_owned() };
    Device::Disk(Thing::new(tag, name))
}

/// `host:/path` and `//host/share`. A path below /dev with a slash too many is none.
fn is_on_a_server(text: &str) -> bool {
    let nfs = text
        .split_once(":/")
        .is_some_and(|(host, _)| !host.is_empty() && !host.starts_with('-') && !host.contains(['/', '=']));
    let share = text.strip_prefix("//").is_some_and(|rest| !rest.starts_with(['/', '.']) && !rest.starts_with("dev/"));
    nfs || share
}

/// `/dev//sdb1` is `/dev/sdb1`.
pub(super) fn without_double_slashes(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, kind: &str) -> String {
        match read(text, kind) {
            Device::Disk(thing) => thing.to_string(),
            Device::Shared => "shared".to_owned(),
        }
    }

    #[track_caller]
    fn check(same: &[&str], claim: &str) {
        for text in same {
            assert_eq!(shown(text, "ext3"), claim, "{text}");
        }
    }

    #[test]
    fn one_disk_has_one_name_however_it_is_spelled() {
        check(&["-U1-aB", "-U 1-ab", "--uuid=1-ab", "--uuid 1-AB", "UUID=1-ab", "/dev/disk/by-uuid/1-ab"], "uuid 1-ab");
        check(&["-Lx", "-L x", "--label=x", "--label x", "LABEL=x", "/dev/disk/by-label/x"], "label x");
        check(&["PARTUUID=0a-1", "/dev/disk/by-partuuid/0A-1"], "partuuid 0a-1");
        check(&["PARTLABEL=x", "/dev/disk/by-partlabel/x"], "partlabel x");
        check(&["/dev/sdb1", "//dev/sdb1", "/dev//sdb1"], "device /dev/sdb1");
        // The names of labels have a case.
        check(&["LABEL=X"], "label X");
    }

    #[test]
    fn what_is_no_path_is_a_disk_all_the_same() {
        check(&["pool/data"], "device pool/data");
        check(&["sdb1"], "device sdb1");
        assert_eq!(shown("data", ""), "device data");
    }

    #[test]
    fn what_a_server_hands_out_may_be_mounted_everywhere() {
        for (text, kind) in [
            ("server:/export", "nfs"),
            ("server:/export", ""),
            ("//server/share", ""),
            ("//server/share", "cifs"),
            ("data@tcp0", "lustre"),
            ("me@server:", "fuse.sshfs"),
            ("10.0.0.1:6789:/", "ceph"),
            ("tmpfs", "tmpfs"),
        ] {
            assert_eq!(shown(text, kind), "shared", "{text}");
        }
        assert_eq!(shown("LABEL=a:/b", "ext3"), "label a:/b");
    }
}
