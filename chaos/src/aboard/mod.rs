//! The parts of a run that stand on its machines: an exclusive resource that writes its history, the agent that starts
//! and stops it, and the fence program. All of them are the program `haven` itself, called by a word.
//!
//! Never: anything outside the folder of the run.

pub mod agent;
pub mod fence;
pub mod writer;

use std::ffi::OsString;
use std::io::{self, Write};

/// The word for [`agent::main`].
pub const AGENT_WORD: &str = "chaos-agent";
/// The word for [`writer::main`].
pub const WRITER_WORD: &str = "chaos-write";
/// The word for [`fence::main`].
pub const FENCE_WORD: &str = "chaos-fence";

/// Acts as the part of that word; the code to end with. `None` if the word is no part.
pub fn by_word(word: &str, arguments: impl Iterator<Item = OsString>) -> Option<i32> {
    match word {
        AGENT_WORD => Some(agent::main(arguments)),
        WRITER_WORD => Some(writer::main(arguments)),
        FENCE_WORD => Some(fence::main()),
        _ => None,
    }
}

fn say(what: &str) {
    let _ = writeln!(io::stdout(), "{what}");
}

fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "{what}");
}
