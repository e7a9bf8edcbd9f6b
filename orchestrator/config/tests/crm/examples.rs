//! The configurations of `docs/examples`: nothing is wrong with them, and what an import makes of each is known.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use haven_config::cib::import::{Import, SecretsTo, import, nodes_of};
use haven_config::{Severity, Source, cib, render};
use haven_core::spec::{Profile, Spec, Timing};

use super::read;

/// Where they are.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples")
}

/// An example as a CIB.
fn as_cib(name: &str) -> Source {
    let file = format!("{name}.crm");
    let configuration = read(&file, &std::fs::read_to_string(folder().join(&file)).unwrap());
    assert_eq!(configuration.verify(), [], "{name}");
    Source::of_cib(&format!("{name}.xml"), configuration.to_cib().into_bytes())
}

/// Compares what an import says of an example: refusals and warnings.
#[track_caller]
fn check(name: &str, want: &Expect) {
    let source = as_cib(name);
    let (scene, said) = cib::read(&source);
    assert!(scene.is_some() && said.is_empty(), "{}", render(&source, &said));
    let members = nodes_of(&source);
    let nothing = (BTreeSet::new(), BTreeSet::new());
    let imported = import(&Import {
        cib: &source,
        members: &members,
        spec: &Spec::default(),
        base: Timing::of(Profile::Default),
        accepted: &nothing.0,
        accept_data_loss: &nothing.1,
        secrets: SecretsTo::Refused,
    });
    let worth = |severity: Severity| severity != Severity::Note;
    let lines = imported.said.iter().filter(|said| worth(said.severity));
    let lines: String = lines.map(|said| format!("{}: {}\n", said.severity.word(), said.what)).collect();
    let taken = imported.commit().map_or_else(|refused| refused.to_string(), |_| "taken in whole".to_owned());
    want.assert_eq(&format!("{lines}{taken}\n"));
}

#[test]
fn the_web_server_is_taken_in_today() {
    check(
        "web-server",
        &expect![[r#"
        warning: node web1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node web2: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node vote1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        taken in whole
    "#]],
    );
}

#[test]
fn the_nfs_server_is_taken_in_today() {
    check(
        "nfs",
        &expect![[r#"
        taken in whole
    "#]],
    );
}

#[test]
fn the_groups_are_taken_in_today() {
    check(
        "two-groups-apart",
        &expect![[r#"
        warning: node app1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node app2: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node app3: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        taken in whole
    "#]],
    );
}

#[test]
fn the_database_waits_for_promotable_resources() {
    check(
        "drbd-database",
        &expect![[r#"
        warning: node db1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node db2: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node vote1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        error: `db-fs` uses DRBD, which this version of haven does not drive: it may start on data that the other node has changed since
        error: resource db-drbd-both: a promotable clone is not scheduled by this version of haven
        error: `db-drbd` drives DRBD, which this version of haven does not
        error: constraint db-with-promoted-disk: a role is not scheduled by this version of haven
        error: constraint disk-before-db: promote or demote is not scheduled by this version of haven
        nothing was imported: 5 errors
    "#]],
    );
}

#[test]
fn the_guests_wait_for_clones_templates_sets_and_live_migration() {
    check(
        "shared-lvm-guests",
        &expect![[r#"
        error: with no-quorum-policy freeze, a part without quorum goes on with what it has; here it stops what it runs
        error: property placement-strategy: `balanced` is not done by this version, `default` is
        warning: node host1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node host2: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node host3: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        error: resource guest: a template is not scheduled by this version of haven
        error: resource guest op migrate_to: this operation is not scheduled by this version of haven
        error: resource guest op migrate_from: this operation is not scheduled by this version of haven
        error: resource vm-files: a template reference is not scheduled by this version of haven
        error: resource vm-mail: a template reference is not scheduled by this version of haven
        error: resource vm-test: a template reference is not scheduled by this version of haven
        error: resource san-everywhere: a clone is not scheduled by this version of haven
        warning: controld is an agent of Pacemaker: it must stay installed, and may need its daemons
        error: constraint guests-with-san: a resource set is not scheduled by this version of haven
        error: constraint san-before-guests: a resource set is not scheduled by this version of haven
        nothing was imported: 11 errors
    "#]],
    );
}

#[test]
fn the_targets_wait_for_promotable_resources_and_templates() {
    check(
        "iscsi-target",
        &expect![[r#"
        warning: node san1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node san2: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node vote1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        error: `drbd-volume` drives DRBD, which this version of haven does not
        error: resource drbd-a-both: a promotable clone is not scheduled by this version of haven
        error: resource drbd-b-both: a promotable clone is not scheduled by this version of haven
        error: constraint a-with-its-disk: a role is not scheduled by this version of haven
        error: constraint b-with-its-disk: a role is not scheduled by this version of haven
        error: constraint a-disk-first: promote or demote is not scheduled by this version of haven
        error: constraint b-disk-first: promote or demote is not scheduled by this version of haven
        nothing was imported: 7 errors
    "#]],
    );
}

#[test]
fn the_router_waits_for_clones_and_rules() {
    check(
        "router-guest",
        &expect![[r#"
        warning: node edge1: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        warning: node edge2: what can switch it off shares its power supply: when that fails, nothing proves the node off, and what it ran waits for a person
        error: resource bridge-everywhere: a clone is not scheduled by this version of haven
        error: resource uplink-everywhere: a clone is not scheduled by this version of haven
        warning: ping is an agent of Pacemaker: it must stay installed, and may need its daemons
        error: constraint router-where-the-uplink-answers: a rule is not scheduled by this version of haven
        nothing was imported: 3 errors
    "#]],
    );
}
