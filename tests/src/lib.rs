//! Scenarios, golden files, conformance and live tests.

mod haven;

pub use haven::haven;
