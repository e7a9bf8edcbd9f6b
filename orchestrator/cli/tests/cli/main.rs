//! The program as a whole, as people and scripts call it.

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod console;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod import;
#[cfg(test)]
mod run;
#[cfg(test)]
mod words;
