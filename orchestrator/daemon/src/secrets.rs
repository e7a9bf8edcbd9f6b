//! Secrets in files that only their owner can read, or in the service manager's credentials.
//!
//! Never: a secret that somebody else could have read or put there. Never followed: a symbolic link as the last part
//! of the path, behind which the checked file could be exchanged.
//! Source: systemd.exec(5), "Credentials".

use std::io::Read;
use std::path::{Path, PathBuf};

use haven_core::spec::SecretRef;
use haven_env::{Secret, SecretError, Secrets};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};

/// Longest secret, in bytes: a key file; passwords are much shorter.
const SECRET_MAX: u64 = 16 * 1024;

/// Secrets of this machine.
#[derive(Debug, Clone)]
pub struct FileSecrets {
    credentials: Option<PathBuf>,
}

impl FileSecrets {
    /// Reads files anywhere, and credentials in the folder that the service manager names in
    /// `$CREDENTIALS_DIRECTORY`, if it does.
    pub fn new(credentials: Option<PathBuf>) -> Self {
        Self { credentials }
    }

    fn path(&self, place: &SecretRef) -> Result<PathBuf, SecretError> {
        match (place, &self.credentials) {
            (SecretRef::File(path), _) => Ok(PathBuf::from(path)),
            (SecretRef::Credential(name), Some(folder)) => Ok(folder.join(name)),
            (SecretRef::Credential(_), None) => Err(SecretError::Read {
                place: place.to_string(),
                cause: "the service manager gave this daemon no credentials".to_owned(),
            }),
        }
    }
}

impl Secrets for FileSecrets {
    fn get(&self, place: &SecretRef) -> Result<Secret, SecretError> {
        read(&self.path(place)?, &place.to_string())
    }
}

fn read(path: &Path, place: &str) -> Result<Secret, SecretError> {
    let failed = |cause: String| SecretError::Read { place: place.to_owned(), cause };
    // A pipe or a device without a reader on the other side would block the open.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(rustix::io::Errno::NOENT) => return Err(SecretError::Missing(place.to_owned())),
        Err(rustix::io::Errno::LOOP) => return Err(failed("it is a symbolic link, a file is needed".to_owned())),
        Err(error) => return Err(failed(error.to_string())),
    };
    let found = fstat(&file).map_err(|error| failed(error.to_string()))?;
    if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
        return Err(failed("it is not a file".to_owned()));
    }
    if found.st_mode & 0o077 != 0 {
        return Err(SecretError::Mode { place: place.to_owned(), mode: found.st_mode & 0o7777 });
    }
    let me = rustix::process::geteuid().as_raw();
    if found.st_uid != me && found.st_uid != 0 {
        return Err(failed(format!("it belongs to user {}, root or user {me} is needed", found.st_uid)));
    }
    let mut bytes = Vec::new();
    let mut file = std::fs::File::from(file).take(SECRET_MAX + 1);
    file.read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > SECRET_MAX {
        return Err(failed(format!("it is longer than {SECRET_MAX} bytes")));
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.is_empty() {
        return Err(failed("it is empty".to_owned()));
    }
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("haven-secrets-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    fn file(path: &Path, text: &str, mode: u32) -> SecretRef {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        SecretRef::File(path.to_str().unwrap().to_owned())
    }

    fn get(place: &SecretRef) -> Result<Vec<u8>, SecretError> {
        FileSecrets::new(None).get(place).map(|secret| secret.reveal().to_vec())
    }

    #[test]
    fn a_secret_is_the_file_without_its_last_newline() {
        let folder = folder("plain");
        assert_eq!(get(&file(&folder.join("a"), "s3 cret\n", 0o600)).unwrap(), b"s3 cret");
        assert_eq!(get(&file(&folder.join("b"), "x\n\n", 0o400)).unwrap(), b"x\n");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_remedy() {
        let folder = folder("mode");
        for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
            let place = file(&folder.join(format!("{mode:o}")), "x", mode);
            let error = get(&place).unwrap_err();
            assert_eq!(error, SecretError::Mode { place: place.to_string(), mode });
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn links_folders_pipes_and_empty_files_are_refused() {
        let folder = folder("odd");
        file(&folder.join("real"), "x", 0o600);
        symlink(folder.join("real"), folder.join("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        file(&folder.join("empty"), "\n", 0o600);
        for (name, cause) in [
            ("link", "it is a symbolic link, a file is needed"),
            (".", "it is not a file"),
            ("pipe", "it is not a file"),
            ("empty", "it is empty"),
        ] {
            let error = get(&SecretRef::File(folder.join(name).to_str().unwrap().to_owned())).unwrap_err();
            assert!(matches!(&error, SecretError::Read { cause: found, .. } if found == cause), "{name}: {error}");
        }
        let missing = get(&SecretRef::File("/nonexistent/x".to_owned())).unwrap_err();
        assert!(matches!(missing, SecretError::Missing(_)));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_credential_is_found_in_the_service_managers_folder_only() {
        let folder = folder("credential");
        file(&folder.join("bmc"), "s3cret", 0o400);
        let place = SecretRef::Credential("bmc".to_owned());
        let found = FileSecrets::new(Some(folder.clone())).get(&place).unwrap();
        assert_eq!(found.reveal(), b"s3cret");
        assert!(
            FileSecrets::new(None).get(&place).unwrap_err().to_string().contains("gave this daemon no credentials")
        );
        fs::remove_dir_all(folder).unwrap();
    }
}
