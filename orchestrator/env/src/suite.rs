//! Conformance suites: what both sides of each trait must do alike.
//!
//! A suite returns the first difference as text, so that either side can run it from its own tests.

use std::sync::Arc;

use haven_core::units::Millis;

use crate::{Disk, Ended, GroupState, Host, HostError, Program, Request, Volume};

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

mod transport;

pub use transport::{Meeting, Rest, Side, transport};

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

/// What every [`Host`] does, whatever machine it is. Starts nothing that exists.
pub async fn host(host: &dyn Host) -> Result<(), Difference> {
    same!(host.boot_id(), host.boot_id(), "a boot has one id");
    same!(host.recall("suite"), None, "nothing is remembered at first");
    host.remember("suite", b"one");
    host.remember("suite", b"two");
    same!(host.recall("suite"), Some(b"two".to_vec()), "the last value is remembered");
    same!(host.has_program("/nonexistent/program"), false, "a program that is not there cannot be run");
    let missing = Program::new("/nonexistent/program", Vec::<String>::new(), Millis::secs(5));
    let report = host.run(missing).await;
    same!(matches!(report.ended, Ended::NotStarted(_)), true, "a program that is not there does not start");
    for path in ["/nonexistent/file", "/nonexistent/folder"] {
        let request = match path {
            "/nonexistent/file" => Request::ReadFile { path: path.to_owned() },
            _ => Request::ReadFolder { path: path.to_owned() },
        };
        let answer = host.request(request).await;
        same!(matches!(answer, Err(HostError::NotFound(_))), true, "{path} is not found");
    }
    if host.groups().is_ok() {
        same!(host.kill_group("suite.none").await, GroupState::Empty, "a cgroup that is not there is empty");
    }
    host.sleep(Millis(1)).await;
    Ok(())
}
