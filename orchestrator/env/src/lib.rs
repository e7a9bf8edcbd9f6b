//! The seams between haven and the world.
//!
//! For: one set of narrow traits with two sides each, the production environment (`haven-daemon`) and the simulated
//! one (`haven-simulator`). Both sides of a trait run the same conformance suite from [`suite`].
//! Never: an implementation, and never tokio: its `select!` and `watch` draw on hidden randomness, which would make
//! a simulated run irreproducible.

mod clock;
mod disk;
mod host;
mod secret;
pub mod suite;
mod transport;
mod watchdog;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use clock::{Clock, Entropy};
pub use disk::{Disk, Job, Ticket, Volume};
pub use host::{
    Ended, FACES, GroupState, Guard, Host, HostError, JobQueued, NAMES_MAX, OUTPUT_MAX, Program, Reply, Request,
    RunReport, UnitState, UnitVerb,
};
pub use openraft_rt::{AsyncRuntime as Runtime, OptionalSend, OptionalSync};
pub use secret::{Secret, SecretError, Secrets};
pub use transport::{CallClass, CallError, DATAGRAM_MAX, Inbound, MESSAGE_MAX, Peer, Transport};
pub use watchdog::{ArmedWatchdog, Watchdog, WatchdogError};

/// Everything outside one daemon life.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its clocks.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Its machine.
    pub host: Arc<dyn Host>,
    /// The way to the other nodes.
    pub transport: Arc<dyn Transport>,
    /// Its watchdog.
    pub watchdog: Arc<dyn Watchdog>,
    /// Its secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Its disks.
    pub volume: Arc<dyn Volume>,
}

/// A future that can be stored and sent. Agents and environments use it instead of `async fn` in traits, which
/// gives neither `Send` nor `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
