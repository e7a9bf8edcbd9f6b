//! What other people's cases ask of the readers.
//!
//! For: the cases of `$HAVEN_CONFORMANCE`, else of the folder `shared/conformance` beside the project.
//! Never: a case in the project itself.

#![allow(clippy::disallowed_methods, reason = "the cases are files that are not part of the project")]

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod cib;
#[cfg(test)]
mod graph;
#[cfg(test)]
mod import;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod proxmox;
#[cfg(test)]
mod reasons;
