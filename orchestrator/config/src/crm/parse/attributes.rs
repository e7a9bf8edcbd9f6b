//! Sets of attributes and rules.
//! Source: crm(8), "Syntax: Attribute list references", "Syntax: Attribute references", "Syntax: Rule expressions".

use haven_core::spec::is_secret;

use super::words::{Read, Words, value_of};
use crate::crm::object::attributes::{AttrSet, Attributes, Pair, Score};
use crate::crm::object::rule::{COMPARISONS, DATE_FIELDS, Date, Joint, OwnRule, Rule, Term, VALUE_KINDS};
use crate::diagnostic::quoted;

/// Words that end a set: those that begin another one in the same statement.
pub(super) type Ends<'e> = &'e [&'e str];

/// Reads a set up to a word of `ends`, or a reference to one.
pub(super) fn attributes(words: &mut Words, ends: Ends) -> Read<Attributes> {
    if let Some(id) = words.take_as(|word| value_of(word, "$id-ref")) {
        return Ok(Attributes::Reference(words.checked_id(id)?));
    }
    Ok(Attributes::Own(set(words, ends)?))
}

/// Reads a set that is written out.
pub(super) fn set(words: &mut Words, ends: Ends) -> Read<AttrSet> {
    let mut set = AttrSet::default();
    if let Some(id) = words.take_as(|word| value_of(word, "$id")) {
        set.id = Some(words.checked_id(id)?);
    }
    set.score = words.take_as(score_word);
    if set.score.as_ref().is_some_and(|score| !score.is_fixed()) {
        return Err(words.refuse_last("this is no score", "write a whole number, inf or -inf, then `:`"));
    }
    while words.peek().is_some_and(|word| word.eq_ignore_ascii_case("rule")) {
        set.rules.push(rule(words)?);
    }
    set.pairs = pairs(words, ends)?;
    Ok(set)
}

/// A word such as `100:`.
pub(super) fn score_word(word: &str) -> Option<Score> {
    word.strip_suffix(':').filter(|score| !score.is_empty()).map(Score::read)
}

/// Reads attributes up to a word of `ends`.
pub(super) fn pairs(words: &mut Words, ends: Ends) -> Read<Vec<Pair>> {
    let mut found = Vec::new();
    while let Some(word) = words.peek() {
        if ends.iter().any(|end| end.eq_ignore_ascii_case(word)) || value_of(word, "description").is_some() {
            break;
        }
        found.push(pair(words, word)?);
        words.next();
    }
    Ok(found)
}

/// Makes an attribute of `word`, which is the next one and stays.
pub(super) fn pair(words: &mut Words, word: &str) -> Read<Pair> {
    if let Some(reference) = word.strip_prefix('@') {
        let (id, name) = match reference.split_once(':') {
            Some((id, name)) => (id, Some(attribute_name(words, name)?)),
            None => (reference, None),
        };
        return Ok(Pair::Reference { id: words.checked_id(id)?, name });
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    // `passwd hunter2` would make an attribute of that name, which is shown.
    if value.is_none() && is_secret(name) {
        let what = format!("the secret {} has no value", quoted(name));
        return Err(words.refuse(what, format!("write `{name}=VALUE`, without blanks around the `=`")));
    }
    let Some(marked) = name.strip_prefix('$') else {
        return Ok(Pair::Value { id: None, name: attribute_name(words, name)?, value });
    };
    if marked == "id" || marked == "id-ref" {
        let what = format!("{} stands behind other attributes", quoted(name));
        return Err(words.refuse(what, "write it first in the set; beside `$id-ref` there is nothing else"));
    }
    let (id, name) = marked.split_once(':').unwrap_or((marked, marked));
    Ok(Pair::Value { id: Some(words.checked_id(id)?), name: attribute_name(words, name)?, value })
}

fn attribute_name(words: &mut Words, name: &str) -> Read<String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | '(' | ')' | '{' | '}');
    if name.is_empty() || name.ends_with(':') || name.contains(odd) {
        let what = format!("{} is no name of an attribute", quoted(name));
        return Err(words.refuse(what, "write attributes as `name=value`, without blanks around the `=`"));
    }
    Ok(name.to_owned())
}

/// Reads all rules that follow each other.
pub(super) fn rules(words: &mut Words) -> Read<Vec<Rule>> {
    let mut found = Vec::new();
    while words.peek().is_some_and(|word| word.eq_ignore_ascii_case("rule")) {
        found.push(rule(words)?);
    }
    Ok(found)
}

