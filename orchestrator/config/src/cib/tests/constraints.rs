//! Locations, colocations, orders and tickets.

use expect_test::expect;
use haven_core::scheduler::engine::config::{ConstraintKind, Target};
use haven_core::spec::Role;
use haven_core::units::Score;

use super::{check, constraint, primitives, scene};
use crate::show::expression;

/// Four primitives and these constraints.
fn among(constraints: &str) -> String {
    format!("{}<constraints>{constraints}</constraints>", primitives(&["a", "b", "c", "d"]))
}

#[test]
fn a_location_names_a_resource_and_a_node() {
    let scene = scene(&among(
        "<rsc_location id=\"l\" rsc=\"a\" node=\"n\" score=\"-Infinity\" role=\"Slave\" resource-discovery=\"never\"/>",
    ));
    let ConstraintKind::Location(location) = constraint(&scene) else { panic!("no location") };
    assert_eq!(location.target, Target::Resource("a".to_owned()));
    assert_eq!((location.node.as_deref(), location.score), (Some("n"), Some(Score::MINUS_INFINITY)));
    assert_eq!((location.role, location.discovery.as_deref()), (Some(Role::Unpromoted), Some("never")));
}

#[test]
fn a_location_may_be_about_a_pattern_or_sets_and_have_rules() {
    let scene = scene(&among(
        "<rsc_location id=\"l\" rsc-pattern=\"^a\">\
         <rule id=\"r\" score=\"5\" role=\"Master\"><expression id=\"e\" attribute=\"x\" operation=\"defined\"/></rule>\
         <rule id=\"s\" score-attribute=\"w\"><expression id=\"f\" attribute=\"y\" operation=\"defined\"/></rule></rsc_location>",
    ));
    let ConstraintKind::Location(location) = constraint(&scene) else { panic!("no location") };
    assert_eq!(location.target, Target::Pattern("^a".to_owned()));
    let [first, second] = location.rules.as_slice() else { panic!("not two rules") };
    assert_eq!((first.id.as_str(), first.score, first.role), ("r", Some(Score::new(5)), Some(Role::Promoted)));
    assert_eq!((second.score, second.attribute.as_deref()), (None, Some("w")));
    assert_eq!(expression(&second.expr), "defined y");
    let scene = super::scene(&among(
        "<rsc_location id=\"l\" node=\"n\" score=\"1\"><resource_set id=\"s\" role=\"Promoted\" score=\"7\">\
         <resource_ref id=\"a\"/><resource_ref id=\"b\"/></resource_set></rsc_location>",
    ));
    let ConstraintKind::Location(location) = constraint(&scene) else { panic!("no location") };
    let Target::Sets(sets) = &location.target else { panic!("no sets") };
    assert_eq!(
        (sets[0].members.as_slice(), sets[0].score),
        (["a".to_owned(), "b".to_owned()].as_slice(), Some(Score::new(7)))
    );
}

#[test]
fn an_old_lifetime_is_a_condition_of_the_constraint() {
    let scene = scene(&among(
        "<rsc_location id=\"l\" rsc=\"a\" node=\"n\" score=\"1\"><lifetime>\
         <rule id=\"r\"><date_expression id=\"e\" operation=\"lt\" end=\"2024\"/></rule></lifetime></rsc_location>",
    ));
    let lifetime = scene.config.constraints[0].lifetime.as_ref();
    assert_eq!(lifetime.map(expression).as_deref(), Some("date lt 2024"));
}

#[test]
fn a_colocation_names_two_or_sets() {
    let scene = scene(&among(
        "<rsc_colocation id=\"k\" rsc=\"a\" with-rsc=\"b\" score=\"2000000\" rsc-role=\"Started\" with-rsc-role=\"Master\" \
         node-attribute=\"rack\" influence=\"false\"/>",
    ));
    let ConstraintKind::Colocation(colocation) = constraint(&scene) else { panic!("no colocation") };
    assert_eq!((colocation.dependent.as_str(), colocation.primary.as_str()), ("a", "b"));
    assert_eq!((colocation.score, colocation.primary_role), (Score::INFINITY, Some(Role::Promoted)));
    assert_eq!((colocation.node_attribute.as_deref(), colocation.influence), (Some("rack"), Some(false)));
    let scene = super::scene(&among(
        "<rsc_colocation id=\"k\" score=\"1\"><resource_set id=\"s\" sequential=\"false\" ordering=\"listed\">\
         <resource_ref id=\"a\"/><resource_ref id=\"b\"/></resource_set><resource_set id-ref=\"s\"/></rsc_colocation>",
    ));
    let ConstraintKind::Colocation(colocation) = constraint(&scene) else { panic!("no colocation") };
    let [first, second] = colocation.sets.as_slice() else { panic!("not two sets") };
    assert_eq!((first, first.sequential, first.ordering.as_deref()), (second, Some(false), Some("listed")));
}

