//! One file of a simulated volume: what its readers see, and what is on the medium for certain.

use std::collections::{BTreeSet, VecDeque};

use crate::exec::Prng;

/// What a device writes as a whole.
pub(super) const SECTOR: usize = 512;
/// What a file system gives out as a whole.
pub(super) const BLOCK: usize = 4096;
/// An epoch that never becomes durable, since the power fails first.
pub(super) const NEVER: u64 = u64::MAX;

/// A change of a file.
#[derive(Clone)]
pub(super) enum Write {
    Bytes { offset: usize, data: Vec<u8> },
    Length(usize),
}

/// The writes between two syncs.
struct Epoch {
    writes: Vec<Write>,
    /// How many of them an earlier process had issued: those are in the page cache whatever happens to this one.
    inherited: usize,
    durable_at: u64,
}

/// One file.
#[derive(Default)]
pub(super) struct Medium {
    /// What the running node reads.
    image: Vec<u8>,
    /// What is on the medium for certain.
    durable: Vec<u8>,
    open: Vec<Write>,
    inherited: usize,
    closed: VecDeque<Epoch>,
    /// Blocks that were written; holes take no room.
    blocks: BTreeSet<usize>,
}

impl Medium {
    /// A file whose content has been durable for long.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let mut medium = Self { image: bytes.clone(), durable: bytes, ..Self::default() };
        medium.count_blocks();
        medium
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.image
    }

    pub(super) fn durable_bytes(&self) -> &[u8] {
        &self.durable
    }

    /// Bytes that it takes.
    pub(super) fn room(&self) -> u64 {
        as_u64(self.blocks.len() * BLOCK)
    }

    /// Bytes that `write` would take on top.
    pub(super) fn room_for(&self, write: &Write) -> u64 {
        as_u64(touched(write).filter(|block| !self.blocks.contains(block)).count() * BLOCK)
    }

    /// Adds a write to the epoch that is open.
    pub(super) fn record(&mut self, write: Write) {
        apply(&mut self.image, &write);
        match &write {
            Write::Bytes { .. } => self.blocks.extend(touched(&write)),
            Write::Length(len) => self.blocks.retain(|block| *block < len.div_ceil(BLOCK)),
        }
        self.open.push(write);
    }

    /// Closes the epoch that is open; it becomes durable at `durable_at`.
    pub(super) fn close_epoch(&mut self, durable_at: u64) {
        let writes = std::mem::take(&mut self.open);
        let inherited = std::mem::take(&mut self.inherited);
        self.closed.push_back(Epoch { writes, inherited, durable_at });
    }

    /// When the last closed epoch becomes durable, if there is one that is not yet.
    pub(super) fn busy_until(&self) -> Option<u64> {
        self.closed.back().map(|epoch| epoch.durable_at)
    }

    /// Moves what is durable by `until` onto the medium.
    pub(super) fn settle(&mut self, until: u64) {
        while let Some(epoch) = self.closed.pop_front_if(|e| e.durable_at <= until) {
            for write in &epoch.writes {
                apply(&mut self.durable, write);
            }
        }
    }

    /// Puts off all that is not durable yet.
    pub(super) fn delay(&mut self, nanos: u64) {
        for epoch in self.closed.iter_mut().filter(|epoch| epoch.durable_at != NEVER) {
            epoch.durable_at = epoch.durable_at.saturating_add(nanos);
        }
    }

    /// Each sector of the oldest unfinished epoch is on the medium or not, each by its own; later epochs never began.
    /// Returns how many writes were in doubt or lost.
    pub(super) fn power_loss(&mut self, prng: &mut Prng) -> usize {
        let (victim, lost) = self.stop();
        tear(&mut self.durable, &victim.writes, prng);
        self.image.clone_from(&self.durable);
        self.count_blocks();
        lost
    }

    /// The page cache keeps what the dead process had written, un-synced as it is: a random beginning of the oldest
    /// unfinished epoch, and often all of it. Later epochs never began. Returns how many writes were lost.
    pub(super) fn process_death(&mut self, prng: &mut Prng) -> usize {
        let (victim, unfinished) = self.stop();
        let Epoch { mut writes, inherited, durable_at } = victim;
        if durable_at != 0 && prng.per_mille(500) {
            let own = as_u64(writes.len().saturating_sub(inherited));
            let kept = usize::try_from(prng.below(own.saturating_add(1))).unwrap_or(0);
            writes.truncate(inherited.saturating_add(kept));
        }
        self.image.clone_from(&self.durable);
        for write in &writes {
            apply(&mut self.image, write);
        }
        let lost = unfinished.saturating_sub(writes.len());
        self.inherited = writes.len();
        self.open = writes;
        self.count_blocks();
        lost
    }

    /// Flips one bit of what is stored. Returns `false` beyond the end.
    pub(super) fn flip(&mut self, byte: usize, bit: u32) -> bool {
        let (Some(seen), Some(stored)) = (self.image.get_mut(byte), self.durable.get_mut(byte)) else {
            return false;
        };
        *seen ^= 1 << (bit % 8);
        *stored = *seen;
        true
    }

    /// Ends this boot. Returns the oldest unfinished epoch, and the number of all unfinished writes.
    fn stop(&mut self) -> (Epoch, usize) {
        let open = std::mem::take(&mut self.open);
        let inherited = std::mem::take(&mut self.inherited);
        let closed = std::mem::take(&mut self.closed);
        let lost = open.len() + closed.iter().map(|e| e.writes.len()).sum::<usize>();
        // What is open while no epoch is closed was written by a job that never synced: issued to its last write.
        let open = Epoch { writes: open, inherited, durable_at: 0 };
        (closed.into_iter().next().unwrap_or(open), lost)
    }

    fn count_blocks(&mut self) {
        let written = |(number, block): (usize, &[u8])| block.iter().any(|byte| *byte != 0).then_some(number);
        self.blocks = self.image.chunks(BLOCK).enumerate().filter_map(written).collect();
    }
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// The blocks that `write` writes to.
fn touched(write: &Write) -> std::ops::Range<usize> {
    match write {
        Write::Bytes { offset, data } if !data.is_empty() => {
            *offset / BLOCK..offset.saturating_add(data.len()).div_ceil(BLOCK)
        }
        Write::Bytes { .. } | Write::Length(_) => 0..0,
    }
}

