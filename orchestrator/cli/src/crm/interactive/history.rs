//! The lines that were typed: where they are kept, and which are not.
//!
//! Never: a line with a password in it, or a file that others can read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use haven_core::spec::is_secret;

/// Most lines that are kept.
pub(super) const LINES_MAX: usize = 1000;

/// The file of the lines, which is made; nothing if there is no place for it.
pub(super) fn file() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = var("XDG_STATE_HOME").or_else(|| Some(var("HOME")?.join(".local/state")))?;
    let folder = state.join("haven");
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let path = folder.join("crm_history");
    OpenOptions::new().append(true).create(true).mode(0o600).open(&path).ok()?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).ok()?;
    Some(path)
}

/// Whether a line may be kept: a secret in it would lie in a file.
pub(super) fn is_kept(line: &str) -> bool {
    let secret = |word: &str| {
        let name = word.split('=').next().unwrap_or(word);
        let name = name.rsplit([':', '.']).next().unwrap_or(name).trim_matches(['"', '\'', '$']);
        !name.is_empty() && (name.starts_with("passw") || is_secret(name))
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    let assigns = words.iter().any(|word| word.contains('=') && secret(word));
    // `param fence set passwd hunter2`, and `set fence.passwd hunter2`.
    let named = words.contains(&"set") && words.iter().any(|word| secret(word));
    // XML is not looked into.
    let xml = words.iter().any(|word| word.starts_with('<'));
    !(assigns || named || xml || line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_secrets_are_not_kept() {
        for line in [
            "configure primitive f stonith:fence_ilo4 params passwd=hunter2",
            "primitive f stonith:fence_x params $x:password=\"a b\"",
            "resource param f set passwd hunter2",
            "configure set f.passwd hunter2",
            "xml <nvpair name=\"passwd\" value=\"hunter2\"/>",
            "  ",
        ] {
            assert!(!is_kept(line), "{line}");
        }
        for line in ["configure show", "primitive ip IPaddr2 params ip=10.0.0.1", "resource param f show passwd"] {
            assert!(is_kept(line), "{line}");
        }
    }
}
