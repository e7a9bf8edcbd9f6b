//! Disks that live in memory, take virtual time, fill up, rot and lose power.
//!
//! For: the store's worst days, without a machine. One [`SimVolume`] is one machine's storage and outlives its boots;
//! each boot works through what [`SimVolume::attach`] gives it, and what an earlier boot still holds is refused.
//! Never: two commits of one file in doubt at once. In production the writes of a commit begin after the sync of the
//! commit before it has returned; a model that forgets this reports losses which cannot happen.
//!
//! A job that is submitted *begins* only when the job before it is durable, in virtual time, on a task of its own that
//! dies with the owner who opened the file: the commit thread of production. Inside a job no time passes; each of its
//! syncs closes an *epoch* of writes, and the epochs become durable one after the other before the job's ticket
//! completes.

mod handle;
mod medium;
#[cfg(test)]
mod tests;
mod volume;

pub use handle::SimDisk;
#[cfg(test)]
pub(crate) use volume::KEPT;
pub use volume::{Attached, SimVolume, VolumeImage};

/// How long a simulated disk takes; in nanoseconds of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskProfile {
    /// Shortest sync.
    pub sync_min: u64,
    /// Longest sync that does not stall.
    pub sync_max: u64,
    /// This many syncs in a thousand take [`DiskProfile::stall`] longer.
    pub stall_per_mille: u64,
    /// How much longer: a path failover, a firmware pause.
    pub stall: u64,
}

impl Default for DiskProfile {
    /// A flash disk with a rare stall.
    fn default() -> Self {
        Self { sync_min: 500_000, sync_max: 2_500_000, stall_per_mille: 3, stall: 150_000_000 }
    }
}
