//! Constraints and rules.

use haven_core::spec::{
    Colocation, ColocationSet, Compare, Constraint, ConstraintBody, DateExpr, Discovery, Expr, Location, LocationRule,
    LocationTarget, LocationWhere, Order, OrderKind, OrderSet, OrderVerb, Pair, Role, RuleScore, SetJoin, ValueKind,
    ValueSource,
};

use super::value::{Text, plain_or_quoted};

pub(super) fn constraint(constraint: &Constraint) -> Vec<Text> {
    let Constraint { id, body, seq: _, until } = constraint;
    let mut lines = match body {
        ConstraintBody::Location(location) => self::location(&format!("location {id}"), location),
        ConstraintBody::Colocation(colocation) => {
            vec![self::colocation(Text::plain(format!("colocation {id} {}:", colocation.score)), colocation)]
        }
        ConstraintBody::Order(order) => vec![self::order(Text::plain(format!("order {id}")), order)],
    };
    if let Some(until) = until {
        lines.push(Text::plain(format!("until={}ms", until.0)));
    }
    lines
}

fn location(head: &str, location: &Location) -> Vec<Text> {
    let Location { target, role, place, discovery } = location;
    let mut text = Text::plain(head);
    text = match target {
        LocationTarget::Resource(id) => text.word(id),
        LocationTarget::Pattern(pattern) => text.word(format!("/{}/", pattern.replace('/', "\\/"))),
        LocationTarget::Set(ids) => ids.iter().fold(text.word("{"), |text, id| text.word(id)).word("}"),
    };
    if let Some(role) = role {
        text = text.word(format!("role={}", role.word()));
    }
    if let Some(discovery) = discovery {
        let word = match discovery {
            Discovery::Always => "always",
            Discovery::Never => "never",
            Discovery::Exclusive => "exclusive",
        };
        text = text.word(format!("resource-discovery={word}"));
    }
    match place {
        LocationWhere::Node { node, score } => vec![text.word(format!("{score}: {node}"))],
        LocationWhere::Rules(rules) => std::iter::once(text).chain(rules.iter().map(rule)).collect(),
    }
}

fn rule(rule: &LocationRule) -> Text {
    let LocationRule { id, role, score, expr } = rule;
    let mut text = Text::plain("rule");
    if let Some(id) = id {
        text = text.word(format!("$id={}", plain_or_quoted(id)));
    }
    if let Some(role) = role {
        text = text.word(format!("$role={}", role.word()));
    }
    let score = match score {
        RuleScore::Points(score) => score.to_string(),
        RuleScore::Attribute(name) => plain_or_quoted(name),
    };
    text.word(format!("{score}: {}", expression(expr)))
}

fn colocation(mut text: Text, colocation: &Colocation) -> Text {
    let Colocation { score: _, join, node_attribute, influence } = colocation;
    text = match join {
        SetJoin::Pair(first, second) => text.word(side(first)).word(side(second)),
        SetJoin::Sets(sets) => sets.iter().fold(text, |text, set| text.word(colocation_set(set))),
    };
    if let Some(name) = node_attribute {
        text = text.pair("node-attribute", name);
    }
    if let Some(influence) = influence {
        text = text.word(format!("influence={influence}"));
    }
    text
}

/// `{ }` around members that depend on each other, `( )` around those that do not.
fn colocation_set(set: &ColocationSet) -> String {
    let ColocationSet { members, sequential, role, score } = set;
    let (open, close) = if *sequential { ('{', '}') } else { ('(', ')') };
    let role = role.map(|role| format!(":{}", role.word())).unwrap_or_default();
    let members: Vec<String> = members.iter().map(|member| format!("{member}{role}")).collect();
    let score = score.map(|score| format!(" score={score}")).unwrap_or_default();
    format!("{open} {}{score} {close}", members.join(" "))
}

fn side(pair: &Pair) -> String {
    let Pair { resource, role, verb } = pair;
    let role = role.map(Role::word);
    let verb = verb.map(order_verb);
    match role.or(verb) {
        Some(what) => format!("{resource}:{what}"),
        None => resource.to_string(),
    }
}

fn order(mut text: Text, order: &Order) -> Text {
    let Order { kind, join, symmetrical } = order;
    let kind = match kind {
        OrderKind::Mandatory => "Mandatory",
        OrderKind::Optional => "Optional",
        OrderKind::Serialize => "Serialize",
    };
    text = text.word(format!("{kind}:"));
    text = match join {
        SetJoin::Pair(first, second) => text.word(side(first)).word(side(second)),
        SetJoin::Sets(sets) => sets.iter().fold(text, |text, set| text.word(order_set(set))),
    };
    match symmetrical {
        Some(symmetrical) => text.word(format!("symmetrical={symmetrical}")),
        None => text,
    }
}

