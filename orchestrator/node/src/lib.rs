//! The running node: core, log and agents bound over an environment.
