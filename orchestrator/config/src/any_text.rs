//! Whatever the files hold: nothing panics, every diagnostic points into its text, an import that is committed holds,
//! and importing again changes nothing.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{Profile, Spec, Timing, lint};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::heartbeat::{Import, Installed, Inventory, import};
use crate::{Diagnostic, Severity, Source, diff, ha_cf, haresources, render, show};

/// Pieces that files are made of, and pieces that make trouble.
const PIECES: [&str; 46] = [
    "m1",
    "M2",
    "m1.example.com",
    "m9",
    "\n",
    "\n",
    "\r\n",
    " ",
    " ",
    "\t",
    "\\",
    "\\\n",
    "#",
    "# x\n",
    "\"",
    "'",
    "::",
    ":",
    "/",
    ".",
    "10.0.0.1",
    "10.0.0.2/24/eth0",
    "IPaddr2::10.0.0.3/24",
    "IPv6addr::fe80::1",
    "fe80::1/64",
    "Filesystem::/dev/drbd0::/d0::ext3",
    "Filesystem::/dev/sdb1::/d1",
    "drbddisk",
    "drbddisk::r0",
    "httpd",
    "vz",
    "LVM::vg",
    "MailTo::root",
    "MailTo::root",
    "Delay::5",
    "local::a::b",
    "\u{0}",
    "\u{e4}",
    "\u{a0}",
    "*",
    "-",
    "deadtime 10\n",
    "auto_failback off\n",
    "node m1 m2\n",
    "ping 10.0.0.254\n",
    "stonith_host * x hunter2\n",
];

fn pieces() -> impl Strategy<Value = String> {
    vec((prop::sample::select(PIECES.to_vec()), prop_oneof![2 => Just(" "), 1 => Just("")]), 0..40)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, blank)| [piece, blank]).collect())
}

/// Lines that are mostly right, so that many imports are committed.
fn lines() -> impl Strategy<Value = String> {
    let resources = [
        "10.0.0.1",
        "10.0.0.2/24/eth0",
        "IPaddr2::10.0.0.3/24",
        "Filesystem::/dev/sdb1::/d1",
        "Filesystem::/dev/c::/d1/2",
        "httpd",
        "vz",
        "LVM::vg",
        "MailTo::root",
        "MailTo::root::moved",
        "Delay::5",
        "local::a",
        "local::a::b",
        "local::a_b",
        "drbddisk::r0",
        "Filesystem::/dev/d::/d1_2",
    ];
    let line = (prop::sample::select(vec!["m1", "M2"]), vec(prop::sample::select(resources.to_vec()), 1..5))
        .prop_map(|(node, resources)| format!("{node} {}\n", resources.join(" ")));
    vec(line, 0..4).prop_map(|lines| lines.concat())
}

struct World {
    members: BTreeSet<NodeId>,
    inventory: Inventory,
    accepted: BTreeSet<ResourceId>,
}

impl World {
    fn new() -> Self {
        let members: BTreeSet<NodeId> = ["m1", "m2"].map(|name| NodeId::new(name).unwrap()).into();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
        let installed = Installed {
            ocf: names(&["heartbeat:Filesystem", "heartbeat:LVM", "heartbeat:MailTo", "heartbeat:Delay"]),
            resource_d: names(&["drbddisk", "local"]),
            init_d: names(&["vz"]),
            units: names(&["httpd.service"]),
        };
        let nodes: BTreeMap<NodeId, Installed> = members.iter().map(|node| (node.clone(), installed.clone())).collect();
        Self { members, inventory: Inventory { nodes }, accepted: [ResourceId::new("drbddisk_r0").unwrap()].into() }
    }

    fn import<'a>(&'a self, haresources: &'a Source, ha_cf: &'a Source, spec: &'a Spec) -> Import<'a> {
        Import {
            haresources,
            ha_cf: Some(ha_cf),
            members: &self.members,
            inventory: &self.inventory,
            spec,
            base: Timing::of(Profile::Default),
            accept_data_loss: &self.accepted,
        }
    }
}

