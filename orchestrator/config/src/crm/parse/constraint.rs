//! Constraints.
//! Source: crm(8), "location", "colocation", "order", "rsc_ticket", "Syntax: Resource sets".

use super::attributes::{rules, score_word};
use super::words::{Read, Words, value_of};
use crate::cib::reading::flag;
use crate::crm::object::attributes::Score;
use crate::crm::object::constraint::{
    Colocation, Item, Joined, Location, Need, ORDER_KINDS, Order, Places, ResourceSet, Ticket, What, Within,
};
use crate::diagnostic::quoted;

/// The word that makes sets of what would be two resources.
pub(in crate::crm) const SET_MARK: &str = "_rsc_set_";

/// What follows the name of a resource behind a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suffix {
    Role,
    Action,
}

/// Roles, in both spellings.
const ROLES: [&str; 6] = ["Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave"];
/// Actions.
const ACTIONS: [&str; 4] = ["start", "stop", "promote", "demote"];

/// A location.
pub(super) fn location(words: &mut Words) -> Read<Location> {
    let id = words.id("the name")?;
    let what = what(words)?;
    let mut location = Location { id, what, role: None, discovery: None, places: Places::Rules(Vec::new()) };
    loop {
        if let Some(role) = words.take_as(|word| value_of(word, "role").or_else(|| value_of(word, "$role"))) {
            location.role = Some(checked(words, role, &ROLES, "role")?.to_owned());
        } else if let Some(discovery) = words.take_as(|word| value_of(word, "resource-discovery")) {
            let known = ["always", "never", "exclusive"];
            location.discovery = Some(checked(words, discovery, &known, "resource-discovery")?.to_owned());
        } else {
            break;
        }
    }
    location.places = match words.peek() {
        Some(word) if word.eq_ignore_ascii_case("rule") => Places::Rules(rules(words)?),
        Some(_) => {
            let score = fixed_score(words)?;
            Places::Node { score, node: node_name(words)? }
        }
        None => return Err(words.refuse_end("`SCORE: NODE` or a rule")),
    };
    words.end(&[])?;
    Ok(location)
}

/// The last word taken, if it is one of `known`, in their spelling.
fn checked(words: &mut Words, word: &str, known: &[&'static str], what: &str) -> Read<&'static str> {
    match known.iter().find(|known| known.eq_ignore_ascii_case(word)) {
        Some(found) => Ok(found),
        None => {
            words.back();
            Err(words.refuse_word(word, known, what))
        }
    }
}

fn what(words: &mut Words) -> Read<What> {
    let word = words.need("a resource")?;
    if word == "{" {
        let sets = sets(words, Suffix::Role, Some("}"))?;
        if sets.is_empty() {
            return Err(words.refuse_last("there is no resource between the braces", "name at least one"));
        }
        return Ok(What::Sets(sets));
    }
    if let Some(rest) = word.strip_prefix('/') {
        return match rest.strip_suffix('/').filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => Ok(What::Pattern(pattern.to_owned())),
            None => {
                Err(words
                    .refuse_last("the pattern is not closed", "write it as `/PATTERN/`, in quotes if it has blanks"))
            }
        };
    }
    words.back();
    Ok(What::Resource(words.id("a resource")?))
}

fn fixed_score(words: &mut Words) -> Read<Score> {
    match words.take_as(score_word) {
        Some(score) if score.is_fixed() => Ok(score),
        Some(_) => Err(words.refuse_last("this is no score", "write a whole number, inf or -inf, then `:`")),
        None => {
            let what = match words.peek() {
                Some(word) => format!("{} stands where a score is expected", quoted(word)),
                None => "a score is missing".to_owned(),
            };
            Err(words.refuse(what, "write a whole number, inf or -inf, with a `:` directly behind it"))
        }
    }
}

/// Takes the name of a node.
pub(super) fn node_name(words: &mut Words) -> Read<String> {
    let word = words.need("a node")?;
    if is_node_name(word) {
        return Ok(word.to_owned());
    }
    let what = format!("{} is no name of a node", quoted(word));
    Err(words.refuse_last(what, "write letters, digits, `-`, `_` and `.`"))
}

/// Whether `text` can be the name of a node, which may begin with a digit.
pub(super) fn is_node_name(text: &str) -> bool {
    let within = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.starts_with(char::is_alphanumeric) && text.chars().all(within)
}

/// A colocation.
pub(super) fn colocation(words: &mut Words) -> Read<Colocation> {
    let id = words.id("the name")?;
    let score = fixed_score(words)?;
    let joined = joined(words, Suffix::Role, 2)?;
    let node_attribute = words.take_as(|word| value_of(word, "node-attribute")).map(str::to_owned);
    words.end(&["node-attribute="])?;
    Ok(Colocation { id, score, joined, node_attribute })
}

/// An order.
pub(super) fn order(words: &mut Words) -> Read<Order> {
    let id = words.id("the name")?;
    let kind = words.take_as(|word| word.strip_suffix(':').filter(|kind| !kind.is_empty()));
    let kind = match kind {
        None => {
            if let Some(word) =
                words.peek().filter(|word| ORDER_KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(word)))
            {
                let what = format!("{} is a kind of order, and here it would be a resource", quoted(word));
                return Err(words.refuse(what, "write a `:` directly behind it"));
            }
            None
        }
        Some(kind) => Some(order_kind(words, kind)?),
    };
    let joined = joined(words, Suffix::Action, 2)?;
    let symmetrical = match words.take_as(|word| value_of(word, "symmetrical")) {
        None => None,
        Some(text) => match flag(text) {
            Some(true) => Some("true"),
            Some(false) => Some("false"),
            None => {
                let what = format!("symmetrical {} is neither true nor false", quoted(text));
                return Err(words.refuse_last(what, "write `true` or `false`"));
            }
        },
    };
    words.end(&["symmetrical="])?;
    Ok(Order { id, kind, joined, symmetrical })
}

