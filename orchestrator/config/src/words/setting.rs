//! `config set`.

use haven_core::spec::{AttrSet, SETTINGS, Spec, SpecEdit};

use super::{WordFault, pairs};

/// The edits that set settings of the cluster; an empty value takes one back to its default. Errors: an unknown name,
/// with the nearest one.
pub fn set_properties(words: &[String]) -> Result<Vec<SpecEdit>, WordFault> {
    let names = || SETTINGS.iter().map(|(name, ..)| *name);
    let mut edits = Vec::new();
    for (name, value) in pairs("setting", words)? {
        if !names().any(|known| known == name) {
            return Err(WordFault::unknown("setting", &name, names()));
        }
        edits.push(SpecEdit::SetProperty { name, value: Some(value).filter(|value| !value.is_empty()) });
    }
    Ok(edits)
}

/// The edit that sets meta attributes for all resources that do not set them; an empty value removes one.
pub fn set_defaults(spec: &Spec, words: &[String]) -> Result<Vec<SpecEdit>, WordFault> {
    let mut sets = spec.resource_defaults.clone();
    for (name, value) in pairs("default", words)? {
        sets.iter_mut().for_each(|set| drop(set.values.remove(&name)));
        if value.is_empty() {
            continue;
        }
        match sets.iter_mut().find(|set| set.rule.is_none()) {
            Some(set) => drop(set.values.insert(name, value)),
            None => sets.push(AttrSet::of([(name, value)])),
        }
    }
    sets.retain(|set| !set.values.is_empty());
    Ok(vec![SpecEdit::SetResourceDefaults(sets)])
}
