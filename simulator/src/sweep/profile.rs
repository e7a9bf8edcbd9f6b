//! From which kinds of faults, and which clusters, a seed draws.

use std::fmt;
use std::str::FromStr;

use super::faults::Kind;

/// What a sweep is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Everything.
    #[default]
    All,
    /// Machines and daemons that die, stand still and come back, cut links, disks and agents that fail.
    Safety,
    /// Power that fails, and the devices that switch it.
    Power,
    /// Links of every kind.
    Network,
    /// Everything but what brings the cluster that it needs, on five to nine machines.
    Scale,
}

impl Profile {
    /// All of them.
    pub const ALL: &[Self] = &[Self::All, Self::Safety, Self::Power, Self::Network, Self::Scale];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Safety => "safety",
            Self::Power => "power",
            Self::Network => "network",
            Self::Scale => "scale",
        }
    }

    /// How many machines a cluster may have.
    pub(super) const fn machines(self) -> &'static [u8] {
        match self {
            Self::All | Self::Safety | Self::Power | Self::Network => &[3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 7],
            Self::Scale => &[5, 7, 9],
        }
    }

    /// Whether it draws that kind of fault.
    pub(super) fn draws(self, kind: Kind) -> bool {
        match self {
            Self::All | Self::Scale => true,
            Self::Safety | Self::Power | Self::Network => kind.profiles().contains(&self),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().find(|profile| profile.name() == text).copied().ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|profile| profile.name()).collect();
            format!("there is no profile `{text}`; the profiles are {}", names.join(", "))
        })
    }
}
