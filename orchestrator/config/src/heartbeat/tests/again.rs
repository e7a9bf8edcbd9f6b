//! Imports into a configuration that an earlier import, or an operator, has made.

use expect_test::expect;
use haven_core::spec::{AgentName, AttrSet, Body, Resource};

use super::*;

#[test]
fn importing_the_same_file_again_changes_nothing() {
    let text = "m1 10.0.0.1/24/eth0 Filesystem::/dev/sdb1::/srv/data::ext4 httpd\nm2 vz\nm2 10.0.0.2 MailTo::root\n";
    let mut world = World::new();
    world.commit(text);
    let (imported, _) = world.import(text);
    assert_eq!(imported.preview(), []);
    // The same groups in another order of lines are the same groups.
    let (imported, _) = world
        .import("m2 10.0.0.2 MailTo::root\nm2 vz\nm1 10.0.0.1/24/eth0 Filesystem::/dev/sdb1::/srv/data::ext4 httpd");
    assert_eq!(imported.preview(), []);
}

#[test]
fn what_an_operator_set_on_an_imported_resource_stays() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1 httpd\n");
    let httpd = ResourceId::new("httpd").unwrap();
    let resource = world.spec.resources.get_mut(&httpd).unwrap();
    resource.operations.clear();
    resource.description = Some("the web".to_owned());
    resource.meta = vec![AttrSet::of([("priority", "5")])];
    assert_eq!(world.import("m1 10.0.0.1 httpd\n").0.preview(), []);
    world.check_change(
        "m2 10.0.0.1/24 httpd\n",
        expect![[r#"
        ---
          primitive ip_10.0.0.1 haven:ip
        -     params ip=10.0.0.1
        +     params cidr_netmask=24 ip=10.0.0.1
              op start timeout=20s
              op stop timeout=20s
              op monitor interval=10s timeout=20s
        - location loc_g_ip_10.0.0.1 g_ip_10.0.0.1 1000: m1
        + location loc_g_ip_10.0.0.1 g_ip_10.0.0.1 1000: m2
    "#]],
    );
}

#[test]
fn a_resource_that_leaves_its_line_is_removed_and_not_left_to_run_alone() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1 httpd vz\n");
    world.check_change(
        "m1 10.0.0.1 httpd\n",
        expect![[r#"
        haresources:1:4: warning: resource vz was in this group and is removed, since the file does not name it
         1 | m1 10.0.0.1 httpd
           |    ^^^^^^^^
        ---
        - group g_ip_10.0.0.1 ip_10.0.0.1 httpd vz
        + group g_ip_10.0.0.1 ip_10.0.0.1 httpd
              meta resource-stickiness=1
        - primitive vz lsb:vz
        -     op start timeout=5min
        -     op stop timeout=5min
        -     op monitor interval=30s timeout=1min
    "#]],
    );
}

#[test]
fn a_group_of_which_one_resource_is_left_becomes_that_resource() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1 httpd vz\n");
    world.check_change(
        "m1 10.0.0.1\n",
        expect![[r#"
        haresources:1:4: warning: resource httpd was in this group and is removed, since the file does not name it
         1 | m1 10.0.0.1
           |    ^^^^^^^^
        haresources:1:4: warning: resource vz was in this group and is removed, since the file does not name it
         1 | m1 10.0.0.1
           |    ^^^^^^^^
        ---
        - group g_ip_10.0.0.1 ip_10.0.0.1 httpd vz
        -     meta resource-stickiness=1
        - primitive httpd systemd:httpd
        -     op start timeout=100s
        -     op stop timeout=100s
        -     op monitor interval=30s timeout=100s
          primitive ip_10.0.0.1 haven:ip
              params ip=10.0.0.1
        +     meta resource-stickiness=1
              op start timeout=20s
              op stop timeout=20s
              op monitor interval=10s timeout=20s
        - primitive vz lsb:vz
        -     op start timeout=5min
        -     op stop timeout=5min
        -     op monitor interval=30s timeout=1min
        - location loc_g_ip_10.0.0.1 g_ip_10.0.0.1 1000: m1
        + location loc_ip_10.0.0.1 ip_10.0.0.1 1000: m1
    "#]],
    );
}

#[test]
fn a_resource_that_moves_to_another_line_is_kept() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1 httpd vz\n");
    world.check_change(
        "m1 10.0.0.1 httpd\nm2 vz\n",
        expect![[r#"
        ---
        - group g_ip_10.0.0.1 ip_10.0.0.1 httpd vz
        + group g_ip_10.0.0.1 ip_10.0.0.1 httpd
              meta resource-stickiness=1
          primitive vz lsb:vz
        +     meta resource-stickiness=1
              op start timeout=5min
              op stop timeout=5min
              op monitor interval=30s timeout=1min
        + location loc_vz vz 1000: m2
    "#]],
    );
}

#[test]
fn a_resource_alone_becomes_a_group_when_the_line_grows() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1\n");
    world.check_change(
        "m1 10.0.0.1 httpd\n",
        expect![[r#"
        ---
        + group g_ip_10.0.0.1 ip_10.0.0.1 httpd
        +     meta resource-stickiness=1
        + primitive httpd systemd:httpd
        +     op start timeout=100s
        +     op stop timeout=100s
        +     op monitor interval=30s timeout=100s
          primitive ip_10.0.0.1 haven:ip
              params ip=10.0.0.1
        -     meta resource-stickiness=1
              op start timeout=20s
              op stop timeout=20s
              op monitor interval=10s timeout=20s
        + location loc_g_ip_10.0.0.1 g_ip_10.0.0.1 1000: m1
        - location loc_ip_10.0.0.1 ip_10.0.0.1 1000: m1
    "#]],
    );
}

#[test]
fn a_line_that_is_gone_from_the_file_is_not_removed_from_the_cluster() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1\nm2 10.0.0.2\n");
    assert_eq!(world.import("m2 10.0.0.2\n").0.preview(), []);
}

#[test]
fn a_resource_of_the_same_name_with_another_agent_is_said_to_be_replaced() {
    let mut world = World::new();
    world.commit("m1 httpd\n");
    let httpd = world.spec.resources.values_mut().next().unwrap();
    httpd.body = Body::Primitive { agent: AgentName::parse("apache"), template: None };
    world.check_change(
        "m1 httpd\n",
        expect![[r#"
        haresources:1:4: warning: there is a resource httpd with the agent ocf:heartbeat:apache already; it is replaced
         1 | m1 httpd
           |    ^^^^^
           remedy: rename that one first, if it is something else
        ---
        - primitive httpd ocf:heartbeat:apache
        + primitive httpd systemd:httpd
              meta resource-stickiness=1
              op start timeout=100s
              op stop timeout=100s
              op monitor interval=30s timeout=100s
    "#]],
    );
}

#[test]
fn an_agent_that_appears_later_does_not_take_over_what_runs() {
    let mut world = World::new();
    world.commit("m1 httpd\n");
    for node in world.inventory.nodes.values_mut() {
        node.resource_d.insert("httpd".to_owned());
    }
    assert_eq!(world.import("m1 httpd\n").0.preview(), []);
}

#[test]
fn what_a_commit_would_refuse_is_said_at_import() {
    let mut world = World::new();
    world.commit("m1 10.0.0.1 httpd\n");
    let vz = ResourceId::new("vz").unwrap();
    let body = Body::Primitive { agent: AgentName::parse("lsb:vz"), template: None };
    let primitive = Resource::new(vz.clone(), body);
    let group = Resource::new(ResourceId::new("mine").unwrap(), Body::Group { members: vec![vz] });
    for resource in [primitive, group] {
        world.spec.resources.insert(resource.id.clone(), resource);
    }
    world.check_change(
        "m1 10.0.0.1 httpd vz\n",
        expect![[r#"
        haresources: error: the configuration would be refused: resource vz: is a member of both g_ip_10.0.0.1 and mine
        ---
        - group g_ip_10.0.0.1 ip_10.0.0.1 httpd
        + group g_ip_10.0.0.1 ip_10.0.0.1 httpd vz
              meta resource-stickiness=1
    "#]],
    );
}

#[test]
fn without_ha_cf_groups_do_as_they_did() {
    let text = "m1 10.0.0.1 httpd\nm2 vz\n";
    let mut world = World::new().ha_cf("auto_failback off\n");
    world.commit(text);
    world.ha_cf = None;
    assert_eq!(world.import(text).0.preview(), []);
    // Nor does a line that becomes a group, or a single resource.
    let grown = show(&world.edited(world.import("m1 10.0.0.1\nm2 vz httpd\n").0.preview()));
    assert_eq!(grown.matches("resource-stickiness=10000").count(), 2, "{grown}");
    world.check_change(
        &format!("{text}m2 10.0.0.2\n"),
        expect![[r#"
        ---
        + primitive ip_10.0.0.2 haven:ip
        +     params ip=10.0.0.2
        +     meta resource-stickiness=1
        +     op start timeout=20s
        +     op stop timeout=20s
        +     op monitor interval=10s timeout=20s
        + location loc_ip_10.0.0.2 ip_10.0.0.2 1000: m2
    "#]],
    );
    world = world.ha_cf("auto_failback on\nnode m1 m2\nstonith x y\n");
    world.check_change(text, expect![[r#"
        ha.cf:1:1: note: auto_failback on: groups go back to their node when it returns
         1 | auto_failback on
           | ^^^^^^^^^^^^^
        ha.cf:2:1: note: node: m1, m2 are members of this cluster
         2 | node m1 m2
           | ^^^^
        ha.cf:3:9: warning: `x`: fence devices are not imported, because each must be tested first
         3 | stonith x y
           |         ^
           remedy: configure the device: `haven fence add NODE TYPE --addr ADDRESS --user USER --secret file:PATH`, then `haven fence test NODE`
        ---
          group g_ip_10.0.0.1 ip_10.0.0.1 httpd
        -     meta resource-stickiness=10000
        +     meta resource-stickiness=1
          primitive vz lsb:vz
        -     meta resource-stickiness=10000
        +     meta resource-stickiness=1
              op start timeout=5min
              op stop timeout=5min
              op monitor interval=30s timeout=1min
    "#]]);
}
