//! What one life of a daemon gets of the world: its own ends of the traits of `haven-env`.
//!
//! Never: anything that works for a dead life. What a dead life still calls does nothing, or never completes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use haven_core::ids::{BootId, NodeId};
use haven_core::spec::SecretRef;
use haven_core::units::{Monotonic, WallTime};
use haven_env::{Clock, Entropy, Secret, SecretError, Secrets};

use super::World;
use crate::exec::{Machine, Prng, lock, monotonic};

/// One life of the daemon of one machine. It knows the world weakly, so that a node which holds its environment, and
/// is held by the world's sockets, is freed with the world.
pub(super) struct Life {
    pub(super) world: Weak<World>,
    pub(super) machine: Machine,
    pub(super) node: NodeId,
    pub(super) boot: BootId,
    pub(super) number: u64,
    pub(super) alive: AtomicBool,
}

impl Life {
    /// The world, while this life lasts.
    pub(super) fn world(&self) -> Option<Arc<World>> {
        if self.alive.load(Ordering::Relaxed) { self.world.upgrade() } else { None }
    }

    pub(super) fn end(&self) {
        self.alive.store(false, Ordering::Relaxed);
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "life {} of {}", self.number, self.node)
    }
}

#[derive(Debug)]
pub(super) struct SimClock(pub(super) Arc<Life>);

impl Clock for SimClock {
    fn monotonic(&self) -> Monotonic {
        monotonic(self.0.machine)
    }

    fn wall(&self) -> WallTime {
        self.0.world.upgrade().map_or(WallTime(0), |world| world.wall(self.0.machine))
    }
}

#[derive(Debug)]
pub(super) struct SimEntropy(pub(super) Mutex<Prng>);

impl Entropy for SimEntropy {
    fn fill(&self, out: &mut [u8]) {
        let mut prng = lock(&self.0);
        for chunk in out.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(prng.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct SimSecrets(pub(super) Arc<Life>);

impl Secrets for SimSecrets {
    fn get(&self, place: &SecretRef) -> Result<Secret, SecretError> {
        let missing = || SecretError::Missing(place.to_string());
        self.0.world().ok_or_else(missing)?.secret(self.0.machine, place).ok_or_else(missing)
    }
}
