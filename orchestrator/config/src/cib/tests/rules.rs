//! Rules in sets and locations.

use expect_test::{Expect, expect};

use super::{check, scene};
use crate::show::expression;

/// The condition of a set with `rule` in it, as it is shown.
#[track_caller]
fn shown(rule: &str) -> String {
    let scene = scene(&format!("<op_defaults><meta_attributes id=\"m\">{rule}</meta_attributes></op_defaults>"));
    scene.config.operation_defaults[0].rule.as_ref().map(expression).unwrap_or_default()
}

/// What is said of a rule with these expressions.
#[track_caller]
fn check_rule(expressions: &str, want: Expect) {
    let text = format!("<rule id=\"r\">\n{expressions}\n</rule>");
    check(&format!("<op_defaults><meta_attributes id=\"m\">{text}</meta_attributes></op_defaults>"), want);
}

#[test]
fn every_kind_of_expression_is_read() {
    assert_eq!(shown(""), "");
    assert_eq!(
        shown(
            "<rule id=\"r\" boolean-op=\"or\"><expression id=\"e\" attribute=\"#uname\" operation=\"eq\" value=\"a\"/>\
             <expression id=\"f\" attribute=\"x\" operation=\"gte\" value=\"1.5\" type=\"number\"/>\
             <expression id=\"g\" attribute=\"x\" operation=\"lt\" value=\"y\" type=\"version\" value-source=\"param\"/>\
             <rule id=\"s\"><expression id=\"h\" attribute=\"x\" operation=\"defined\" value=\"unused\"/>\
             <expression id=\"i\" attribute=\"y\" operation=\"not_defined\"/></rule></rule>"
        ),
        "#uname eq a or x number:gte 1.5 or x version:lt y value-source=param or (defined x and not_defined y)"
    );
    assert_eq!(
        shown(
            "<rule id=\"r\"><rsc_expression id=\"e\" class=\"ocf\" type=\"IPaddr2\"/>\
             <op_expression id=\"f\" name=\"monitor\" interval=\"10s\"/>\
             <op_expression id=\"g\" name=\"start\" interval=\"PT1M\"/></rule>"
        ),
        "rsc ocf:*:IPaddr2 and op monitor interval=10s and op start interval=1min"
    );
    assert_eq!(
        shown(
            "<rule id=\"r\"><date_expression id=\"e\" operation=\"gt\" start=\"2024-01-01\"/>\
             <date_expression id=\"f\" operation=\"lt\" end=\"2025-01-01\"/>\
             <date_expression id=\"g\" start=\"2024-01-01\"><duration id=\"h\" months=\"1\"/></date_expression>\
             <date_expression id=\"i\" operation=\"date_spec\"><date_spec id=\"j\" hours=\"9-17\" weekdays=\"1-5\"/>\
             </date_expression></rule>"
        ),
        "date gt 2024-01-01 and date lt 2025-01-01 and date in start=2024-01-01 months=1 and date spec hours=9-17 weekdays=1-5"
    );
}

#[test]
fn a_set_with_two_rules_counts_where_one_holds() {
    let rule = |id: &str| {
        format!("<rule id=\"{id}\"><expression id=\"{id}e\" attribute=\"{id}\" operation=\"defined\"/></rule>")
    };
    assert_eq!(shown(&(rule("a") + &rule("b"))), "defined a or defined b");
}

