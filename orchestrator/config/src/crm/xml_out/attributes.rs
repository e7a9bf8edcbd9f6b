//! Sets of attributes and rules as elements.

use super::ids::Ids;
use crate::crm::markup::Markup;
use crate::crm::object::attributes::{AttrSet, Attributes, Pair, Score, SetKind};
use crate::crm::object::rule::{Date, Joint, OwnRule, Rule, Term};

/// A set of the object with the id `owner`.
pub(super) fn of_owner(kind: SetKind, attributes: &Attributes, owner: &str, ids: &mut Ids) -> Markup {
    match attributes {
        Attributes::Reference(id) => Markup::new(kind.element()).with("id-ref", id),
        Attributes::Own(set) => {
            let id = ids.own_or(set.id.as_deref(), &format!("{owner}-{}", kind.element()));
            own(kind.element(), set, id, ids)
        }
    }
}

/// The same for several.
pub(super) fn all(sets: &[(SetKind, Attributes)], owner: &str, ids: &mut Ids) -> Vec<Markup> {
    sets.iter().map(|(kind, attributes)| of_owner(*kind, attributes, owner, ids)).collect()
}

/// The element of a set that is written out.
pub(super) fn own(element: &str, set: &AttrSet, id: String, ids: &mut Ids) -> Markup {
    let mut markup = Markup::new(element);
    if let Some(score) = &set.score {
        markup = markup.with("score", score.xml());
    }
    let mut markup = markup.with("id", id.clone());
    markup.children.extend(set.rules.iter().map(|found| rule(found, &id, ids)));
    markup.children.extend(set.pairs.iter().map(|found| pair(found, &id, ids)));
    markup
}

fn pair(pair: &Pair, owner: &str, ids: &mut Ids) -> Markup {
    let markup = Markup::new("nvpair");
    match pair {
        Pair::Reference { id, name } => markup.with("id-ref", id).with_some("name", name.as_deref()),
        Pair::Value { id, name, value } => {
            let id = ids.own_or(id.as_deref(), &format!("{owner}-{name}"));
            markup.with("name", name).with_some("value", value.as_deref()).with("id", id)
        }
    }
}

/// The element of a rule of `owner`.
pub(super) fn rule(rule: &Rule, owner: &str, ids: &mut Ids) -> Markup {
    match rule {
        Rule::Reference(id) => Markup::new("rule").with("id-ref", id),
        Rule::Own(rule) => own_rule(rule, owner, ids),
    }
}

fn own_rule(rule: &OwnRule, owner: &str, ids: &mut Ids) -> Markup {
    let id = ids.own_or(rule.id.as_deref(), &format!("{owner}-rule"));
    let mut markup = Markup::new("rule").with_some("role", rule.role.as_deref());
    let endless = Score::infinity();
    let score = rule.score.as_ref().unwrap_or(&endless);
    markup = markup.with(if score.is_fixed() { "score" } else { "score-attribute" }, score.xml());
    if rule.joint == Joint::Or {
        markup = markup.with("boolean-op", rule.joint.word());
    }
    let mut markup = markup.with("id", id.clone());
    markup.children.extend(rule.terms.iter().map(|found| term(found, &id, ids)));
    markup
}

fn term(term: &Term, owner: &str, ids: &mut Ids) -> Markup {
    let id = ids.make(&format!("{owner}-expression"));
    let defined =
        |operation, attribute| Markup::new("expression").with("operation", operation).with("attribute", attribute);
    match term {
        Term::Defined(attribute) => defined("defined", attribute).with("id", id),
        Term::NotDefined(attribute) => defined("not_defined", attribute).with("id", id),
        Term::Compare { attribute, kind, comparison, value } => defined(comparison.as_str(), attribute)
            .with_some("type", kind.as_deref())
            .with("value", value)
            .with("id", id),
        Term::Date(found) => date(found, id, ids),
    }
}

fn date(date: &Date, id: String, ids: &mut Ids) -> Markup {
    let of = |operation: &str| Markup::new("date_expression").with("operation", operation);
    let mut with_fields = |markup: Markup, element: &str, fields: &[(String, String)]| {
        let within = ids.make(&format!("{id}-{element}"));
        let mut inner = Markup::new(element);
        inner.attributes.extend_from_slice(fields);
        let mut markup = markup.with("id", id.clone());
        markup.children.push(inner.with("id", within));
        markup
    };
    match date {
        Date::Before(end) => of("lt").with("end", end).with("id", id),
        Date::After(start) => of("gt").with("start", start).with("id", id),
        Date::Between { start, end } => of("in_range").with("start", start).with("end", end).with("id", id),
        Date::During { start, duration } => with_fields(of("in_range").with("start", start), "duration", duration),
        Date::Spec(fields) => with_fields(of("date_spec"), "date_spec", fields),
    }
}