fn points_into(text: &str, diagnostics: &[Diagnostic]) -> Result<(), TestCaseError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let widths: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    for diagnostic in diagnostics.iter().filter(|d| d.line() > 0) {
        let [line, column] = [diagnostic.line(), diagnostic.column()].map(|n| usize::try_from(n).unwrap());
        prop_assert!(line <= widths.len(), "{diagnostic:?}");
        prop_assert!(column >= 1 && column <= widths[line - 1] + 1, "{diagnostic:?} in {text:?}");
    }
    Ok(())
}

/// Everything that must hold for these two texts.
fn check(haresources: &str, ha_cf: &str) -> Result<(), TestCaseError> {
    let sources = (Source::of_text("haresources", haresources), Source::of_text("ha.cf", ha_cf));
    points_into(haresources, &haresources::parse(&sources.0).1)?;
    points_into(ha_cf, &ha_cf::parse(&sources.1).1)?;
    let (world, empty) = (World::new(), Spec::default());
    let order = world.import(&sources.0, &sources.1, &empty);
    let imported = import(&order);
    points_into(haresources, &imported.haresources)?;
    points_into(ha_cf, &imported.ha_cf)?;
    let said = imported.render(&order);
    prop_assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{said:?}");
    let preview = empty.edited(imported.preview(), 1).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    prop_assert_eq!(diff(&empty, &preview).is_empty(), show(&preview).is_empty());
    let errors = |d: &&Diagnostic| d.severity == Severity::Error;
    let count = imported.haresources.iter().chain(&imported.ha_cf).filter(errors).count();
    let Ok(edits) = imported.commit() else {
        prop_assert!(count > 0);
        return Ok(());
    };
    prop_assert_eq!(count, 0);
    let spec = empty.edited(&edits, 1).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    prop_assert_eq!(lint(&spec, Timing::of(Profile::Default)), vec![]);
    let again = import(&world.import(&sources.0, &sources.1, &spec));
    prop_assert_eq!(again.preview(), &[]);
    Ok(())
}

/// The same cases in every run.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = prop::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng)
}

#[test]
fn any_characters_are_read_or_refused() {
    runner(300).run(&(any::<String>(), any::<String>()), |(a, b)| check(&a, &b)).unwrap();
}

