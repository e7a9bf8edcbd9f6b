//! One attribute of an object: what it is, another value, none.
//! Source: what crmsh 4.4.1 and `crm_resource` do for `resource meta web set target-role Stopped`.

use super::EditFault;
use crate::crm::Configuration;
use crate::crm::object::attributes::{AttrSet, Attributes, Pair, SetKind};
use crate::crm::object::resource::{BundlePart, Part};
use crate::crm::object::{Body, Object};
use crate::diagnostic::quoted;

/// Why an object has no such attributes.
enum Lacks {
    /// Objects of its kind have none.
    Kind,
    /// They are those of another object.
    Referred,
}

impl Object {
    /// The value of an attribute that is written in the object itself; options of the cluster are `Params`.
    pub fn attribute(&self, kind: SetKind, name: &str) -> Option<&str> {
        self.own_sets(kind).flat_map(|set| &set.pairs).find_map(|pair| match pair {
            Pair::Value { name: own, value, .. } if own == name => value.as_deref(),
            Pair::Value { .. } | Pair::Reference { .. } => None,
        })
    }

    /// The attributes that are written in the object itself, in their order.
    pub fn attributes(&self, kind: SetKind) -> Vec<(&str, &str)> {
        let pairs = self.own_sets(kind).flat_map(|set| &set.pairs);
        pairs
            .filter_map(|pair| match pair {
                Pair::Value { name, value, .. } => Some((name.as_str(), value.as_deref().unwrap_or_default())),
                Pair::Reference { .. } => None,
            })
            .collect()
    }

    fn own_sets(&self, kind: SetKind) -> impl Iterator<Item = &AttrSet> {
        self.sets().into_iter().filter(move |(found, _)| *found == kind).map(|(_, set)| set)
    }

    /// The set that an attribute goes into: the first without a rule, or one that is made.
    fn set_mut(&mut self, kind: SetKind) -> Result<&mut AttrSet, Lacks> {
        match &mut self.body {
            Body::Template(primitive) | Body::Primitive(primitive) => {
                let fits = |part: &Part| matches!(part, Part::Set(found, set) if *found == kind && is_plain(set));
                let at = primitive.parts.iter().position(fits).unwrap_or(primitive.parts.len());
                if at == primitive.parts.len() {
                    primitive.parts.push(Part::Set(kind, empty()));
                }
                match primitive.parts.get_mut(at) {
                    Some(Part::Set(_, attributes)) => own_mut(attributes),
                    Some(Part::Operations(_)) | None => Err(Lacks::Kind),
                }
            }
            Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) => among(&mut holder.sets, kind),
            Body::Node(node) => among(&mut node.sets, kind),
            Body::Options(options) if kind == SetKind::Params => Ok(&mut options.set),
            Body::Bundle(bundle) => {
                let fits = |part: &BundlePart| matches!(part, BundlePart::Set(found, _) if *found == kind);
                let at = bundle.parts.iter().position(fits).unwrap_or(bundle.parts.len());
                if at == bundle.parts.len() {
                    bundle.parts.push(BundlePart::Set(kind, AttrSet::default()));
                }
                match bundle.parts.get_mut(at) {
                    Some(BundlePart::Set(_, set)) => Ok(set),
                    Some(BundlePart::Section { .. } | BundlePart::Primitive(_)) | None => Err(Lacks::Kind),
                }
            }
            Body::Tag(_)
            | Body::Location(_)
            | Body::Colocation(_)
            | Body::Order(_)
            | Body::Ticket(_)
            | Body::Topology(_)
            | Body::Options(_)
            | Body::Role(_)
            | Body::AclTarget(_)
            | Body::User(_)
            | Body::Alert(_)
            | Body::Xml(_) => Err(Lacks::Kind),
        }
    }

    /// Takes an attribute out of all sets that are written here. Whether there was one.
    fn drop_attribute(&mut self, kind: SetKind, name: &str) -> bool {
        let mut dropped = false;
        self.each_set_mut(&mut |found, set| {
            let Ok(set) = set else { return };
            if found == kind {
                let before = set.pairs.len();
                set.pairs.retain(|pair| pair.name() != Some(name));
                dropped |= set.pairs.len() != before;
            }
        });
        self.drop_empty_sets(kind);
        dropped
    }

    /// Sets in which nothing is left go, but for those of bundles and options, which may be empty.
    fn drop_empty_sets(&mut self, kind: SetKind) {
        let stays = |(found, set): &(SetKind, Attributes)| *found != kind || !is_empty(set);
        if let Body::Template(primitive) | Body::Primitive(primitive) = &mut self.body {
            primitive.parts.retain(|part| !matches!(part, Part::Set(found, set) if *found == kind && is_empty(set)));
        }
        if let Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) = &mut self.body {
            holder.sets.retain(stays);
        }
        if let Body::Node(node) = &mut self.body {
            node.sets.retain(stays);
        }
    }
}

