//! Findings as an operator sees them.

use expect_test::{Expect, expect};

use crate::crm::{Configuration, Load, parse};
use crate::diagnostic::{has_errors, render};
use crate::source::Source;

#[track_caller]
fn check(text: &str, want: Expect) {
    let source = Source::of_crm("x.crm", text.as_bytes());
    let (draft, said) = parse(&source);
    assert!(!has_errors(&said), "{}", render(&source, &said));
    let (configuration, said) = Configuration::default().load(&draft, Load::Replace);
    assert!(!has_errors(&said), "{}", render(&source, &said));
    let placed = draft.placed(&configuration.verify());
    let lines: Vec<String> =
        placed.iter().map(|d| format!("{}:{}: {} ({})\n", d.line(), d.severity.word(), d.what, d.remedy)).collect();
    want.assert_eq(&lines.concat());
}

#[test]
fn a_sound_configuration_has_no_findings() {
    check(
        "node n1\nprimitive a Dummy op monitor interval=10 op monitor interval=11\nprimitive b Dummy\ngroup g a\nclone c g\n\
         location l c 5: n1\ntag t b c\nlocation m t 5: n1\nprimitive s stonith:x\nfencing_topology n1: s",
        expect![[""]],
    );
}

#[test]
fn names_that_lead_nowhere_are_found() {
    check(
        "node node1\nprimitive web Dummy\ngroup g web wev\nclone c nope\nlocation l wbe 5: nod1\ncolocation k inf: web ( web2 g )\n\
         order o web g\ntag t nothing\nprimitive p @tpl\nfencing_topology node1: web",
        expect![[r#"
            3:error: g: there is no resource `wev`; it may have been meant as `web` (mend the name, or add what it is about)
            4:error: c: there is no resource `nope` (mend the name, or add what it is about)
            5:error: l: there is no resource, template or tag `wbe` (mend the name, or add what it is about)
            5:warning: l: there is no node `nod1`; it may have been meant as `node1` (mend the name; until there is such a node it counts for nothing)
            6:warning: k: `web` is in the group `g` (make the constraint about what holds it, unless only this part is meant)
            6:error: k: there is no resource, template or tag `web2`; it may have been meant as `web` (mend the name, or add what it is about)
            7:warning: o: `web` is in the group `g` (make the constraint about what holds it, unless only this part is meant)
            8:error: t: there is no resource, template or tag `nothing` (mend the name, or add what it is about)
            9:error: p: there is no template `tpl` (mend the name, or add what it is about)
            10:error: fencing_topology: `web` is no fence device (name primitives of the class `stonith`)
        "#]],
    );
}

#[test]
fn what_is_there_twice_is_found() {
    check(
        "primitive a Dummy params x=1 x=2 op monitor interval=5 op monitor interval=5\nprimitive b Dummy params $id=same x=1\n\
         primitive d Dummy params $id=same x=1 meta $id-ref=other\ngroup g a\nclone c a\ngroup h b\nclone k h\nms m k",
        expect![[r#"
            1:warning: a: the attribute `x` is there twice in one set (remove one of them; the first one counts)
            1:error: a: `monitor` with the interval 5 is there twice (give one of them another interval, such as 11s beside 10s)
            3:error: d: nothing has the id `other` (mend the id, or write the set here)
            3:error: d: the id `same` is that of something in `b`, too (give one of them another id)
            5:error: c: `a` is in the group `g` already (keep it in one of them)
            8:error: m: `k` is a clone, which a ms cannot hold (name a primitive; a clone may hold a group, too)
        "#]],
    );
}

#[test]
fn names_that_are_almost_known_are_found_and_others_are_left_alone() {
    check(
        "primitive p Dummy op monitr interval=10 op flush interval=0 meta target-rol=Stopped our-own=x\n\
         property stonith-enbled=true our-site=x no-quorum-policy=bananas\nrsc_defaults resource-stickines=1",
        expect![[r#"
            1:warning: p: `target-rol` is no meta attribute; it may have been meant as `target-role` (mend the name; nobody reads it as it is)
            1:warning: p: `monitr` is no operation; it may have been meant as `monitor` (mend the name; it is never done as it is)
            2:warning: cib-bootstrap-options: `stonith-enbled` is no option; it may have been meant as `stonith-enabled` (mend the name; nobody reads it as it is)
            2:warning: cib-bootstrap-options: no-quorum-policy is `bananas`, which counts as stop (write one of demote, fence, freeze, ignore, stop, suicide)
            3:warning: rsc-options: `resource-stickines` is no meta attribute; it may have been meant as `resource-stickiness` (mend the name; nobody reads it as it is)
        "#]],
    );
}
