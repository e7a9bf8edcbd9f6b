//! Where the state folder lies: on which device, and whether that is a place for a log.
//!
//! For: `haven doctor`. Voters whose logs share a device all stand still when it does, and an acknowledgement means
//! nothing where a power loss takes everything [H-26].
//! Never: a change of anything; a refusal to start, since the folder may be the only one that there is.
//! Source: statfs(2), the kernel's `include/uapi/linux/magic.h`, sysfs `dev/block`.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor, statfs};

/// How deep devices are stacked: a partition on a RAID under an encryption under a volume.
const DEPTH_MAX: usize = 8;
/// Longest identity that is told, in bytes.
const IDENTITY_MAX: usize = 200;

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file system of this machine.
    Disk,
    /// Memory: a power loss takes everything.
    Memory,
    /// Another machine keeps it.
    Network(&'static str),
    /// DRBD replicates it: the log would be where haven itself decides who may write.
    Replicated,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// What it has in common with other folders on the same device, and with no other: on another machine too if the
    /// device tells who it is, as disks of a SAN do.
    pub(crate) device: String,
}

/// Where `folder` lies. Errors: the system's.
pub(crate) fn place_of(folder: &Path) -> io::Result<Place> {
    // Tells this machine from others, where the device does not.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let number = fs::metadata(folder)?.dev();
    let found = statfs(folder)?;
    // The type is a signed word on some machines; the kernel's constants have 32 bits.
    let magic = u64::try_from(found.f_type).unwrap_or_default() & 0xffff_ffff;
    Ok(place(Path::new("/sys"), number, magic, boot.trim()))
}

fn place(sys: &Path, number: u64, magic: u64, boot: &str) -> Place {
    let number = format!("{}:{}", major(number), minor(number));
    let below = below(&sys.join("dev/block").join(&number), DEPTH_MAX);
    let replicated = below.iter().any(|device| device.name.starts_with("drbd"));
    let kind = kind_of(magic);
    let kind = if kind == Kind::Disk && replicated { Kind::Replicated } else { kind };
    let mut known: Vec<String> = below.into_iter().filter_map(|device| device.identity).collect();
    known.sort();
    known.dedup();
    let mut device = if known.is_empty() { format!("{number} of boot {boot}") } else { known.join("+") };
    device.truncate(device.floor_char_boundary(IDENTITY_MAX));
    Place { kind, device }
}

fn kind_of(magic: u64) -> Kind {
    match magic {
        0x0102_1994 | 0x8584_58f6 => Kind::Memory,
        0x6969 => Kind::Network("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Kind::Network("SMB"),
        0x00c3_6400 => Kind::Network("Ceph"),
        0x0bd0_0bd0 => Kind::Network("Lustre"),
        0x0102_1997 => Kind::Network("9p"),
        0x7461_636f => Kind::Network("OCFS2"),
        0x0116_1970 => Kind::Network("GFS2"),
        0x6573_5546 => Kind::Network("FUSE"),
        _ => Kind::Disk,
    }
}

/// A device at the bottom of a stack, or DRBD in the middle of it.
struct Device {
    name: String,
    identity: Option<String>,
}

/// What the device at `path` of sysfs stands on: its disks, through partitions, volumes and mirrors.
fn below(path: &Path, depth: usize) -> Vec<Device> {
    let Ok(path) = fs::canonicalize(path) else { return Vec::new() };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if depth == 0 {
        return vec![Device { name, identity: None }];
    }
    if path.join("partition").exists() {
        return path.parent().map(|disk| below(disk, depth - 1)).unwrap_or_default();
    }
    let parts: Vec<_> = fs::read_dir(path.join("slaves")).into_iter().flatten().flatten().collect();
    let mut found: Vec<Device> = parts.iter().flat_map(|part| below(&part.path(), depth - 1)).collect();
    if found.is_empty() || name.starts_with("drbd") {
        found.push(Device { identity: identity(&path), name });
    }
    found
}

/// The name by which the disk is known in the whole world, as disks of a SAN are. What a virtual machine calls its
/// disks (`t10.ATA QEMU HARDDISK drive-scsi0`) is the same in many others.
fn identity(disk: &Path) -> Option<String> {
    let read = |file: &str| Some(fs::read_to_string(disk.join(file)).ok()?.trim().to_owned());
    let known = |text: &String| ["naa.", "eui.", "uuid."].iter().any(|kind| text.starts_with(kind));
    ["wwid", "device/wwid"].into_iter().filter_map(read).find(known)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A sysfs with a disk, a partition of it, a volume on that, DRBD on the volume, and a file system on DRBD.
    fn sys() -> tempfile::TempDir {
        let sys = tempfile::tempdir().unwrap();
        let devices = sys.path().join("devices");
        for (number, path) in [
            ("8:0", "pci/sda"),
            ("8:1", "pci/sda/sda1"),
            ("253:0", "virtual/dm-0"),
            ("147:0", "virtual/drbd0"),
            ("8:16", "pci/sdb"),
        ] {
            let path = devices.join(path);
            fs::create_dir_all(path.join("slaves")).unwrap();
            fs::create_dir_all(sys.path().join("dev/block")).unwrap();
            symlink(&path, sys.path().join("dev/block").join(number)).unwrap();
        }
        fs::create_dir_all(devices.join("pci/sda/device")).unwrap();
        fs::write(devices.join("pci/sda/device/wwid"), "naa.6001405\n").unwrap();
        fs::write(devices.join("pci/sda/sda1/partition"), "1\n").unwrap();
        fs::create_dir_all(devices.join("pci/sdb/device")).unwrap();
        fs::write(devices.join("pci/sdb/device/wwid"), "t10.ATA     QEMU HARDDISK   drive-scsi0\n").unwrap();
        symlink(devices.join("pci/sda/sda1"), devices.join("virtual/dm-0/slaves/sda1")).unwrap();
        symlink(devices.join("virtual/dm-0"), devices.join("virtual/drbd0/slaves/dm-0")).unwrap();
        sys
    }

    #[test]
    fn a_folder_is_where_its_disk_is_whatever_lies_between() {
        let sys = sys();
        let at = |major, minor| place(sys.path(), rustix::fs::makedev(major, minor), 0xef53, "b1");
        let disk = Place { kind: Kind::Disk, device: "naa.6001405".to_owned() };
        assert_eq!([at(8, 0), at(8, 1), at(253, 0)], [disk.clone(), disk.clone(), disk.clone()]);
        assert_eq!(at(147, 0), Place { kind: Kind::Replicated, ..disk });
        // One that says nothing of its own, and none at all: shared by folders of this machine only.
        assert_eq!(at(8, 16), Place { kind: Kind::Disk, device: "8:16 of boot b1".to_owned() });
        assert_eq!(at(0, 42), Place { kind: Kind::Disk, device: "0:42 of boot b1".to_owned() });
    }

    #[test]
    fn memory_and_other_machines_are_told_from_disks() {
        let sys = sys();
        let kind = |magic| place(sys.path(), rustix::fs::makedev(8, 0), magic, "b1").kind;
        assert_eq!(
            (kind(0x0102_1994), kind(0x6969), kind(0x5846_5342)),
            (Kind::Memory, Kind::Network("NFS"), Kind::Disk)
        );
    }

    #[test]
    fn two_folders_on_one_file_system_are_at_one_place() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [one, two] = [one, two].map(|folder| place_of(folder.path()).unwrap());
        assert_eq!(one, two);
        if let Ok(shared) = place_of(Path::new("/dev/shm")) {
            assert_eq!(shared.kind, Kind::Memory);
        }
    }
}