/// Reads a rule from the word `rule` on.
fn rule(words: &mut Words) -> Read<Rule> {
    words.next();
    let mut rule = OwnRule { id: None, role: None, score: None, joint: Joint::And, terms: Vec::new() };
    loop {
        if let Some(id) = words.take_as(|word| value_of(word, "$id-ref")) {
            return Ok(Rule::Reference(words.checked_id(id)?));
        }
        if let Some(id) = words.take_as(|word| value_of(word, "$id")) {
            rule.id = Some(words.checked_id(id)?);
        } else if let Some(role) = words.take_as(|word| value_of(word, "$role").or_else(|| value_of(word, "role"))) {
            rule.role = Some(words.checked_id(role)?);
        } else {
            break;
        }
    }
    rule.score = words.take_as(score_word);
    rule.terms.push(term(words)?);
    let mut joint = None;
    while let Some(next) = words.take_as(joint_of) {
        if joint.is_some_and(|joint| joint != next) {
            let what = "`and` and `or` are mixed in one rule";
            return Err(words.refuse_last(what, "write two rules, or one with nested rules as XML"));
        }
        joint = Some(next);
        rule.terms.push(term(words)?);
    }
    rule.joint = joint.unwrap_or(Joint::And);
    Ok(Rule::Own(rule))
}

fn joint_of(word: &str) -> Option<Joint> {
    [Joint::And, Joint::Or].into_iter().find(|joint| joint.word().eq_ignore_ascii_case(word))
}

fn term(words: &mut Words) -> Read<Term> {
    let first = words.need("an expression")?;
    match first {
        "defined" => return Ok(Term::Defined(attribute(words)?)),
        "not_defined" => return Ok(Term::NotDefined(attribute(words)?)),
        "date" => return Ok(Term::Date(date(words)?)),
        _ => words.back(),
    }
    let attribute = attribute(words)?;
    let word = words.need("a comparison")?;
    let (kind, comparison) = match word.split_once(':') {
        Some((kind, comparison)) => (Some(kind), comparison),
        None => (None, word),
    };
    let known = |word: &str, all: &[&str]| all.contains(&word);
    if !known(comparison, &COMPARISONS) {
        words.back();
        return Err(words.refuse_word(comparison, &COMPARISONS, "comparison"));
    }
    if let Some(kind) = kind.filter(|kind| !known(kind, &VALUE_KINDS)) {
        words.back();
        return Err(words.refuse_word(kind, &VALUE_KINDS, "type of a value"));
    }
    let value = words.need("a value")?.to_owned();
    Ok(Term::Compare { attribute, kind: kind.map(str::to_owned), comparison: comparison.to_owned(), value })
}

fn attribute(words: &mut Words) -> Read<String> {
    let word = words.need("an attribute")?;
    let bracket = matches!(word, "(" | ")" | "[" | "]" | "{" | "}");
    if bracket || word.ends_with(':') || word.contains('=') {
        let what = format!("{} is no attribute of a node", quoted(word));
        return Err(words.refuse_last(what, "write expressions as `ATTRIBUTE eq VALUE`, joined by `and` or `or`"));
    }
    Ok(word.to_owned())
}

fn date(words: &mut Words) -> Read<Date> {
    let known = ["lt", "gt", "in", "in_range", "spec", "date_spec"];
    match words.one_of(&known, "condition of a date")? {
        "lt" => Ok(Date::Before(words.need("a date")?.to_owned())),
        "gt" => Ok(Date::After(words.need("a date")?.to_owned())),
        "in" | "in_range" => range(words),
        _ => {
            let fields = fields(words);
            if fields.is_empty() {
                return Err(words.refuse("the fields of the date are missing", "write them, such as `hours=9-16`"));
            }
            Ok(Date::Spec(fields))
        }
    }
}

fn range(words: &mut Words) -> Read<Date> {
    let Some(start) = words.take_as(|word| value_of(word, "start")) else {
        return Err(words.refuse("`start=` is missing", "write when it begins, and then `end=` or how long it lasts"));
    };
    let start = start.to_owned();
    if let Some(end) = words.take_as(|word| value_of(word, "end")) {
        return Ok(Date::Between { start, end: end.to_owned() });
    }
    let duration = fields(words);
    if duration.is_empty() {
        return Err(words.refuse("the end is missing", "write `end=`, or how long it lasts, such as `hours=2`"));
    }
    Ok(Date::During { start, duration })
}

fn fields(words: &mut Words) -> Vec<(String, String)> {
    let field = |word: &str| {
        let (name, value) = word.split_once('=')?;
        DATE_FIELDS.contains(&name).then(|| (name.to_owned(), value.to_owned()))
    };
    std::iter::from_fn(|| words.take_as(field)).collect()
}
