//! The lab of `haven-chaos`, for tests that skip where it cannot be made.
//!
//! For: live tests and benchmarks of clusters in network namespaces.
//! Never: a part of the lab itself, which `haven chaos run` needs without any test.

pub use haven_chaos::lab::*;

/// Whether a test can run in a lab with these programs; skips it if not.
#[track_caller]
#[must_use]
pub fn able(programs: &[&str]) -> bool {
    let Some(missing) = Lab::missing(programs) else { return true };
    crate::skip::skip(missing);
    false
}
