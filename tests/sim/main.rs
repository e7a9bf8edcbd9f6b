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

/// Lets others have the processor first: these tests compute for minutes in virtual time, beside clusters of real daemons
/// that have real deadlines.
#[cfg(test)]
fn behind_others() {
    use rustix::process::{getpriority_process, setpriority_process};
    const LAST: i32 = 19;
    if getpriority_process(None).is_ok_and(|now| now < LAST) {
        // Slower beside others, but right, where it may not.
        let _refused = setpriority_process(None, LAST);
    }
}
