//! `haven crm` beside the real crm shell: the same edits of the same CIB, and the same to be seen afterwards.
//!
//! Skipped where crmsh 4.4 and cibadmin are not installed (Debian 12: packages `crmsh` and `pacemaker-cli-utils`).

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::crm::Place;

/// What is done to the configuration, in the words of both.
const EDITS: &str = "\
primitive ip IPaddr2 params ip=10.0.0.7 op monitor interval=10s timeout=20s
primitive fs Filesystem params device=/dev/sdb1 directory=/srv fstype=ext4 meta priority=5
primitive st stonith:fence_x params passwd=hunter2 op monitor interval=60s
primitive pinger ocf:pacemaker:ping params host_list=\"10.0.0.1 10.0.0.2\"
group g ip fs
clone pingers pinger meta interleave=true
location near g 100: n1
location pinged g rule -inf: not_defined pingd or pingd lte 0
colocation together inf: web g
order first Mandatory: g web
order alone Optional: db web
property no-quorum-policy=stop
property maintenance-mode=false
rsc_defaults resource-stickiness=100
op_defaults timeout=30s
tag all fs db
fencing_topology n1: st
node n2 attributes rack=b2
monitor web 20s:10s
modgroup g remove ip
modgroup g add ip before fs
delete alone db
rename web www
set ip.ip 10.0.0.8
";

/// What is done beside the configuration's level, a command each.
const COMMANDS: &[&str] = &[
    "resource meta g set target-role Stopped",
    "resource param fs delete fstype",
    "resource param fs set fstype xfs",
    "resource utilization www set cpu 2",
    "resource ban www n1",
    "resource move g n2",
    "resource clear g",
    "resource unmanage www",
    "resource maintenance ip on",
    "resource start g",
    "node attribute n1 set color red",
    "node utilization n1 set cpu 8",
    "node attribute n1 set room 7",
    "node attribute n1 delete color",
    "configure property stonith-enabled=true",
];

/// Whether the crm shell is here in the version that is imitated.
fn is_installed() -> bool {
    let version = Command::new("crm").arg("--version").stderr(Stdio::null()).output();
    let version = version.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    let tool = Command::new("cibadmin").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.contains(" 4.4") && tool.is_ok() {
        return true;
    }
    println!("skipped: crmsh 4.4 and cibadmin are not both installed");
    false
}

/// Runs the crm shell on a CIB, and gives back what it shows without what it warns of.
fn theirs(place: &Place, words: &[&str], input: &str) -> String {
    let settings = place.path("crm");
    std::fs::create_dir_all(&settings).unwrap();
    std::fs::write(settings.join("crm.conf"), "[core]\ncheck_frequency = never\ncheck_mode = relaxed\n").unwrap();
    let mut command = Command::new("crm");
    command.arg("-F").args(words).env("CIB_file", place.path("theirs.xml"));
    command.env("XDG_CONFIG_HOME", place.path("")).env("HOME", place.path("")).current_dir(place.path(""));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().filter(|line| !line.starts_with('\u{1b}')).map(|line| format!("{line}\n")).collect()
}

#[track_caller]
fn same(place: &Place, done: &str) {
    let (ours, theirs) = (place.does("configure show"), theirs(place, &["configure", "show"], ""));
    assert_eq!(ours, theirs, "after {done}");
}

#[test]
fn the_same_edits_make_the_same_configuration_as_with_the_crm_shell() {
    if !is_installed() {
        return;
    }
    let place = Place::new();
    std::fs::copy(place.path("cib.xml"), place.path("theirs.xml")).unwrap();
    same(&place, "nothing");
    let ours = place.typed("configure", EDITS);
    assert_eq!(ours.code, 0, "{ours:?}");
    theirs(&place, &["configure"], &format!("{EDITS}commit force\n"));
    same(&place, "the edits");
    for command in COMMANDS {
        place.does(command);
        theirs(&place, &command.split(' ').collect::<Vec<_>>(), "");
        same(&place, command);
    }
    // And each reads what the other has written.
    let ours = place.does("configure show");
    std::fs::copy(place.path("cib.xml"), place.path("theirs.xml")).unwrap();
    assert_eq!(theirs(&place, &["configure", "show"], ""), ours);
    assert!(Path::new(&place.path("theirs.xml")).exists());
}
