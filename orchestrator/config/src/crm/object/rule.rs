//! Rules: when a set counts, and which nodes a location is about.

use super::attributes::Score;

/// A rule, or the id of one that stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Written here.
    Own(OwnRule),
    /// The one with this id.
    Reference(String),
}

/// A rule that is written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnRule {
    /// Its id, if it has one of its own.
    pub(crate) id: Option<String>,
    /// The role that it is about.
    pub(crate) role: Option<String>,
    /// What it gives; infinite if nothing is said.
    pub(crate) score: Option<Score>,
    /// How the terms are joined.
    pub(crate) joint: Joint,
    /// At least one.
    pub(crate) terms: Vec<Term>,
}

/// How terms are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joint {
    /// All must hold.
    And,
    /// One must hold.
    Or,
}

impl Joint {
    /// The word in text and XML.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// The node has the attribute.
    Defined(String),
    /// The node does not have it.
    NotDefined(String),
    /// It compares so.
    Compare {
        /// The attribute.
        attribute: String,
        /// As what the two are compared, if it is said.
        kind: Option<String>,
        /// `eq`, `ne`, `lt`, `gt`, `lte`, `gte`.
        comparison: String,
        /// With what.
        value: String,
    },
    /// The time is so.
    Date(Date),
}

/// A condition of time. Moments and fields are as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Date {
    /// Before a moment.
    Before(String),
    /// After it.
    After(String),
    /// Between two.
    Between {
        /// The first.
        start: String,
        /// The second.
        end: String,
    },
    /// From a moment on, for so long.
    During {
        /// The moment.
        start: String,
        /// Fields of the duration.
        duration: Vec<(String, String)>,
    },
    /// When these fields of the calendar have these values.
    Spec(Vec<(String, String)>),
}

/// Fields of durations and calendars.
pub(crate) const DATE_FIELDS: [&str; 13] = [
    "seconds",
    "minutes",
    "hours",
    "days",
    "monthdays",
    "weekdays",
    "yeardays",
    "yearsdays",
    "weeks",
    "months",
    "years",
    "weekyears",
    "moon",
];

/// Comparisons.
pub(crate) const COMPARISONS: [&str; 6] = ["lt", "gt", "lte", "gte", "eq", "ne"];

/// As what two values are compared.
pub(crate) const VALUE_KINDS: [&str; 4] = ["string", "integer", "number", "version"];
