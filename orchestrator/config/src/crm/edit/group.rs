//! Members of a group.

use super::EditFault;
use crate::crm::Configuration;
use crate::crm::object::resource::Holder;
use crate::crm::object::{Body, Kind, Object};
use crate::diagnostic::quoted;

/// Where a new member goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'n> {
    /// Behind all others.
    Last,
    /// Before this one.
    Before(&'n str),
    /// Behind this one.
    After(&'n str),
}

impl Configuration {
    /// Puts the primitive `member` into the group `group`. It must be there and in nothing else.
    pub fn add_member(&self, group: &str, member: &str, place: Place<'_>) -> Result<Self, EditFault> {
        let mut changed = self.clone();
        let at = changed.index_of(member)?;
        let kind = changed.objects.get(at).map(Object::kind);
        if kind != Some(Kind::Primitive) {
            let what = format!("{} is no primitive", quoted(member));
            return Err(EditFault::new(what, "name a primitive"));
        }
        if let Some(holder) = self.objects.iter().find(|object| object.members().contains(&member)) {
            let what = format!("{} is in the {} {} already", quoted(member), holder.kind(), quoted(holder.name()));
            return Err(EditFault::new(what, "take it out there first"));
        }
        let holder = changed.group_mut(group)?;
        let of = |name: &str| {
            let found = holder.members.iter().position(|other| other == name);
            found
                .ok_or_else(|| EditFault::new(format!("{} is not in {}", quoted(name), quoted(group)), "name a member"))
        };
        let index = match place {
            Place::Last => holder.members.len(),
            Place::Before(name) => of(name)?,
            Place::After(name) => of(name)? + 1,
        };
        holder.members.insert(index, member.to_owned());
        Ok(changed)
    }

    /// Takes `member` out of the group `group`, which keeps at least one. The resource itself stays.
    pub fn remove_member(&self, group: &str, member: &str) -> Result<Self, EditFault> {
        let mut changed = self.clone();
        let holder = changed.group_mut(group)?;
        let Some(at) = holder.members.iter().position(|other| other == member) else {
            let what = format!("{} is not in {}", quoted(member), quoted(group));
            return Err(EditFault::new(what, "name a member"));
        };
        if holder.members.len() == 1 {
            let what = format!("{} is the only member of {}", quoted(member), quoted(group));
            return Err(EditFault::new(what, "delete the group"));
        }
        holder.members.remove(at);
        Ok(changed)
    }

    fn group_mut(&mut self, name: &str) -> Result<&mut Holder, EditFault> {
        let at = self.index_of(name)?;
        match self.objects.get_mut(at).map(|object| &mut object.body) {
            Some(Body::Group(holder)) => Ok(holder),
            _ => Err(EditFault::new(format!("{} is no group", quoted(name)), "name a group")),
        }
    }
}
