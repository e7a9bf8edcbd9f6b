//! The machine's clocks and its randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use haven_core::units::{Monotonic, WallTime};
use haven_env::{Clock, Entropy};
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::time::{ClockId, clock_gettime};

/// `CLOCK_BOOTTIME`, and the time of day.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn monotonic(&self) -> Monotonic {
        let time = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
        Monotonic::from_micros(seconds.saturating_mul(1_000_000).saturating_add(nanos / 1000))
    }

    fn wall(&self) -> WallTime {
        // A clock before 1970 is a clock that nobody has set.
        let span = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The kernel's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) {
        let mut filled = 0;
        while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match getrandom(rest, GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                // Only a kernel before 3.17 gets here. Keys that are not random are worse than no daemon.
                Err(_) => std::process::abort(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_is_the_kernels_time_since_boot() {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = text.split(' ').next().unwrap().parse().unwrap();
        let read = SystemClock.monotonic().as_micros();
        let uptime = std::time::Duration::from_secs_f64(uptime).as_micros();
        assert!(u128::from(read).abs_diff(uptime) < 2_000_000, "{read} {uptime}");
    }

    #[test]
    fn randomness_fills_all_of_it_and_differs() {
        let (mut one, mut two) = ([0; 4096], [0; 4096]);
        SystemEntropy.fill(&mut one);
        SystemEntropy.fill(&mut two);
        assert_ne!(one, two);
        assert!(one[4064..].iter().any(|byte| *byte != 0));
    }
}
