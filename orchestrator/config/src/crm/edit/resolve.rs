//! References to the sets of an object, which are written as references to the object.
//! Source: crm(8), "Note on id-ref usage".

use std::collections::BTreeMap;

use crate::crm::Configuration;
use crate::crm::object::attributes::{Attributes, SetKind};
use crate::crm::object::resource::Part;
use crate::crm::object::{Body, Object};

/// What of an object can be referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Set(SetKind),
    Operations,
}

impl Configuration {
    /// Lets references that name an object name its first set of the same kind.
    pub(super) fn resolve_references(&mut self) {
        let mut ids: BTreeMap<(String, &'static str), String> = BTreeMap::new();
        for object in &self.objects {
            let name = object.name();
            for (kind, id) in object.first_sets() {
                let id = id.unwrap_or_else(|| format!("{name}-{}", word(kind)));
                ids.entry((name.to_owned(), word(kind))).or_insert(id);
            }
        }
        let mut used = Vec::new();
        for object in &mut self.objects {
            object.each_reference(&mut |kind, id| {
                if let Some(found) = ids.get(&(id.clone(), word(kind))) {
                    if kind == Wanted::Operations {
                        used.push((std::mem::take(id), found.clone()));
                    }
                    id.clone_from(found);
                }
            });
        }
        // Operations have no id that comes about itself.
        for (name, id) in used {
            for object in self.objects.iter_mut().filter(|object| object.name() == name) {
                if let Body::Primitive(primitive) | Body::Template(primitive) = &mut object.body {
                    primitive.with_operations(|operations| operations.id = Some(id.clone()));
                }
            }
        }
    }
}

const fn word(kind: Wanted) -> &'static str {
    match kind {
        Wanted::Set(kind) => kind.element(),
        Wanted::Operations => "operations",
    }
}

impl Object {
    /// Its sets that are written out, with their ids.
    fn first_sets(&self) -> Vec<(Wanted, Option<String>)> {
        let mut found = Vec::new();
        let mut add = |kind: SetKind, attributes: &Attributes| match attributes {
            Attributes::Own(set) => found.push((Wanted::Set(kind), set.id.clone())),
            Attributes::Reference(_) => {}
        };
        if let Body::Primitive(primitive) | Body::Template(primitive) = &self.body {
            let mut operations = None;
            for part in &primitive.parts {
                match part {
                    Part::Set(kind, attributes) => add(*kind, attributes),
                    Part::Operations(own) => operations = own.reference.is_none().then(|| own.id.clone()),
                }
            }
            found.extend(operations.map(|id| (Wanted::Operations, id)));
        } else if let Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) = &self.body {
            holder.sets.iter().for_each(|(kind, attributes)| add(*kind, attributes));
        }
        found
    }

    /// Calls `each` with every reference of a resource to a set.
    fn each_reference(&mut self, each: &mut dyn FnMut(Wanted, &mut String)) {
        if let Body::Group(holder) | Body::Promotable(holder) | Body::Clone(holder) = &mut self.body {
            holder.sets.iter_mut().for_each(|(kind, attributes)| of(*kind, attributes, each));
        } else if let Body::Primitive(primitive) | Body::Template(primitive) = &mut self.body {
            for part in &mut primitive.parts {
                match part {
                    Part::Set(kind, attributes) => of(*kind, attributes, each),
                    Part::Operations(operations) => {
                        operations.reference.iter_mut().for_each(|id| each(Wanted::Operations, id));
                    }
                }
            }
        }
    }
}

fn of(kind: SetKind, attributes: &mut Attributes, each: &mut dyn FnMut(Wanted, &mut String)) {
    match attributes {
        Attributes::Reference(id) => each(Wanted::Set(kind), id),
        Attributes::Own(_) => {}
    }
}
