//! Whatever the text is: it is read or refused, nothing panics, and every place is a place of it.

use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};

use crate::cib::read;
use crate::diagnostic::{has_errors, render};
use crate::source::Source;

/// Pieces that CIBs are made of, and pieces that make trouble.
const PIECES: [&str; 60] = [
    "<cib>",
    "</cib>",
    "<configuration>",
    "</configuration>",
    "<status>",
    "</status>",
    "<nodes>",
    "</nodes>",
    "<node id=\"1\" uname=\"a\"/>",
    "<resources>",
    "</resources>",
    "<primitive id=\"a\" class=\"ocf\" provider=\"x\" type=\"y\">",
    "<primitive id=\"b\" template=\"t\">",
    "</primitive>",
    "<template id=\"t\" class=\"lsb\" type=\"y\"/>",
    "<group id=\"g\">",
    "</group>",
    "<clone id=\"c\">",
    "</clone>",
    "<bundle id=\"n\"><podman image=\"i\"/><network control-port=\"1\"/>",
    "</bundle>",
    "<constraints>",
    "</constraints>",
    "<rsc_location id=\"l\" rsc=\"a\" node=\"n\" score=\"7x\"/>",
    "<rsc_location id=\"m\" rsc-pattern=\"(\">",
    "</rsc_location>",
    "<rsc_colocation id=\"k\" score=\"INFINITY\">",
    "</rsc_colocation>",
    "<rsc_order id=\"o\" first=\"a\" then=\"b\" kind=\"x\"/>",
    "<resource_set id=\"s\">",
    "<resource_set id-ref=\"s\"/>",
    "</resource_set>",
    "<resource_ref id=\"a\"/>",
    "<rule id=\"r\" score=\"1\">",
    "<rule id-ref=\"r\"/>",
    "</rule>",
    "<expression id=\"e\" attribute=\"x\" operation=\"eq\" value=\"1\"/>",
    "<date_expression start=\"2024\"><duration days=\"1\"/></date_expression>",
    "<meta_attributes id=\"v\">",
    "<meta_attributes id-ref=\"v\"/>",
    "</meta_attributes>",
    "<nvpair id=\"p\" name=\"passwd\" value=\"hunter2\"/>",
    "<nvpair id-ref=\"p\"/>",
    "<operations><op name=\"monitor\" interval=\"P\u{e4}\"/></operations>",
    "<node_state id=\"1\" uname=\"a\"><lrm><lrm_resources>",
    "<lrm_resource id=\"a\"><lrm_rsc_op id=\"o\" call-id=\"\"/></lrm_resource>",
    "</lrm_resources></lrm></node_state>",
    "<tickets><ticket_state granted=\"\"/></tickets>",
    "<!-- -- -->",
    "<![CDATA[]]>",
    "<!DOCTYPE a>",
    "<?x y?>",
    "&amp;",
    "&",
    "<",
    ">",
    "\"",
    "\n",
    "\u{e4}",
    "\u{1}",
];

/// Everything that must hold for these bytes.
fn check(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let source = Source::of_cib("cib.xml", bytes);
    let (scene, said) = read(&source);
    prop_assert_eq!(scene.is_some(), !has_errors(&said));
    let lines: Vec<usize> = source.text().split('\n').map(|line| line.chars().count()).collect();
    for diagnostic in said.iter().filter(|d| d.line() > 0) {
        let [line, column] = [diagnostic.line(), diagnostic.column()].map(|n| usize::try_from(n).unwrap());
        prop_assert!(line <= lines.len(), "{:?}", diagnostic);
        prop_assert!(column >= 1 && column <= lines[line - 1] + 1, "{:?} in {:?}", diagnostic, source.text());
    }
    let text = render(&source, &said);
    prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", text);
    for diagnostic in &said {
        prop_assert!(diagnostic.what.chars().count() < 500 && !diagnostic.what.is_empty(), "{:?}", diagnostic);
    }
    Ok(())
}

/// The same cases in every run.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng)
}

#[test]
fn any_bytes_are_read_or_refused() {
    runner(300).run(&vec(any::<u8>(), 0..300), check).unwrap();
}

#[test]
fn any_characters_are_read_or_refused() {
    runner(300).run(&any::<String>(), |text| check(text.into_bytes())).unwrap();
}

#[test]
fn any_order_of_the_usual_pieces_is_read_or_refused() {
    let pieces = vec(prop::sample::select(PIECES.to_vec()), 0..60);
    runner(1000)
        .run(&pieces, |pieces| {
            let text = pieces.concat();
            check(text.clone().into_bytes())?;
            check(format!("<cib><configuration>{text}</configuration></cib>").into_bytes())
        })
        .unwrap();
}

