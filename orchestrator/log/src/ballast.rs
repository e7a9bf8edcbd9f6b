//! A file that does nothing but take room, so that there is some to give up when the disk is full [S-25].
//!
//! With it, losses, fences and plans stay committable on a disk that something else has filled, while operators' own
//! writes are refused early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use haven_env::{Disk, Volume};

/// Room that is kept, in bytes, unless the options say otherwise: a few hundred thousand events.
pub const BALLAST_BYTES: u64 = 64 << 20;

const NAME: &str = "ballast";
/// A ballast counts only when it is complete; until then it has this name.
const GROWING: &str = "ballast.new";
/// How much of it is written at once.
const PIECE: u64 = 1 << 20;

#[derive(Debug)]
pub(crate) struct Ballast {
    volume: Arc<dyn Volume>,
    bytes: u64,
    there: AtomicBool,
}

impl Ballast {
    pub(crate) fn new(volume: Arc<dyn Volume>, bytes: u64) -> Self {
        let there = volume.list().is_ok_and(|names| names.iter().any(|name| name == NAME));
        Self { volume, bytes, there: AtomicBool::new(there) }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn is_there(&self) -> bool {
        self.bytes == 0 || self.there.load(Ordering::Relaxed)
    }

    /// Frees the room. False if there was none to free.
    pub(crate) fn give_up(&self) -> bool {
        self.there.swap(false, Ordering::Relaxed) && self.volume.remove(NAME).is_ok()
    }

    /// Takes the room, unless it is taken, or less than that would be left. That it cannot be taken is no error: there
    /// is no ballast then, and health says so.
    pub(crate) async fn take(&self) {
        if self.is_there() || self.volume.free().unwrap_or(0) < self.bytes.saturating_mul(2) {
            return;
        }
        match self.fill_and_name().await {
            Ok(()) => self.there.store(true, Ordering::Relaxed),
            // The disk has filled meanwhile, perhaps.
            Err(_) => drop(self.volume.remove(GROWING)),
        }
    }

    async fn fill_and_name(&self) -> std::io::Result<()> {
        let disk = self.volume.open(GROWING)?;
        let (below, bytes) = (disk.clone(), self.bytes);
        let written = disk.submit(Box::new(move || fill(&*below, bytes))).await;
        drop(disk);
        written?;
        self.volume.rename(GROWING, NAME)
    }
}

/// Writes bytes that no file system compresses or turns into a hole.
fn fill(disk: &dyn Disk, bytes: u64) -> std::io::Result<()> {
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut at = 0;
    disk.set_len(0)?;
    while at < bytes {
        let words = bytes.saturating_sub(at).min(PIECE).div_ceil(8);
        let piece: Vec<u8> = (0..words)
            .flat_map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()
            })
            .collect();
        disk.write(at, &piece)?;
        at = at.saturating_add(words.saturating_mul(8));
    }
    disk.sync()
}