#[test]
fn an_order_names_two_or_sets() {
    let scene = scene(&among(
        "<rsc_order id=\"o\" first=\"a\" first-action=\"promote\" then=\"b\" then-action=\"start\" kind=\"serialize\" \
         symmetrical=\"false\" require-all=\"no\"/>",
    ));
    let ConstraintKind::Order(order) = constraint(&scene) else { panic!("no order") };
    assert_eq!((order.first.as_str(), order.first_action.as_deref()), ("a", Some("promote")));
    assert_eq!((order.then.as_str(), order.then_action.as_deref()), ("b", Some("start")));
    assert_eq!(
        (order.kind.as_deref(), order.symmetrical, order.require_all),
        (Some("Serialize"), Some(false), Some(false))
    );
    let scene = super::scene(&among(
        "<rsc_order id=\"o\" score=\"0\"><resource_set id=\"s\" action=\"stop\" require-all=\"false\" kind=\"Optional\">\
         <resource_ref id=\"a\"/></resource_set></rsc_order>",
    ));
    let ConstraintKind::Order(order) = constraint(&scene) else { panic!("no order") };
    assert_eq!((order.score, order.sets[0].action.as_deref()), (Some(Score::ZERO), Some("stop")));
    assert_eq!((order.sets[0].require_all, order.sets[0].kind.as_deref()), (Some(false), Some("Optional")));
}

#[test]
fn a_ticket_names_resources_with_their_roles() {
    let scene = scene(&among(
        "<rsc_ticket id=\"t\" ticket=\"T\" rsc=\"a\" rsc-role=\"Master\" loss-policy=\"demote\"/>\
         <rsc_ticket id=\"u\" ticket=\"U\"><resource_set id=\"s\" role=\"Promoted\"><resource_ref id=\"b\"/></resource_set>\
         <resource_set id=\"v\"><resource_ref id=\"c\"/></resource_set></rsc_ticket>",
    ));
    let [ConstraintKind::Ticket(first), ConstraintKind::Ticket(second)] =
        [&scene.config.constraints[0].body, &scene.config.constraints[1].body]
    else {
        panic!("no tickets")
    };
    assert_eq!((first.ticket.as_str(), first.loss_policy.as_deref()), ("T", Some("demote")));
    assert_eq!(first.resources, [("a".to_owned(), Some(Role::Promoted))]);
    assert_eq!(second.resources, [("b".to_owned(), Some(Role::Promoted)), ("c".to_owned(), None)]);
}

