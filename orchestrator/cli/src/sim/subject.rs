//! What is to be looked at: a seed, or a scenario file.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use haven_simulator::scenario::Scenario;
use haven_simulator::sweep::{Draws, Schedule};

use super::scenario::read_one;
use crate::trouble::Trouble;

/// A seed or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A seed.
    Seed(u64),
    /// A scenario file.
    File(PathBuf),
}

impl FromStr for Subject {
    type Err = Infallible;

    /// A number is a seed; `./17` is a file that is called so.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(PathBuf::from(text)), Self::Seed))
    }
}

impl Subject {
    /// The scenario that it is. `draws` is what a seed is drawn from, if that was said.
    pub(super) fn scenario(&self, draws: Option<Draws>) -> Result<Scenario, Trouble> {
        match (self, draws) {
            (Self::Seed(seed), draws) => Ok(Schedule::draw(*seed, draws.unwrap_or_default()).to_scenario(*seed)),
            (Self::File(file), None) if !file.exists() => {
                let what = format!("there is no file {}, and no seed is called so", file.display());
                Err(Trouble::usage(what, "name a scenario file, or a seed, which is a whole number"))
            }
            (Self::File(file), None) => read_one(file),
            (Self::File(file), Some(_)) => {
                let what = format!("--profile and --faults are about seeds, and {} is a file", file.display());
                Err(Trouble::usage(what, "leave them out, or name a seed"))
            }
        }
    }

    /// Its name among others.
    pub(super) fn name(&self, draws: Option<Draws>) -> String {
        match (self, draws) {
            (Self::Seed(seed), draws) => format!("seed {seed}{}", draws.unwrap_or_default()),
            (Self::File(file), _) => file.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_seed_and_anything_else_a_file() {
        let read = |text: &str| text.parse::<Subject>().unwrap();
        assert_eq!(read("17"), Subject::Seed(17));
        assert_eq!(read("./17"), Subject::File(PathBuf::from("./17")));
        assert_eq!(read("a.toml"), Subject::File(PathBuf::from("a.toml")));
    }
}
