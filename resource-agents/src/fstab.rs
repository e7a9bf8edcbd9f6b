//! The table of file systems that the boot mounts. Source: fstab(5).

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) device: String,
    pub(crate) directory: String,
    pub(crate) options: Vec<String>,
}

impl Entry {
    /// Whether a boot mounts it, or the first access to it does.
    pub(crate) fn is_automatic(&self) -> bool {
        let has = |wanted: &str| self.options.iter().any(|option| option == wanted);
        !has("noauto") || has("x-systemd.automount") || has("comment=systemd.automount")
    }
}

/// The lines of `text` that name a device; others are skipped.
pub(crate) fn read(text: &str) -> Vec<Entry> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Entry> {
    let line = line.trim_start();
    if line.starts_with('#') {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let (device, directory) = (words.next()?, words.next()?);
    let options = words.nth(1).unwrap_or("defaults");
    Some(Entry {
        device: unescape(device).trim_matches('"').replace("=\"", "="),
        directory: folder(&unescape(directory)),
        options: options.split(',').map(str::to_owned).collect(),
    })
}

/// A folder's name without trailing slashes.
pub(crate) fn folder(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path.to_owned() } else { trimmed.to_owned() }
}

/// `\040` is a blank, and so on for tab, newline and backslash.
fn unescape(word: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(word.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

/// The forms in which a device can be written, in the one form that is compared: tags as paths of links by tag.
pub(crate) fn device(text: &str) -> String {
    const TAGS: [(&str, &str); 8] = [
        ("UUID=", "/dev/disk/by-uuid/"),
        ("LABEL=", "/dev/disk/by-label/"),
        ("PARTUUID=", "/dev/disk/by-partuuid/"),
        ("PARTLABEL=", "/dev/disk/by-partlabel/"),
        ("-U", "/dev/disk/by-uuid/"),
        ("-L", "/dev/disk/by-label/"),
        ("-U ", "/dev/disk/by-uuid/"),
        ("-L ", "/dev/disk/by-label/"),
    ];
    for (tag, path) in TAGS.iter().rev() {
        if let Some(rest) = text.strip_prefix(tag) {
            return format!("{path}{}", rest.trim());
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_their_escapes() {
        let entries = read("# /dev/sda1 /x\n\n/dev/drbd0 /d\\0400/ ext4 noauto,ro 0 0\nUUID=\"ab\" /y\nlonely\n");
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].directory.as_str(), entries[0].is_automatic()), ("/d 0", false));
        assert_eq!((entries[1].device.as_str(), entries[1].is_automatic()), ("UUID=ab", true));
    }

    #[test]
    fn an_automount_mounts_in_spite_of_noauto() {
        assert!(read("/dev/drbd0 /d ext4 noauto,x-systemd.automount 0 0")[0].is_automatic());
    }

    #[test]
    fn a_device_by_tag_is_the_link_by_tag() {
        for text in ["UUID=ab-c", "-Uab-c", "-U ab-c", "/dev/disk/by-uuid/ab-c"] {
            assert_eq!(device(text), "/dev/disk/by-uuid/ab-c", "{text}");
        }
        assert_eq!(device("/dev/drbd0"), "/dev/drbd0");
    }
}