#[test]
fn expressions_that_cannot_be_understood_are_refused() {
    check_rule(
        "<expression id=\"e\" attribute=\"x\" operation=\"like\" value=\"1\"/>",
        expect![[r#"
        cib.xml:3:34: error: operation `like` is none of eq, ne, lt, lte, gt, gte, defined, not_defined
         3 | <expression id="e" attribute="x" operation="like" value="1"/>
           |                                  ^^^^^^^^^^^^^^^^
           remedy: write one of them
    "#]],
    );
    check_rule(
        "<expression id=\"e\" operation=\"eq\" value=\"1\"/>",
        expect![[r#"
        cib.xml:3:2: error: this expression has no attribute
         3 | <expression id="e" operation="eq" value="1"/>
           |  ^^^^^^^^^^
           remedy: write it, or remove the element
    "#]],
    );
    check_rule(
        "<expression id=\"e\" attribute=\"x\" value=\"1\"/>",
        expect![[r#"
        cib.xml:3:2: error: this expression has no operation
         3 | <expression id="e" attribute="x" value="1"/>
           |  ^^^^^^^^^^
           remedy: write it, or remove the element
    "#]],
    );
    check_rule(
        "<expression id=\"e\" attribute=\"x\" operation=\"eq\" value=\"1\" type=\"colour\" value-source=\"wish\"/>",
        expect![[r#"
            cib.xml:3:59: error: type `colour` is none of string, integer, number, version
             3 | <expression id="e" attribute="x" operation="eq" value="1" type="colour" value-source="wish"/>
               |                                                           ^^^^^^^^^^^^^
               remedy: write one of them
            cib.xml:3:73: error: value-source `wish` is none of literal, param, meta
             3 | <expression id="e" attribute="x" operation="eq" value="1" type="colour" value-source="wish"/>
               |                                                                         ^^^^^^^^^^^^^^^^^^^
               remedy: write one of them
        "#]],
    );
}

#[test]
fn expressions_of_operations_and_of_unknown_kinds_are_refused() {
    check_rule(
        "<op_expression id=\"e\" interval=\"soon\"/>",
        expect![[r#"
        cib.xml:3:2: error: this op_expression has no name
         3 | <op_expression id="e" interval="soon"/>
           |  ^^^^^^^^^^^^^
           remedy: write it, or remove the element
        cib.xml:3:23: error: interval `soon` is no span of time
         3 | <op_expression id="e" interval="soon"/>
           |                       ^^^^^^^^^^^^^^^
           remedy: write a number with a unit, such as 10s
    "#]],
    );
    check_rule(
        "<attribute_expression id=\"e\"/>",
        expect![[r#"
        cib.xml:2:39: warning: a rule without an expression always holds
         2 | <op_defaults><meta_attributes id="m"><rule id="r">
           |                                       ^^^^
           remedy: give it one, or remove the rule
        cib.xml:3:2: error: `attribute_expression` is no element of rule
         3 | <attribute_expression id="e"/>
           |  ^^^^^^^^^^^^^^^^^^^^
           remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
    "#]],
    );
}

#[test]
fn dates_that_say_nothing_are_refused() {
    check_rule(
        "<date_expression id=\"e\" operation=\"gt\" end=\"2024\"/>",
        expect![[r#"
        cib.xml:3:2: error: this date_expression has no start
         3 | <date_expression id="e" operation="gt" end="2024"/>
           |  ^^^^^^^^^^^^^^^
           remedy: write it, or remove the element
    "#]],
    );
    check_rule(
        "<date_expression id=\"e\"/>",
        expect![[r#"
        cib.xml:3:2: error: a range has neither start nor end
         3 | <date_expression id="e"/>
           |  ^^^^^^^^^^^^^^^
           remedy: write one of them
    "#]],
    );
    check_rule(
        "<date_expression id=\"e\" operation=\"date_spec\"/>",
        expect![[r#"
        cib.xml:3:2: error: this date_expression has no date_spec
         3 | <date_expression id="e" operation="date_spec"/>
           |  ^^^^^^^^^^^^^^^
           remedy: write one into it
    "#]],
    );
    check_rule(
        "<date_expression id=\"e\" operation=\"eq\" start=\"2024\"/>",
        expect![[r#"
        cib.xml:3:25: error: operation `eq` is none of gt, lt, in_range, date_spec
         3 | <date_expression id="e" operation="eq" start="2024"/>
           |                         ^^^^^^^^^^^^^^
           remedy: write one of them
    "#]],
    );
}

#[test]
fn a_rule_without_an_expression_always_holds() {
    check(
        "<op_defaults><meta_attributes id=\"m\"><rule id=\"r\" boolean-op=\"xor\"/></meta_attributes></op_defaults>",
        expect![[r#"
            cib.xml:2:39: warning: a rule without an expression always holds
             2 | <op_defaults><meta_attributes id="m"><rule id="r" boolean-op="xor"/></meta_attributes></op_defaults>
               |                                       ^^^^
               remedy: give it one, or remove the rule
            cib.xml:2:51: error: boolean-op `xor` is none of and, or
             2 | <op_defaults><meta_attributes id="m"><rule id="r" boolean-op="xor"/></meta_attributes></op_defaults>
               |                                                   ^^^^^^^^^^^^^^^^
               remedy: write one of them
        "#]],
    );
}

#[test]
fn rules_that_refer_to_each_other_are_refused() {
    check(
        "<rsc_defaults><meta_attributes id=\"m\">\n<rule id=\"a\"><rule id-ref=\"b\"/></rule>\n\
         <rule id=\"b\"><rule id-ref=\"a\"/></rule>\n<rule id=\"c\"><rule id-ref=\"c\"/></rule>\n</meta_attributes></rsc_defaults>",
        expect![[r#"
            cib.xml:3:15: error: rules are nested deeper than 32, or refer to each other
             3 | <rule id="a"><rule id-ref="b"/></rule>
               |               ^^^^
               remedy: write a simpler rule
            cib.xml:4:15: error: rules are nested deeper than 32, or refer to each other
             4 | <rule id="b"><rule id-ref="a"/></rule>
               |               ^^^^
               remedy: write a simpler rule
            cib.xml:5:20: error: `c` refers to itself
             5 | <rule id="c"><rule id-ref="c"/></rule>
               |                    ^^^^^^^^^^
               remedy: write out what is meant
        "#]],
    );
}

#[test]
fn references_of_rules_do_not_multiply_a_text() {
    // Each rule stands for ten of the one before: ten to the power of nine in the end.
    let mut rules = "<rule id=\"r0\"><expression id=\"e\" attribute=\"x\" operation=\"defined\"/></rule>".to_owned();
    for n in 1..10 {
        rules += &format!("<rule id=\"r{n}\">{}</rule>", format!("<rule id-ref=\"r{}\"/>", n - 1).repeat(10));
    }
    let text = super::cib(&format!("<rsc_defaults><meta_attributes id=\"m\">{rules}</meta_attributes></rsc_defaults>"));
    let said = super::said(&text);
    assert!(said.contains("error: references stand for more than 200000 elements"), "{said}");
}
