//! Releases of Pacemaker, which place a few things differently.
//!
//! For: a plan that agrees with what the cluster does today that wrote the configuration.
//! Never: a release whose answers were not measured: it is decided as the newest.

use serde::Serialize;

/// The Pacemaker that is decided as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Release {
    /// That of Debian 12.
    #[serde(rename = "2.1.5")]
    V2_1_5,
    /// The newest, as haven's own cluster.
    #[default]
    #[serde(rename = "newest")]
    Newest,
}

impl Release {
    /// Reads what wrote a configuration: the option `dc-version`, such as `2.1.5-a3f44794f94`. A build between releases
    /// (`2.1.5-1.0a457786a.git.el9`) has what came after the release that it is named by.
    pub(super) fn that_wrote(version: Option<&str>) -> Self {
        let version = version.unwrap_or_default();
        let after = version.strip_prefix("2.1.5");
        let released =
            after.is_some_and(|after| after.is_empty() || after.starts_with('-')) && !version.contains(".git");
        if released { Self::V2_1_5 } else { Self::Newest }
    }

    /// Reads `2.1.5` or `newest`; `None` for anything else.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "2.1.5" => Some(Self::V2_1_5),
            "newest" => Some(Self::Newest),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_release_itself_is_decided_as_it() {
        for (version, release) in [
            (Some("2.1.5"), Release::V2_1_5),
            (Some("2.1.5-a3f44794f94"), Release::V2_1_5),
            (Some("2.1.5-1.0a457786a.git.el9-0a457786a"), Release::Newest),
            (Some("2.1.55"), Release::Newest),
            (Some("3.0.2"), Release::Newest),
            (Some("soon"), Release::Newest),
            (None, Release::Newest),
        ] {
            assert_eq!(Release::that_wrote(version), release, "{version:?}");
        }
        assert_eq!((Release::named("2.1.5"), Release::named("2.1")), (Some(Release::V2_1_5), None));
    }
}