fn apply(bytes: &mut Vec<u8>, write: &Write) {
    match write {
        Write::Length(len) => bytes.resize(*len, 0),
        Write::Bytes { offset, data } => {
            let end = offset.saturating_add(data.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            if let Some(place) = bytes.get_mut(*offset..end) {
                place.copy_from_slice(data);
            }
        }
    }
}

/// Keeps a random part of `writes`. A sector ends as one of the versions that it went through, never as a mixture;
/// different sectors are kept independently, which is what reordering amounts to.
fn tear(durable: &mut Vec<u8>, writes: &[Write], prng: &mut Prng) {
    // A fair coin per sector would hardly ever give "all but one", so the coin is drawn as well.
    let keep = prng.choose(&[0, 50, 500, 950, 1000]).copied().unwrap_or(500);
    let mut whole = durable.clone();
    for write in writes {
        apply(&mut whole, write);
        match write {
            Write::Length(len) => {
                if prng.per_mille(keep) {
                    durable.resize(*len, 0);
                }
            }
            Write::Bytes { offset, data } => {
                let end = offset.saturating_add(data.len());
                for sector in offset / SECTOR..end.div_ceil(SECTOR) {
                    if prng.per_mille(keep) {
                        copy_sector(durable, &whole, sector);
                    }
                }
            }
        }
    }
}

fn copy_sector(durable: &mut Vec<u8>, whole: &[u8], sector: usize) {
    let from = sector * SECTOR;
    let to = from.saturating_add(SECTOR).min(whole.len());
    if durable.len() < to {
        durable.resize(to, 0);
    }
    if let (Some(place), Some(bytes)) = (durable.get_mut(from..to), whole.get(from..to)) {
        place.copy_from_slice(bytes);
    }
}
