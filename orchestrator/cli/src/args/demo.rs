//! The words of `haven demo`.

use clap::{Args, ValueEnum};

/// What is asked of the demo.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// What happens.
    #[arg(long, value_name = "STORY", default_value = "crash")]
    pub(crate) script: Script,
    /// End when the story is told, instead of staying until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// The timings, as `haven init` knows them.
    #[arg(long, value_name = "PROFILE", default_value = "default")]
    pub(crate) profile: DemoProfile,
}

/// When the demo ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// When its story is told.
    AfterStory,
    /// When it is interrupted.
    Interrupted,
}

impl Demo {
    /// When it ends.
    pub(crate) const fn ending(&self) -> Ending {
        if self.exit { Ending::AfterStory } else { Ending::Interrupted }
    }
}

/// A story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Script {
    /// The leader dies, and its guests go on elsewhere.
    Crash,
    /// The same, while the BMC fails: everything is held back until it works again.
    BmcFails,
}

impl Script {
    /// Its name.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::BmcFails => "bmc-fails",
        }
    }
}

/// The profiles that make sense on one computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoProfile {
    /// Three seconds of silence mean death.
    Default,
    /// Half of that.
    Lan,
    /// Ten seconds: for a computer that is very busy.
    Vm,
}

impl DemoProfile {
    /// Its name.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Lan => "lan",
            Self::Vm => "vm",
        }
    }
}
