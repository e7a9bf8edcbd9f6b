//! Founding a cluster, entering one, and leaving it for good: what is done to the state folder while no daemon runs.
//!
//! Never: a half-made member: the card is written last, and without it nothing else in the folder counts. Never a
//! resource's data, which lies elsewhere.

mod address;
mod init;
mod join;
mod reset;

use std::path::PathBuf;

use haven_core::ids::{NodeId, StoreId};
use haven_env::{Entropy, Volume};
use haven_log::{Store, StoreError, StoreOptions};
use haven_net::{EnrolError, TokenError};

pub use address::{Advertise, PORT, addresses};
pub use init::{Init, init};
pub use join::{Join, join};
pub use reset::reset;

use crate::folder::{Card, FolderError, Folders, Lock, make_private};
use crate::{FileVolume, SystemEntropy};

/// Why a node was not set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Its folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It is a member of a cluster. Page: docs/errors/HV-SETUP-01.md.
    #[error("this machine is {node} of cluster {cluster} already, as {card} says")]
    Member {
        /// Its name there.
        node: NodeId,
        /// The cluster.
        cluster: String,
        /// The card.
        card: PathBuf,
    },
    /// An address is none. Page: docs/errors/HV-SETUP-02.md.
    #[error("`{text}` is no address of this node: {why}")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The name of the cluster is none. Page: docs/errors/HV-SETUP-02.md.
    #[error("`{0}` cannot be the name of a cluster: 1 to 64 letters, digits, `.`, `_` and `-` are needed")]
    Name(String),
    /// Certificates cannot be made or kept. Page: docs/errors/HV-SETUP-03.md.
    #[error("cannot make the certificates: {0}")]
    Certificates(String),
    /// The log cannot be made. Page: docs/errors/HV-SETUP-04.md.
    #[error("cannot make the log")]
    Store(#[source] StoreError),
    /// The token is none. Page: docs/errors/HV-JOIN-01.md.
    #[error(transparent)]
    Token(TokenError),
    /// The token admits another kind of member. Page: docs/errors/HV-JOIN-05.md.
    #[error("the join token is for another kind of member than what this machine is to be")]
    Kind,
    /// The cluster did not let this machine in.
    #[error(transparent)]
    Enrol(EnrolError),
}

impl SetupError {
    /// The code of the page that explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.code(),
            Self::Member { .. } => "HV-SETUP-01",
            Self::Address { .. } | Self::Name(_) => "HV-SETUP-02",
            Self::Certificates(_) => "HV-SETUP-03",
            Self::Store(_) => "HV-SETUP-04",
            Self::Token(error) => error.code(),
            Self::Kind => "HV-JOIN-05",
            Self::Enrol(error) => error.code(),
        }
    }

    /// The operator's next step, one imperative sentence without a full stop.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Folder(error) => error.remedy(),
            Self::Member { .. } => "run `haven reset` first if it is to begin anew",
            Self::Address { .. } => "give addresses such as 10.0.0.1, 10.0.0.1:7741 or [fd00::1]:7741",
            Self::Name(_) => "give another name",
            Self::Certificates(_) => "look at the cause that is named, and try again",
            Self::Store(_) => "look at the cause that is named, and try again",
            Self::Token(error) => error.remedy(),
            Self::Kind => "make a token with `haven token create --witness`",
            Self::Enrol(error) => error.remedy(),
        }
    }
}

/// Takes the state folder for a member that is to be. Errors: it is a member's already.
fn begin(folders: &Folders) -> Result<Lock, SetupError> {
    make_private(&folders.state).map_err(FolderError::system("make", &folders.state))?;
    let lock = Lock::take(&folders.state)?;
    match Card::read(&folders.card()) {
        Err(FolderError::NoCard(_)) => Ok(lock),
        Err(error) => Err(error.into()),
        Ok(card) => Err(SetupError::Member { node: card.node, cluster: card.cluster_name, card: folders.card() }),
    }
}

/// The identity of the store in the folder, which is made if there is none.
async fn store(folders: &Folders) -> Result<StoreId, SetupError> {
    let path = folders.store();
    let volume = FileVolume::open(&path).map_err(FolderError::system("open", &path))?;
    let volume: std::sync::Arc<dyn Volume> = volume;
    // The ballast is taken when the node starts.
    let options = StoreOptions { ballast: 0, ..StoreOptions::new(StoreId::from_bytes(random())) };
    let store = Store::open(volume, options).await.map_err(SetupError::Store)?;
    let identity = store.identity();
    store.close().await.map_err(SetupError::Store)?;
    Ok(identity)
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemEntropy.fill(&mut bytes);
    bytes
}

/// What firmware says that was never told its serial number.
const NO_SERIALS: [&str; 7] =
    ["none", "default string", "not specified", "to be filled by o.e.m.", "system serial number", "0", "unknown"];
/// Longest serial number that is believed, in characters.
const SERIAL_MAX: usize = 64;

/// The serial number on the machine's case, where the firmware tells one and this process may read it.
pub(crate) fn product_serial() -> Option<String> {
    serial(&std::fs::read_to_string("/sys/class/dmi/id/product_serial").ok()?)
}

fn serial(text: &str) -> Option<String> {
    let text = text.trim();
    let told = !text.is_empty() && !NO_SERIALS.contains(&text.to_lowercase().as_str());
    let shown = text.chars().all(|c| c.is_ascii_graphic() || c == ' ') && text.len() <= SERIAL_MAX;
    (told && shown).then(|| text.to_owned())
}

/// The hardware's own id, where the firmware tells one and this process may read it.
pub(crate) fn product_uuid() -> Option<String> {
    let text = std::fs::read_to_string("/sys/class/dmi/id/product_uuid").ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::serial;

    #[test]
    fn a_serial_number_is_believed_if_the_firmware_was_told_one() {
        assert_eq!(serial("CZ3\u{20}2140ABC\n").as_deref(), Some("CZ3 2140ABC"));
        let long = "7".repeat(65);
        for none in ["", " \n", "To Be Filled By O.E.M.\n", "Default string", "0", "a\u{7}b", long.as_str()] {
            assert_eq!(serial(none), None, "{none:?}");
        }
    }
}
