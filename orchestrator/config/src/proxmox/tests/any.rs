//! Whatever the files hold: nothing panics, every diagnostic points into its text, and an import that is committed holds and
//! changes nothing when it is made again.

use std::collections::BTreeSet;

use haven_core::ids::NodeId;
use haven_core::spec::{Profile, Severity as Fault, Spec, Timing, lint};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Files, Import, Nodes, guest_id, import};
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// Pieces that files are made of, and pieces that make trouble.
const PIECES: [&str; 44] = [
    "\n",
    "\n",
    "\n\n",
    "\t",
    "\t",
    " ",
    ":",
    ",",
    ";",
    "#",
    "%",
    "%41",
    "\r\n",
    "\u{0}",
    "\u{e4}",
    "\u{a0}",
    "vm: 101\n",
    "vm: 102\n",
    "ct: 201\n",
    "vm:103\n",
    "vm:101",
    "vm:102,vm:101",
    "ct:201",
    "group: g\n",
    "node-affinity: a\n",
    "resource-affinity: b\n",
    "resource-affinity: c\n",
    "\tstate started\n",
    "\tstate stopped\n",
    "\tgroup g\n",
    "\tmax_restart 2\n",
    "\tnodes n1:2,n2\n",
    "\tnodes n3\n",
    "\tstrict 1\n",
    "\trestricted 1\n",
    "\tnofailback 1\n",
    "\tresources vm:101,vm:102\n",
    "\tresources vm:102 ct:201\n",
    "\taffinity positive\n",
    "\taffinity negative\n",
    "\tdisable 1\n",
    "\tcomment x y\n",
    "101",
    "n1",
];

fn text() -> impl Strategy<Value = String> {
    let pieces = vec(prop::sample::select(PIECES.to_vec()), 0..40).prop_map(|pieces| pieces.concat());
    prop_oneof![4 => pieces, 1 => any::<String>()]
}

/// Files that are mostly right, so that many imports are committed.
fn folder() -> impl Strategy<Value = [String; 3]> {
    let guest =
        (101_u32..105, prop_oneof!["\tstate (started|stopped|ignored)\n", "\tmax_restart [0-3]\n", "\tgroup g\n"]);
    let resources = vec(guest, 1..5).prop_map(|guests| {
        let mut seen = BTreeSet::new();
        let new = guests.into_iter().filter(|(id, _)| seen.insert(*id));
        new.map(|(id, property)| format!("vm: {id}\n{property}\n")).collect::<String>()
    });
    let groups = "group: g\n\tnodes n[12](:[1-3])?(,n3)?\n(\trestricted 1\n)?(\tnofailback 1\n)?";
    let rule = |kind: &str| format!("{kind}(\n\n)?");
    let rules = [
        rule("node-affinity: a\n\tresources vm:10[1-4]\n\tnodes n[1-3]\n(\tstrict 1\n)?"),
        rule("resource-affinity: b\n\tresources vm:101,vm:10[2-4]\n\taffinity (positive|negative)\n"),
    ];
    (resources, groups, proptest::string::string_regex(&rules.concat()).unwrap()).prop_map(|(a, b, c)| [a, b, c])
}

fn check_places(source: &Source, text: &str, said: &[Diagnostic]) {
    let lines = u32::try_from(text.split('\n').count()).unwrap();
    for said in said {
        assert!(said.line() <= lines, "{}: {said:?}", source.name());
        assert!(!said.what.contains('\n') && !said.remedy.ends_with('.'), "{said:?}");
    }
}

fn check(texts: &[String; 3]) -> bool {
    let [resources, groups, rules] = texts.each_ref().map(|text| Source::of_proxmox("x.cfg", text.as_bytes()));
    let others = BTreeSet::new();
    let files = Files { resources: &resources, groups: Some(&groups), rules: Some(&rules), others: &others };
    let members: BTreeSet<NodeId> = ["n1", "n2", "n3"].into_iter().map(|name| NodeId::new(name).unwrap()).collect();
    let defined = (101..105).filter_map(|id| guest_id(&format!("vm:{id}")));
    let names = texts.first().unwrap().clone();
    let defined: BTreeSet<_> = defined.filter(|id| names.contains(&id.as_str().replace('-', ": "))).collect();
    let into = |spec: &Spec| {
        import(&Import {
            files,
            members: &members,
            nodes: Nodes::Members(3),
            spec,
            base: Timing::of(Profile::Default),
            defined: &defined,
        })
    };
    let found = into(&Spec::default());
    for (source, (text, said)) in
        [&resources, &groups, &rules].into_iter().zip(texts.iter().zip([&found.resources, &found.groups, &found.rules]))
    {
        check_places(source, text, said);
    }
    let _ = found.render(&files);
    let Ok(edits) = found.commit() else { return false };
    let spec = Spec::default().edited(&edits, 1).unwrap();
    let faults = lint(&spec, Timing::of(Profile::Default));
    assert!(faults.iter().all(|fault| fault.severity == Fault::Warning), "{faults:?}");
    assert_eq!(into(&spec).preview(), [], "importing again changes nothing");
    true
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_answered(resources in text(), groups in text(), rules in text()) {
        check(&[resources, groups, rules]);
    }

    #[test]
    fn files_that_are_mostly_right_hold_when_they_are_committed(texts in folder()) {
        check(&texts);
    }
}
