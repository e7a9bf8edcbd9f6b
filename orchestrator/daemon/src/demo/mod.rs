//! The parts of `haven demo` that run as processes of their own: the guest, its agent, the fence program, and the
//! marks by which the processes of a pretended machine are known.
//!
//! For: three nodes on one machine without root: a "machine" is the set of processes that carry its mark in their
//! environment, and pulling its plug is to kill them all.
//! Never: a process that does not carry the mark; an address, a unit or a file outside the demo's own folder.

pub mod agent;
pub mod fence;
pub mod guest;
mod marked;

pub(crate) use marked::marks;
pub use marked::{Mark, VARIABLE};

/// Provider and kind of the demo's one agent, as in `ocf:haven:Guest`.
pub const AGENT: &str = "ocf:haven:Guest";
/// Where a real machine would have that agent.
pub const AGENT_PATH: &str = "/usr/lib/ocf/resource.d/haven/Guest";
/// The demo's one fence program.
pub const FENCE: &str = "fence_demo";
/// Where a real machine would have it.
pub const FENCE_PATH: &str = "/usr/sbin/fence_demo";
/// The first word of the command line under which `haven` acts as the agent.
pub const AGENT_WORD: &str = "demo-agent";
/// The first word of the command line under which `haven` acts as a guest.
pub const GUEST_WORD: &str = "demo-guest";
/// The first word of the command line under which `haven` acts as the fence program.
pub const FENCE_WORD: &str = "demo-fence";
