//! Rules: conditions over node attributes, dates, agents and operations.
//!
//! Never: an expression that cannot be understood taken for one that holds, or does not.
//! Source: Pacemaker Explained, "Rules".

use haven_core::scheduler::engine::config::RuleDef;
use haven_core::spec::{Compare, DateExpr, Expr, ValueKind, ValueSource, parse_span};

use super::reading::Reading;
use super::tree::Element;

/// Deepest nesting of rules, references included.
const NESTED_MAX: u32 = 32;

/// The condition that one of these rules holds; nothing if there is no rule.
pub(super) fn any_of<'t, 'a>(
    r: &mut Reading<'t, 'a, '_>,
    rules: impl Iterator<Item = Element<'t, 'a>>,
) -> Option<Expr> {
    let mut found: Vec<Expr> = rules.filter_map(|element| rule(r, element, 1)).collect();
    if found.len() > 1 { Some(Expr::Or(found)) } else { found.pop() }
}

/// A rule of a location.
pub(super) fn of_location<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<RuleDef> {
    let target = r.links.follow(element, r.said)?;
    let (score, role) = (r.score(target, "score"), r.role(target, "role"));
    let attribute = target.text("score-attribute").filter(|_| target.attribute("score").is_none());
    if score.is_none() && attribute.is_none() && target.attribute("score").is_none() {
        r.said.warning(target.name(), "a rule without a score asks for nothing", "give it a score");
    }
    let id = target.text("id").unwrap_or_default();
    rule(r, target, 1).map(|expr| RuleDef { id, role, score, attribute, expr })
}

fn rule<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>, depth: u32) -> Option<Expr> {
    if depth > NESTED_MAX {
        let what = format!("rules are nested deeper than {NESTED_MAX}, or refer to each other");
        r.said.error(element.name(), what, "write a simpler rule");
        return None;
    }
    let element = r.links.follow(element, r.said)?;
    r.attributes(element, &["boolean-op", "score", "score-attribute", "role"]);
    let join = r.word(element, "boolean-op", &["and", "or"]);
    let known = ["rule", "expression", "date_expression", "rsc_expression", "op_expression"];
    let mut parts = Vec::new();
    for child in r.children(element, &known) {
        parts.push(match child.name() {
            "rule" => rule(r, child, depth + 1)?,
            "expression" => attribute(r, child)?,
            "date_expression" => Expr::Date(date(r, child)?),
            "rsc_expression" => {
                r.attributes(child, &["class", "provider", "type"]);
                Expr::Resource {
                    class: child.text("class"),
                    provider: child.text("provider"),
                    kind: child.text("type"),
                }
            }
            _ => {
                r.attributes(child, &["name", "interval"]);
                let span = r.span(child, "interval");
                let interval = child.text("interval").map(|text| match parse_span(&text) {
                    Some(_) => text,
                    // The other notation is known to this reader alone.
                    None => span.to_string(),
                });
                Expr::Operation { name: r.required(child, "name")?.to_owned(), interval }
            }
        });
    }
    if parts.is_empty() {
        r.said.warning(element.name(), "a rule without an expression always holds", "give it one, or remove the rule");
    }
    Some(if join == Some("or") { Expr::Or(parts) } else { Expr::And(parts) })
}

fn attribute<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<Expr> {
    r.attributes(element, &["attribute", "operation", "value", "type", "value-source"]);
    let name = r.required(element, "attribute")?.to_owned();
    r.required(element, "operation")?;
    let words = ["eq", "ne", "lt", "lte", "gt", "gte", "defined", "not_defined"];
    let compare = match r.word(element, "operation", &words)? {
        "eq" => Compare::Eq,
        "ne" => Compare::Ne,
        "lt" => Compare::Lt,
        "lte" => Compare::Lte,
        "gt" => Compare::Gt,
        "gte" => Compare::Gte,
        "defined" => Compare::Defined,
        _ => Compare::NotDefined,
    };
    let kind = match r.word(element, "type", &["string", "integer", "number", "version"]) {
        Some("string") => Some(ValueKind::String),
        Some("integer") => Some(ValueKind::Integer),
        Some("number") => Some(ValueKind::Number),
        Some(_) => Some(ValueKind::Version),
        None => None,
    };
    let source = match r.word(element, "value-source", &["literal", "param", "meta"]) {
        Some("param") => Some(ValueSource::Param),
        Some("meta") => Some(ValueSource::Meta),
        Some(_) | None => None,
    };
    let value = match compare {
        Compare::Defined | Compare::NotDefined => None,
        Compare::Eq | Compare::Ne | Compare::Lt | Compare::Lte | Compare::Gt | Compare::Gte => element.text("value"),
    };
    Some(Expr::Attribute { name, compare, value, kind, source })
}

fn date<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<DateExpr> {
    r.attributes(element, &["operation", "start", "end"]);
    let children = r.children(element, &["duration", "date_spec"]);
    let mut fields = |name: &str| {
        let child = children.iter().find(|child| child.name() == name)?;
        let target = r.links.follow(*child, r.said)?;
        let pairs = target.attributes().iter().filter(|field| !matches!(field.name, "id" | "id-ref"));
        Some(pairs.map(|field| (field.name.to_owned(), field.value.clone().into_owned())).collect::<Vec<_>>())
    };
    let (duration, spec) = (fields("duration"), fields("date_spec"));
    let operation = match element.attribute("operation") {
        Some(_) => r.word(element, "operation", &["gt", "lt", "in_range", "date_spec"])?,
        None => "in_range",
    };
    match operation {
        "gt" => r.required(element, "start").map(|start| DateExpr::After(start.to_owned())),
        "lt" => r.required(element, "end").map(|end| DateExpr::Before(end.to_owned())),
        "in_range" => {
            let (start, end) = (element.text("start"), element.text("end"));
            if start.is_none() && end.is_none() {
                r.said.error(element.name(), "a range has neither start nor end", "write one of them");
                return None;
            }
            Some(DateExpr::Within { start, end, duration: duration.unwrap_or_default() })
        }
        _ => {
            if spec.is_none() {
                r.said.error(element.name(), "this date_expression has no date_spec", "write one into it");
            }
            spec.map(DateExpr::Spec)
        }
    }
}
