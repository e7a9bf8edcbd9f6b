//! The socket file.

use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::access::Access;

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Page: docs/errors/HV-API-05.md.
    #[error("cannot listen at {}: another daemon listens there", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Page: docs/errors/HV-API-05.md.
    #[error("cannot listen at {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens at `path`. A socket that a dead daemon has left is replaced. Root and group `haven` may connect, nobody
/// else; whoever connects is looked at once more by [`super::serve`].
pub fn bind(path: &Path, access: Access) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::Io { path: path.to_owned(), source };
    if StdStream::connect(path).is_ok() {
        return Err(BindError::InUse { path: path.to_owned() });
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // Without the right to give it away the socket stays its owner's alone.
    let given = access.group().is_some_and(|g| std::os::unix::fs::chown(path, None, Some(g.as_raw())).is_ok());
    let mode = if given { 0o660 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}
