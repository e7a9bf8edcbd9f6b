//! Configurations of other systems and of haven, from text and to text.
//!
//! For: one place that reads what operators write, tells them what is wrong with it by line and column, and prints
//! what the cluster holds. Each dialect is a module of its own: [`heartbeat`] reads `haresources` and `ha.cf`, [`proxmox`]
//! those of Proxmox VE's HA manager, [`cib`] reads Pacemaker's XML, [`crm`] has the words of the crm shell, [`show()`]
//! prints the native text, [`words`] are those of the command line.
//! Never: a file, a clock, a question to a node. Text, the cluster's members and what is installed where come in as
//! arguments; edits to the configuration, or what the scheduler looks at, and [`Diagnostic`]s go out.

mod any_text;
pub mod cib;
pub mod crm;
mod diagnostic;
pub mod heartbeat;
mod nearest;
pub mod proxmox;
mod show;
mod source;
pub mod words;

pub use diagnostic::{Diagnostic, Place, Severity, has_errors, render};
pub use heartbeat::{ha_cf, haresources};
pub use nearest::nearest;
pub use show::{Change, DiffLine, diff, show};
pub use source::{CIB_MAX, FILE_MAX, Position, Source};
