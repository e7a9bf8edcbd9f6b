//! The store's conformance: the same promises on real files and on the simulated disk, and what becomes of them when
//! the power fails, bits flip, the disk fills or the process is killed.

#![allow(
    clippy::extra_unused_type_parameters,
    reason = "`both!` runs each test on both runtimes, whether or not it needs to name its own"
)]

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod bed;
#[cfg(test)]
mod book;
#[cfg(test)]
mod full;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod order;
#[cfg(test)]
mod past;
#[cfg(test)]
mod power;
#[cfg(test)]
mod rot;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod suite;
