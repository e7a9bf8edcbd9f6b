//! Sets of values: options, meta attributes, parameters, capacities.
//!
//! Never: the value of a pair in what is said, since it may be a password.
//! Source: Pacemaker Explained, "Nvpair Element Groups", "Reusing Rules, Options and Sets of Operations".

use haven_core::spec::AttrSet;

use super::reading::Reading;
use super::rules;
use super::tree::Element;
use crate::diagnostic::quoted;

/// Pacemaker's word for "as if it were not written".
const UNSET: &str = "#default";

/// The sets among `children` that have this name, in the order of the text.
pub(super) fn sets<'t, 'a>(r: &mut Reading<'t, 'a, '_>, children: &[Element<'t, 'a>], name: &str) -> Vec<AttrSet> {
    let named = children.iter().filter(|child| child.name() == name);
    named.filter_map(|child| set(r, *child)).collect()
}

fn set<'t, 'a>(r: &mut Reading<'t, 'a, '_>, element: Element<'t, 'a>) -> Option<AttrSet> {
    let element = r.links.follow(element, r.said)?;
    r.attributes(element, &["score"]);
    let score = r.score(element, "score").unwrap_or_default();
    let mut set = AttrSet { id: element.text("id"), score, ..AttrSet::default() };
    let children = r.children(element, &["nvpair", "rule"]);
    set.rule = rules::any_of(r, children.iter().filter(|child| child.name() == "rule").copied());
    for pair in children.into_iter().filter(|child| child.name() == "nvpair") {
        add(r, pair, &mut set);
    }
    Some(set)
}

fn add<'t, 'a>(r: &mut Reading<'t, 'a, '_>, pair: Element<'t, 'a>, set: &mut AttrSet) {
    r.attributes(pair, &["name", "value"]);
    let Some(target) = r.links.follow(pair, r.said) else { return };
    // A reference may give the value another name.
    let Some(name) = pair.value("name").or_else(|| r.required(target, "name")) else { return };
    let Some(value) = target.value("value") else {
        let what = format!("{} has no value and is left out", quoted(name));
        r.said.warning(pair.name(), what, "write a value, or remove the pair");
        return;
    };
    if value.eq_ignore_ascii_case(UNSET) {
        r.said.warning(pair.name(), format!("{} is {UNSET} and is left out", quoted(name)), "remove the pair");
        return;
    }
    if set.values.contains_key(name) {
        let what = format!("{} is there twice in one set; the first one counts", quoted(name));
        r.said.warning(pair.name(), what, "remove one of them");
        return;
    }
    set.values.insert(name.to_owned(), value.to_owned());
}