#[test]
fn constraints_about_what_does_not_exist_are_kept_with_a_warning() {
    let text = among(
        "<rsc_location id=\"l\" rsc=\"aa\" node=\"n\" score=\"1\"/>\n<rsc_colocation id=\"k\" rsc=\"a\" with-rsc=\"gone\" score=\"1\"/>\n\
         <rsc_order id=\"o\"><resource_set id=\"s\"><resource_ref id=\"gone\"/></resource_set></rsc_order>",
    );
    check(
        &text,
        expect![[r#"
        cib.xml:2:362: warning: there is no resource, template or tag `aa`; it may have been meant as `a`
         2 | ...constraints><rsc_location id="l" rsc="aa" node="n" score="1"/>
           |                                     ^^^^^^^^
           remedy: mend the name; until then it counts for nothing
        cib.xml:3:32: warning: there is no resource, template or tag `gone`
         3 | <rsc_colocation id="k" rsc="a" with-rsc="gone" score="1"/>
           |                                ^^^^^^^^^^^^^^^
           remedy: mend the name; until then it counts for nothing
        cib.xml:4:54: warning: there is no resource, template or tag `gone`
         4 | ...esource_set id="s"><resource_ref id="gone"/></resource_set></rsc_order></constraints>
           |                                     ^^^^^^^^^
           remedy: mend the name; until then it counts for nothing
    "#]],
    );
}

#[test]
fn scores_without_a_number_are_refused_and_others_are_read() {
    check(
        &among(
            "<rsc_location id=\"l\" rsc=\"a\" node=\"n\" score=\"high\"/>\n<rsc_location id=\"m\" rsc=\"a\" node=\"n\" score=\"7x\"/>\n\
             <rsc_location id=\"k\" rsc=\"a\" node=\"n\" score=\"\"/>",
        ),
        expect![[r#"
            cib.xml:2:379: error: score `high` is no score
             2 | ...location id="l" rsc="a" node="n" score="high"/>
               |                                     ^^^^^^^^^^^^
               remedy: write a whole number, INFINITY or -INFINITY
            cib.xml:3:39: warning: score `7x` is read as 7
             3 | <rsc_location id="m" rsc="a" node="n" score="7x"/>
               |                                       ^^^^^^^^^^
               remedy: write a whole number or INFINITY
            cib.xml:4:39: error: score `` is no score
             4 | <rsc_location id="k" rsc="a" node="n" score=""/></constraints>
               |                                       ^^^^^^^^
               remedy: write a whole number, INFINITY or -INFINITY
        "#]],
    );
}

#[test]
fn locations_that_cannot_be_understood_are_refused() {
    check(
        &among(
            "<rsc_location id=\"l\" node=\"n\" score=\"1\"/>\n<rsc_location id=\"m\" rsc=\"a\" rsc-pattern=\"b\" node=\"n\" score=\"1\"/>\n\
             <rsc_location id=\"k\" rsc=\"a\" role=\"Boss\" node=\"n\" score=\"1\" resource-discovery=\"often\"/>\n\
             <rsc_location id=\"j\" rsc=\"a\" score=\"1\"/>\n<rsc_location id=\"i\" rsc=\"a\" node=\"n\" score=\"1\">\n\
             <rule id=\"r\"><expression id=\"e\" attribute=\"x\" operation=\"defined\"/></rule></rsc_location>\n\
             <rsc_location rsc=\"a\" node=\"n\" score=\"1\" nodes=\"m\"/>\n<rsc_place/>",
        ),
        expect![[r#"
            cib.xml:2:342: error: this rsc_location names 0 of rsc, rsc-pattern and sets
             2 | ...mitive></resources><constraints><rsc_location id="l" node="n" score="1"/>
               |                                     ^^^^^^^^^^^^
               remedy: write exactly one of them
            cib.xml:3:2: error: this rsc_location names 2 of rsc, rsc-pattern and sets
             3 | <rsc_location id="m" rsc="a" rsc-pattern="b" node="n" score="1"/>
               |  ^^^^^^^^^^^^
               remedy: write exactly one of them
            cib.xml:4:30: error: role `Boss` is no role
             4 | <rsc_location id="k" rsc="a" role="Boss" node="n" score="1" resource-discovery="often"/>
               |                              ^^^^^^^^^^^
               remedy: write Started, Promoted, Unpromoted or Stopped
            cib.xml:4:61: error: resource-discovery `often` is none of always, never, exclusive
             4 | <rsc_location id="k" rsc="a" role="Boss" node="n" score="1" resource-discovery="often"/>
               |                                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^
               remedy: write one of them
            cib.xml:5:2: warning: a location with neither node nor rule asks for nothing
             5 | <rsc_location id="j" rsc="a" score="1"/>
               |  ^^^^^^^^^^^^
               remedy: name a node, or remove it
            cib.xml:7:2: warning: rules count for nothing beside a node
             7 | <rule id="r"><expression id="e" attribute="x" operation="defined"/></rule></rsc_location>
               |  ^^^^
               remedy: remove them
            cib.xml:7:2: warning: a rule without a score asks for nothing
             7 | <rule id="r"><expression id="e" attribute="x" operation="defined"/></rule></rsc_location>
               |  ^^^^
               remedy: give it a score
            cib.xml:8:2: error: this rsc_location has no id
             8 | <rsc_location rsc="a" node="n" score="1" nodes="m"/>
               |  ^^^^^^^^^^^^
               remedy: write it, or remove the element
            cib.xml:8:42: warning: `nodes` is no attribute of rsc_location and is not read
             8 | <rsc_location rsc="a" node="n" score="1" nodes="m"/>
               |                                          ^^^^^^^^^
               remedy: remove it, or mend its name
            cib.xml:9:2: error: `rsc_place` is no element of constraints
             9 | <rsc_place/></constraints>
               |  ^^^^^^^^^
               remedy: remove it, or upgrade the CIB by `cibadmin --upgrade` first
        "#]],
    );
}

#[test]
fn colocations_orders_and_tickets_that_cannot_be_understood_are_refused() {
    check(
        &among(
            "<rsc_colocation id=\"k\" rsc=\"a\" score=\"1\"/>\n<rsc_colocation id=\"l\" rsc=\"a\" with-rsc=\"b\" influence=\"much\"/>\n\
             <rsc_order id=\"o\" first=\"a\" then=\"b\" kind=\"Always\" first-action=\"begin\"/>\n\
             <rsc_order id=\"p\" first=\"a\" first-instance=\"1\" then=\"b\"><resource_set id=\"s\"/>\n</rsc_order>\n\
             <rsc_ticket id=\"t\" loss-policy=\"cry\"/>",
        ),
        expect![[r#"
            cib.xml:2:342: error: this rsc_colocation has neither rsc and with-rsc nor sets
             2 | ...mitive></resources><constraints><rsc_colocation id="k" rsc="a" score="1"/>
               |                                     ^^^^^^^^^^^^^^
               remedy: name two resources
            cib.xml:3:2: warning: a colocation without a score asks for nothing
             3 | <rsc_colocation id="l" rsc="a" with-rsc="b" influence="much"/>
               |  ^^^^^^^^^^^^^^
               remedy: give it a score
            cib.xml:3:45: warning: influence `much` is neither true nor false and is not read
             3 | <rsc_colocation id="l" rsc="a" with-rsc="b" influence="much"/>
               |                                             ^^^^^^^^^^^^^^^^
               remedy: write `true` or `false`
            cib.xml:4:38: warning: kind `Always` is none of Mandatory, Optional, Serialize and is taken for Mandatory
             4 | <rsc_order id="o" first="a" then="b" kind="Always" first-action="begin"/>
               |                                      ^^^^^^^^^^^^^
               remedy: write one of them
            cib.xml:4:52: error: first-action `begin` is none of start, stop, promote, demote
             4 | <rsc_order id="o" first="a" then="b" kind="Always" first-action="begin"/>
               |                                                    ^^^^^^^^^^^^^^^^^^^^
               remedy: write one of them
            cib.xml:5:2: warning: first and then count for nothing beside sets
             5 | <rsc_order id="p" first="a" first-instance="1" then="b"><resource_set id="s"/>
               |  ^^^^^^^^^
               remedy: remove them, or the sets
            cib.xml:5:29: error: a constraint is about a single instance
             5 | <rsc_order id="p" first="a" first-instance="1" then="b"><resource_set id="s"/>
               |                             ^^^^^^^^^^^^^^^^^^
               remedy: make it about the clone
            cib.xml:5:58: warning: a set without members asks for nothing
             5 | <rsc_order id="p" first="a" first-instance="1" then="b"><resource_set id="s"/>
               |                                                          ^^^^^^^^^^^^
               remedy: give it members, or remove it
            cib.xml:7:2: error: this rsc_ticket names no resource
             7 | <rsc_ticket id="t" loss-policy="cry"/></constraints>
               |  ^^^^^^^^^^
               remedy: write rsc or a resource_set
            cib.xml:7:2: error: this rsc_ticket has no ticket
             7 | <rsc_ticket id="t" loss-policy="cry"/></constraints>
               |  ^^^^^^^^^^
               remedy: write it, or remove the element
            cib.xml:7:20: warning: loss-policy `cry` is none of stop, demote, fence, freeze and is not read
             7 | <rsc_ticket id="t" loss-policy="cry"/></constraints>
               |                    ^^^^^^^^^^^^^^^^^
               remedy: write one of them
        "#]],
    );
}
