//! A new name, wherever the old one stands.

use super::EditFault;
use crate::crm::Configuration;
use crate::crm::object::attributes::{Attributes, SetKind};
use crate::crm::object::cluster::{Options, Role, Topology};
use crate::crm::object::reference::{self, Use};
use crate::crm::object::resource::Part;
use crate::crm::object::{Body, Object, Space};
use crate::crm::parse::is_id;
use crate::diagnostic::quoted;

impl Configuration {
    /// Gives the object `old` the name `new`, in all that refers to it, too. A node keeps its name, which is not ours.
    pub fn rename(&self, old: &str, new: &str) -> Result<Self, EditFault> {
        let at = self.index_of(old)?;
        let space = self.objects.get(at).map(Object::space);
        if space == Some(Space::Nodes) {
            let what = format!("{} is a node, and its name is that of a machine", quoted(old));
            return Err(EditFault::new(what, "join it under another name"));
        }
        if !is_id(new) {
            let what = format!("{} is no name", quoted(new));
            return Err(EditFault::new(
                what,
                "begin it with a letter and go on with letters, digits, `-`, `_` and `.`",
            ));
        }
        let taken = self.objects.iter().find(|object| Some(object.space()) == space && object.name() == new);
        if let Some(other) = taken {
            let what = format!("{} is the name of a {} already", quoted(new), other.kind());
            return Err(EditFault::new(what, "choose another name"));
        }
        let mut changed = self.clone();
        if let Some(object) = changed.objects.get_mut(at)
            && !object.set_name(new)
        {
            let what = format!("{} has no name that could be changed", quoted(old));
            return Err(EditFault::new(what, "edit it instead"));
        }
        for object in &mut changed.objects {
            let roles = matches!(object.body, Body::AclTarget(_) | Body::User(_));
            reference::each(object, &mut |how, name| {
                let same = (how == Use::Role) == roles && how != Use::Node;
                if same && name == old {
                    new.clone_into(name);
                }
            });
            object.follow_set_ids(old, new);
        }
        Ok(changed)
    }
}

impl Object {
    /// Gives it a name, if it has one that can be given.
    fn set_name(&mut self, new: &str) -> bool {
        let name = match &mut self.body {
            Body::Template(found) | Body::Primitive(found) => &mut found.id,
            Body::Bundle(found) => &mut found.id,
            Body::Group(found) | Body::Promotable(found) | Body::Clone(found) => &mut found.id,
            Body::Tag(found) => &mut found.id,
            Body::Location(found) => &mut found.id,
            Body::Colocation(found) => &mut found.id,
            Body::Order(found) => &mut found.id,
            Body::Ticket(found) => &mut found.id,
            Body::Options(Options { id, .. }) => id,
            Body::Role(Role { id, .. }) | Body::User(Role { id, .. }) => id,
            Body::AclTarget(found) => &mut found.id,
            Body::Alert(found) => &mut found.id,
            Body::Node(_) | Body::Topology(Topology { .. }) => return false,
            Body::Xml(markup) => {
                let id = markup.attributes.iter_mut().find(|(name, _)| name == "id");
                let Some((_, id)) = id else { return false };
                id
            }
        };
        new.clone_into(name);
        true
    }

    /// The ids of sets come from their owner's name where they have none of their own.
    fn follow_set_ids(&mut self, old: &str, new: &str) {
        let follow = |id: &mut String| {
            let kinds = [SetKind::Params, SetKind::Meta, SetKind::Utilization];
            if let Some(kind) = kinds.into_iter().find(|kind| *id == format!("{old}-{}", kind.element())) {
                *id = format!("{new}-{}", kind.element());
            }
        };
        self.each_set_mut(&mut |_, set| {
            if let Err(id) = set {
                follow(id);
            }
        });
        if let Body::Template(primitive) | Body::Primitive(primitive) = &mut self.body {
            let operations = primitive.parts.iter_mut().filter_map(|part| match part {
                Part::Operations(operations) => Some(&mut operations.all),
                Part::Set(..) => None,
            });
            for (_, attributes) in operations.flatten().flat_map(|operation| &mut operation.sets) {
                if let Attributes::Reference(id) = attributes {
                    follow(id);
                }
            }
        }
    }
}
