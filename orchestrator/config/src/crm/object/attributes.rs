//! Sets of attributes, their pairs, and scores.

use super::rule::Rule;

/// A score: a number, an infinity, or the name of a node attribute that holds it. Infinities are in one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Score(String);

impl Score {
    /// The unlimited one.
    pub(crate) fn infinity() -> Self {
        Self("INFINITY".to_owned())
    }

    /// Takes `inf`, `INFINITY` and the like with a sign, or any other text as it is.
    pub(crate) fn read(text: &str) -> Self {
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let endless = ["inf", "infinity"].iter().any(|word| rest.eq_ignore_ascii_case(word));
        Self(if endless { format!("{sign}INFINITY") } else { text.to_owned() })
    }

    /// Whether it is a whole number or an infinity.
    pub(crate) fn is_fixed(&self) -> bool {
        let digits = self.0.strip_prefix(['-', '+']).unwrap_or(&self.0);
        digits == "INFINITY" || (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Whether it is zero.
    pub(crate) fn is_zero(&self) -> bool {
        self.is_fixed() && self.0.trim_start_matches(['-', '+']).bytes().all(|byte| byte == b'0')
    }

    /// As XML has it.
    pub(crate) fn xml(&self) -> &str {
        &self.0
    }

    /// As the dialect has it.
    pub(crate) fn word(&self) -> &str {
        match self.0.as_str() {
            "INFINITY" => "inf",
            "-INFINITY" => "-inf",
            other => other,
        }
    }
}

/// Which set of attributes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetKind {
    /// Parameters of an agent, and what is known of a node.
    Params,
    /// What the cluster goes by.
    Meta,
    /// What it takes or offers.
    Utilization,
}

impl SetKind {
    /// The element of XML.
    pub(crate) const fn element(self) -> &'static str {
        match self {
            Self::Params => "instance_attributes",
            Self::Meta => "meta_attributes",
            Self::Utilization => "utilization",
        }
    }

    /// The set of that element.
    pub(crate) fn of_element(name: &str) -> Option<Self> {
        [Self::Params, Self::Meta, Self::Utilization].into_iter().find(|kind| kind.element() == name)
    }

    /// The word of the dialect for resources.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Params => "params",
            Self::Meta => "meta",
            Self::Utilization => "utilization",
        }
    }
}

/// Attributes, or the id of those that stand elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attributes {
    /// Written here.
    Own(AttrSet),
    /// Those with this id.
    Reference(String),
}

/// A set that is written out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AttrSet {
    /// Its id, if it has one of its own.
    pub(crate) id: Option<String>,
    /// Which set comes first.
    pub(crate) score: Option<Score>,
    /// When it counts; one that holds is enough.
    pub(crate) rules: Vec<Rule>,
    /// The attributes in their order.
    pub(crate) pairs: Vec<Pair>,
}

impl AttrSet {
    /// A set of these attributes and nothing else.
    pub(crate) fn of_pairs(pairs: Vec<Pair>) -> Self {
        Self { pairs, ..Self::default() }
    }
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pair {
    /// Written here.
    Value {
        /// Its id, if it has one of its own.
        id: Option<String>,
        /// Its name.
        name: String,
        /// Its value; there are attributes without one.
        value: Option<String>,
    },
    /// The value of the attribute with this id.
    Reference {
        /// The id.
        id: String,
        /// The name here, if it is another one.
        name: Option<String>,
    },
}

impl Pair {
    /// The name that it has here, if it is written here.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Value { name, .. } => Some(name),
            Self::Reference { name, .. } => name.as_deref(),
        }
    }
}
