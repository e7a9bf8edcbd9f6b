//! Conformance suites: what both sides of each trait must do alike.
//!
//! A suite returns the first difference as text, so that either side can run it from its own tests.

use std::sync::Arc;

use crate::{Disk, Volume};

/// The difference that a suite found.
pub type Difference = String;

macro_rules! same {
    ($left:expr, $right:expr, $($what:tt)+) => {
        let (left, right) = ($left, $right);
        if left != right {
            return Err(format!("{}: {left:?}, {right:?} expected", format!($($what)+)));
        }
    };
}

fn text<T>(result: std::io::Result<T>) -> Result<T, Difference> {
    result.map_err(|e| e.to_string())
}

/// What every [`Volume`] and its disks do. `volume` is empty at first.
pub async fn volume(volume: Arc<dyn Volume>) -> Result<(), Difference> {
    same!(text(volume.list())?, Vec::<String>::new(), "an empty volume lists nothing");
    let disk = text(volume.open("a"))?;
    same!(text(disk.len())?, 0, "a new disk is empty");
    disk_basics(&disk).await?;
    drop(disk);
    let disk = text(volume.open("a"))?;
    let mut found = [0; 4];
    text(disk.read(4096, &mut found))?;
    same!(found, [7; 4], "what was synced is there after opening again");
    drop(disk);
    text(volume.rename("a", "b"))?;
    same!(text(volume.list())?, vec!["b".to_owned()], "a renamed file has its new name only");
    text(volume.remove("b"))?;
    same!(text(volume.list())?, Vec::<String>::new(), "a removed file is gone");
    same!(text(volume.free())? > 0, true, "there is room");
    Ok(())
}

async fn disk_basics(disk: &Arc<dyn Disk>) -> Result<(), Difference> {
    let below = disk.clone();
    let job = move || {
        below.set_len(8192)?;
        below.write(4096, &[7; 4])?;
        below.sync()
    };
    text(disk.submit(Box::new(job)).await)?;
    same!(text(disk.len())?, 8192, "a disk has the length that was set");
    let mut found = [1; 4];
    text(disk.read(0, &mut found))?;
    same!(found, [0; 4], "new bytes are zero");
    same!(disk.read(8190, &mut found).is_err(), true, "reading past the end is an error");
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tickets: Vec<_> = (0..3)
        .map(|n| {
            let (order, below) = (order.clone(), disk.clone());
            disk.submit(Box::new(move || {
                order.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(n);
                below.sync()
            }))
        })
        .collect();
    for ticket in tickets {
        text(ticket.await)?;
    }
    let order = order.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    same!(order, vec![0, 1, 2], "jobs run in the order of submission");
    let failing = disk.submit(Box::new(|| Err(std::io::Error::other("planned")))).await;
    same!(failing.is_err(), true, "a failed job fails its ticket");
    Ok(())
}
