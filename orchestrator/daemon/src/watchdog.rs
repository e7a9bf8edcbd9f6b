//! The kernel's watchdog device.
//!
//! For: hardware that resets the machine unless it is fed, and the judgement whether its reset counts as proof [S-3].
//! Never: closed with the magic character except by [`Watchdog::disarm`]; a daemon that ends otherwise leaves it
//! running, and the machine is reset unless a next life goes on with it [S-6].
//! Source: the kernel's "The Linux Watchdog driver API".

use std::fmt::Debug;
use std::fs::{File, OpenOptions, read_to_string};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use haven_core::event::Counted;
use haven_core::units::Millis;
use haven_env::{ArmedWatchdog, Watchdog, WatchdogError};
use tracing::{error, warn};

/// Identities of drivers for hardware that counts while the machine's processors do not. A driver that is missing here
/// can be trusted by name.
const HARDWARE: [&str; 9] = [
    "iTCO_wdt",
    "HPE iLO2+ HW Watchdog Timer",
    "HP iLO2+ HW Watchdog Timer",
    "IPMI",
    "SP5100 TCO timer",
    "wdat_wdt",
    "W83627HF Watchdog",
    "IT87 WDT",
    "SBSA Generic Watchdog",
];
/// Ends the timer when the device is closed.
const MAGIC: &[u8] = b"V";
/// Any other byte feeds.
const FEED: &[u8] = b"\0";
/// The driver stops only after the magic character (`WDIOF_MAGICCLOSE`).
const MAGIC_CLOSE: u32 = 0x0100;

/// Whether a watchdog's reset counts as proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Never: it resets the machine, and others wait for another proof.
    Nothing,
    /// Only hardware that is known to count does.
    KnownHardware,
    /// Whatever this machine has counts, at the risk of data (`trust-watchdog`).
    ByName,
}

/// What a driver says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Support {
    options: u32,
    identity: String,
}

/// The calls that only a watchdog device answers.
trait Driver: Debug + Send + Sync {
    /// Opens the device, which starts its timer.
    fn open(&self) -> io::Result<File>;
    /// Whether the timer runs already, and whether closing never stops it.
    fn before(&self) -> Before;
    fn support(&self, device: &File) -> io::Result<Support>;
    fn set_timeout(&self, device: &File, seconds: i32) -> io::Result<()>;
    fn timeout(&self, device: &File) -> io::Result<i32>;
    /// Whether this machine is a virtual one.
    fn is_virtual(&self) -> bool;
}

/// What is known before the device is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Before {
    running: bool,
    no_way_out: bool,
}

/// See the module. One per process: the kernel lets one open it.
#[derive(Debug)]
pub struct KernelWatchdog {
    driver: Box<dyn Driver>,
    trust: Trust,
    device: Mutex<Option<File>>,
    /// Why it was not armed, if that was tried.
    trouble: Mutex<Option<WatchdogError>>,
}

impl KernelWatchdog {
    /// The watchdog at `device`, such as `/dev/watchdog0`. Opens nothing yet.
    pub fn new(device: impl Into<PathBuf>, trust: Trust) -> Self {
        Self::with(Box::new(Device { path: device.into() }), trust)
    }

    fn with(driver: Box<dyn Driver>, trust: Trust) -> Self {
        Self { driver, trust, device: Mutex::new(None), trouble: Mutex::new(None) }
    }

    /// Whether this process has the device open, so that the machine is reset unless it is fed.
    pub fn is_armed(&self) -> bool {
        self.held().is_some()
    }

    /// Why it was not armed when that was last tried; `None` if it was.
    pub fn trouble(&self) -> Option<WatchdogError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn held(&self) -> MutexGuard<'_, Option<File>> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, device: &File, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError> {
        let failed = |error: io::Error| WatchdogError::Failed(error.to_string());
        // Drivers count whole seconds; a shorter timeout than was asked for would reset a healthy machine.
        let seconds = i32::try_from(timeout.0.div_ceil(1000)).map_err(|_| WatchdogError::Timeout(timeout))?;
        let support = self.driver.support(device).map_err(failed)?;
        if self.driver.timeout(device).ok() != Some(seconds) {
            self.driver.set_timeout(device, seconds).map_err(|_| WatchdogError::Timeout(timeout))?;
        }
        let read = self.driver.timeout(device).map_err(failed)?;
        let in_force = u64::try_from(read).map(Millis::secs).map_err(|_| WatchdogError::Timeout(timeout))?;
        if read != seconds {
            return Err(WatchdogError::Timeout(timeout));
        }
        let mut writer = device;
        writer.write_all(FEED).map_err(failed)?;
        let magic_close = support.options & MAGIC_CLOSE != 0 || self.driver.before().no_way_out;
        let counted = if magic_close {
            self.counted(&support.identity)
        } else {
            Counted::No("its timer stops when the daemon dies".to_owned())
        };
        Ok(ArmedWatchdog { identity: support.identity, timeout: in_force, magic_close, counted })
    }

    fn counted(&self, identity: &str) -> Counted {
        match (self.trust, self.driver.is_virtual(), HARDWARE.contains(&identity)) {
            (Trust::Nothing, _, _) => {
                Counted::No("this version takes no watchdog's reset for proof on a real machine".to_owned())
            }
            (Trust::KnownHardware, false, true) => Counted::Hardware,
            (Trust::ByName, _, _) => Counted::TrustedByName,
            (Trust::KnownHardware, true, _) => {
                Counted::No("this machine is virtual, and its watchdog may stand still with it".to_owned())
            }
            (Trust::KnownHardware, false, false) => {
                Counted::No(format!("{identity} is not known to count while the machine stands still"))
            }
        }
    }

    fn take(&self, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError> {
        let mut held = self.held();
        let before = self.driver.before();
        let device = match held.take() {
            Some(device) => device,
            None => self.driver.open().map_err(|error| match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENODEV) => WatchdogError::None,
                Some(libc::EBUSY) => WatchdogError::Busy,
                Some(_) | None => WatchdogError::Failed(error.to_string()),
            })?,
        };
        let result = self.set(&device, timeout);
        if result.is_err() && !before.running {
            // Opening started it, and nobody counts on it yet.
            let mut writer = &device;
            let _ = writer.write_all(MAGIC);
        } else {
            // If an earlier life armed it, the cluster may count on it, so it stays open, and unfed.
            *held = Some(device);
        }
        result
    }
}

