//! Texts that are no XML, or more of it than is read.

use expect_test::{Expect, expect};

use super::said;

#[track_caller]
fn check(text: &str, want: Expect) {
    want.assert_eq(&said(text));
}

#[test]
fn a_document_type_is_refused_before_any_entity_of_it_is_used() {
    check(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE cib [\n<!ENTITY a \"ha\">\n<!ENTITY b \"&a;&a;&a;&a;\">\n]>\n\
         <cib><configuration/></cib>",
        expect![[r#"
            cib.xml:2:1: error: there is a document type, which could define entities without bound
             2 | <!DOCTYPE cib [
               | ^^^^^^^^^
               remedy: remove everything from `<!DOCTYPE` to its `>`
        "#]],
    );
    check(
        "<!DOCTYPE cib SYSTEM \"file:///etc/passwd\"><cib/>",
        expect![[r#"
        cib.xml:1:1: error: there is a document type, which could define entities without bound
         1 | <!DOCTYPE cib SYSTEM "file:///etc/passwd"><cib/>
           | ^^^^^^^^^
           remedy: remove everything from `<!DOCTYPE` to its `>`
    "#]],
    );
}

#[test]
fn entities_other_than_the_five_of_xml_are_refused() {
    check(
        "<cib>\n<configuration a=\"&b;\" c=\"&#0;\" d=\"&#1;\" e=\"x&y\" f=\"&lt;&#xe4;&quot;\"/>&g;</cib>",
        expect![[r#"
            cib.xml:2:16: error: a value holds an `&` that begins none of XML's five entities and no character
             2 | <configuration a="&b;" c="&#0;" d="&#1;" e="x&y" f="&lt;&#xe4;&quot;"/>&g;</cib>
               |                ^^^^^^^
               remedy: write `&amp;` for the character itself
            cib.xml:2:24: error: a value holds an `&` that begins none of XML's five entities and no character
             2 | <configuration a="&b;" c="&#0;" d="&#1;" e="x&y" f="&lt;&#xe4;&quot;"/>&g;</cib>
               |                        ^^^^^^^^
               remedy: write `&amp;` for the character itself
            cib.xml:2:33: error: a value holds a control character
             2 | <configuration a="&b;" c="&#0;" d="&#1;" e="x&y" f="&lt;&#xe4;&quot;"/>&g;</cib>
               |                                 ^^^^^^^^
               remedy: remove it
            cib.xml:2:42: error: a value holds an `&` that begins none of XML's five entities and no character
             2 | <configuration a="&b;" c="&#0;" d="&#1;" e="x&y" f="&lt;&#xe4;&quot;"/>&g;</cib>
               |                                          ^^^^^^^
               remedy: write `&amp;` for the character itself
            cib.xml:2:72: error: there is text between elements
             2 | <configuration a="&b;" c="&#0;" d="&#1;" e="x&y" f="&lt;&#xe4;&quot;"/>&g;</cib>
               |                                                                        ^^^
               remedy: remove it, or make a comment of it
        "#]],
    );
}

#[test]
fn tags_that_do_not_match_end_the_reading() {
    check(
        "<cib>\n <configuration></cib>",
        expect![[r#"
        cib.xml:2:17: error: `cib` is closed where `configuration` is open
         2 |  <configuration></cib>
           |                 ^
           remedy: see whether the file was cut off or edited by hand
    "#]],
    );
    check(
        "<cib/>\n</cib>",
        expect![[r#"
        cib.xml:2:1: error: `cib` is closed and was not opened
         2 | </cib>
           | ^
           remedy: see whether the file was cut off or edited by hand
    "#]],
    );
    check(
        "<cib><configuration>\n<nodes>\n",
        expect![[r#"
        cib.xml:2:2: error: `nodes` is not closed
         2 | <nodes>
           |  ^^^^^
           remedy: see whether the file was cut off
    "#]],
    );
}

#[test]
fn what_is_not_closed_ends_the_reading() {
    check(
        "<cib><configuration a=\"1>\n</configuration></cib>",
        expect![[r#"
        cib.xml:1:6: error: attribute value not closed: `"` not found before end of input
         1 | <cib><configuration a="1>
           |      ^
           remedy: see whether the file was cut off or edited by hand
    "#]],
    );
    check(
        "<cib><!-- </cib>",
        expect![[r#"
        cib.xml:1:6: error: comment not closed: `-->` not found before end of input
         1 | <cib><!-- </cib>
           |      ^
           remedy: see whether the file was cut off or edited by hand
    "#]],
    );
}

#[test]
fn a_text_has_one_root_and_elements_have_names() {
    check(
        "",
        expect![[r#"
        cib.xml: error: there is no element
           remedy: give a CIB as `cibadmin --query` prints it
    "#]],
    );
    check(
        "<cib/>\n<cib/>",
        expect![[r#"
        cib.xml:2:2: error: a second element stands beside the root
         2 | <cib/>
           |  ^^^
           remedy: give a CIB as `cibadmin --query` prints it
    "#]],
    );
    check(
        "< cib/>",
        expect![[r#"
        cib.xml:1:1: error: this `<` begins no element
         1 | < cib/>
           | ^
           remedy: write `&lt;` for the character itself
    "#]],
    );
    check(
        "<cib>1 < 2</cib>",
        expect![[r#"
        cib.xml:1:6: error: there is text between elements
         1 | <cib>1 < 2</cib>
           |      ^
           remedy: remove it, or make a comment of it
        cib.xml:1:8: error: this `<` begins no element
         1 | <cib>1 < 2</cib>
           |        ^
           remedy: write `&lt;` for the character itself
    "#]],
    );
}

#[test]
fn attributes_that_are_none_are_refused_by_place() {
    check(
        "<cib><configuration/><status>\n<a b/>\n<a b=/>\n<a b=c/>\n<a b=\"1\" b=\"2\"/>\n<a b=\"<\"/>\n</status></cib>",
        expect![[r#"
            cib.xml:2:2: warning: `a` in the status is not read
             2 | <a b/>
               |  ^
            cib.xml:2:5: error: a name of an attribute is not followed by `=`
             2 | <a b/>
               |     ^
               remedy: write attributes as `name="value"`
            cib.xml:3:6: error: an `=` is not followed by a value
             3 | <a b=/>
               |      ^
               remedy: write attributes as `name="value"`
            cib.xml:4:6: error: the value of an attribute is not in quotes
             4 | <a b=c/>
               |      ^
               remedy: write attributes as `name="value"`
            cib.xml:5:10: error: the attribute `b` is there twice
             5 | <a b="1" b="2"/>
               |          ^^^^^
               remedy: remove one of them
            cib.xml:6:4: error: a value holds a `<`
             6 | <a b="<"/>
               |    ^^^^^
               remedy: write `&lt;` for it, or close the quote before it
        "#]],
    );
}

#[test]
fn text_between_elements_is_refused() {
    check(
        "text\n<cib>\n  <configuration> x <nodes/> &amp; <![CDATA[ y ]]></configuration></cib> z",
        expect![[r#"
        cib.xml:1:1: error: there is text between elements
         1 | text
           | ^^^^
           remedy: remove it, or make a comment of it
        cib.xml:3:19: error: there is text between elements
         3 |   <configuration> x <nodes/> &amp; <![CDATA[ y ]]></configuration></cib> z
           |                   ^
           remedy: remove it, or make a comment of it
        cib.xml:3:30: error: there is text between elements
         3 |   <configuration> x <nodes/> &amp; <![CDATA[ y ]]></configuration></cib> z
           |                              ^^^^^
           remedy: remove it, or make a comment of it
        cib.xml:3:36: error: there is text between elements
         3 |   <configuration> x <nodes/> &amp; <![CDATA[ y ]]></configuration></cib> z
           |                                    ^^^^^^^^^^^^^^^
           remedy: remove it, or make a comment of it
        cib.xml:3:74: error: there is text between elements
         3 |   <configuration> x <nodes/> &amp; <![CDATA[ y ]]></configuration></cib> z
           |                                                                          ^
           remedy: remove it, or make a comment of it
    "#]],
    );
}

#[test]
fn another_encoding_is_refused() {
    check(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<cib><configuration/></cib>",
        expect![[r#"
        cib.xml:1:1: error: the text is said to be in `ISO-8859-1`, and only UTF-8 is read
         1 | <?xml version="1.0" encoding="ISO-8859-1"?>
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           remedy: save it as UTF-8, and declare that
    "#]],
    );
}

#[test]
fn elements_are_nested_as_deep_as_configurations_are_and_no_deeper() {
    let nested = |depth: usize| format!("<cib>{}{}</cib>", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(said(&nested(31)).contains("is no part of a CIB"));
    check(
        &nested(32),
        expect![[r#"
        cib.xml:1:100: error: elements are nested deeper than 32
         1 | ...a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a><...
           |                                     ^
           remedy: give a CIB as `cibadmin --query` prints it
    "#]],
    );
}

#[test]
fn an_element_has_a_bounded_number_of_attributes() {
    let attributes: String = (0..65).map(|n| format!(" a{n}=\"\"")).collect();
    check(
        &format!("<cib{attributes}><configuration/></cib>"),
        expect![[r#"
        cib.xml:1:444: error: an element has more than 64 attributes
         1 | ...9="" a60="" a61="" a62="" a63="" a64=""><configuration/></cib>
           |                                     ^^^^^^
           remedy: remove those that Pacemaker does not know
    "#]],
    );
}

#[test]
fn a_text_has_a_bounded_number_of_elements() {
    let text = format!("<cib><configuration/><status>{}</status></cib>", "<a/>".repeat(999_997));
    assert!(said(&text).contains("warning: `a` in the status is not read"));
    let text = format!("<cib><configuration/><status>{}</status></cib>", "<a/>".repeat(999_998));
    let said = said(&text);
    assert!(said.contains("error: there are more than 1000000 elements"), "{said}");
}

#[test]
fn a_configuration_has_a_bounded_number_of_attributes() {
    let element = format!("<a {}/>", (10..60).map(|n| format!("a{n}=\"\"")).collect::<Vec<_>>().join(" "));
    let said = said(&format!("<cib><configuration>{}</configuration></cib>", element.repeat(40_002)));
    assert!(said.contains("error: there are more than 2000000 attributes outside of the status"), "{said}");
}

#[test]
fn many_faults_in_one_long_line_are_told_in_a_moment() {
    let bad = "<nvpair/>".repeat(400_000);
    let said = said(&format!("<cib><configuration><crm_config a=\"ä\">{bad}</crm_config></configuration></cib>"));
    assert!(said.contains("cib.xml:1:40: error: `nvpair` is no element of crm_config"), "{said}");
    assert!(said.contains("399950 more errors are not shown"), "{said}");
    assert!(said.len() < 30_000);
}

#[test]
fn faults_of_values_do_not_hide_those_of_the_configuration() {
    check(
        "<cib><configuration><nodes>\n<node id=\"&x;\" uname=\"a\" uname=\"b\"/>\n<nodule/>\n</nodes></configuration></cib>",
        expect![[r#"
            cib.xml:2:7: error: a value holds an `&` that begins none of XML's five entities and no character
             2 | <node id="&x;" uname="a" uname="b"/>
               |       ^^^^^^^^
               remedy: write `&amp;` for the character itself
            cib.xml:2:26: error: the attribute `uname` is there twice
             2 | <node id="&x;" uname="a" uname="b"/>
               |                          ^^^^^^^^^
               remedy: remove one of them
            cib.xml:3:2: error: `nodule` is no element of nodes; it may have been meant as `node`
             3 | <nodule/>
               |  ^^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
        "#]],
    );
}
