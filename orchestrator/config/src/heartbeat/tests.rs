//! Imports as an operator sees them: what is said, and the configuration that comes of it.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Profile, Spec, SpecEdit, Timing};

use super::*;
use crate::diagnostic::{Severity, render};
use crate::show::{diff, show};
use crate::source::Source;

mod again;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn nodes(names: &[&str]) -> BTreeSet<NodeId> {
    names.iter().map(|name| NodeId::new(name).unwrap()).collect()
}

/// A node with everything that these tests name.
fn installed() -> Installed {
    Installed {
        ocf: ["Filesystem", "LVM", "MailTo", "apache", "Delay", "LinuxSCSI", "portblock", "SendArp", "Xinetd"]
            .map(|name| format!("heartbeat:{name}"))
            .into(),
        resource_d: set(&["drbddisk", "drbdupper", "Filesystem", "local"]),
        init_d: set(&["vz", "old"]),
        units: set(&["some-service.service", "httpd.service", "vz.service"]),
    }
}

/// A cluster of `m1` and `m2`, and an import into it.
struct World {
    members: BTreeSet<NodeId>,
    inventory: Inventory,
    spec: Spec,
    accepted: BTreeSet<ResourceId>,
    ha_cf: Option<Source>,
}

impl World {
    fn new() -> Self {
        let members = nodes(&["m1", "m2"]);
        let nodes = members.iter().map(|node| (node.clone(), installed())).collect();
        let (spec, accepted) = (Spec::default(), BTreeSet::new());
        Self { members, inventory: Inventory { nodes }, spec, accepted, ha_cf: None }
    }

    fn ha_cf(mut self, text: &str) -> Self {
        self.ha_cf = Some(Source::of_text("ha.cf", text));
        self
    }

    fn accepting(mut self, ids: &[&str]) -> Self {
        self.accepted = ids.iter().map(|id| ResourceId::new(id).unwrap()).collect();
        self
    }

    /// The import, and its diagnostics without those that come with every import.
    fn import(&self, text: &str) -> (Imported, String) {
        let source = Source::of_text("haresources", text);
        let order = Import {
            haresources: &source,
            ha_cf: self.ha_cf.as_ref(),
            members: &self.members,
            inventory: &self.inventory,
            spec: &self.spec,
            base: Timing::of(Profile::Default),
            accept_data_loss: &self.accepted,
        };
        let imported = import(&order);
        let usual = |what: &str| {
            what.starts_with("heartbeat never looked")
                || what.starts_with("`ha.cf` does not set")
                || what.starts_with("no `ha.cf`")
        };
        let haresources: Vec<_> = imported.haresources.iter().filter(|d| !usual(&d.what)).cloned().collect();
        let mut said = render(&source, &haresources);
        if let Some(ha_cf) = &self.ha_cf {
            said += &render(ha_cf, &imported.ha_cf);
        }
        (imported, said)
    }

    fn edited(&self, edits: &[SpecEdit]) -> Spec {
        let seq = self.spec.resources.values().map(|r| r.seq).max().unwrap_or_default();
        self.spec.edited(edits, seq + 1000).unwrap()
    }

    /// Compares what is said, and what the configuration becomes.
    #[track_caller]
    fn check(&self, text: &str, want: Expect) {
        let (imported, said) = self.import(text);
        want.assert_eq(&format!("{said}---\n{}", show(&self.edited(imported.preview()))));
    }

    /// Compares what is said.
    #[track_caller]
    fn check_said(&self, text: &str, want: Expect) {
        want.assert_eq(&self.import(text).1);
    }

    /// Imports `text` and commits it.
    #[track_caller]
    fn commit(&mut self, text: &str) {
        let (imported, said) = self.import(text);
        let edits = imported.commit().map_err(|refused| format!("{refused}\n{said}")).unwrap();
        self.spec = self.edited(&edits);
    }

    /// Compares what is said, and the lines of the configuration that an import changes.
    #[track_caller]
    fn check_change(&self, text: &str, want: Expect) {
        let (imported, said) = self.import(text);
        let edited = self.edited(imported.preview());
        let lines: String = diff(&self.spec, &edited).iter().map(|line| format!("{line}\n")).collect();
        want.assert_eq(&format!("{said}---\n{lines}"));
    }
}

