//! Everything that haven decides, as pure functions from facts to requests.
//!
//! For: one place where every decision is made, run unchanged by the daemon and by the simulator.
//! Never: a clock, a random number, a file, a process, a task, a panic. Facts come in as arguments, requests go out
//! as values.

mod bench;
pub mod control;
pub mod detector;
pub mod event;
pub mod export;
pub mod heartbeat;
pub mod ids;
pub mod lease;
pub mod logtime;
pub mod node;
pub mod plan;
pub mod plant;
pub mod product;
pub mod quorum;
pub mod scheduler;
pub mod spec;
pub mod state;
pub mod story;
pub mod units;
pub mod wire;
