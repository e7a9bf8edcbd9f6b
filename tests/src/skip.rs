//! The one way in which a test does not run here.
//!
//! For: tests that need root, a package of Debian's or something of the kernel that a developer's machine may lack.
//! Never: to hide a failure. Where `HAVEN_NO_SKIP` is set, as `.ci/run` does, a skip fails its test, so that nothing
//! goes unrun there unseen.

use std::fmt::Display;
use std::path::Path;

/// Set to `1` where every test must run.
pub const NO_SKIP: &str = "HAVEN_NO_SKIP";

/// Says that the calling test does not run here, and why; the caller returns at once.
///
/// # Panics
/// Where [`NO_SKIP`] is `1`.
#[track_caller]
#[allow(clippy::panic, clippy::print_stdout, reason = "only tests call it: the panic is the test's failure")]
pub fn skip(reason: impl Display) {
    if std::env::var(NO_SKIP).is_ok_and(|value| value == "1") {
        panic!("every test must run here ({NO_SKIP}=1), but this one cannot: {reason}");
    }
    println!("skipped: {reason}");
}

/// Whether all of these files are there; skips by the first that is not.
#[track_caller]
#[must_use]
pub fn installed(programs: &[&str]) -> bool {
    match programs.iter().find(|program| !Path::new(program).exists()) {
        None => true,
        Some(missing) => {
            skip(format_args!("{missing} is not installed"));
            false
        }
    }
}
