//! Sets of attributes and rules from elements. What has no word in the dialect gives nothing, and so is kept as XML.

use super::Wanted;
use crate::crm::markup::Markup;
use crate::crm::object::attributes::{AttrSet, Attributes, Pair, Score, SetKind};
use crate::crm::object::rule::{Date, Joint, OwnRule, Rule, Term};

/// A set of the object with the id `owner`.
pub(super) fn of_owner(markup: &Markup, owner: &str, wanted: Wanted<'_>) -> Option<(SetKind, Attributes)> {
    let kind = SetKind::of_element(&markup.name)?;
    if let Some(id) = markup.text("id-ref") {
        return Some((kind, Attributes::Reference(id)));
    }
    let mut set = set(markup, wanted)?;
    if set.id.as_deref().is_some_and(|id| id == format!("{owner}-{}", kind.element())) {
        set.id = None;
    }
    Some((kind, Attributes::Own(set)))
}

/// All sets among `children`, which must be nothing else.
pub(super) fn all(children: &[Markup], owner: &str, wanted: Wanted<'_>) -> Option<Vec<(SetKind, Attributes)>> {
    children.iter().map(|child| of_owner(child, owner, wanted)).collect()
}

/// A set that is written out, with its id.
pub(super) fn set(markup: &Markup, wanted: Wanted<'_>) -> Option<AttrSet> {
    let mut set =
        AttrSet { id: markup.text("id"), score: markup.value("score").map(Score::read), ..AttrSet::default() };
    for child in &markup.children {
        match child.name.as_str() {
            // In text, rules come first; in XML it does not matter.
            "rule" => set.rules.push(rule(child)?),
            "nvpair" => set.pairs.push(pair(child, wanted)?),
            _ => return None,
        }
    }
    Some(set)
}

fn pair(markup: &Markup, wanted: Wanted<'_>) -> Option<Pair> {
    if let Some(id) = markup.text("id-ref") {
        return Some(Pair::Reference { id, name: markup.text("name") });
    }
    let id = markup.text("id").filter(|id| wanted.contains(id));
    Some(Pair::Value { id, name: markup.text("name")?, value: markup.text("value") })
}

/// A rule.
pub(super) fn rule(markup: &Markup) -> Option<Rule> {
    if let Some(id) = markup.text("id-ref") {
        return Some(Rule::Reference(id));
    }
    let joint = match markup.value("boolean-op") {
        None | Some("and") => Joint::And,
        Some("or") => Joint::Or,
        Some(_) => return None,
    };
    let terms: Vec<Term> = markup.children.iter().map(term).collect::<Option<_>>()?;
    if terms.is_empty() {
        return None;
    }
    let score = markup.value("score").or(markup.value("score-attribute")).map(Score::read);
    Some(Rule::Own(OwnRule { id: markup.text("id"), role: markup.text("role"), score, joint, terms }))
}

fn term(markup: &Markup) -> Option<Term> {
    match markup.name.as_str() {
        "date_expression" => return date(markup).map(Term::Date),
        "expression" => {}
        _ => return None,
    }
    let attribute = markup.text("attribute")?;
    Some(match markup.value("operation")? {
        "defined" => Term::Defined(attribute),
        "not_defined" => Term::NotDefined(attribute),
        comparison => Term::Compare {
            attribute,
            kind: markup.text("type"),
            comparison: comparison.to_owned(),
            value: markup.text("value")?,
        },
    })
}

fn date(markup: &Markup) -> Option<Date> {
    let fields = |element: &str| -> Option<Vec<(String, String)>> {
        let [child] = markup.children.as_slice() else { return None };
        let fields = child.attributes.iter().filter(|(name, _)| name != "id").cloned().collect();
        (child.name == element).then_some(fields)
    };
    Some(match markup.value("operation")? {
        "lt" => Date::Before(markup.text("end")?),
        "gt" => Date::After(markup.text("start")?),
        "date_spec" => Date::Spec(fields("date_spec")?),
        "in_range" => match markup.text("end") {
            Some(end) => Date::Between { start: markup.text("start")?, end },
            None => Date::During { start: markup.text("start")?, duration: fields("duration")? },
        },
        _ => return None,
    })
}