impl Configuration {
    /// Gives an attribute of the object `object` that value; options of the cluster are `Params`.
    pub fn set_attribute(&self, object: &str, kind: SetKind, name: &str, value: &str) -> Result<Self, EditFault> {
        let mut changed = self.clone();
        let at = changed.index_of(object)?;
        let Some(found) = changed.objects.get_mut(at) else { return Ok(changed) };
        let what = found.kind();
        let set = found.set_mut(kind).map_err(|lacks| match lacks {
            Lacks::Kind => {
                let fault = format!("{} is a {what}, which has no {}", quoted(object), kind.word());
                EditFault::new(fault, "name a resource or a node")
            }
            Lacks::Referred => {
                let fault = format!("the {} of {} are those of another object", kind.word(), quoted(object));
                EditFault::new(fault, "change them there, or edit the object")
            }
        })?;
        let known = set.pairs.iter_mut().find_map(|pair| match pair {
            Pair::Value { name: own, value, .. } if own == name => Some(value),
            Pair::Value { .. } | Pair::Reference { .. } => None,
        });
        match known {
            Some(known) => *known = Some(value.to_owned()),
            None => set.pairs.push(Pair::Value { id: None, name: name.to_owned(), value: Some(value.to_owned()) }),
        }
        Ok(changed)
    }

    /// Takes an attribute out of the object `object`. It must be there.
    pub fn drop_attribute(&self, object: &str, kind: SetKind, name: &str) -> Result<Self, EditFault> {
        let mut changed = self.clone();
        let at = changed.index_of(object)?;
        if changed.objects.get_mut(at).is_some_and(|found| found.drop_attribute(kind, name)) {
            return Ok(changed);
        }
        let what = format!("{} has no {} {}", quoted(object), kind.word(), quoted(name));
        Err(EditFault::new(what, "name one that `configure show` shows"))
    }
}

fn empty() -> Attributes {
    Attributes::Own(AttrSet::default())
}

/// Whether it is a set to which an attribute can be added, or one that leads elsewhere.
fn is_plain(attributes: &Attributes) -> bool {
    match attributes {
        Attributes::Own(set) => set.rules.is_empty(),
        Attributes::Reference(_) => true,
    }
}

fn is_empty(attributes: &Attributes) -> bool {
    match attributes {
        Attributes::Own(set) => set.pairs.is_empty() && set.rules.is_empty(),
        Attributes::Reference(_) => false,
    }
}

fn own_mut(attributes: &mut Attributes) -> Result<&mut AttrSet, Lacks> {
    match attributes {
        Attributes::Own(set) => Ok(set),
        Attributes::Reference(_) => Err(Lacks::Referred),
    }
}

fn among(sets: &mut Vec<(SetKind, Attributes)>, kind: SetKind) -> Result<&mut AttrSet, Lacks> {
    let at = sets.iter().position(|(found, set)| *found == kind && is_plain(set)).unwrap_or(sets.len());
    if at == sets.len() {
        sets.push((kind, empty()));
    }
    sets.get_mut(at).map_or(Err(Lacks::Kind), |(_, attributes)| own_mut(attributes))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::tests::{base, difference};
    use super::*;

    #[test]
    fn attributes_are_set_and_dropped_where_they_are() {
        let before = base();
        let set =
            |object: &str, kind, name: &str, value: &str| before.set_attribute(object, kind, name, value).unwrap();
        let check = |after: &Configuration, want: Expect| want.assert_eq(&difference(&before, after));
        check(
            &set("g1", SetKind::Meta, "target-role", "Stopped"),
            expect![[r#"
                - 	meta x=y
                + 	meta x=y target-role=Stopped
            "#]],
        );
        check(
            &set("b", SetKind::Meta, "priority", "3"),
            expect![[r#"
                - primitive b Dummy
                + primitive b Dummy \
                + 	meta priority=3
            "#]],
        );
        check(
            &set("n1", SetKind::Params, "a", "c d"),
            expect![[r#"
                - 	attributes a=b
                + 	attributes a="c d"
            "#]],
        );
        check(
            &before.drop_attribute("g1", SetKind::Meta, "x").unwrap(),
            expect![[r#"
                - group g1 a b \
                - 	meta x=y
                + group g1 a b
            "#]],
        );
        for (fault, want) in [
            (before.set_attribute("t1", SetKind::Meta, "x", "y"), "`t1` is a tag, which has no meta"),
            (before.set_attribute("w", SetKind::Params, "x", "y"), "the params of `w` are those of another object"),
            (before.drop_attribute("b", SetKind::Meta, "x"), "`b` has no meta `x`"),
            (before.drop_attribute("zz", SetKind::Meta, "x"), "there is no object `zz`"),
        ] {
            assert_eq!(fault.unwrap_err().what, want);
        }
        let shown = before.named("a").next().unwrap();
        assert_eq!(shown.attributes(SetKind::Params), [("state", "1")]);
        assert_eq!(
            (shown.attribute(SetKind::Params, "state"), shown.agent().unwrap().as_str()),
            (Some("1"), "ocf:heartbeat:Dummy")
        );
    }
}