#[test]
fn an_address_and_a_service_become_a_group_that_prefers_its_node() {
    World::new().check(
        "m1 IPaddr2::10.77.0.200/24/eth0 some-service\n",
        expect![[r#"
        ---
        primitive ip_10.77.0.200 haven:ip \
            params cidr_netmask=24 ip=10.77.0.200 nic=eth0 \
            op start timeout=20s \
            op stop timeout=20s \
            op monitor interval=10s timeout=20s
        primitive some-service systemd:some-service \
            op start timeout=100s \
            op stop timeout=100s \
            op monitor interval=30s timeout=100s
        group g_ip_10.77.0.200 ip_10.77.0.200 some-service \
            meta resource-stickiness=1
        location loc_g_ip_10.77.0.200 g_ip_10.77.0.200 1000: m1
    "#]],
    );
}

#[test]
fn the_line_of_every_how_to_is_a_group_in_order_and_needs_a_choice_about_drbd() {
    let text = "m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz\n";
    World::new().check(text, expect![[r#"
        haresources:1:1: note: `m1.mydomain.com` is taken for member m1
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           | ^^^^^^^^^^^^^^^
        haresources:1:17: error: `drbddisk` makes DRBD primary, and this version does not drive DRBD: after a failover nothing here knows whether the data of the other side is newer
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           |                 ^^^^^^^^
           remedy: accept the loss by name: --data-loss-accepted drbddisk
        ---
        primitive drbddisk heartbeat:drbddisk \
            op start timeout=5min \
            op stop timeout=5min \
            op monitor interval=30s timeout=1min
        primitive fs_d0 ocf:heartbeat:Filesystem \
            params device=/dev/drbd0 directory=/d0 fstype=ext3 \
            op start timeout=1min \
            op stop timeout=1min \
            op monitor interval=20s timeout=40s
        primitive vz lsb:vz \
            op start timeout=5min \
            op stop timeout=5min \
            op monitor interval=30s timeout=1min
        group g_drbddisk drbddisk fs_d0 vz \
            meta resource-stickiness=1
        location loc_g_drbddisk g_drbddisk 1000: m1
    "#]]);
    let (imported, _) = World::new().import(text);
    assert_eq!(imported.commit().unwrap_err().to_string(), "nothing was imported: 1 error");
    World::new().accepting(&["drbddisk"]).check(
        text,
        expect![[r#"
        haresources:1:1: note: `m1.mydomain.com` is taken for member m1
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           | ^^^^^^^^^^^^^^^
        ---
        primitive drbddisk heartbeat:drbddisk \
            description="loss of data accepted at import: DRBD without protection" \
            op start timeout=5min \
            op stop timeout=5min \
            op monitor interval=30s timeout=1min
        primitive fs_d0 ocf:heartbeat:Filesystem \
            params device=/dev/drbd0 directory=/d0 fstype=ext3 \
            op start timeout=1min \
            op stop timeout=1min \
            op monitor interval=20s timeout=40s
        primitive vz lsb:vz \
            op start timeout=5min \
            op stop timeout=5min \
            op monitor interval=30s timeout=1min
        group g_drbddisk drbddisk fs_d0 vz \
            meta resource-stickiness=1
        location loc_g_drbddisk g_drbddisk 1000: m1
    "#]],
    );
}

#[test]
fn what_is_missing_here_is_named_and_the_group_is_shown_all_the_same() {
    let mut world = World::new();
    world.inventory.nodes = nodes(&["m1"]).into_iter().map(|node| (node, Installed::default())).collect();
    world.check("m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz\n", expect![[r#"
        haresources:1:1: note: `m1.mydomain.com` is taken for member m1
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           | ^^^^^^^^^^^^^^^
        haresources:1:17: error: `drbddisk` is missing on m1: there is no /etc/ha.d/resource.d/drbddisk, no /etc/init.d/drbddisk, no drbddisk.service of systemd
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           |                 ^^^^^^^^
           remedy: install it on every node, or take the word off the line
        haresources:1:17: error: `drbddisk` makes DRBD primary, and this version does not drive DRBD: after a failover nothing here knows whether the data of the other side is newer
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           |                 ^^^^^^^^
           remedy: accept the loss by name: --data-loss-accepted drbddisk
        haresources:1:26: error: `Filesystem::/dev/drbd0::/d0::ext3` is missing on m1: there is no ocf:heartbeat:Filesystem, no /etc/ha.d/resource.d/Filesystem
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           |                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           remedy: install it on every node, or take the word off the line
        haresources:1:60: error: `vz` is missing on m1: there is no /etc/ha.d/resource.d/vz, no /etc/init.d/vz, no vz.service of systemd
         1 | m1.mydomain.com drbddisk Filesystem::/dev/drbd0::/d0::ext3 vz
           |                                                            ^^
           remedy: install it on every node, or take the word off the line
        haresources: warning: agents were looked for on m1 only, not on m2
           remedy: run `haven doctor` there
        ---
        primitive drbddisk heartbeat:drbddisk \
            op start timeout=5min \
            op stop timeout=5min \
            op monitor interval=30s timeout=1min
        primitive fs_d0 ocf:heartbeat:Filesystem \
            params device=/dev/drbd0 directory=/d0 fstype=ext3 \
            op start timeout=1min \
            op stop timeout=1min \
            op monitor interval=20s timeout=40s
        primitive vz heartbeat:vz \
            op start timeout=5min \
            op stop timeout=5min \
            op monitor interval=30s timeout=1min
        group g_drbddisk drbddisk fs_d0 vz \
            meta resource-stickiness=1
        location loc_g_drbddisk g_drbddisk 1000: m1
    "#]]);
}

#[test]
fn an_agent_that_one_node_lacks_is_a_warning() {
    let mut world = World::new();
    let m2 = world.inventory.nodes.values_mut().last().unwrap();
    m2.units.clear();
    m2.init_d.clear();
    world.check_said(
        "m1 10.0.0.1 httpd vz\n",
        expect![[r#"
        haresources:1:13: warning: systemd:httpd is missing on m2, so the group cannot run there
         1 | m1 10.0.0.1 httpd vz
           |             ^^^^^
           remedy: install it there
        haresources:1:19: warning: lsb:vz is missing on m2, so the group cannot run there
         1 | m1 10.0.0.1 httpd vz
           |                   ^^
           remedy: install it there
    "#]],
    );
}

#[test]
fn without_any_answer_about_agents_nothing_is_imported() {
    let mut world = World::new();
    world.inventory = Inventory::default();
    world.check_said(
        "m1 httpd\n",
        expect![[r#"
        haresources: error: no member was asked which agents it has
           remedy: run the import where at least one member can be asked
    "#]],
    );
}

#[test]
fn init_scripts_get_no_arguments() {
    World::new().check_said("m1 old::a local::a::b\n", expect![[r#"
        haresources:1:4: error: `old::a` is missing on m1, m2: there is no /etc/ha.d/resource.d/old; /etc/init.d/old is there, but haven gives no arguments to init scripts
         1 | m1 old::a local::a::b
           |    ^^^^^^
           remedy: install it on every node, or take the word off the line
    "#]]);
}

#[test]
fn nodes_are_named_as_people_name_them() {
    let mut world = World::new();
    world.members = nodes(&["m1.a.com", "m2", "m2.b.com"]);
    world.check_said(
        "M1.a.com httpd\nm1 vz\nm2.c.com old\nm3 10.0.0.1\n",
        expect![[r#"
            haresources:2:1: note: `m1` is taken for member m1.a.com
             2 | m1 vz
               | ^^
            haresources:3:1: note: `m2.c.com` is taken for member m2
             3 | m2.c.com old
               | ^^^^^^^^
            haresources:4:1: error: `m3` is no member of this cluster; members are m1.a.com, m2, m2.b.com
             4 | m3 10.0.0.1
               | ^^
               remedy: write the name of a member, or let the node join first
            haresources: warning: agents were looked for on m1, m2 only, not on m1.a.com, m2.b.com
               remedy: run `haven doctor` on each of them
        "#]],
    );
    world.members = nodes(&["m1.a.com", "m1.b.com"]);
    world.check_said(
        "m1 httpd\n",
        expect![[r#"
            haresources:1:1: error: `m1` could be any of m1.a.com, m1.b.com
             1 | m1 httpd
               | ^^
               remedy: write the name of one member
            haresources: warning: agents were looked for on m1, m2 only, not on m1.a.com, m1.b.com
               remedy: run `haven doctor` on each of them
        "#]],
    );
}

#[test]
fn two_resources_that_claim_the_same_thing_are_an_error() {
    World::new().check_said(
        "m1 10.0.0.1/24 httpd\nm2 IPaddr2::10.0.0.1 vz\nm2 10.0.0.2 httpd\n\
         m1 Filesystem::/dev/a::/x\nm2 Filesystem::/dev/b::/x/\nm2 Filesystem::/dev/a::/y\n\
         m1 LVM::vg MailTo::root\nm2 LVM::vg MailTo::root\nm1 vz vz\n",
        expect![[r#"
            haresources:2:4: error: address 10.0.0.1 is on line 1 already: two resources would start and stop the same thing, each without the other's knowledge
             2 | m2 IPaddr2::10.0.0.1 vz
               |    ^^^^^^^^^^^^^^^^^
               remedy: name it once; put what needs it on the same line behind it
            haresources:2:22: warning: `vz` is the first resource of line 9: heartbeat would take both lines together; haven keeps them apart
             2 | m2 IPaddr2::10.0.0.1 vz
               |                      ^^
            haresources:3:13: error: `httpd` is on line 1 already: two resources would start and stop the same thing, each without the other's knowledge
             3 | m2 10.0.0.2 httpd
               |             ^^^^^
               remedy: name it once; put what needs it on the same line behind it
            haresources:5:4: error: directory /x is on line 4 already: two resources would start and stop the same thing, each without the other's knowledge
             5 | m2 Filesystem::/dev/b::/x/
               |    ^^^^^^^^^^^^^^^^^^^^^^^
               remedy: name it once; put what needs it on the same line behind it
            haresources:6:4: error: device /dev/a is on line 4 already: two resources would start and stop the same thing, each without the other's knowledge
             6 | m2 Filesystem::/dev/a::/y
               |    ^^^^^^^^^^^^^^^^^^^^^^
               remedy: name it once; put what needs it on the same line behind it
            haresources:8:4: error: `LVM::vg` is also the first resource of line 7, and the first resource names the group, so it must be unique
             8 | m2 LVM::vg MailTo::root
               |    ^^^^^^^
               remedy: put another resource of this line first
            haresources:8:4: error: volume group vg is on line 7 already: two resources would start and stop the same thing, each without the other's knowledge
             8 | m2 LVM::vg MailTo::root
               |    ^^^^^^^
               remedy: name it once; put what needs it on the same line behind it
            haresources:9:4: error: `vz` is on line 2 already: two resources would start and stop the same thing, each without the other's knowledge
             9 | m1 vz vz
               |    ^^
               remedy: name it once; put what needs it on the same line behind it
            haresources:9:7: error: `vz` is on line 2 already: two resources would start and stop the same thing, each without the other's knowledge
             9 | m1 vz vz
               |       ^^
               remedy: name it once; put what needs it on the same line behind it
        "#]],
    );
}

#[test]
fn one_disk_on_two_nodes_is_an_error_however_it_is_spelled() {
    let on_both = |first: &str, second: &str| {
        let text = format!("m1 Filesystem::{first}::/d::ext3\nm2 Filesystem::{second}::/e::ext3\n");
        World::new().import(&text).1
    };
    for (first, second, claim) in [
        ("UUID=1", "UUID=1", "uuid 1"),
        ("-U1", "--uuid=1", "uuid 1"),
        ("LABEL=x", "-Lx", "label x"),
        ("PARTUUID=1", "PARTUUID=1", "partuuid 1"),
        ("PARTLABEL=x", "PARTLABEL=x", "partlabel x"),
        ("pool/data", "pool/data", "device pool/data"),
    ] {
        let said = on_both(first, second);
        let want = format!("haresources:2:4: error: {claim} is on line 1 already: two resources would start");
        assert!(said.starts_with(&want), "{said}");
    }
    assert_eq!(on_both("server:/export", "server:/export"), "");
    assert_eq!(on_both("UUID=1", "LABEL=1"), "");
}

#[test]
fn two_calls_that_begin_alike_are_two_things() {
    let long = "x".repeat(100);
    let (_, said) = World::new().import(&format!("m1 local::{long}::a\nm2 local::{long}::b\n"));
    assert_eq!(said, "");
}

#[test]
fn agents_without_state_may_be_named_on_every_line() {
    World::new().check(
        "m1 10.0.0.1 MailTo::root\nm2 10.0.0.2 MailTo::root\n",
        expect![[r#"
        ---
        primitive ip_10.0.0.1 haven:ip \
            params ip=10.0.0.1 \
            op start timeout=20s \
            op stop timeout=20s \
            op monitor interval=10s timeout=20s
        primitive MailTo_root ocf:heartbeat:MailTo \
            params email=root \
            op start timeout=10s \
            op stop timeout=10s \
            op monitor interval=10s timeout=10s
        group g_ip_10.0.0.1 ip_10.0.0.1 MailTo_root \
            meta resource-stickiness=1
        primitive ip_10.0.0.2 haven:ip \
            params ip=10.0.0.2 \
            op start timeout=20s \
            op stop timeout=20s \
            op monitor interval=10s timeout=20s
        primitive MailTo_root_ip_10.0.0.2 ocf:heartbeat:MailTo \
            params email=root \
            op start timeout=10s \
            op stop timeout=10s \
            op monitor interval=10s timeout=10s
        group g_ip_10.0.0.2 ip_10.0.0.2 MailTo_root_ip_10.0.0.2 \
            meta resource-stickiness=1
        location loc_g_ip_10.0.0.1 g_ip_10.0.0.1 1000: m1
        location loc_g_ip_10.0.0.2 g_ip_10.0.0.2 1000: m2
    "#]],
    );
}

#[test]
fn a_drbd_device_that_only_the_mount_makes_primary_needs_the_same_choice() {
    let text = "m1 Filesystem::/dev/drbd0::/d0::ext3 drbddisk::r0\nm2 drbdupper\nm2 httpd drbdupper::r1\n\
                m1 vz drbddisk::r2 Filesystem::/dev/drbd/by-res/r2/0::/d2::ext3\n";
    World::new().accepting(&["drbddisk_r0", "drbd"]).check_said(text, expect![[r#"
        haresources:1:4: error: `Filesystem::/dev/drbd0::/d0::ext3` mounts a DRBD device, with nothing before it on the line that makes it primary, so the mount would do that, and this version does not drive DRBD: after a failover nothing here knows whether the data of the other side is newer
         1 | m1 Filesystem::/dev/drbd0::/d0::ext3 drbddisk::r0
           |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           remedy: accept the loss by name: --data-loss-accepted fs_d0
        haresources:2:4: error: drbdupper has no arguments, and needs some
         2 | m2 drbdupper
           |    ^^^^^^^^^
           remedy: write `drbdupper::resource`
        haresources:3:10: error: `drbdupper::r1` makes DRBD primary, and this version does not drive DRBD: after a failover nothing here knows whether the data of the other side is newer
         3 | m2 httpd drbdupper::r1
           |          ^^^^^^^^^^^^^
           remedy: accept the loss by name: --data-loss-accepted drbdupper_r1
        haresources:4:7: error: `drbddisk::r2` makes DRBD primary, and this version does not drive DRBD: after a failover nothing here knows whether the data of the other side is newer
         4 | m1 vz drbddisk::r2 Filesystem::/dev/drbd/by-res/r2/0::/d2::ext3
           |       ^^^^^^^^^^^^
           remedy: accept the loss by name: --data-loss-accepted drbddisk_r2
        haresources: warning: the loss of data was accepted for drbd, which no DRBD resource of this file needs
           remedy: correct the name after --data-loss-accepted
    "#]]);
    let mut world = World::new().accepting(&["fs_d1"]);
    world.commit("m1 Filesystem::/dev/drbd1::/d1::xfs\n");
    let shown = show(&world.spec);
    assert!(shown.contains("description=\"loss of data accepted at import: DRBD without protection\""), "{shown}");
}

#[test]
fn a_choice_about_drbd_that_was_made_is_not_asked_for_again() {
    let text = "m1 drbddisk::r0 Filesystem::/dev/drbd0::/d0::ext3\n";
    let mut world = World::new().accepting(&["drbddisk_r0"]);
    world.commit(text);
    world.accepted.clear();
    let (imported, _) = world.import(text);
    assert_eq!(imported.commit().unwrap(), []);
}

#[test]
fn auto_failback_decides_what_outweighs_what() {
    let text = "m1 10.0.0.1 httpd\n";
    let stickiness = |ha_cf: &str| {
        let (imported, _) = World::new().ha_cf(ha_cf).import(text);
        let shown = show(&World::new().edited(imported.preview()));
        shown.lines().find(|line| line.contains("resource-stickiness")).unwrap().trim().to_owned()
    };
    let (home, stay) = ("meta resource-stickiness=1", "meta resource-stickiness=10000");
    assert_eq!(stickiness("auto_failback on\n"), home);
    assert_eq!(stickiness("auto_failback off\n"), stay);
    assert_eq!(stickiness("auto_failback legacy\n"), home);
    assert_eq!(stickiness("node m1 m2\n"), home);
    assert_eq!(stickiness("nice_failback on\n"), stay);
    assert_eq!(stickiness("nice_failback off\n"), home);
    assert_eq!(stickiness("auto_failback on\nauto_failback NO\n"), stay);
    let most = i64::try_from(haresources::RESOURCES_MAX).unwrap();
    assert!(most * HOME < PREFERENCE.points() && PREFERENCE.points() < STAY);
}

#[test]
fn errors_in_either_file_refuse_the_whole_import() {
    let (imported, said) = World::new().ha_cf("deadtime soon\ncrm yes\n").import("m1 10.0.0.1\nm9 httpd\n");
    assert!(imported.haresources.iter().any(|d| d.severity == Severity::Error));
    assert_eq!(imported.commit().unwrap_err(), Refused { errors: 3 }, "{said}");
}

#[test]
fn nothing_that_is_imported_is_refused_by_the_linter() {
    let mut world = World::new().accepting(&["drbddisk_r0"]);
    world.commit(
        "m1 drbddisk::r0 Filesystem::/dev/drbd0::/d0::ext3::noatime,nodev 10.0.0.1/255.255.255.0/eth0:1/10.0.0.255 vz\n\
         m2 LVM::vg Delay::5 apache::/etc/httpd.conf MailTo::a@b.c,d@e.f::Moved portblock::tcp::80,443::block\n\
         m2 IPv6addr::fe80:0:0:0:0:0:0:1/64/eth0 SendArp::10.0.0.9/eth0 LinuxSCSI::0:0:11\nm2 local::a::b\n",
    );
    assert_eq!(haven_core::spec::lint(&world.spec, Timing::of(Profile::Default)), []);
}

#[test]
fn the_guide_shows_what_really_comes_of_its_example() {
    let guide = include_str!("../../../../docs/guide/import-haresources.md");
    let line = guide.lines().find(|line| line.starts_with("m1.mydomain.com ")).unwrap();
    let world = World::new().accepting(&["drbddisk"]);
    let (imported, _) = world.import(&format!("{line}\n"));
    assert!(guide.contains(&show(&world.edited(imported.preview()))));
}

#[test]
fn the_guide_names_every_trap_and_what_is_said_about_it() {
    // What is written in the first column of the table of surprises gives the severity in the last one.
    let guide = include_str!("../../../../docs/guide/import-haresources.md");
    for (text, severity) in [
        ("m1 httpd#x vz", Severity::Warning),
        ("m1 a \\ # note", Severity::Error),
        ("m1 LinuxSCSI:0:0:11", Severity::Error),
        ("m1 IPv6addr::fe80::1/64", Severity::Error),
        ("m1 Filesystem::/dev/a::/d::::noatime", Severity::Error),
        ("m1 10.0.0.1x", Severity::Error),
        ("m1 10.0.0.1/24/10.0.0.255/eth0", Severity::Error),
        ("m1", Severity::Warning),
    ] {
        let written = text.strip_prefix("m1 ").filter(|_| !guide.contains(&format!("| `{text}"))).unwrap_or(text);
        let row = guide.lines().find(|line| line.starts_with(&format!("| `{written}`"))).expect(text);
        let said = row.rsplit(" | ").next().unwrap();
        assert!(said.starts_with(severity.word()), "{text}: {said}");
        let (imported, shown) = World::new().import(text);
        let worst = imported.haresources.iter().map(|d| d.severity).min();
        assert_eq!(worst, Some(severity), "{text}: {shown}");
    }
}