/// A kind, or what an old score stands for.
fn order_kind(words: &mut Words, text: &str) -> Read<&'static str> {
    let score = Score::read(text);
    if score.is_fixed() {
        return Ok(if score.is_zero() { "Optional" } else { "Mandatory" });
    }
    checked(words, text, &ORDER_KINDS, "kind of order")
}

/// A ticket.
pub(super) fn ticket(words: &mut Words) -> Read<Ticket> {
    let id = words.id("the name")?;
    let Some(ticket) = words.take_as(|word| word.strip_suffix(':').filter(|ticket| !ticket.is_empty())) else {
        return Err(words.refuse("the ticket is missing", "write its name with a `:` directly behind it"));
    };
    let ticket = ticket.to_owned();
    let joined = joined(words, Suffix::Role, 1)?;
    let loss_policy = match words.take_as(|word| value_of(word, "loss-policy")) {
        Some(text) => {
            let known = ["stop", "demote", "fence", "freeze"];
            Some(checked(words, text, &known, "loss-policy")?.to_owned())
        }
        None => None,
    };
    words.end(&["loss-policy="])?;
    Ok(Ticket { id, ticket, joined, loss_policy })
}

/// Resources or sets of them. Exactly `alone` of them without brackets are no set.
fn joined(words: &mut Words, suffix: Suffix, alone: usize) -> Read<Joined> {
    let before = words.left();
    let mut items = Vec::new();
    let marked = words.peek() == Some(SET_MARK);
    while !marked && items.len() <= alone {
        let Some(word) = words.peek().filter(|word| !is_bracket(word) && !word.contains('=')) else { break };
        items.push(item(words, word, suffix)?);
    }
    let over = words.peek().is_some_and(|word| is_bracket(word) || ends_a_set(word));
    if items.len() == alone && !over {
        return Ok(Joined::Items(items));
    }
    while words.left() < before {
        words.back();
    }
    let sets = sets(words, suffix, None)?;
    let members: usize = sets.iter().map(|set| set.resources.len()).sum();
    match members {
        0 => Err(words.refuse_end("a resource")),
        1 if alone == 2 && !over && !marked => Err(words.refuse_end("the second resource")),
        _ => Ok(Joined::Sets(sets)),
    }
}

fn is_bracket(word: &str) -> bool {
    matches!(word, "(" | ")" | "[" | "]" | "{" | "}")
}

