//! heartbeat's two files, `haresources` and `ha.cf`, into haven's configuration.
//!
//! For: one call, [`import`], from both files to edits that are committed together or not at all, with everything
//! said that is different here.
//! Never: a line of either file ignored in silence, or half of a file applied.

mod agents;
mod build;
pub mod ha_cf;
pub mod haresources;
mod ids;
mod import;
mod inventory;
pub(crate) mod names;

use haven_core::units::Score;

pub(crate) use import::commit_faults;
pub use import::{Import, Imported, Refused, import};
pub use inventory::{Installed, Inventory};

/// Points by which a group prefers the node of its line. More than [`haresources::RESOURCES_MAX`] members that each
/// weigh [`HOME`], and less than a single one that weighs [`STAY`].
pub const PREFERENCE: Score = Score::new(1000);
/// Stickiness of every resource when groups go home: just enough that they do not wander between equal nodes while
/// their own is away.
pub const HOME: i64 = 1;
/// Stickiness of every resource when groups stay where they are: one that runs outweighs the preference.
pub const STAY: i64 = 10_000;

/// How the description of a resource begins whose possible loss of data was accepted.
const ACCEPTED: &str = "loss of data accepted at import: DRBD without protection";

/// What resources do when the node that they prefer returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failback {
    /// They go back to it: `auto_failback on`, or `legacy`, which is heartbeat's default.
    Home,
    /// They stay where they are: `auto_failback off`.
    Stay,
    /// Nobody said: what is imported for the first time goes home, as in heartbeat, and what is there already does
    /// as it did.
    Unsaid,
}

impl Failback {
    /// The stickiness of a resource that does this and has had `old` up to now.
    fn stickiness(self, old: Option<&str>) -> String {
        match (self, old) {
            (Self::Unsaid, Some(old)) => old.to_owned(),
            (Self::Home, _) | (Self::Unsaid, None) => HOME.to_string(),
            (Self::Stay, _) => STAY.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
