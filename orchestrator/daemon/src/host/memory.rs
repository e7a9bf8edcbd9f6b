//! Small values that last until the next boot, across daemon lives.
//!
//! Each is a file that begins with the boot's id, so that nothing of an earlier boot is ever recalled, even where
//! `/run` is not a memory file system.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use haven_core::ids::BootId;

/// Where the values are.
#[derive(Debug)]
pub(super) struct Memory {
    folder: PathBuf,
    boot: BootId,
    /// Two writers of one key would share the file beside it.
    writing: Mutex<()>,
}

impl Memory {
    /// Values in `folder`, which is made if it is not there.
    pub(super) fn open(folder: PathBuf, boot: BootId) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, boot, writing: Mutex::new(()) })
    }

    /// Keeps `value`. Whoever reads sees the old value or the new one, never a part.
    pub(super) fn remember(&self, key: &str, value: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(key);
        let beside = path.with_extension("new");
        fs::write(&beside, [self.boot.as_bytes().as_slice(), value].concat())?;
        fs::rename(beside, path)
    }

    /// The value kept on this boot.
    pub(super) fn recall(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.path(key)).ok()?;
        bytes.strip_prefix(self.boot.as_bytes().as_slice()).map(<[u8]>::to_vec)
    }

    /// Every key has a file name of its own: what is no letter or digit becomes its code.
    fn path(&self, key: &str) -> PathBuf {
        let mut name = String::new();
        for byte in key.bytes() {
            if byte.is_ascii_alphanumeric() {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("_{byte:02x}"));
            }
        }
        self.folder.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outlast_the_daemon_and_not_the_boot() {
        let folder = std::env::temp_dir().join(format!("haven-memory-{}", std::process::id()));
        let boot = BootId::from_bytes([1; 16]);
        let memory = Memory::open(folder.clone(), boot).unwrap();
        memory.remember("a/b", b"one").unwrap();
        memory.remember("a_2fb", b"two").unwrap();
        memory.remember("a/b", b"three").unwrap();
        let again = Memory::open(folder.clone(), boot).unwrap();
        assert_eq!(again.recall("a/b").as_deref(), Some(b"three".as_slice()));
        assert_eq!(again.recall("a_2fb").as_deref(), Some(b"two".as_slice()));
        assert_eq!(again.recall("none"), None);
        let other = Memory::open(folder.clone(), BootId::from_bytes([2; 16])).unwrap();
        assert_eq!(other.recall("a/b"), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