fn ends_a_set(word: &str) -> bool {
    ["require-all", "sequential"].iter().any(|name| value_of(word, name).is_some())
}

fn item(words: &mut Words, word: &str, suffix: Suffix) -> Read<Item> {
    let (resource, part) = match word.split_once(':') {
        Some((resource, part)) => (resource, Some(part)),
        None => (word, None),
    };
    let resource = words.checked_id(resource)?;
    words.next();
    let part = match (part, suffix) {
        (None, _) => None,
        (Some(part), Suffix::Role) => Some(checked(words, part, &ROLES, "role")?.to_owned()),
        (Some(part), Suffix::Action) => Some(checked(words, part, &ACTIONS, "action")?.to_owned()),
    };
    Ok(Item { resource, part })
}

/// What the set that is being read is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    order: Within,
    need: Need,
}

const PLAIN: Shape = Shape { order: Within::Sequential, need: Need::All };

/// Reads sets up to `close`, or to a word that belongs to none.
fn sets(words: &mut Words, suffix: Suffix, close: Option<&str>) -> Read<Vec<ResourceSet>> {
    let mut found: Vec<ResourceSet> = Vec::new();
    let mut begun = 0;
    let (mut shape, mut bracket) = (PLAIN, None);
    loop {
        let Some(word) = words.peek() else {
            return match bracket.or(close) {
                Some(close) => Err(words.refuse_end(&format!("`{close}`"))),
                None => Ok(found),
            };
        };
        if bracket == Some(word) {
            if found.len() == begun {
                return Err(words.refuse("there is no resource between the brackets", "name at least one"));
            }
            (shape, bracket, begun) = (PLAIN, None, found.len());
            words.next();
        } else if word == "(" || word == "[" {
            if bracket.is_some() {
                return Err(words.refuse("there is a set within a set", "close the first one before it"));
            }
            let open = word == "(";
            bracket = Some(if open { ")" } else { "]" });
            shape = Shape { order: Within::Parallel, need: if open { Need::All } else { Need::Any } };
            begun = found.len();
            words.next();
        } else if bracket.is_none() && close == Some(word) {
            words.next();
            return Ok(found);
        } else if is_bracket(word) {
            return Err(words.refuse(format!("{} closes nothing", quoted(word)), "remove it, or open it before"));
        } else if ends_a_set(word) {
            set_attribute(words, word, &mut found, begun)?;
        } else if word == SET_MARK {
            words.next();
        } else if word.contains('=') {
            return match bracket {
                Some(_) => Err(words.end(&["require-all=", "sequential="]).err().unwrap_or(super::words::Refused)),
                None => Ok(found),
            };
        } else {
            let item = item(words, word, suffix)?;
            add(&mut found, begun, shape, item);
        }
    }
}

/// Adds to the set that is being read; another role or action begins another one.
fn add(found: &mut Vec<ResourceSet>, begun: usize, shape: Shape, item: Item) {
    let open = if found.len() > begun { found.last_mut() } else { None };
    match open.filter(|set| set.part == item.part) {
        Some(set) => set.resources.push(item.resource),
        None => found.push(ResourceSet {
            id: None,
            order: shape.order,
            need: shape.need,
            part: item.part,
            resources: vec![item.resource],
        }),
    }
}

/// Takes `require-all=` or `sequential=`, which is about the sets from `begun` on.
fn set_attribute(words: &mut Words, word: &str, found: &mut [ResourceSet], begun: usize) -> Read<()> {
    let (name, text) = word.split_once('=').unwrap_or((word, ""));
    let Some(yes) = flag(text) else {
        let what = format!("{} {} is neither true nor false", name, quoted(text));
        return Err(words.refuse(what, "write `true` or `false`"));
    };
    let Some(sets) = found.get_mut(begun..).filter(|sets| !sets.is_empty()) else {
        return Err(
            words.refuse(format!("{} stands before any resource of a set", quoted(name)), "write it behind them")
        );
    };
    for set in sets {
        if name.eq_ignore_ascii_case("sequential") {
            set.order = if yes { Within::Sequential } else { Within::Parallel };
        } else {
            set.need = if yes { Need::All } else { Need::Any };
        }
    }
    words.next();
    Ok(())
}
