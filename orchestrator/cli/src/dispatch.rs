//! Which part of the program acts: by the name under which it was called.
//!
//! For: the launcher between daemon and programs, the names under which OCF agents call the cluster, and `crm`.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use haven_daemon::demo;

/// Acts as the program of that name; `None` if the name is no special one.
pub(crate) fn by_name(words: &[OsString]) -> Option<ExitCode> {
    let (called, rest) = words.split_first()?;
    let name = Path::new(called).file_name()?.to_str()?;
    if let Some(code) = haven_daemon::by_name(name, rest.to_vec()) {
        return Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
    }
    if let Some(code) = demo_part(rest).or_else(|| chaos_part(rest)) {
        return Some(code);
    }
    (name == "crm").then(|| crm(rest))
}

/// Acts as a part of `haven demo`, which runs this very program for its guests, their agent and its fence program.
fn demo_part(words: &[OsString]) -> Option<ExitCode> {
    let (word, rest) = words.split_first()?;
    let code = match word.to_str()? {
        demo::AGENT_WORD => demo::agent::main(rest.iter().cloned()),
        demo::GUEST_WORD => demo::guest::main(rest.iter().cloned()),
        demo::FENCE_WORD => demo::fence::main(),
        _ => return None,
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// Acts as a part of `haven chaos run`, which runs this very program on its machines.
fn chaos_part(words: &[OsString]) -> Option<ExitCode> {
    let (word, rest) = words.split_first()?;
    let code = haven_chaos::aboard::by_word(word.to_str()?, rest.iter().cloned())?;
    Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

/// The words of the crm shell, under its name.
fn crm(words: &[OsString]) -> ExitCode {
    let named = ["haven", "crm"].map(OsString::from).into_iter();
    crate::command_line(&named.chain(words.iter().cloned()).collect::<Vec<_>>())
}