/// `{ }` around members one after the other, `( )` around those at once, `[ ]` where one of them is enough.
fn order_set(set: &OrderSet) -> String {
    let OrderSet { members, sequential, require_all } = set;
    let members: Vec<String> = members
        .iter()
        .map(|item| match item.verb {
            Some(verb) => format!("{}:{}", item.resource, order_verb(verb)),
            None => item.resource.to_string(),
        })
        .collect();
    let members = members.join(" ");
    match (sequential, require_all) {
        (true, true) => format!("{{ {members} }}"),
        (false, true) => format!("( {members} )"),
        (false, false) => format!("[ {members} ]"),
        (true, false) => format!("[ {members} sequential=true ]"),
    }
}

const fn order_verb(verb: OrderVerb) -> &'static str {
    match verb {
        OrderVerb::Start => "start",
        OrderVerb::Stop => "stop",
        OrderVerb::Promote => "promote",
        OrderVerb::Demote => "demote",
    }
}

/// A condition, with brackets wherever there could be doubt.
pub(crate) fn expression(expr: &Expr) -> String {
    let several = |parts: &[Expr], word: &str, empty: &str| match parts {
        [] => empty.to_owned(),
        [one] => expression(one),
        parts => parts.iter().map(nested).collect::<Vec<_>>().join(word),
    };
    match expr {
        Expr::And(parts) => several(parts, " and ", "true"),
        Expr::Or(parts) => several(parts, " or ", "true"),
        Expr::Attribute { name, compare, value, kind, source } => {
            attribute(name, *compare, (value.as_deref(), *source), *kind)
        }
        Expr::Date(date) => self::date(date),
        Expr::Resource { class, provider, kind } => {
            let part = |text: &Option<String>| text.as_deref().map_or_else(|| "*".to_owned(), plain_or_quoted);
            format!("rsc {}:{}:{}", part(class), part(provider), part(kind))
        }
        Expr::Operation { name, interval } => {
            let interval = interval.as_ref().map(|text| format!(" interval={}", plain_or_quoted(text)));
            format!("op {}{}", plain_or_quoted(name), interval.unwrap_or_default())
        }
    }
}

fn nested(expr: &Expr) -> String {
    let text = expression(expr);
    match expr {
        Expr::And(parts) | Expr::Or(parts) if parts.len() > 1 => format!("({text})"),
        Expr::And(_)
        | Expr::Or(_)
        | Expr::Attribute { .. }
        | Expr::Date(_)
        | Expr::Resource { .. }
        | Expr::Operation { .. } => text,
    }
}

fn attribute(
    name: &str,
    compare: Compare,
    (value, source): (Option<&str>, Option<ValueSource>),
    kind: Option<ValueKind>,
) -> String {
    let name = plain_or_quoted(name);
    let kind = match kind {
        None => "",
        Some(ValueKind::String) => "string:",
        Some(ValueKind::Integer) => "integer:",
        Some(ValueKind::Number) => "number:",
        Some(ValueKind::Version) => "version:",
    };
    let source = match source {
        None => "",
        Some(ValueSource::Param) => " value-source=param",
        Some(ValueSource::Meta) => " value-source=meta",
    };
    let value = plain_or_quoted(value.unwrap_or_default()) + source;
    match compare {
        Compare::Defined => format!("defined {name}"),
        Compare::NotDefined => format!("not_defined {name}"),
        Compare::Eq => format!("{name} {kind}eq {value}"),
        Compare::Ne => format!("{name} {kind}ne {value}"),
        Compare::Lt => format!("{name} {kind}lt {value}"),
        Compare::Lte => format!("{name} {kind}lte {value}"),
        Compare::Gt => format!("{name} {kind}gt {value}"),
        Compare::Gte => format!("{name} {kind}gte {value}"),
    }
}

fn date(date: &DateExpr) -> String {
    let pairs = |pairs: &[(String, String)]| {
        pairs.iter().map(|(k, v)| format!(" {}={}", plain_or_quoted(k), plain_or_quoted(v))).collect::<String>()
    };
    match date {
        DateExpr::After(date) => format!("date gt {}", plain_or_quoted(date)),
        DateExpr::Before(date) => format!("date lt {}", plain_or_quoted(date)),
        DateExpr::Within { start, end, duration } => {
            let part = |name: &str, date: &Option<String>| {
                date.as_ref().map(|date| format!(" {name}={}", plain_or_quoted(date))).unwrap_or_default()
            };
            format!("date in{}{}{}", part("start", start), part("end", end), pairs(duration))
        }
        DateExpr::Spec(fields) => format!("date spec{}", pairs(fields)),
    }
}
