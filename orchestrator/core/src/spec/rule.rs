//! Rules: expressions over node attributes, dates, resources and operations.
//!
//! Source: Pacemaker Explained, "Rules".

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::units::Score;

/// The score that a matching rule adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum RuleScore {
    /// The same everywhere.
    #[n(0)]
    Points(#[n(0)] Score),
    /// The value of this attribute of the node.
    #[n(1)]
    Attribute(#[n(0)] String),
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum Expr {
    /// All of these; true when empty.
    #[n(0)]
    And(#[n(0)] Vec<Expr>),
    /// At least one of these; true when empty, as in Pacemaker.
    #[n(1)]
    Or(#[n(0)] Vec<Expr>),
    /// A node attribute against a value.
    #[n(2)]
    Attribute {
        /// The attribute's name.
        #[n(0)]
        name: String,
        /// The comparison.
        #[n(1)]
        compare: Compare,
        /// What is compared with; absent for `defined` and `not_defined`.
        #[n(2)]
        value: Option<String>,
        /// How the two are read.
        #[n(3)]
        kind: Option<ValueKind>,
        /// Where the value comes from; absent: it is meant as it is written.
        #[n(4)]
        #[serde(default)]
        source: Option<ValueSource>,
    },
    /// A date.
    #[n(3)]
    Date(#[n(0)] DateExpr),
    /// The agent of the resource that a default is asked for.
    #[n(4)]
    Resource {
        /// Its class.
        #[n(0)]
        class: Option<String>,
        /// Its provider.
        #[n(1)]
        provider: Option<String>,
        /// Its type.
        #[n(2)]
        kind: Option<String>,
    },
    /// The operation that a default is asked for.
    #[n(5)]
    Operation {
        /// Its name.
        #[n(0)]
        name: String,
        /// Its interval as written.
        #[n(1)]
        interval: Option<String>,
    },
}

/// Comparisons of attribute expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum Compare {
    /// Equal.
    #[n(0)]
    Eq,
    /// Not equal; true when the attribute is missing.
    #[n(1)]
    Ne,
    /// Less.
    #[n(2)]
    Lt,
    /// Less or equal.
    #[n(3)]
    Lte,
    /// Greater.
    #[n(4)]
    Gt,
    /// Greater or equal.
    #[n(5)]
    Gte,
    /// The attribute exists.
    #[n(6)]
    Defined,
    /// The attribute does not exist.
    #[n(7)]
    NotDefined,
}

/// How the operands of a comparison are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum ValueKind {
    /// Text, without regard to case.
    #[n(0)]
    String,
    /// Whole number.
    #[n(1)]
    Integer,
    /// Number with a fraction.
    #[n(2)]
    Number,
    /// Dotted version.
    #[n(3)]
    Version,
}

/// What the value of a comparison names, if it is not the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum ValueSource {
    /// A parameter of the resource.
    #[n(0)]
    Param,
    /// A meta attribute of the resource.
    #[n(1)]
    Meta,
}

/// A date condition; the dates are kept as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub enum DateExpr {
    /// After this date.
    #[n(0)]
    After(#[n(0)] String),
    /// Before this date.
    #[n(1)]
    Before(#[n(0)] String),
    /// From the first to the second, or for a duration; both ends included.
    #[n(2)]
    Within {
        /// First instant.
        #[n(0)]
        start: Option<String>,
        /// Last instant.
        #[n(1)]
        end: Option<String>,
        /// Length after `start`, as `name=value` pairs.
        #[n(2)]
        duration: Vec<(String, String)>,
    },
    /// Fields of the calendar, as `name=range` pairs.
    #[n(3)]
    Spec(#[n(0)] Vec<(String, String)>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expr(source: Option<ValueSource>) -> Expr {
        Expr::Attribute {
            name: "a".to_owned(),
            compare: Compare::Eq,
            value: Some("b".to_owned()),
            kind: Some(ValueKind::String),
            source,
        }
    }

    fn hex(expr: &Expr) -> String {
        minicbor::to_vec(expr).unwrap().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_value_that_is_meant_as_written_takes_no_byte_for_its_source() {
        assert_eq!(hex(&expr(None)), "8202846161006162 00".replace(' ', ""));
        assert_eq!(hex(&expr(Some(ValueSource::Meta))), "820285616100616200 01".replace(' ', ""));
        for source in [None, Some(ValueSource::Param), Some(ValueSource::Meta)] {
            let bytes = minicbor::to_vec(expr(source)).unwrap();
            assert_eq!(minicbor::decode::<Expr>(&bytes).unwrap(), expr(source));
        }
    }
}