#[test]
fn any_tree_of_the_usual_elements_is_read_or_refused() {
    // The piece of a bundle holds other elements, and is open at its end.
    let pieces = || PIECES.iter().copied().filter(|piece| piece.starts_with('<') && !piece.starts_with("<bundle"));
    let openings: Vec<&str> = pieces().filter(|piece| piece.ends_with("\">")).collect();
    let empty: Vec<&str> = pieces().filter(|piece| piece.ends_with("/>")).collect();
    let leaf = prop::sample::select(empty).prop_map(str::to_owned).boxed();
    let tree = leaf.prop_recursive(5, 60, 6, move |inner| {
        (prop::sample::select(openings.clone()), vec(inner, 0..6)).prop_map(|(opening, inner)| {
            let name = opening.trim_start_matches('<').split([' ', '>']).next().unwrap_or_default();
            format!("{opening}{}</{name}>", inner.concat())
        })
    });
    let sections = (vec(tree.clone(), 0..6), vec(tree, 0..6)).prop_map(|(resources, constraints)| {
        format!(
            "<cib><configuration><resources>{}</resources><constraints>{}</constraints></configuration></cib>",
            resources.concat(),
            constraints.concat()
        )
    });
    let read_well = std::cell::Cell::new(0);
    runner(1000)
        .run(&sections, |text| {
            if read(&Source::of_cib("cib.xml", text.clone().into_bytes())).0.is_some() {
                read_well.set(read_well.get() + 1);
            }
            check(text.into_bytes())
        })
        .unwrap();
    // Refusals would pass this test, too.
    assert!(read_well.get() > 20, "only {} of 1000 were read", read_well.get());
}

#[test]
fn a_word_of_any_length_is_cut_in_what_is_said() {
    let long = "x".repeat(200_000);
    for text in [
        format!("<{long}/>"),
        format!("<cib><{long}/></cib>"),
        format!("<cib></{long}>"),
        format!("<cib {long}=\"\" {long}=\"\"/>"),
        format!("<cib><configuration><{long} id=\"{long}\"/></configuration></cib>"),
        format!("<cib execution-date=\"{long}\"><configuration/><status><{long}/></status></cib>"),
    ] {
        check(text.into_bytes()).unwrap();
    }
    let long = "7".repeat(200_000) + "x";
    for inner in [
        format!(
            "<nodes><node id=\"{long}\" uname=\"{long}\" type=\"{long}\" {long}=\"\"/><node id=\"{long}\" uname=\"{long}\"/></nodes>"
        ),
        format!(
            "<resources><primitive id=\"a\" template=\"{long}\"><meta_attributes id-ref=\"{long}\"/></primitive></resources>"
        ),
        format!(
            "<constraints><rsc_order id=\"{long}\" first=\"{long}\" then=\"{long}\" kind=\"{long}\" score=\"{long}\"/></constraints>"
        ),
        format!(
            "<tags><tag id=\"a\"><obj_ref id=\"{long}\"/></tag></tags><fencing-topology><fencing-level id=\"b\" \
                 target=\"a\" index=\"{long}\" devices=\"{long}\"/></fencing-topology>"
        ),
    ] {
        check(format!("<cib><configuration>{inner}</configuration></cib>").into_bytes()).unwrap();
    }
}

/// How long this text takes, in seconds.
#[allow(clippy::disallowed_methods, reason = "the time that a reading takes is what the test is about")]
fn seconds(text: String) -> u64 {
    let begin = Instant::now();
    let source = Source::of_cib("cib.xml", text.into_bytes());
    let _ = render(&source, &read(&source).1);
    begin.elapsed().as_secs()
}

#[test]
fn a_text_of_many_like_parts_takes_no_more_than_a_moment() {
    let wrap = |inner: &str| format!("<cib><configuration><resources>{inner}</resources></configuration></cib>");
    let many = 60_000;
    let numbered = |part: &str| (0..many).map(|n| part.replace('#', &n.to_string())).collect::<String>();
    for (what, text) in [
        ("unknown elements", wrap(&"<a/>".repeat(many))),
        ("resources", wrap(&numbered("<primitive id=\"#\" class=\"a\" type=\"b\"/>"))),
        ("resources of one id", wrap(&"<primitive id=\"a\" class=\"a\" type=\"b\" x=\"\"/>".repeat(many))),
        ("templates that lack", wrap(&numbered("<primitive id=\"#\" template=\"x#\"/>"))),
        ("constraints about what lacks", {
            let constraints = numbered("<rsc_location id=\"l#\" rsc=\"resource-#\" node=\"n\" score=\"1\"/>");
            let resources = numbered("<primitive id=\"resources#\" class=\"a\" type=\"b\"/>");
            let inner = format!("<resources>{resources}</resources><constraints>{constraints}</constraints>");
            format!("<cib><configuration>{inner}</configuration></cib>")
        }),
        ("entities", wrap(&format!("<a b=\"{}\"/>", "&lt;".repeat(many)))),
        ("values", wrap(&format!("<a b=\"{}\"/>", "\u{e4}\n".repeat(many)))),
        (
            "nodes",
            format!("<cib><configuration/><status>{}</status></cib>", "<node_state><x/></node_state>".repeat(many)),
        ),
        ("brackets", "<".repeat(many)),
        ("control characters", "\u{1}".repeat(many)),
    ] {
        // It takes a tenth of a second. Comparing each part with each other one takes half a minute.
        assert!(seconds(text) < 10, "{what}");
    }
}
