//! S7: secrets are nowhere where they must not be. The world looks at real bytes: arguments and environments of programs,
//! entries of the log with what refused them, notes, and in the end every file of every machine.

use std::collections::BTreeSet;

use crate::world::World;

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct SecretCheck(BTreeSet<String>);

impl SecretCheck {
    /// Places that are new since the last look.
    pub(super) fn look(&mut self, world: &World) -> Vec<(&'static str, String)> {
        let new: Vec<String> = world.exposed().into_iter().filter(|place| self.0.insert(place.clone())).collect();
        new.into_iter().map(|place| ("S7", format!("the password of the fence devices is in {place}"))).collect()
    }
}