impl Watchdog for KernelWatchdog {
    fn arm(&self, timeout: Millis) -> Result<ArmedWatchdog, WatchdogError> {
        let result = self.take(timeout);
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = result.as_ref().err().cloned();
        match &result {
            // That it is armed is told by an entry, and that a machine has none by the doctor.
            Ok(_) | Err(WatchdogError::None) => {}
            Err(error) => warn!(%error, "the watchdog was not armed"),
        }
        result
    }

    fn feed(&self) {
        if let Some(mut device) = self.held().as_ref()
            && let Err(error) = device.write_all(FEED)
        {
            error!(%error, "the watchdog was not fed");
        }
    }

    fn disarm(&self) {
        if let Some(mut device) = self.held().take()
            && let Err(error) = device.write_all(MAGIC)
        {
            error!(%error, "the watchdog was not disarmed and will reset this machine");
        }
    }
}

/// A device of the kernel.
#[derive(Debug)]
struct Device {
    path: PathBuf,
}

impl Device {
    /// What the kernel says of the device without opening it.
    fn attribute(&self, name: &str) -> Option<String> {
        let device = self.path.file_name()?.to_str()?;
        // The old name is always the first device.
        let device = if device == "watchdog" { "watchdog0" } else { device };
        let text = read_to_string(Path::new("/sys/class/watchdog").join(device).join(name)).ok()?;
        Some(text.trim().to_owned())
    }
}

impl Driver for Device {
    fn open(&self) -> io::Result<File> {
        // A path that names a pipe by mistake must not hold the daemon up until somebody reads it.
        OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&self.path)
    }

    fn before(&self) -> Before {
        Before {
            // A kernel that does not say may have it running.
            running: self.attribute("state").as_deref() != Some("inactive"),
            no_way_out: self.attribute("nowayout").as_deref() == Some("1"),
        }
    }

    fn support(&self, device: &File) -> io::Result<Support> {
        calls::support(device.as_raw_fd())
    }

    fn set_timeout(&self, device: &File, seconds: i32) -> io::Result<()> {
        calls::set_timeout(device.as_raw_fd(), seconds)
    }

    fn timeout(&self, device: &File) -> io::Result<i32> {
        calls::timeout(device.as_raw_fd())
    }

    fn is_virtual(&self) -> bool {
        let processors = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags = processors.lines().find(|line| line.starts_with("flags"));
        flags.is_some_and(|line| line.split_whitespace().any(|flag| flag == "hypervisor"))
    }
}

#[expect(unsafe_code, reason = "no safe wrapper knows the watchdog's ioctls")]
mod calls {
    use std::io;
    use std::os::fd::RawFd;

    use super::Support;

    /// As in linux/watchdog.h.
    #[repr(C)]
    #[derive(Default)]
    pub(super) struct Info {
        options: u32,
        firmware: u32,
        identity: [u8; 32],
    }

    nix::ioctl_read!(get_support, b'W', 0, Info);
    nix::ioctl_readwrite!(settimeout, b'W', 6, libc::c_int);
    nix::ioctl_read!(gettimeout, b'W', 7, libc::c_int);

    pub(super) fn support(device: RawFd) -> io::Result<Support> {
        let mut info = Info::default();
        // SAFETY: the kernel writes a whole `watchdog_info`, which `Info` is laid out as, into this frame.
        unsafe { get_support(device, &raw mut info)? };
        let identity = info.identity.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(Support { options: info.options, identity: String::from_utf8_lossy(identity).into_owned() })
    }

    pub(super) fn set_timeout(device: RawFd, mut seconds: i32) -> io::Result<()> {
        // SAFETY: the kernel reads and writes one int of this frame.
        unsafe { settimeout(device, &raw mut seconds)? };
        Ok(())
    }

    pub(super) fn timeout(device: RawFd) -> io::Result<i32> {
        let mut seconds = 0;
        // SAFETY: the kernel writes one int into this frame.
        unsafe { gettimeout(device, &raw mut seconds)? };
        Ok(seconds)
    }
}

#[cfg(test)]
mod tests;
