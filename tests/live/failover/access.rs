//! Who may ask the daemon: other users of a real machine, at its real socket.

use std::fs;

use haven_tests::lab::{self, Cluster};

use crate::programs;

const SETPRIV: &str = "/usr/bin/setpriv";
const SOCKET: &str = "/run/haven/haven.sock";
/// Users and a group that the machine gets: a member of the group by its list, one by primary group, and a stranger.
const USERS: &str = "listed:x:4201:4201::/:/bin/sh\nprimary:x:4202:4200::/:/bin/sh\nstranger:x:4203:4203::/:/bin/sh\n";
const GROUPS: &str = "haven:x:4200:listed\nlisted:x:4201:\nstranger:x:4203:\n";

/// Runs `haven` as a user of the machine; what it printed, whatever it ended with.
fn ask(cluster: &Cluster, (uid, gid): (u32, u32), haven: &str, words: &str) -> String {
    let line = format!("{SETPRIV} --reuid={uid} --regid={gid} --init-groups {haven} {words} 2>&1 || true");
    cluster.lab.run("m1", &["sh", "-c", &line]).unwrap()
}

#[test]
fn members_of_the_group_may_ask_the_daemon_and_other_users_may_not() {
    if !lab::able(&[SETPRIV]) {
        return;
    }
    let cluster = Cluster::of(&["m1"], "default", &programs()).unwrap();
    let folder = cluster.lab.folder();
    for (file, more) in [("passwd", USERS), ("group", GROUPS)] {
        let known = fs::read_to_string(format!("/etc/{file}")).unwrap();
        let known: String =
            known.lines().filter(|line| !line.starts_with("haven:")).map(|l| format!("{l}\n")).collect();
        let own = folder.join(file);
        fs::write(&own, known + more).unwrap();
        cluster.lab.run("m1", &["mount", "--bind", own.to_str().unwrap(), &format!("/etc/{file}")]).unwrap();
    }
    // Where it was built may be closed to others.
    let haven = folder.join("haven");
    fs::copy(programs().haven, &haven).unwrap();
    let haven = haven.to_str().unwrap();
    // The group is looked up when the daemon starts.
    cluster.lab.run("m1", &["pkill", "-TERM", "-x", "haven"]).unwrap();
    let down = |cluster: &Cluster| Ok(cluster.status("m1").err().map(drop));
    cluster.wait("the daemon has ended", haven_tests::lab::PATIENCE, down).unwrap();
    cluster.start("m1").unwrap();
    cluster.leader("m1").unwrap();
    cluster.healthy("m1").unwrap();
    let mode = || cluster.lab.run("m1", &["stat", "-c", "%a %U %G", SOCKET]).unwrap().trim().to_owned();
    assert_eq!(mode(), "660 root haven");

    let (listed, primary, stranger) = ((4201, 4201), (4202, 4200), (4203, 4203));
    for member in [listed, primary] {
        assert!(ask(&cluster, member, haven, "status").contains("m1"), "{member:?}");
    }
    ask(&cluster, listed, haven, "node standby m1");
    let history = cluster.look("m1", &["log"]).unwrap();
    assert!(history.contains("listed"), "the log names who asked: {history}");

    let refused = ask(&cluster, stranger, haven, "status");
    assert!(refused.contains("HV-API-02"), "{refused}");
    // Even where the file lets everybody in, the kernel's word about who is there decides.
    cluster.lab.run("m1", &["chmod", "666", SOCKET]).unwrap();
    for words in ["status", "node online m1", "node stop"] {
        let refused = ask(&cluster, stranger, haven, words);
        assert!(refused.contains("members of group haven may ask"), "{words}: {refused}");
    }
    let status = cluster.status("m1").unwrap();
    assert_eq!(status.nodes[0].state, "standby", "nothing that it asked for was done");
}
