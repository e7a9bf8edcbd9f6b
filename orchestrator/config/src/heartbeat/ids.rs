//! Readable ids that stay the same when the same file is imported again.
//!
//! An id is made from the agent and what it works on: `ip_10.0.0.1`, `fs_srv_data`, `drbddisk_r0`, `httpd`. The
//! first resource of a line, which names the group, has the first choice; of two that would be called alike, the
//! later one gets the group's name behind its own.

use std::collections::BTreeSet;

use haven_core::ids::{BadName, ConstraintId, NAME_MAX, ResourceId};

/// What goes before the id of a group, and before that of a preference.
const GROUP: &str = "g_";
const PREFERENCE: &str = "loc_";
/// Longest id of a resource, so that its group and its preference have room.
const ID_MAX: usize = NAME_MAX - GROUP.len() - PREFERENCE.len();

/// Gives out ids, each once.
#[derive(Debug, Default)]
pub(super) struct Ids {
    taken: BTreeSet<String>,
}

impl Ids {
    /// An id for the first resource of a line; the group's is kept free as well. Errors: no room for the names of the
    /// group and its preference.
    pub(super) fn key(&mut self, label: &str, word: &str) -> Result<ResourceId, BadName> {
        let plain = fit(&slug(label));
        let hashed = fit(&format!("{plain}_{}", hash(word)));
        let free = |id: &String| !self.taken.contains(id) && !self.taken.contains(&format!("{GROUP}{id}"));
        let id = self.first_free([plain, hashed].into_iter().filter(free).collect())?;
        // Nobody who has a key needs to ask again whether its group and preference can be named.
        preference(&group(&id)?)?;
        self.taken.insert(format!("{GROUP}{id}"));
        Ok(id)
    }

    /// An id for another resource of the line with this key.
    pub(super) fn member(&mut self, label: &str, key: &ResourceId, word: &str) -> Result<ResourceId, BadName> {
        let plain = fit(&slug(label));
        let in_group = fit(&format!("{plain}_{key}"));
        let hashed = fit(&format!("{in_group}_{}", hash(word)));
        self.first_free(vec![plain, in_group, hashed])
    }

    fn first_free(&mut self, wishes: Vec<String>) -> Result<ResourceId, BadName> {
        let mut last = String::from("r");
        for wish in wishes {
            if self.taken.insert(wish.clone()) {
                return ResourceId::new(&wish);
            }
            last = wish;
        }
        // The same word several times on one line; counting ends, because each number is taken once.
        for number in 2_u32.. {
            let wish = fit(&format!("{last}_{number}"));
            if self.taken.insert(wish.clone()) {
                return ResourceId::new(&wish);
            }
        }
        ResourceId::new(&last)
    }
}

/// The group that the resource `key` names.
pub(super) fn group(key: &ResourceId) -> Result<ResourceId, BadName> {
    ResourceId::new(&format!("{GROUP}{key}"))
}

/// The preference of a resource or group for its node.
pub(super) fn preference(id: &ResourceId) -> Result<ConstraintId, BadName> {
    ConstraintId::new(&format!("{PREFERENCE}{id}"))
}

/// `label` in letters that an id may have.
fn slug(label: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let text: String = label.chars().map(allowed).collect();
    let text = text.trim_end_matches(['_', '-', '.']);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        text.to_owned()
    } else {
        format!("r_{text}")
    }
}

/// `text`, if need be cut and told apart from others that begin alike.
fn fit(text: &str) -> String {
    if text.len() <= ID_MAX {
        return text.to_owned();
    }
    let hash = hash(text);
    format!("{}_{hash}", text.get(..ID_MAX - hash.len() - 1).unwrap_or_default())
}

/// 32 bits of FNV-1a: the same on every machine and in every version.
fn hash(text: &str) -> String {
    let value = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{value:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_readable() {
        let mut ids = Ids::default();
        let mut key = |label: &str| ids.key(label, label).unwrap().to_string();
        assert_eq!(key("ip_10.0.0.1"), "ip_10.0.0.1");
        assert_eq!(key("fs_srv/data/"), "fs_srv_data");
        assert_eq!(key("MailTo_a@b.c,d"), "MailTo_a_b.c_d");
        assert_eq!(key("@x"), "_x");
        assert_eq!(key("-x"), "r_-x");
    }

    #[test]
    fn two_that_would_be_called_alike_are_told_apart() {
        let mut ids = Ids::default();
        let first = ids.key("a", "a").unwrap();
        assert_eq!(ids.key("a", "a2").unwrap().to_string(), "a_1d24ba3a");
        assert_eq!(ids.member("mail", &first, "mail").unwrap().to_string(), "mail");
        assert_eq!(ids.member("mail", &first, "mail").unwrap().to_string(), "mail_a");
        assert_eq!(ids.member("mail", &first, "mail").unwrap().to_string(), "mail_a_ec90e52e");
        assert_eq!(ids.member("mail", &first, "mail").unwrap().to_string(), "mail_a_ec90e52e_2");
    }

    #[test]
    fn no_resource_is_called_like_a_group() {
        let mut ids = Ids::default();
        let key = ids.key("httpd", "httpd").unwrap();
        assert_eq!(ids.member("g_httpd", &key, "g_httpd").unwrap().to_string(), "g_httpd_httpd");
        let mut ids = Ids::default();
        ids.key("g_httpd", "g_httpd").unwrap();
        assert_ne!(ids.key("httpd", "httpd").unwrap().to_string(), "httpd");
    }

    #[test]
    fn long_names_are_cut_and_leave_room_for_group_and_preference() {
        let mut ids = Ids::default();
        let long = "x".repeat(200);
        let first = ids.key(&long, &long).unwrap();
        let second = ids.key(&format!("{long}y"), &long).unwrap();
        assert_ne!(first, second);
        for id in [first, second] {
            assert!(preference(&group(&id).unwrap()).is_ok());
        }
    }
}
