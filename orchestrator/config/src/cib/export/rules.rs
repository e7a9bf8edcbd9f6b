//! Rules.

use haven_core::spec::{Compare, DateExpr, Expr, ValueKind, ValueSource};

use super::Work;

impl Work<'_> {
    /// The condition as a rule with these attributes. `wish` is how its id begins.
    pub(super) fn rule(&mut self, wish: &str, attributes: &[(&str, &str)], expr: &Expr) {
        let id = self.ids.make(wish);
        let (join, parts) = match expr {
            Expr::And(parts) => ("and", parts.as_slice()),
            Expr::Or(parts) => ("or", parts.as_slice()),
            Expr::Attribute { .. } | Expr::Date(_) | Expr::Resource { .. } | Expr::Operation { .. } => {
                ("and", std::slice::from_ref(expr))
            }
        };
        let own = [("id", id.as_str()), ("boolean-op", join)];
        let all: Vec<(&str, &str)> = own.into_iter().chain(attributes.iter().copied()).collect();
        self.xml.begin("rule", &all);
        parts.iter().for_each(|part| self.part(&id, part));
        self.xml.end();
    }

    fn part(&mut self, around: &str, expr: &Expr) {
        let wish = format!("{around}-expression");
        match expr {
            Expr::And(_) | Expr::Or(_) => self.rule(&format!("{around}-rule"), &[], expr),
            Expr::Attribute { name, compare, value, kind, source } => {
                let id = self.ids.make(&wish);
                let mut attributes = vec![("id", id.as_str()), ("attribute", name), ("operation", operation(*compare))];
                attributes.extend(value.as_deref().map(|value| ("value", value)));
                attributes.extend(kind.map(|kind| ("type", word(kind))));
                attributes.extend(source.map(|source| ("value-source", from(source))));
                self.xml.leaf("expression", &attributes);
            }
            Expr::Date(date) => self.date(&wish, date),
            Expr::Resource { class, provider, kind } => {
                let id = self.ids.make(&wish);
                let named = [("class", class), ("provider", provider), ("type", kind)];
                let named = named.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
                let attributes: Vec<(&str, &str)> = [("id", id.as_str())].into_iter().chain(named).collect();
                self.xml.leaf("rsc_expression", &attributes);
            }
            Expr::Operation { name, interval } => {
                let id = self.ids.make(&wish);
                let mut attributes = vec![("id", id.as_str()), ("name", name)];
                attributes.extend(interval.as_deref().map(|interval| ("interval", interval)));
                self.xml.leaf("op_expression", &attributes);
            }
        }
    }

    fn date(&mut self, wish: &str, date: &DateExpr) {
        let id = self.ids.make(wish);
        let id = ("id", id.as_str());
        match date {
            DateExpr::After(start) => self.xml.leaf("date_expression", &[id, ("operation", "gt"), ("start", start)]),
            DateExpr::Before(end) => self.xml.leaf("date_expression", &[id, ("operation", "lt"), ("end", end)]),
            DateExpr::Within { start, end, duration } => {
                let mut attributes = vec![id, ("operation", "in_range")];
                attributes.extend(start.as_deref().map(|start| ("start", start)));
                attributes.extend(end.as_deref().map(|end| ("end", end)));
                self.dated(&attributes, "duration", duration);
            }
            DateExpr::Spec(fields) => self.dated(&[id, ("operation", "date_spec")], "date_spec", fields),
        }
    }

    fn dated(&mut self, attributes: &[(&str, &str)], name: &str, fields: &[(String, String)]) {
        if fields.is_empty() {
            self.xml.leaf("date_expression", attributes);
            return;
        }
        self.xml.begin("date_expression", attributes);
        let id = self.ids.make(name);
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = [("id", id.as_str())].into_iter().chain(fields).collect();
        self.xml.leaf(name, &all);
        self.xml.end();
    }
}

const fn operation(compare: Compare) -> &'static str {
    match compare {
        Compare::Eq => "eq",
        Compare::Ne => "ne",
        Compare::Lt => "lt",
        Compare::Lte => "lte",
        Compare::Gt => "gt",
        Compare::Gte => "gte",
        Compare::Defined => "defined",
        Compare::NotDefined => "not_defined",
    }
}

const fn word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::String => "string",
        ValueKind::Integer => "integer",
        ValueKind::Number => "number",
        ValueKind::Version => "version",
    }
}

const fn from(source: ValueSource) -> &'static str {
    match source {
        ValueSource::Param => "param",
        ValueSource::Meta => "meta",
    }
}
