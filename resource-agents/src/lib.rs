//! Resource agents and fence devices over `Host`.
//!
//! For: starting, stopping and watching resources by the agents that people already have (OCF, init scripts,
//! heartbeat's `resource.d`, units of the service manager) and by those built in, and switching power by fence
//! programs. The same code runs against a real machine and against a simulated one.
//! Never: a file, a process, a clock or a socket of its own; everything goes through [`haven_env::Host`]. Never a
//! guess: a timeout is [`haven_core::event::Outcome::Unknown`], and a return code alone proves nothing about power.

mod audit;
mod call;
mod detail;
pub mod faces;
mod fake;
pub mod fence;
mod fstab;
mod heartbeat;
mod inventory;
mod ip;
mod lsb;
mod meta;
mod ocf;
mod run;
mod script;
mod systemd;

pub use audit::audit;
pub use call::{Answer, Call, DETAIL_MAX, Verb};
pub use inventory::{Inventory, inventory};
pub use ip::Defence;
pub use meta::{ActionAdvice, MetaData, MetaError, Parameter, Switches, meta_data, parse_meta_data};
pub use run::{Prepared, READY_WITHIN, abort, prepare, run, run_prepared};
pub use script::TOO_LATE;
