//! Scenarios, golden files, conformance and live tests.
//!
//! For: what tests of several packages share.
//! Never: anything that a package outside the tests needs.

mod haven;
pub mod skip;

pub use haven::haven;

pub mod lab;
