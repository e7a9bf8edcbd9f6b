use std::sync::Arc;

use super::*;

/// A device that writes what it is fed into a file, and answers its calls from a table.
#[derive(Debug)]
struct Stand {
    path: PathBuf,
    identity: &'static str,
    options: u32,
    before: Before,
    /// The timeouts that the hardware can do.
    seconds: std::ops::RangeInclusive<i32>,
    timeout: Arc<Mutex<i32>>,
    is_virtual: bool,
}

impl Driver for Stand {
    fn open(&self) -> io::Result<File> {
        OpenOptions::new().append(true).open(&self.path)
    }

    fn before(&self) -> Before {
        self.before
    }

    fn support(&self, _: &File) -> io::Result<Support> {
        Ok(Support { options: self.options, identity: self.identity.to_owned() })
    }

    fn set_timeout(&self, _: &File, seconds: i32) -> io::Result<()> {
        if !self.seconds.contains(&seconds) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        *self.timeout.lock().unwrap() = seconds;
        Ok(())
    }

    fn timeout(&self, _: &File) -> io::Result<i32> {
        Ok(*self.timeout.lock().unwrap())
    }

    fn is_virtual(&self) -> bool {
        self.is_virtual
    }
}

const IDLE: Before = Before { running: false, no_way_out: false };

fn stand(name: &str) -> Stand {
    let path = std::env::temp_dir().join(format!("haven-watchdog-{name}-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    Stand {
        path,
        identity: "iTCO_wdt",
        options: MAGIC_CLOSE,
        before: IDLE,
        seconds: 2..=60,
        timeout: Arc::new(Mutex::new(30)),
        is_virtual: false,
    }
}

fn written(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    std::fs::remove_file(path).unwrap();
    bytes
}

#[test]
fn arming_feeds_once_and_reads_back_what_is_in_force() {
    let stand = stand("arm");
    let path = stand.path.clone();
    let watchdog = KernelWatchdog::with(Box::new(stand), Trust::KnownHardware);
    let armed = watchdog.arm(Millis(4500)).unwrap();
    let expected = ArmedWatchdog {
        identity: "iTCO_wdt".to_owned(),
        timeout: Millis::secs(5),
        magic_close: true,
        counted: Counted::Hardware,
    };
    assert_eq!(armed, expected);
    watchdog.feed();
    assert_eq!(written(&path), b"\0\0");
}

#[test]
fn a_daemon_that_ends_does_not_disarm() {
    let stand = stand("drop");
    let path = stand.path.clone();
    let watchdog = KernelWatchdog::with(Box::new(stand), Trust::KnownHardware);
    watchdog.arm(Millis::secs(5)).unwrap();
    drop(watchdog);
    assert_eq!(written(&path), b"\0");
}

#[test]
fn disarming_writes_the_magic_character_and_feeds_no_more() {
    let stand = stand("disarm");
    let path = stand.path.clone();
    let watchdog = KernelWatchdog::with(Box::new(stand), Trust::KnownHardware);
    watchdog.arm(Millis::secs(5)).unwrap();
    watchdog.disarm();
    watchdog.feed();
    watchdog.disarm();
    assert_eq!(written(&path), b"\0V");
}

#[test]
fn a_timeout_that_is_refused_leaves_no_running_watchdog_behind() {
    let stand = stand("refused");
    let path = stand.path.clone();
    let watchdog = KernelWatchdog::with(Box::new(stand), Trust::KnownHardware);
    assert_eq!(watchdog.arm(Millis::secs(300)), Err(WatchdogError::Timeout(Millis::secs(300))));
    assert_eq!(written(&path), b"V");
}

#[test]
fn what_an_earlier_life_armed_is_not_disarmed_by_a_refusal() {
    let mut stand = stand("earlier");
    stand.before = Before { running: true, ..IDLE };
    let path = stand.path.clone();
    let watchdog = KernelWatchdog::with(Box::new(stand), Trust::KnownHardware);
    assert!(watchdog.arm(Millis::secs(300)).is_err());
    drop(watchdog);
    assert_eq!(written(&path), b"");
}

#[test]
fn only_hardware_that_is_known_to_count_counts() {
    let check = |change: &dyn Fn(&mut Stand), trust: Trust| {
        let mut stand = stand("counted");
        change(&mut stand);
        let path = stand.path.clone();
        let counted = KernelWatchdog::with(Box::new(stand), trust).arm(Millis::secs(5)).unwrap().counted;
        std::fs::remove_file(path).unwrap();
        counted
    };
    let is_no = |counted| matches!(counted, Counted::No(_));
    assert!(is_no(check(&|stand| stand.identity = "Software Watchdog", Trust::KnownHardware)));
    assert!(is_no(check(&|stand| stand.identity = "i6300ESB timer", Trust::KnownHardware)));
    assert!(is_no(check(&|stand| stand.is_virtual = true, Trust::KnownHardware)));
    assert_eq!(check(&|stand| stand.is_virtual = true, Trust::ByName), Counted::TrustedByName);
    // Trust in the hardware does not make a driver go on that stops when its file is closed.
    assert!(is_no(check(&|stand| stand.options = 0, Trust::ByName)));
    let no_way_out = |stand: &mut Stand| {
        stand.options = 0;
        stand.before = Before { no_way_out: true, ..IDLE };
    };
    assert_eq!(check(&no_way_out, Trust::KnownHardware), Counted::Hardware);
    assert!(is_no(check(&no_way_out, Trust::Nothing)));
}

#[test]
fn a_machine_without_a_device_says_so() {
    let watchdog = KernelWatchdog::new("/nonexistent/watchdog0", Trust::KnownHardware);
    assert_eq!(watchdog.arm(Millis::secs(5)), Err(WatchdogError::None));
    watchdog.feed();
    watchdog.disarm();
}

#[test]
fn paths_that_name_no_watchdog_are_refused_by_name_and_hold_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, read) = (folder.path().join("pipe"), folder.path().join("read"));
    for path in [&pipe, &read] {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
    }
    let _reader = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&read).unwrap();
    for path in [pipe.as_path(), &read, Path::new("/dev/null"), Path::new("/dev/ptmx"), folder.path()] {
        let watchdog = KernelWatchdog::new(path, Trust::KnownHardware);
        let refused = watchdog.arm(Millis::secs(5)).unwrap_err();
        assert!(matches!(refused, WatchdogError::Failed(_)), "{}: {refused}", path.display());
        assert_eq!(watchdog.trouble(), Some(refused));
        watchdog.disarm();
    }
}

#[test]
fn a_file_that_is_no_watchdog_is_refused_by_its_first_call() {
    let path = std::env::temp_dir().join(format!("haven-watchdog-file-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    let watchdog = KernelWatchdog::new(&path, Trust::KnownHardware);
    assert!(matches!(watchdog.arm(Millis::secs(5)), Err(WatchdogError::Failed(_))));
    assert!(written(&path).is_empty());
}
