//! Tests that need more than one package.

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod golden;
#[cfg(test)]
mod haresources;

#[cfg(test)]
mod program;
