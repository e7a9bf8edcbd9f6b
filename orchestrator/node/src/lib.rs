//! The running node: core, log and agents bound over an environment.
//!
//! For: everything between the pure core and the world, once, for the daemon and for the simulator.
//! Never: a decision (that is `haven-core`), tokio, a clock, a thread, a file: all of these come through
//! `haven-env`.

mod admit;
mod config;
mod hands;
mod keeper;
mod leave;
mod mind;
mod node;
mod peers;
mod power;
mod propose;
mod serve;
mod start;
mod wire;

pub use admit::{Admission, AdmitError, JoinAsk, rejoin};
pub use config::{Founding, NodeConfig};
pub use keeper::{Observer, Seen};
pub use node::Node;
pub use power::{Cycled, Readings};
pub use propose::{CommandError, Done};
pub use start::StartError;
