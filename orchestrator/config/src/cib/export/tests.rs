//! Exports: what they are, that they come back as they were, and that Pacemaker takes them.

mod any;
mod pacemaker;

use std::collections::BTreeSet;

use expect_test::{expect, expect_file};
use haven_core::spec::{Profile, Spec, Timing};

use super::super::import::{Import, Imported, SecretsTo, import};
use super::{Exported, export};
use crate::diagnostic::has_errors;
use crate::show;
use crate::source::Source;

/// Imports a text into an empty cluster that has no members yet.
fn imported(text: &str) -> (Imported, Spec) {
    let cib = Source::of_cib("cib.xml", text.as_bytes().to_vec());
    let none = BTreeSet::new();
    let found = import(&Import {
        cib: &cib,
        members: &none,
        spec: &Spec::default(),
        base: Timing::of(Profile::Default),
        accepted: &BTreeSet::new(),
        accept_data_loss: &BTreeSet::new(),
        secrets: SecretsTo::Refused,
    });
    let spec = Spec::default().edited(found.preview(), 1).unwrap();
    (found, spec)
}

/// The configuration that becomes of this one when it is written and read. Positions count by their order.
fn there_and_back(spec: &Spec) -> Spec {
    let Exported { text, said } = export(spec, &BTreeSet::new());
    assert!(!has_errors(&said), "{said:?}");
    let (found, back) = imported(&text);
    assert!(!has_errors(&found.said), "{:?}\n{text}", found.said);
    back
}

/// The configuration with positions that say only what comes before what.
fn by_order(mut spec: Spec) -> Spec {
    let order: Vec<_> = spec.top_level().iter().map(|resource| resource.id.clone()).collect();
    let place = |id| order.iter().position(|other| other == id).map_or(0, |at| u64::try_from(at).unwrap() + 1);
    spec.resources.values_mut().for_each(|resource| resource.seq = place(&resource.id));
    let mut order: Vec<_> = spec.constraints.values().map(|c| (c.seq, c.id.clone())).collect();
    order.sort();
    for (at, (_, id)) in order.iter().enumerate() {
        spec.constraints.get_mut(id).unwrap().seq = u64::try_from(at).unwrap();
    }
    spec
}

/// What people have, see the tests of imports.
fn cluster() -> Spec {
    imported(include_str!("../import/tests/cluster.xml")).1
}

#[test]
fn a_configuration_is_written_as_people_write_it() {
    let Exported { text, said } = export(&cluster(), &BTreeSet::new());
    expect_file!["tests/cluster.xml"].assert_eq(&text);
    let said: String = said.iter().map(|d| format!("{}: {} ({})\n", d.severity.word(), d.what, d.remedy)).collect();
    expect![[r#"
        note: nodes have their names for ids (write Corosync's node ids instead, if Pacemaker is to run this)
        note: backup: haven:ip is written as ocf:haven:ip, and Pacemaker has no such agent (choose one of Pacemaker's, such as ocf:heartbeat:IPaddr2, if it is to run this)
    "#]].assert_eq(&said);
}

#[test]
fn a_configuration_comes_back_as_it_was() {
    let spec = cluster();
    assert_eq!(show(&there_and_back(&spec)), show(&spec));
    assert_eq!(by_order(there_and_back(&spec)), by_order(spec));
}

#[test]
fn what_is_not_scheduled_yet_comes_back_all_the_same() {
    let text = include_str!("tests/all.xml");
    let (_, spec) = imported(text);
    let Exported { text, said } = export(&spec, &BTreeSet::new());
    assert!(!has_errors(&said), "{said:?}");
    let (_, back) = imported(&text);
    assert_eq!(show(&back), show(&spec));
    assert_eq!(by_order(back), by_order(spec));
    expect_file!["tests/all.txt"].assert_eq(&show(&imported(&text).1));
}

#[test]
fn a_secret_is_not_written_and_its_place_is_not_taken_for_one() {
    let text = include_str!("../import/tests/cluster.xml").replace(
        "name=\"passwd_script\" value=\"/etc/ha/ilo.sh\"",
        "name=\"haven-secret-passwd\" value=\"file:/etc/haven/ilo--m1\"",
    );
    let (_, spec) = imported(&text);
    let Exported { text, said } = export(&spec, &BTreeSet::new());
    assert!(text.contains("<!-- the passwd of fence_m1 is not written here -->"), "{text}");
    assert!(text.contains("name=\"haven-secret-passwd\" value=\"file:/etc/haven/ilo--m1\""), "{text}");
    assert!(
        said.iter().any(|d| d.what == "the passwd of fence device fence_m1 is not written, only where haven finds it")
    );
    assert_eq!(by_order(there_and_back(&spec)), by_order(spec));
}

#[test]
fn what_a_cib_cannot_say_is_refused_by_name() {
    use haven_core::ids::{ConstraintId, NodeId, ResourceId};
    use haven_core::spec::{AgentName, AttrSet, Body, NodeSpec, Resource};
    let mut spec = cluster();
    let mut put = |id: &str, agent: &str, params: &[(&str, &str)]| {
        let id = ResourceId::new(id).unwrap();
        let body = Body::Primitive { agent: AgentName::parse(agent), template: None };
        let resource =
            Resource { params: vec![AttrSet::of(params.iter().copied())], ..Resource::new(id.clone(), body) };
        spec.resources.insert(id, resource);
    };
    put("9lives", "Dummy", &[]);
    put("a:b", "Dummy", &[]);
    put("loc_web", "Dummy", &[("x", "#Default"), ("y", "\u{1}")]);
    put("own", "ocf:haven:ip", &[]);
    let mut moved = spec.constraints[&ConstraintId::new("loc_web").unwrap()].clone();
    moved.until = Some(haven_core::units::LogTime(5));
    moved.id = ConstraintId::new("cli-prefer").unwrap();
    spec.constraints.insert(moved.id.clone(), moved);
    let secret = NodeSpec { attributes: [("token".to_owned(), "hunter2".to_owned())].into(), ..NodeSpec::default() };
    spec.nodes.insert(NodeId::new("m3").unwrap(), secret);
    let Exported { text, said } = export(&spec, &BTreeSet::new());
    assert!(!text.contains("hunter2") && !text.contains("cli-prefer"), "{text}");
    let said: String = said.iter().map(|d| format!("{}: {} ({})\n", d.severity.word(), d.what, d.remedy)).collect();
    expect![[r#"
        error: resource `9lives` cannot be written: XML does not allow it as an id (give it another name first)
        error: resource `a:b` cannot be written: XML does not allow it as an id (give it another name first)
        error: constraint `loc_web` cannot be written: another object has it, too (give it another name first)
        note: nodes have their names for ids (write Corosync's node ids instead, if Pacemaker is to run this)
        error: `token` of node-m3-instance_attributes is a secret, and is not written (keep it in a file)
        error: `x` of loc_web-instance_attributes cannot be written: it is #default, or has control characters (set it to another value first)
        error: `y` of loc_web-instance_attributes cannot be written: it is #default, or has control characters (set it to another value first)
        error: own: ocf:haven:ip would be taken for an agent that is built into haven (install that agent under another provider first)
        note: backup: haven:ip is written as ocf:haven:ip, and Pacemaker has no such agent (choose one of Pacemaker's, such as ocf:heartbeat:IPaddr2, if it is to run this)
        note: constraint cli-prefer ends by itself, and is not written (move the resource in Pacemaker, too, if it is to stay there)
    "#]].assert_eq(&said);
}
