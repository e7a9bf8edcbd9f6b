//! Which part of the program acts: by the name under which it was called.
//!
//! For: the launcher between daemon and programs, the names under which OCF agents call the cluster, and `crm`.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::trouble::Exit;

/// Acts as the program of that name; `None` if the name is no special one.
pub(crate) fn by_name(words: &[OsString]) -> Option<ExitCode> {
    let (called, rest) = words.split_first()?;
    let name = Path::new(called).file_name()?.to_str()?;
    if let Some(code) = haven_daemon::by_name(name, rest.to_vec()) {
        return Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
    }
    (name == "crm").then(crm)
}

/// The dialect of crmsh is not there: its name must not do something else.
fn crm() -> ExitCode {
    let text = "crm: this haven does not speak the dialect of crmsh\nneeded: use `haven resource`, `haven constraint` \
                and `haven node`, see `haven --help`\n";
    let _ = anstream::stderr().write_all(text.as_bytes());
    Exit::Usage.into()
}
