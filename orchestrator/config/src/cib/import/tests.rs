//! Imports as an operator sees them: what is said, and what the configuration becomes.

mod constraints;
mod fencing;
mod options;
mod resources;

use std::collections::BTreeSet;

use expect_test::{Expect, expect, expect_file};
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Profile, Spec, Timing};

use super::{Accept, Import, Imported, SecretsTo, import};
use crate::show;
use crate::source::Source;

/// A CIB with these sections in its configuration.
pub(super) fn cib(sections: &str) -> Source {
    let text = format!("<cib><configuration>\n{sections}\n</configuration></cib>\n");
    Source::of_cib("cib.xml", text.into_bytes())
}

/// The members m1 and m2, an empty configuration, and these answers.
pub(super) fn imported_with(
    cib: &Source,
    spec: &Spec,
    accepted: &[Accept],
    loss: &[&str],
    secrets: SecretsTo,
) -> Imported {
    let members = ["m1", "m2"].map(|name| NodeId::new(name).unwrap()).into();
    let accepted: BTreeSet<Accept> = accepted.iter().copied().collect();
    let loss = loss.iter().map(|id| ResourceId::new(id).unwrap()).collect();
    let base = Timing::of(Profile::Default);
    import(&Import { cib, members: &members, spec, base, accepted: &accepted, accept_data_loss: &loss, secrets })
}

pub(super) fn imported(cib: &Source) -> Imported {
    imported_with(cib, &Spec::default(), &[], &[], SecretsTo::Refused)
}

/// What is said without the excerpts, and what the configuration would be.
pub(super) fn told(imported: &Imported) -> String {
    let said = imported.said.iter().map(|d| {
        let remedy = if d.remedy.is_empty() { String::new() } else { format!("\n    remedy: {}", d.remedy) };
        format!("{}:{}: {}: {}{remedy}\n", d.line(), d.column(), d.severity.word(), d.what)
    });
    let spec = Spec::default().edited(imported.preview(), 1).unwrap();
    said.collect::<String>() + "\n" + &show(&spec)
}

/// Compares what becomes of these sections.
#[track_caller]
pub(super) fn check(sections: &str, want: Expect) {
    want.assert_eq(&told(&imported(&cib(sections))));
}

/// Fencing as most clusters have it, so that nothing need be said about it.
const DEVICE: &str = r#"<primitive id="f" class="stonith" type="fence_apc_snmp"><instance_attributes id="f-instance_attributes">
<nvpair id="f1" name="ip" value="10.0.0.9"/><nvpair id="f2" name="pcmk_host_map" value="m1:1;m2:2"/></instance_attributes></primitive>"#;

/// A resource section with these and a device.
pub(super) fn resources(inner: &str) -> String {
    format!("<resources>{DEVICE}\n{inner}\n</resources>")
}

/// A primitive named `id` with `inner` in it.
pub(super) fn primitive(id: &str, inner: &str) -> String {
    format!("<primitive id=\"{id}\" class=\"ocf\" provider=\"heartbeat\" type=\"Dummy\">{inner}</primitive>\n")
}

#[test]
fn a_cluster_as_people_have_it_is_taken_as_it_is() {
    let sections = include_str!("tests/cluster.xml");
    let cib = Source::of_cib("cluster.xml", sections.into());
    let found = imported(&cib);
    expect_file!["tests/cluster.txt"].assert_eq(&(told(&found) + &found.tally.to_string()));
    found.commit().unwrap();
}

#[test]
fn an_import_for_the_second_time_changes_nothing() {
    let cib = Source::of_cib("cluster.xml", include_str!("tests/cluster.xml").into());
    let spec = Spec::default().edited(imported(&cib).preview(), 1).unwrap();
    let again = imported_with(&cib, &spec, &[], &[], SecretsTo::Refused);
    assert_eq!(again.preview(), []);
    assert_eq!(again.tally, imported(&cib).tally);
}

#[test]
fn what_the_file_does_not_speak_of_stays_as_it_is() {
    let first = imported(&cib(&resources(&primitive("a", "")))).commit().unwrap();
    let spec = Spec::default().edited(&first, 1).unwrap();
    let second = cib(&format!("<resources>{}</resources>", primitive("b", "")));
    let edits = imported_with(&second, &spec, &[], &[], SecretsTo::Refused).commit().unwrap();
    let spec = spec.edited(&edits, 9).unwrap();
    let ids: Vec<&str> = spec.resources.keys().map(ResourceId::as_str).collect();
    assert_eq!((ids, spec.devices.len()), (vec!["a", "b"], 1));
}

#[test]
fn a_cib_that_cannot_be_read_is_not_taken_in_part() {
    let broken = cib(&(resources(&primitive("a", "")) + "<resource/>"));
    let found = imported(&broken);
    assert_eq!(found.preview(), []);
    assert_eq!(found.commit().unwrap_err().to_string(), "nothing was imported: 1 error");
}

#[test]
fn ids_that_haven_has_not_are_refused_with_one_that_would_do() {
    let long = "x".repeat(70);
    check(
        &(resources(&(primitive("a b", "") + &primitive("ä", "")))
            + &format!("<constraints><rsc_location id=\"{long}\" rsc=\"a b\" node=\"m1\" score=\"1\"/></constraints>")),
        expect![[r#"
            4:12: error: the id `a b` is not allowed: letters, digits and `._:-` are, and it begins with a letter, digit or underscore
                remedy: call it `a_b` everywhere in the CIB
            5:12: error: the id `ä` is not allowed: letters, digits and `._:-` are, and it begins with a letter, digit or underscore
                remedy: call it `_` everywhere in the CIB
            7:40: error: the id `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...` has more than 64 characters
                remedy: call it `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` everywhere in the CIB
            7:116: error: the id `a b` is not allowed: letters, digits and `._:-` are, and it begins with a letter, digit or underscore
                remedy: call it `a_b` everywhere in the CIB
            0:0: note: a fence device is taken, and not tried
                remedy: run `haven fence test NODE` for each node

            fence device f fence_apc_snmp \
                params ip=10.0.0.9 \
                switches m1=1 m2=2
        "#]],
    );
}
