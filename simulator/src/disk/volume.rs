//! One machine's storage, with the knobs of its faults.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};
use std::future::{pending, poll_fn};
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use haven_env::{Disk, Volume};

use super::DiskProfile;
use super::handle::SimDisk;
use super::medium::{Medium, NEVER, Write};
use crate::exec::{Prng, lock, now, sleep_until};

/// What a volume without a set capacity says is free.
const PLENTY: u64 = 1 << 40;

/// One machine's storage. It outlives the machine's boots.
pub struct SimVolume(Mutex<State>);

#[cfg(test)]
thread_local! {
    /// How many volumes this thread's runs have not let go of.
    pub(crate) static KEPT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
impl Drop for SimVolume {
    fn drop(&mut self) {
        KEPT.set(KEPT.get() - 1);
    }
}

/// All that was durable at a moment: what a snapshot of a virtual machine, or a copied disk, brings back.
#[derive(Clone, PartialEq, Eq)]
pub struct VolumeImage(BTreeMap<String, Vec<u8>>);

struct State {
    profile: DiskProfile,
    prng: Prng,
    /// Work of earlier boots is refused, such as redb's farewell writes when a dead node is dropped.
    boot: u64,
    files: BTreeMap<String, Medium>,
    /// Names that this boot has open.
    held: BTreeSet<String>,
    /// Names whose job runs at this instant.
    in_job: BTreeSet<String>,
    /// Writes until the power fails.
    fuse: Option<u64>,
    /// The fuse has burnt: nothing becomes durable after this instant.
    dies_at: Option<u64>,
    watcher: Option<Waker>,
    capacity: Option<u64>,
    /// Since when nothing becomes durable.
    stalled_at: Option<u64>,
    resumed: Vec<Waker>,
    /// Syncs that will fail.
    bad_syncs: u64,
}

impl SimVolume {
    /// An empty volume. Everything that is left to chance is drawn from `prng`.
    pub fn new(profile: DiskProfile, prng: Prng) -> Arc<Self> {
        #[cfg(test)]
        KEPT.set(KEPT.get() + 1);
        Arc::new(Self(Mutex::new(State {
            profile,
            prng,
            boot: 0,
            files: BTreeMap::new(),
            held: BTreeSet::new(),
            in_job: BTreeSet::new(),
            fuse: None,
            dies_at: None,
            watcher: None,
            capacity: None,
            stalled_at: None,
            resumed: Vec::new(),
            bad_syncs: 0,
        })))
    }

    /// The volume as a new boot, or a new life of the daemon, sees it. Whatever had it before is refused from now on.
    pub fn attach(self: &Arc<Self>) -> Arc<dyn Volume> {
        let mut state = lock(&self.0);
        let fuse = state.fuse;
        state.begin_boot();
        // A fuse may be set before the boot whose writes it counts.
        state.fuse = fuse;
        Arc::new(Attached { volume: self.clone(), boot: state.boot })
    }

    /// Power loss: of the commit that each file was writing, each sector is on the medium or not; later commits never
    /// began. Call it *before* the machine's tasks are killed, so that their farewell writes are refused. Returns how
    /// many writes were in doubt or lost.
    pub fn power_loss(&self) -> usize {
        let mut state = lock(&self.0);
        state.settle();
        state.begin_boot();
        let State { files, prng, .. } = &mut *state;
        files.values_mut().map(|file| file.power_loss(prng)).sum()
    }

    /// The daemon dies and the kernel lives: what was written stays in the page cache, un-synced. Jobs that had not
    /// begun never happen. Call it *before* the daemon's tasks are killed. Returns how many writes were lost.
    pub fn process_death(&self) -> usize {
        let mut state = lock(&self.0);
        state.settle();
        state.begin_boot();
        let State { files, prng, .. } = &mut *state;
        files.values_mut().map(|file| file.process_death(prng)).sum()
    }

    /// From now on the `writes`-th write to any file is the last that can reach the medium. The machine runs on for a
    /// moment; whoever waits for [`SimVolume::burnt`] ends it with [`SimVolume::power_loss`].
    pub fn die_after(&self, writes: u64) {
        lock(&self.0).fuse = Some(writes);
    }

    /// Waits for the fuse to burn; returns the world's time at which the power fails.
    pub async fn burnt(&self) -> u64 {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if let Some(at) = state.dies_at {
                return Poll::Ready(at);
            }
            state.watcher = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// From now on nothing becomes durable, as when every path to the storage is gone.
    pub fn stall(&self) {
        let mut state = lock(&self.0);
        state.settle();
        state.stalled_at.get_or_insert(now());
    }

    /// Ends a stall; what waited goes on where it was.
    pub fn release(&self) {
        let resumed = {
            let mut state = lock(&self.0);
            state.resume();
            std::mem::take(&mut state.resumed)
        };
        resumed.into_iter().for_each(Waker::wake);
    }

    /// Limits the room for all files together, in bytes, or lifts the limit. Blocks of 4 KiB count once written;
    /// holes take no room, as on a real file system.
    pub fn full_at(&self, bytes: Option<u64>) {
        lock(&self.0).capacity = bytes;
    }

    /// Bytes that all files take.
    pub fn used(&self) -> u64 {
        lock(&self.0).used()
    }

    /// Lets the next `count` syncs fail with an I/O error.
    pub fn fail_syncs(&self, count: u64) {
        lock(&self.0).bad_syncs = count;
    }

    /// Bit rot: flips one bit of what is stored in `file`. Returns `false` beyond its end, or without such a file.
    pub fn flip(&self, file: &str, byte: usize, bit: u32) -> bool {
        lock(&self.0).files.get_mut(file).is_some_and(|medium| medium.flip(byte, bit))
    }

    /// The disk is replaced by an empty one.
    pub fn lose_everything(&self) {
        let mut state = lock(&self.0);
        state.begin_boot();
        state.files.clear();
    }

    /// All that is durable now.
    pub fn image(&self) -> VolumeImage {
        let mut state = lock(&self.0);
        state.settle();
        VolumeImage(state.files.iter().map(|(name, file)| (name.clone(), file.durable_bytes().to_vec())).collect())
    }

    /// Brings an older image back. Ends the boot.
    pub fn rollback(&self, image: &VolumeImage) {
        let mut state = lock(&self.0);
        state.begin_boot();
        state.files = image.0.iter().map(|(name, bytes)| (name.clone(), Medium::of(bytes.clone()))).collect();
    }

    /// Calls `look` with the name and the content of every file.
    pub fn read_all(&self, look: &mut dyn FnMut(&str, &[u8])) {
        lock(&self.0).files.iter().for_each(|(name, medium)| look(name, medium.bytes()));
    }

    /// The length of a file in bytes, if it exists.
    pub fn file_len(&self, file: &str) -> Option<usize> {
        lock(&self.0).files.get(file).map(|medium| medium.bytes().len())
    }

    /// Waits until all that was written to `name` in `boot` and synced is durable. Never returns if the power fails
    /// first, or if the boot has ended.
    pub(super) async fn durable(&self, boot: u64, name: &str) {
        loop {
            match self.wait_for(boot, name) {
                Wait::Durable => return,
                Wait::Until(at) => sleep_until(at).await,
                Wait::Resumed => self.resumed().await,
                Wait::Forever => pending().await,
            }
        }
    }

    fn wait_for(&self, boot: u64, name: &str) -> Wait {
        let mut state = lock(&self.0);
        if state.boot != boot {
            return Wait::Forever;
        }
        state.settle();
        let Some(at) = state.files.get(name).and_then(Medium::busy_until) else { return Wait::Durable };
        if at == NEVER || state.dies_at.is_some_and(|end| at > end) {
            return Wait::Forever;
        }
        if state.stalled_at.is_some() { Wait::Resumed } else { Wait::Until(at) }
    }

    async fn resumed(&self) {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.stalled_at.is_none() {
                return Poll::Ready(());
            }
            state.resumed.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Marks the beginning and the end of a job on `name`: files change inside jobs only.
    pub(super) fn job(&self, boot: u64, name: &str, moment: Moment) {
        let mut state = lock(&self.0);
        if state.boot != boot {
            return;
        }
        match moment {
            Moment::Begin => state.in_job.insert(name.to_owned()),
            Moment::End => state.in_job.remove(name),
        };
    }

    pub(super) fn let_go(&self, boot: u64, name: &str) {
        let mut state = lock(&self.0);
        if state.boot == boot {
            state.held.remove(name);
        }
    }

    pub(super) fn read(&self, boot: u64, name: &str, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.of_boot(boot)?;
        let file = state.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        match file.bytes().get(from..from.saturating_add(out.len())) {
            Some(bytes) => {
                out.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    pub(super) fn len(&self, boot: u64, name: &str) -> io::Result<u64> {
        let state = self.of_boot(boot)?;
        let file = state.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        u64::try_from(file.bytes().len()).map_err(io::Error::other)
    }

    pub(super) fn write(&self, boot: u64, name: &str, write: Write) -> io::Result<()> {
        // The lock is free again before anyone is woken.
        let watcher = self.of_boot(boot)?.record(name, write)?;
        if let Some(watcher) = watcher {
            watcher.wake();
        }
        Ok(())
    }

    pub(super) fn sync(&self, boot: u64, name: &str) -> io::Result<()> {
        self.of_boot(boot)?.sync(name)
    }

    fn of_boot(&self, boot: u64) -> io::Result<std::sync::MutexGuard<'_, State>> {
        let state = lock(&self.0);
        if state.boot == boot { Ok(state) } else { Err(io::Error::other("this boot is over")) }
    }
}

/// A moment of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Begin,
    End,
}

/// What somebody who waits for durability waits for.
enum Wait {
    Durable,
    Until(u64),
    Resumed,
    Forever,
}

impl State {
    fn begin_boot(&mut self) {
        self.settle();
        self.resume();
        self.boot += 1;
        self.held.clear();
        self.in_job.clear();
        self.fuse = None;
        self.dies_at = None;
    }

    /// Moves what has become durable by now onto the medium.
    fn settle(&mut self) {
        let until = [self.dies_at, self.stalled_at].into_iter().flatten().fold(now(), u64::min);
        self.files.values_mut().for_each(|file| file.settle(until));
    }

    fn resume(&mut self) {
        if let Some(since) = self.stalled_at.take() {
            let stood = now().saturating_sub(since);
            self.files.values_mut().for_each(|file| file.delay(stood));
        }
    }

    fn used(&self) -> u64 {
        self.files.values().map(Medium::room).sum()
    }

    /// Returns the one to wake if this write was the last.
    fn record(&mut self, name: &str, write: Write) -> io::Result<Option<Waker>> {
        if !self.in_job.contains(name) {
            return Err(io::Error::other(format!("{name} is written to outside a job")));
        }
        let free = self.capacity.map_or(PLENTY, |bytes| bytes.saturating_sub(self.used()));
        let file = self.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        if file.room_for(&write) > free {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.record(write);
        if self.dies_at.is_some() {
            return Ok(None);
        }
        let Some(left) = self.fuse.as_mut() else { return Ok(None) };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return Ok(None);
        }
        // The real write would be issued when the syncs before it have returned. The node may run on for a moment
        // with a device that no longer answers, and talk to its peers meanwhile.
        let agony = self.prng.below(self.profile.sync_max);
        self.dies_at = Some(file.busy_until().unwrap_or(0).max(now()).saturating_add(agony));
        file.close_epoch(NEVER);
        Ok(self.watcher.take())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        if !self.in_job.contains(name) {
            return Err(io::Error::other(format!("{name} is synced outside a job")));
        }
        if self.bad_syncs > 0 {
            self.bad_syncs -= 1;
            return Err(io::Error::other("a planned I/O error"));
        }
        self.settle();
        let mut latency = self.prng.between(self.profile.sync_min, self.profile.sync_max);
        if self.prng.per_mille(self.profile.stall_per_mille) {
            latency = latency.saturating_add(self.profile.stall);
        }
        let file = self.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let begins = file.busy_until().unwrap_or(0).max(now());
        file.close_epoch(begins.saturating_add(latency));
        Ok(())
    }
}

/// A volume as one boot sees it.
pub struct Attached {
    volume: Arc<SimVolume>,
    boot: u64,
}

impl Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Attached(boot {})", self.boot)
    }
}

impl Debug for SimVolume {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "SimVolume(boot {})", lock(&self.0).boot)
    }
}

impl Debug for VolumeImage {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, bytes)| (name, bytes.len()))).finish()
    }
}

fn check_free(state: &State, name: &str) -> io::Result<()> {
    if state.held.contains(name) {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, format!("{name} is in use")));
    }
    Ok(())
}

impl Volume for Attached {
    fn open(&self, name: &str) -> io::Result<Arc<dyn Disk>> {
        let mut state = self.volume.of_boot(self.boot)?;
        check_free(&state, name)?;
        state.held.insert(name.to_owned());
        state.files.entry(name.to_owned()).or_default();
        drop(state);
        Ok(SimDisk::start(self.volume.clone(), self.boot, name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.volume.of_boot(self.boot)?.files.keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.volume.of_boot(self.boot)?;
        check_free(&state, from)?;
        check_free(&state, to)?;
        let file = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.volume.of_boot(self.boot)?;
        check_free(&state, name)?;
        state.files.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn free(&self) -> io::Result<u64> {
        let state = self.volume.of_boot(self.boot)?;
        Ok(state.capacity.map_or(PLENTY, |bytes| bytes.saturating_sub(state.used())))
    }
}
