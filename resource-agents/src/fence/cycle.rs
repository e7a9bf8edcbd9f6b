//! `fence test --cycle`: switches a machine off and on, and measures how long that takes and how far the device's
//! word is from the truth.
//!
//! For: the staleness that decides how far apart two Off reads must be [H-7], and the off time that decides the gap of
//! two nodes. The truth comes from elsewhere: when the machine was last heard.
//! Never: on a machine that runs anything, or that something may be started on.

use haven_core::event::PowerState;
use haven_core::units::{Millis, Monotonic};
use haven_env::{BoxFuture, Clock, Host};

use super::{FenceTrouble, Target, power_off, power_on, power_state};

/// Wait between two reads.
const BETWEEN: Millis = Millis(200);
/// Longest time for the machine to be off, or on, after the order.
const PATIENCE: Millis = Millis::secs(120);
/// How long a machine must be silent to count as off, or thrice the grain of the signal.
const SILENCE: Millis = Millis::secs(5);
/// How long a machine may be heard after the first Off. Beyond that the device does not lag, it lies.
const EARLY_MAX: Millis = Millis::secs(30);

/// Says when a machine was last heard, independently of the device.
pub trait SignOfLife: Send + Sync {
    /// Whether the machine may be switched off at this moment; the latest time for the device's program to begin.
    /// Errors: why not, in words.
    fn may_switch_off(&self) -> Result<Monotonic, String>;

    /// The last time that something of the machine was heard, on this node's clock.
    fn last_heard(&self) -> Monotonic;

    /// The longest silence of a machine that lives: what is measured cannot be finer.
    fn grain(&self) -> Millis;
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CycleReport {
    /// From the order to the end of the first read that said Off.
    pub off_time: Millis,
    /// How long the device said On after the machine fell silent, or Off before it did; the longer of the two, the
    /// grain of the signal included.
    pub staleness: Millis,
    /// From the order to switch on to the first read that said On.
    pub on_time: Millis,
}

/// Why a cycle measured nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CycleFault {
    /// The device had trouble.
    #[error(transparent)]
    Trouble(#[from] FenceTrouble),
    /// It said Off before anything was ordered, or nothing was heard of the machine.
    #[error("a cycle needs a machine that is on and heard: the device says {device:?}, last heard {silent} ago")]
    NotUp {
        /// What the device says.
        device: PowerState,
        /// The silence.
        silent: Millis,
    },
    /// It is not drained, or not any more.
    #[error("it was not switched off: {0}")]
    NotDrained(String),
    /// It took the order, and went on saying On.
    #[error("the device took the order and still says On after {0}")]
    StillOn(Millis),
    /// It says Off, and the machine lives. Nothing it says may count.
    #[error("the device says Off and the machine is still heard: it lies, or it switches another machine")]
    Lies,
    /// It did not come back.
    #[error("the machine does not read On {0} after the order to switch it on: switch it on by hand")]
    StaysOff(Millis),
}

/// Switches the machine off, measures, and switches it on again, whatever came out in between.
pub fn cycle<'a>(
    host: &'a dyn Host,
    clock: &'a dyn Clock,
    target: &'a Target<'a>,
    life: &'a dyn SignOfLife,
) -> BoxFuture<'a, Result<CycleReport, CycleFault>> {
    Box::pin(async move {
        let device = power_state(host, target).await?;
        let silent = clock.monotonic().since(life.last_heard());
        if device == PowerState::Off || silent > life.grain() {
            return Err(CycleFault::NotUp { device, silent });
        }
        // Looked at last of all: what the caller saw before is minutes old by now.
        let latest = Some(life.may_switch_off().map_err(CycleFault::NotDrained)?);
        let measured = off(host, clock, target, latest, life).await;
        let on_time = on(host, clock, target).await;
        let (off_time, staleness) = measured?;
        Ok(CycleReport { off_time, staleness, on_time: on_time? })
    })
}

async fn off(
    host: &dyn Host,
    clock: &dyn Clock,
    target: &Target<'_>,
    latest: Option<Monotonic>,
    life: &dyn SignOfLife,
) -> Result<(Millis, Millis), CycleFault> {
    let ordered = clock.monotonic();
    power_off(host, &Target { latest, ..*target }).await?;
    let mut last_on = ordered;
    let (began, off_time) = loop {
        let began = clock.monotonic();
        // A read that fails measures nothing; the device may be busy switching.
        match power_state(host, target).await {
            Ok(PowerState::Off) => break (began, clock.monotonic().since(ordered)),
            Ok(PowerState::On) => last_on = began,
            Err(_) => {}
        }
        let waited = clock.monotonic().since(ordered);
        if waited > PATIENCE {
            return Err(CycleFault::StillOn(waited));
        }
        host.sleep(BETWEEN).await;
    };
    let silence = SILENCE.max(life.grain().times(3));
    let last_heard = loop {
        let last_heard = life.last_heard();
        if clock.monotonic().since(last_heard) >= silence {
            break last_heard;
        }
        if last_heard.since(began) > EARLY_MAX {
            return Err(CycleFault::Lies);
        }
        host.sleep(BETWEEN).await;
    };
    let (too_early, too_late) = (last_heard.since(began), last_on.since(last_heard));
    Ok((off_time, too_early.max(too_late) + life.grain()))
}

async fn on(host: &dyn Host, clock: &dyn Clock, target: &Target<'_>) -> Result<Millis, CycleFault> {
    let ordered = clock.monotonic();
    let taken = power_on(host, target).await;
    loop {
        if let Ok(PowerState::On) = power_state(host, target).await {
            return Ok(clock.monotonic().since(ordered));
        }
        let waited = clock.monotonic().since(ordered);
        if waited > PATIENCE {
            taken?;
            return Err(CycleFault::StaysOff(waited));
        }
        host.sleep(BETWEEN).await;
    }
}
