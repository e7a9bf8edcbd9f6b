//! Which part of the program acts: by the name under which it was called.
//!
//! For: the launcher between daemon and programs, the names under which OCF agents call the cluster, and `crm`.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use haven_daemon::demo;

use crate::trouble::Exit;

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
    (name == "crm").then(crm)
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

/// The dialect of crmsh is not there: its name must not do something else.
fn crm() -> ExitCode {
    let text = "crm: this haven does not speak the dialect of crmsh\nneeded: use `haven resource`, `haven constraint` \
                and `haven node`, see `haven --help`\n";
    let _ = anstream::stderr().write_all(text.as_bytes());
    Exit::Usage.into()
}
