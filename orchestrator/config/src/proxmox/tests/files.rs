//! The form of the files, and guests.

use std::collections::BTreeSet;

use expect_test::expect;
use haven_core::spec::Spec;

use super::{Folder, becomes, imported, says};
use crate::source::Source;

#[test]
fn a_guest_is_refused_until_somebody_has_prepared_it_and_the_plan_shows_what_it_would_be() {
    let folder = Folder { resources: "vm: 101\n\tstate started\n\nct: 201\n", ..Folder::default() };
    let (found, text) = imported(folder, &Spec::default(), &["vm:103"]);
    expect![[r#"
        resources.cfg:1:5: error: vm:101 is a virtual machine of Proxmox, and no agent starts those: `qm` and `pct` need Proxmox's own cluster
         1 | vm: 101
           |     ^^^
           remedy: define it in libvirt as vm-101 on every node, and say so: --guest-defined vm:101
        resources.cfg:4:5: error: ct:201 is a container of Proxmox, and no agent starts those: `qm` and `pct` need Proxmox's own cluster
         4 | ct: 201
           |     ^^^
           remedy: define it in LXC as ct-201 on every node, and say so: --guest-defined ct:201
        resources.cfg: error: --guest-defined vm-103: there is no such guest in the file
           remedy: name one of ct:201, vm:101
    "#]].assert_eq(&text);
    assert_eq!(found.preview().len(), 2);
    expect!["nothing was imported: 3 errors"].assert_eq(&found.commit().unwrap_err().to_string());
}

#[test]
fn what_differs_for_everybody_is_said_once() {
    let resources = Source::of_proxmox("resources.cfg", b"vm: 101\n");
    let others = super::super::OTHER_FILES.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>();
    let files = super::Files { resources: &resources, groups: None, rules: None, others: &others };
    let found = super::import(&super::Import {
        files,
        members: &BTreeSet::new(),
        nodes: super::Nodes::Named,
        spec: &Spec::default(),
        base: super::Timing::of(super::Profile::Default),
        defined: &super::guest_id("vm:101").into_iter().collect(),
    });
    expect![[r#"
        resources.cfg: note: fence.cfg is not read: Proxmox itself never uses the devices in it. Add them here, where they are used
        resources.cfg: note: manager_status is not read: haven asks every node what runs there
        resources.cfg: note: crm_commands is not read: what Proxmox was told and has not done yet is not done here
        resources.cfg: note: a guest that Proxmox still looks after would be started by both: take it out of there first, which leaves it running
           remedy: run `ha-manager remove` for each guest, set `onboot` of each to 0, and disable pve-ha-lrm and pve-ha-crm
        resources.cfg: warning: Proxmox waits until a lost node must have reset itself, about two minutes; haven starts nothing elsewhere before a proof, and no fence device is configured that could give one
           remedy: run `haven fence add` for each node, then `haven fence test`
        resources.cfg: note: a guest that is to move is stopped and started: live migration is not done by this version, and Proxmox does it
        resources.cfg: note: max_restart counts failed starts; here one failed start closes a node for a guest, and other failures are counted
           remedy: if a start should be tried again on its node, run `haven config set start-failure-is-fatal=false`
        resources.cfg: note: whether a node reaches a guest's disk is not checked, by Proxmox neither; replication of disks is not heeded
           remedy: keep a guest on local disks to its node by a strict rule
        resources.cfg: note: datacenter.cfg is not read: haven shares guests out by their number (crs), and moves them away from a node that is to be shut down when it is told so (shutdown_policy)
           remedy: run `haven node drain NODE` before a node is shut down
    "#]].assert_eq(&found.render(&files));
}

#[test]
fn a_folder_becomes_guests_with_their_states() {
    let resources = "# by hand\nvm: 101\n\tstate started\n\tmax_restart 3\n\tmax_relocate 2\n\tcomment mail %26 files\n\n\
        vm: 102\n\tstate enabled\n\tfailback 0\n\nvm: 103\n\tstate disabled\n\nct: 201\n\tstate stopped\n\tmax_restart 0\n\n\
        ct: 202\n    state ignored\n";
    let folder = Folder { resources, ..Folder::default() };
    says(
        folder,
        &expect![[r#"
        resources.cfg:5:15: note: max_relocate has no equivalent: haven goes on to the next node that is allowed until none is left
         5 |  max_relocate 2
           |               ^
        resources.cfg:9:8: note: state enabled is an old word for started, and is taken for it
         9 |  state enabled
           |        ^^^^^^^
        resources.cfg:13:8: note: state disabled becomes Stopped, as stopped does: haven has no second word for it
         13 |  state disabled
            |        ^^^^^^^^
           remedy: where it was used to leave the state error, run `haven resource cleanup` here
        resources.cfg:20:11: note: state ignored becomes is-managed=false: haven looks at the guest and leaves it alone, also when its node is lost
         20 |     state ignored
            |           ^^^^^^^
    "#]],
    );
    becomes(
        folder,
        &expect![[r#"
        + primitive ct-201 ocf:heartbeat:lxc
        +     params config=/var/lib/lxc/ct-201/config container=ct-201
        +     meta failure-timeout=10min migration-threshold=1 resource-stickiness=1 target-role=Stopped
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive ct-202 ocf:heartbeat:lxc
        +     params config=/var/lib/lxc/ct-202/config container=ct-202
        +     meta failure-timeout=10min is-managed=false migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-101 ocf:heartbeat:VirtualDomain
        +     description="mail & files"
        +     params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=4 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-102 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-102.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=200000
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-103 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-103.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1 target-role=Stopped
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
    "#]],
    );
}

#[test]
fn what_is_not_of_the_form_is_named_by_place() {
    let resources = "vm 101\n\tstate started\nvm:\nvm: a b\nvm: abc\nvn: 101\n\tstate started\n\nvm: 101\n\tstat started\n\
        \tstate strated\n\tstate started\n\tmax_restart -1\n\tfailback perhaps\n\tmax_relocate 99999999999\n\n\tcomment x\n\
        vm: 101\n\tstate started\n";
    says(
        Folder { resources, ..Folder::default() },
        &expect![[r#"
        resources.cfg:1:1: error: `vm 101` is neither a header nor a property
         1 | vm 101
           | ^^^^^^
           remedy: write `KIND: ID`, or begin the line of a property with a tab
        resources.cfg:3:4: error: `` is no id, one word is needed behind `vm:`
         3 | vm:
           |    ^
           remedy: write `vm: ID`
        resources.cfg:4:5: error: `a b` is no id, one word is needed behind `vm:`
         4 | vm: a b
           |     ^^^
           remedy: write `vm: ID`
        resources.cfg:5:5: error: `abc` is no number of a guest, 1 to 9 digits are needed
         5 | vm: abc
           |     ^^^
           remedy: write the number, as in `vm: 101`
        resources.cfg:6:1: error: `vn` begins no section of this file; it may have been meant as `vm`
         6 | vn: 101
           | ^^
           remedy: begin a section with `vm:` or `ct:`
        resources.cfg:10:2: error: `stat` is no property of `vm:`; it may have been meant as `state`
         10 |  stat started
            |  ^^^^
           remedy: write one of state, group, max_restart, max_relocate, failback, auto-rebalance, comment
        resources.cfg:11:8: error: `strated` is no state of a guest; it may have been meant as `started`
         11 |  state strated
            |        ^^^^^^^
           remedy: write one of started, stopped, enabled, disabled, ignored
        resources.cfg:12:2: error: `state` is there twice in one section, first in line 11
         12 |  state started
            |  ^^^^^
           remedy: keep one of them
        resources.cfg:13:14: error: max_restart is `-1`, a whole number from 0 to 10000 is needed
         13 |  max_restart -1
            |              ^^
           remedy: write such a number
        resources.cfg:14:11: error: failback is `perhaps`, 1 or 0 is needed
         14 |  failback perhaps
            |           ^^^^^^^
           remedy: write 1 for yes, or 0 for no
        resources.cfg:15:15: error: max_relocate is `99999999999`, a whole number from 0 to 10000 is needed
         15 |  max_relocate 99999999999
            |               ^^^^^^^^^^^
           remedy: write such a number
        resources.cfg:17:2: error: the property `comment` belongs to no section
         17 |  comment x
            |  ^^^^^^^
           remedy: put it right below the header of its section
        resources.cfg:18:5: error: vm `101` is there twice, first in line 9
         18 | vm: 101
            |     ^^^
           remedy: keep one of them; Proxmox takes the last
    "#]],
    );
}

#[test]
fn a_group_that_is_not_there_is_named_with_the_one_that_is_near() {
    let folder = Folder {
        resources: "vm: 101\n\tgroup prefer_n1\n",
        groups: "group: prefer-n1\n\tnodes n1,n9:x,n1:1,N2:2\n\nlist: x\n\ngroup: empty\n",
        ..Folder::default()
    };
    says(
        folder,
        &expect![[r#"
        resources.cfg:2:8: error: there is no group `prefer_n1` for vm:101; it may have been meant as `prefer-n1`
         2 |  group prefer_n1
           |        ^^^^^^^^^
           remedy: name a group of groups.cfg, or remove the line
        groups.cfg:1:8: note: no guest is in the group `prefer-n1`, which is left out
         1 | group: prefer-n1
           |        ^^^^^^^^^
        groups.cfg:2:11: error: `x` is no priority, a whole number from 0 to 1000000 is needed
         2 |  nodes n1,n9:x,n1:1,N2:2
           |           ^^^^
           remedy: write `NODE:NUMBER`; the highest is wanted most
        groups.cfg:2:16: error: the node n1 is there twice in one list
         2 |  nodes n1,n9:x,n1:1,N2:2
           |                ^^^^
           remedy: keep one of them, with the priority that is meant
        groups.cfg:4:1: error: `list` begins no section of this file
         4 | list: x
           | ^^^^
           remedy: begin a section with `group:`
        groups.cfg:6:8: error: group `empty` has no `nodes`, which is needed
         6 | group: empty
           |        ^^^^^
           remedy: add a line `nodes ...` below its header
    "#]],
    );
}

#[test]
fn lines_of_another_system_are_read() {
    says(
        Folder { resources: "vm: 101\r\n\tstate started\r\n", ..Folder::default() },
        &expect![[r#"
        resources.cfg:1:8: warning: the lines end in CR LF; they are read without the CR
         1 | vm: 101
           |        ^
    "#]],
    );
}

#[test]
fn importing_again_changes_what_the_files_say_and_nothing_else() {
    let before = Folder {
        resources: "vm: 101\n\tgroup g\n\nvm: 102\n",
        groups: "group: g\n\tnodes n1:2,n2:1\n\tnofailback 1\n",
        rules: "resource-affinity: r\n\tresources vm:101,vm:102\n\taffinity negative\n",
    };
    let mut spec = becomes(
        before,
        &expect![[r#"
        + primitive vm-101 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=200000
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + primitive vm-102 ocf:heartbeat:VirtualDomain
        +     params config=/etc/libvirt/qemu/vm-102.xml hypervisor=qemu:///system
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     op start timeout=2min
        +     op stop timeout=3min
        +     op monitor interval=30s timeout=1min
        + colocation pve-apart_vm-102_vm-101 -inf: vm-102 vm-101
        + location pve-node_vm-101_n1 vm-101 2000: n1
        + location pve-node_vm-101_n2 vm-101 1000: n2
    "#]],
    );
    let (again, text) = imported(before, &spec, &[]);
    assert_eq!(again.preview(), [], "{text}");
    // An agent of the operator's own stays.
    let id = super::guest_id("vm:102").unwrap();
    let guest = spec.resources.get_mut(&id).unwrap();
    guest.params.clear();
    guest.operations.clear();
    let after = Folder { resources: "vm: 101\n\tstate stopped\n\nvm: 102\n\tmax_restart 4\n", groups: "", rules: "" };
    let (changed, text) = imported(after, &spec, &[]);
    let edited = spec.edited(&changed.commit().unwrap_or_else(|_| panic!("{text}")), 9).unwrap();
    let lines: String = crate::diff(&spec, &edited).iter().map(|line| format!("{line}\n")).collect();
    expect![[r#"
          primitive vm-101 ocf:heartbeat:VirtualDomain
              params config=/etc/libvirt/qemu/vm-101.xml hypervisor=qemu:///system
        -     meta failure-timeout=10min migration-threshold=2 resource-stickiness=200000
        +     meta failure-timeout=10min migration-threshold=2 resource-stickiness=200000 target-role=Stopped
              op start timeout=2min
              op stop timeout=3min
              op monitor interval=30s timeout=1min
          primitive vm-102 ocf:heartbeat:VirtualDomain
        -     meta failure-timeout=10min migration-threshold=2 resource-stickiness=1
        +     meta failure-timeout=10min migration-threshold=5 resource-stickiness=1
        - colocation pve-apart_vm-102_vm-101 -inf: vm-102 vm-101
        - location pve-node_vm-101_n1 vm-101 2000: n1
        - location pve-node_vm-101_n2 vm-101 1000: n2
    "#]]
    .assert_eq(&lines);
}
