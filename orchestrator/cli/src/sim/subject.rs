//! What is to be looked at: a seed, or a scenario file.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use haven_simulator::scenario::Scenario;
use haven_simulator::sweep::{Profile, Schedule};

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
    /// The scenario that it is. `profile` is what a seed is drawn from.
    pub(super) fn scenario(&self, profile: Option<Profile>) -> Result<Scenario, Trouble> {
        match (self, profile) {
            (Self::Seed(seed), profile) => Ok(Schedule::draw(*seed, profile.unwrap_or_default()).to_scenario(*seed)),
            (Self::File(file), None) => read_one(file),
            (Self::File(file), Some(_)) => {
                let what = format!("a profile is what seeds are drawn from, and {} is a file", file.display());
                Err(Trouble::usage(what, "leave --profile out, or name a seed"))
            }
        }
    }

    /// Its name among others.
    pub(super) fn name(&self, profile: Option<Profile>) -> String {
        match (self, profile) {
            (Self::Seed(seed), None | Some(Profile::All)) => format!("seed {seed}"),
            (Self::Seed(seed), Some(profile)) => format!("seed {seed} of the profile {profile}"),
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
