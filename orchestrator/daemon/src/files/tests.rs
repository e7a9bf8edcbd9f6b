use std::sync::mpsc;

use haven_env::suite;

use super::*;

fn volume() -> (tempfile::TempDir, Arc<FileVolume>) {
    let folder = tempfile::tempdir().unwrap();
    let volume = FileVolume::open(&folder.path().join("store")).unwrap();
    (folder, volume)
}

/// Runs `job` on the disk's thread and waits for it.
fn run(disk: &Arc<dyn Disk>, job: impl FnOnce(&dyn Disk) -> io::Result<()> + Send + 'static) -> io::Result<()> {
    let below = disk.clone();
    wait_for(disk.submit(Box::new(move || job(&*below))))
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_folder_does_what_every_volume_does() {
    let (_folder, volume) = volume();
    wait_for(suite::volume(volume)).unwrap();
}

#[test]
fn a_file_that_is_open_is_refused_to_others_until_it_is_closed() {
    let (_folder, volume) = volume();
    let disk = volume.open("a").unwrap();
    run(&disk, |disk| disk.write(0, b"x")).unwrap();
    let again = FileVolume::open(&volume.folder).unwrap();
    let busy = [again.open("a").map(drop), again.remove("a"), again.rename("a", "b")];
    for refused in busy {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        assert!(refused.to_string().contains("store/a: it is in use"), "{refused}");
    }
    again.open("b").unwrap();
    assert!(again.rename("b", "a").is_err(), "an open file is not replaced");
    drop(disk);
    again.rename("b", "a").unwrap();
    assert!(again.open("a").unwrap().is_empty().unwrap());
}

#[test]
fn the_last_reference_may_be_dropped_by_a_job_and_the_file_is_free_after_its_ticket() {
    let (_folder, volume) = volume();
    for _ in 0..50 {
        let disk = volume.open("a").unwrap();
        let last = disk.clone();
        let ticket = disk.submit(Box::new(move || {
            drop(last);
            Ok(())
        }));
        drop(disk);
        wait_for(ticket).unwrap();
        volume.open("a").unwrap();
    }
}

#[test]
fn after_a_panic_in_a_commit_no_later_commit_runs() {
    let (_folder, volume) = volume();
    let disk = volume.open("a").unwrap();
    let panicked = run(&disk, |_| panic!("a page of redb is damaged"));
    assert_eq!(panicked.unwrap_err().to_string(), "the commit panicked");
    let (ran, none) = mpsc::channel();
    let later = run(&disk, move |_| ran.send(()).map_err(io::Error::other));
    assert_eq!(later.unwrap_err().to_string(), "an earlier commit panicked");
    assert!(none.recv().is_err(), "it did not run");
}

#[test]
fn after_a_failed_sync_nothing_is_written_any_more() {
    // A pipe takes writes, and refuses to be synced.
    let (_reader, writer) = io::pipe().unwrap();
    let disk: Arc<dyn Disk> = FileDisk::start(File::from(std::os::fd::OwnedFd::from(writer)), "pipe").unwrap();
    assert!(run(&disk, |disk| disk.sync()).is_err());
    let later = [run(&disk, |disk| disk.sync()), run(&disk, |disk| disk.write(0, b"x")), run(&disk, |d| d.set_len(1))];
    for refused in later {
        assert!(refused.unwrap_err().to_string().contains("pipe: an earlier sync failed"));
    }
}

#[test]
fn a_full_file_system_is_told_from_other_errors() {
    // The kernel's own full device.
    let file = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let disk: Arc<dyn Disk> = FileDisk::start(file, "full").unwrap();
    let refused = run(&disk, |disk| disk.write(0, &[1; 4096])).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn files_and_folder_are_for_their_owner_only() {
    let (_folder, volume) = volume();
    volume.open("a").unwrap();
    assert_eq!(fs::metadata(&volume.folder).unwrap().mode() & 0o777, FOLDER_MODE);
    assert_eq!(fs::metadata(volume.folder.join("a")).unwrap().mode() & 0o777, FILE_MODE);
}

#[test]
fn only_plain_names_are_files_of_a_volume() {
    let (_folder, volume) = volume();
    for name in ["", ".", "..", "/etc/passwd", "../a", "a/b", "a/"] {
        assert_eq!(volume.open(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
    }
    assert!(volume.list().unwrap().is_empty());
}
