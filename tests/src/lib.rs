//! Scenarios, golden files, conformance and live tests.