#[test]
fn any_bytes_are_read_or_refused() {
    let any_bytes = vec(any::<u8>(), 0..200);
    runner(300)
        .run(&any_bytes, |bytes| {
            let source = Source::of_bytes("haresources", &bytes);
            let _ = render(&source, &haresources::parse(&source).1);
            let _ = render(&source, &ha_cf::parse(&source).1);
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_order_of_the_usual_pieces_is_read_or_refused() {
    runner(500).run(&(pieces(), pieces()), |(a, b)| check(&a, &b)).unwrap();
}

#[test]
fn a_password_is_never_shown_whichever_file_it_stands_in() {
    let blank = prop::sample::select(vec![" ", "\t", "  ", " \t "]);
    let word =
        prop::sample::select(vec!["stonith_host", "STONITH_HOST", "Stonith_host", "stonith_hosts", "stonithhost"]);
    let tail = prop::sample::select(vec!["", "\\", " \\ # x", "#x", "\"", " 'x", "\u{0}", "\u{e4}", "::x", " ::"]);
    let line = (blank.clone(), word, blank, tail)
        .prop_map(|(indent, word, blank, tail)| format!("{indent}{word}{blank}*{blank}ilo{blank}hunter2{tail}\n"));
    runner(300)
        .run(&(lines(), line, lines()), |(before, line, after)| {
            let text = [before, line, after].concat();
            let source = Source::of_text("x", &text);
            for diagnostics in [haresources::parse(&source).1, ha_cf::parse(&source).1] {
                let said = render(&source, &diagnostics);
                prop_assert!(!said.contains("hunter2"), "{said}");
            }
            let (world, empty) = (World::new(), Spec::default());
            let order = world.import(&source, &source, &empty);
            let said = import(&order).render(&order);
            prop_assert!(!said.contains("hunter2"), "{said}");
            Ok(())
        })
        .unwrap();
}

/// What is said of these two texts; nothing in it may be long.
fn check_short(haresources: &str, ha_cf: &str) {
    let (world, empty) = (World::new(), Spec::default());
    let (haresources, ha_cf) = (Source::of_text("haresources", haresources), Source::of_text("ha.cf", ha_cf));
    let imported = import(&world.import(&haresources, &ha_cf, &empty));
    for said in imported.haresources.iter().chain(&imported.ha_cf) {
        let Diagnostic { what, remedy, .. } = said;
        assert!(what.chars().count() < 500 && remedy.chars().count() < 300, "{what}\n{remedy}");
    }
}

#[test]
fn a_word_of_any_length_is_cut_in_what_is_said() {
    let long = "1".repeat(200_000);
    for text in [
        format!("{long} httpd\n"),
        format!("m1 {long}\n"),
        format!("m1 x{long}\nm2 x{long}\n"),
        format!("m1 x{long}::a\n"),
        format!("m1 local::{long}\nm2 vz local::{long}\n"),
        format!("m1 10.0.0.1/{long}\nm2 10.0.0.1/24/{long} SendArp::{long}/eth0 SendArp::10.0.0.1/{long}\n"),
        format!("m1 10.0.0.1/24/eth0:{long} 10.0.0.2/24/eth0/{long} IPv6addr::fe80::{long}\n"),
        format!("m1 Filesystem::{long}::/{long} Filesystem::{long}::{long}\nm2 Filesystem::{long}::/{long}\n"),
        format!("m1 LVM::{long} LVM::{long} Delay::{long} portblock::tcp::{long}::block\n"),
        format!("m1 drbddisk::{long} drbddisk::{long} \"{long} a:{long} a::::{long}\n"),
        format!("stonith_{long} x\n"),
    ] {
        check_short(&text, "");
    }
    for directive in ["", "deadtime ", "deadtime 1 ", "udpport ", "use_logd ", "node ", "ping ", "crm ", "respawn x "] {
        check_short("m1 vz\n", &format!("{directive}{long}\n"));
    }
    check_short("m1 vz\n", &format!("autojoin {long}\nstonith {long}\nauto_failback {long}\n"));
}

#[test]
fn what_is_imported_once_is_not_changed_by_importing_it_again() {
    let committed = std::cell::Cell::new(0);
    runner(500)
        .run(&lines(), |text| {
            let source = Source::of_text("haresources", &text);
            let (world, empty, ha_cf) =
                (World::new(), Spec::default(), Source::of_text("ha.cf", "auto_failback off\n"));
            if import(&world.import(&source, &ha_cf, &empty)).commit().is_ok() {
                committed.set(committed.get() + 1);
            }
            check(&text, "auto_failback off\n")
        })
        .unwrap();
    // Refusals would pass this test, too.
    assert!(committed.get() > 100, "only {} of 500 were committed", committed.get());
}

#[test]
fn one_file_after_another_gives_what_the_second_one_gives_alone() {
    // Lines of one key only: other keys are other groups, which an import leaves alone.
    let tail = |words: Vec<&str>| format!("m1 10.0.0.1 {}\n", words.join(" "));
    let words = prop::sample::subsequence(vec!["httpd", "vz", "LVM::vg", "MailTo::root", "local::a"], 0..5);
    runner(300)
        .run(&(words.clone(), words), |(first, second)| {
            let ha_cf = Source::of_text("ha.cf", "auto_failback on\n");
            let (first, second) = (tail(first), tail(second));
            let sources = (Source::of_text("haresources", &first), Source::of_text("haresources", &second));
            let (world, empty) = (World::new(), Spec::default());
            let apply = |spec: &Spec, source: &Source| {
                let edits = import(&world.import(source, &ha_cf, spec)).commit().unwrap();
                spec.edited(&edits, 1000).unwrap()
            };
            let through = apply(&apply(&empty, &sources.0), &sources.1);
            prop_assert_eq!(diff(&through, &apply(&empty, &sources.1)), vec![], "{} then {}", first, second);
            Ok(())
        })
        .unwrap();
}
