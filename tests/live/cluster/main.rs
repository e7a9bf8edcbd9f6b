//! Daemons as processes on loopback: founding, joining, leaving, restarting.
//!
//! For: the process around the node; no root is needed. What needs cgroups says so and is not run without them.
//! Never: a wait for a time; every wait is for a condition, with a bound.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod members;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod units;
