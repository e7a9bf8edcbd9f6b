//! The node in virtual time: whole clusters under faults.

// The attribute tells clippy that all of it is tests.
#[cfg(test)]
mod cycled;
#[cfg(test)]
mod elections;
#[cfg(test)]
mod hunt;
#[cfg(test)]
mod named;
#[cfg(test)]
mod ready;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod windows;
#[cfg(test)]
mod writes;
