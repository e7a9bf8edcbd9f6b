//! `haven import proxmox`: a plan without a daemon, and into a cluster that runs.

use expect_test::expect;

use crate::console::Machines;

const RESOURCES: &str = "vm: 101\n\tstate started\n\tgroup prefer-m1\n\nvm: 102\n\tstate stopped\n";
const GROUPS: &str = "group: prefer-m1\n\tnodes m1:2,m2:1\n\trestricted 1\n\tnofailback 1\n";
const RULES: &str = "resource-affinity: apart\n\tresources vm:101,vm:102\n\taffinity negative\n";

/// Puts the files of an HA manager into the folder `ha`.
fn put(folder: &std::path::Path) {
    let ha = folder.join("ha");
    std::fs::create_dir_all(&ha).unwrap();
    for (name, text) in [("resources.cfg", RESOURCES), ("groups.cfg", GROUPS), ("rules.cfg", RULES), ("fence.cfg", "")]
    {
        std::fs::write(ha.join(name), text).unwrap();
    }
}

/// What a command says in that folder, and its exit code.
fn says(words: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path());
    let output = crate::run::program().args(words).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_plan_refuses_each_guest_and_shows_what_it_would_become() {
    let (code, text) = says(&["import", "proxmox", "ha", "--plan"]);
    expect![[r#"
        ha/resources.cfg:1:5: error: vm:101 is a virtual machine of Proxmox, and no agent starts those: `qm` and `pct` need Proxmox's own cluster
         1 | vm: 101
           |     ^^^
           remedy: define it in libvirt as vm-101 on every node, and say so: --guest-defined vm:101
        ha/resources.cfg:5:5: error: vm:102 is a virtual machine of Proxmox, and no agent starts those: `qm` and `pct` need Proxmox's own cluster
         5 | vm: 102
           |     ^^^
           remedy: define it in libvirt as vm-102 on every node, and say so: --guest-defined vm:102
        ha/resources.cfg: note: fence.cfg is not read: Proxmox itself never uses the devices in it. Add them here, where they are used
        ha/resources.cfg: note: a guest that Proxmox still looks after would be started by both: take it out of there first, which leaves it running
           remedy: run `ha-manager remove` for each guest, set `onboot` of each to 0, and disable pve-ha-lrm and pve-ha-crm
        ha/resources.cfg: warning: Proxmox waits until a lost node must have reset itself, about two minutes; haven starts nothing elsewhere before a proof, and no fence device is configured that could give one
           remedy: run `haven fence add` for each node, then `haven fence test`
        ha/resources.cfg: note: a guest that is to move is stopped and started: live migration is not done by this version, and Proxmox does it
        ha/resources.cfg: note: max_restart counts failed starts; here one failed start closes a node for a guest, and other failures are counted
           remedy: if a start should be tried again on its node, run `haven config set start-failure-is-fatal=false`
        ha/resources.cfg: note: whether a node reaches a guest's disk is not checked, by Proxmox neither; replication of disks is not heeded
           remedy: keep a guest on local disks to its node by a strict rule
        ha/resources.cfg: note: datacenter.cfg is not read: haven shares guests out by their number (crs), and moves them away from a node that is to be shut down when it is told so (shutdown_policy)
           remedy: run `haven node drain NODE` before a node is shut down
        ha/groups.cfg:1:8: warning: `prefer-m1` has nodes of several priorities, and vm:101 is also in a rule of affinity; Proxmox disables one of both, haven heeds both
         1 | group: prefer-m1
           |        ^^^^^^^^^
           remedy: give all nodes of it one priority if guests should be moved as up to now

        changes:
        + primitive vm-101 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=200000
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-102 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-102.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1 target-role=Stopped
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + colocation pve-apart_vm-102_vm-101 -inf: vm-102 vm-101
        + location pve-node_vm-101_m1 vm-101 2000: m1
        + location pve-node_vm-101_m2 vm-101 1000: m2

        found:
        guests: 2
        groups: 1
        rules of resource affinity: 1
        error HV-CONFIG-04: nothing was imported: 2 errors
        needed: mend what is named above and import again
    "#]].assert_eq(&text);
    assert_eq!(code, 1);
}

#[test]
fn the_page_shows_what_a_plan_prints() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/import-proxmox.md");
    let page = std::fs::read_to_string(page).unwrap();
    let console = page.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    let (line, shown) = console.split_once('\n').unwrap();
    assert_eq!(line, "m1$ haven import proxmox ha --plan");
    let (_, text) = says(&["import", "proxmox", "ha", "--plan"]);
    let mut rest = text.as_str();
    for part in shown.split("...\n") {
        let at = rest.find(part).unwrap_or_else(|| panic!("the page shows\n{part}\nand it prints\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn wrong_words_are_answered() {
    let (code, text) = says(&["import", "proxmox", "ha", "--plan", "--guest-defined", "101"]);
    expect![[r#"
        error HV-CLI-02: --guest-defined: `101` is no guest
        needed: write `vm:NUMBER` or `ct:NUMBER`
    "#]]
    .assert_eq(&text);
    assert_eq!(code, 64);
    let (code, text) = says(&["import", "proxmox", "nowhere", "--plan"]);
    expect![[r#"
        error HV-CLI-03: cannot read nowhere/resources.cfg: No such file or directory (os error 2)
        needed: check the name and the permissions
    "#]]
    .assert_eq(&text);
    assert_eq!(code, 1);
    let (code, text) = says(&["import", "proxmox", "/etc/hostname", "--plan"]);
    expect![[r#"
        error HV-CLI-02: /etc/hostname is no folder
        needed: name the folder with resources.cfg in it, such as /etc/pve/ha
    "#]]
    .assert_eq(&text);
    assert_eq!(code, 64);
}

#[test]
fn guests_that_are_defined_are_taken_into_a_cluster_that_runs() {
    let mut machines = Machines::new();
    machines.does("m1$ haven init --name prod --node m1 --advertise 10.0.0.1");
    machines.does("m1$ systemctl start haven");
    machines.does("m1$ haven maintenance on --reason import");
    let folder = machines.file("m1", "ha");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("resources.cfg"), "vm: 101\n\tgroup home\n\nct: 201\n").unwrap();
    std::fs::write(folder.join("groups.cfg"), "group: home\n\tnodes m1\n").unwrap();
    let rule = "resource-affinity: pair\n\tresources vm:101,ct:201\n\taffinity positive\n";
    std::fs::write(folder.join("rules.cfg"), rule).unwrap();
    let refused = machines.run("m1$ haven import proxmox ha");
    assert!(refused.code == 1 && refused.err.contains("nothing was imported: 2 errors"), "{refused:?}");
    let done = machines.run("m1$ haven import proxmox ha --guest-defined vm:101 --guest-defined ct-201 --no-wait");
    assert_eq!(done.code, 0, "{done:?}");
    let shown = machines.does("m1$ haven config show");
    for line in ["pve-node_vm-101_m1 vm-101 1000: m1", "pve-with_vm-101_ct-201 500000: vm-101 ct-201"] {
        assert!(shown.contains(line), "{shown}");
    }
    let again = machines.run("m1$ haven import proxmox ha --no-wait");
    assert!(again.code == 0 && again.out.contains("it is so already, nothing was changed"), "{again:?}");
}
