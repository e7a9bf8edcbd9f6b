//! The least that a durable write costs: blocks that exist already are overwritten, and synced.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use haven_tests::lab::Fallible;

/// Bytes of one record.
const RECORD: u64 = 256;
const RECORDS: u32 = 4096;

pub(crate) struct Floor(File);

impl Floor {
    pub(crate) fn open(path: &Path) -> Fallible<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let record = vec![0; usize::try_from(RECORD)?];
        for n in 0..RECORDS {
            file.write_all_at(&record, u64::from(n) * RECORD)?;
        }
        file.sync_all()?;
        Ok(Self(file))
    }

    pub(crate) fn write(&mut self, n: u32) -> Fallible<()> {
        self.0.write_all_at(&[7; 256], u64::from(n % RECORDS) * RECORD)?;
        Ok(self.0.sync_data()?)
    }
}
