//! Changes of a configuration.
//!
//! For: what `crm configure` does to objects, as functions from one configuration to the next.
//! Never: half a change, or a reference that leads nowhere afterwards.

mod attribute;
mod delete;
mod group;
mod load;
mod rename;
mod resolve;
#[cfg(test)]
mod tests;
mod timeouts;

pub use self::delete::Deleted;
pub use self::group::Place as MemberPlace;
pub use self::load::Load;
use super::Configuration;
use super::object::{Kind, Object, Space};
use crate::diagnostic::quoted;
use crate::nearest::nearest;

/// Why a configuration is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct EditFault {
    /// What is wrong, on what, and what is needed; one sentence without a full stop.
    pub what: String,
    /// One imperative sentence without a full stop.
    pub remedy: String,
}

impl EditFault {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

/// In which order objects of a text are written to a CIB: by kind, all constraints as one.
fn rank(object: &Object) -> Kind {
    match object.kind() {
        Kind::Location | Kind::Colocation | Kind::Order | Kind::Ticket => Kind::Location,
        other @ (Kind::Node
        | Kind::Template
        | Kind::Primitive
        | Kind::Bundle
        | Kind::Group
        | Kind::Promotable
        | Kind::Clone
        | Kind::Tag
        | Kind::Topology
        | Kind::Property
        | Kind::ResourceDefaults
        | Kind::OperationDefaults
        | Kind::Role
        | Kind::AclTarget
        | Kind::User
        | Kind::Alert
        | Kind::Xml) => other,
    }
}

impl Configuration {
    /// Where the object `name` is: in the space of most objects first, then among users and nodes.
    fn index_of(&self, name: &str) -> Result<usize, EditFault> {
        let spaces = [Space::Objects, Space::Users, Space::Nodes];
        let at = |space| self.objects.iter().position(|object| object.space() == space && object.name() == name);
        spaces.into_iter().find_map(at).ok_or_else(|| {
            let near = nearest(name, self.objects.iter().map(Object::name));
            let near = near.map(|near| format!("; it may have been meant as {}", quoted(near))).unwrap_or_default();
            EditFault::new(format!("there is no object {}{near}", quoted(name)), "name one that `show` lists")
        })
    }
}
