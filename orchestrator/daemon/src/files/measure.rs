//! What `haven doctor` wants to know of the disk under the state folder: how long a sync takes.
//!
//! Never: more than a bounded number of syncs, or a file left behind.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Syncs of one measurement: enough for a 99th percentile, and over within a second on a disk that may vote.
const SYNC_SAMPLES: usize = 200;
/// A measurement ends after this long, with fewer samples: a slow disk is known to be slow by then.
const MEASURE_WITHIN: Duration = Duration::from_secs(5);
/// What each sample overwrites; one event with its marks takes about as much.
const RECORD: usize = 4096;
const NAME: &str = "measure.new";

/// How long a sync of one small write takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyncFigures {
    /// How many were measured; at least one.
    pub(crate) samples: usize,
    /// Half took no longer.
    pub(crate) median: Duration,
    /// 99 of 100 took no longer.
    pub(crate) p99: Duration,
    /// The longest.
    pub(crate) longest: Duration,
}

impl SyncFigures {
    /// The figures of `samples`, in any order; `None` if there are none.
    fn of(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        let last = samples.len().checked_sub(1)?;
        let at = |percent: usize| samples.get(last.saturating_mul(percent).div_ceil(100)).copied();
        Some(Self { samples: samples.len(), median: at(50)?, p99: at(99)?, longest: at(100)? })
    }
}

/// Measures syncs in `folder`: a preallocated file is overwritten and synced, [`SYNC_SAMPLES`] times or for
/// [`MEASURE_WITHIN`]. Blocks; call it where blocking is allowed. Errors: the system's.
pub(crate) fn measure_sync(folder: &Path) -> io::Result<SyncFigures> {
    let path = folder.join(NAME);
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    // Nobody sees it, and nothing is left if this process is killed. Somebody else may measure at the same time.
    let _ = fs::remove_file(&path);
    SyncFigures::of(samples(&file)?).ok_or_else(|| io::ErrorKind::TimedOut.into())
}

fn samples(file: &File) -> io::Result<Vec<Duration>> {
    let record = [7; RECORD];
    file.write_all_at(&record, 0)?;
    file.sync_all()?;
    let begun = Instant::now();
    let mut samples = Vec::with_capacity(SYNC_SAMPLES);
    while samples.len() < SYNC_SAMPLES && (samples.is_empty() || begun.elapsed() < MEASURE_WITHIN) {
        let from = Instant::now();
        file.write_all_at(&record, 0)?;
        file.sync_data()?;
        samples.push(from.elapsed());
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_is_bounded_ordered_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let figures = measure_sync(folder.path()).unwrap();
        assert!((1..=SYNC_SAMPLES).contains(&figures.samples), "{figures:?}");
        assert!(figures.median <= figures.p99 && figures.p99 <= figures.longest, "{figures:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure_sync(&folder.path().join("none")).is_err());
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_samples() {
        let samples: Vec<_> = (1..=200).rev().map(Duration::from_micros).collect();
        let figures = SyncFigures::of(samples).unwrap();
        let micros = [figures.median, figures.p99, figures.longest].map(|d| d.as_micros());
        assert_eq!((figures.samples, micros), (200, [101, 199, 200]));
        assert_eq!(SyncFigures::of(Vec::new()), None);
    }
}
