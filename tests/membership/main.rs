//! Machines that join, vote, and are removed: real nodes over the real network and real files, in one process.

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod machine;
#[cfg(test)]
mod tests;
