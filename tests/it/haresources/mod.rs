//! What heartbeat's own programs read is what haven reads.
//!
//! The oracle is `ResourceManager` of Debian's package `heartbeat`, the program that reads `haresources`; the
//! parameters of OCF agents are compared with `meta-data` of Debian's package `resource-agents`. Both may be installed,
//! or unpacked below the folder that `HAVEN_HEARTBEAT_ROOT` names.

mod agents;
mod generate;
mod groups;
mod oracle;
