//! The identity card: who this node is in which cluster. Written when it founds or joins, and when it rejoins.
//!
//! Never: anything that the log decides. Peers and timings are only where to begin; the state says what is in force.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use haven_core::event::{Endpoint, KeyDigest, MemberKind};
use haven_core::ids::{ClusterId, MemberId, NodeId, StoreId};
use haven_core::product::same_product;
use haven_core::spec::Timing;
use haven_env::Peer;
use serde::{Deserialize, Serialize};

use super::{FolderError, write_private};

/// The layout of the card that this build writes, and the only one that it reads.
const FORMAT: u32 = 1;
/// What the file begins with.
const HEAD: &str = "# Who this node is in which cluster. Written by haven; `haven reset` removes it.\n";

/// Who this node is in which cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Card {
    pub(crate) format: u32,
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name, for people.
    pub cluster_name: String,
    /// This node.
    pub node: NodeId,
    /// Its number in the Raft group.
    pub member: MemberId,
    /// The store that joined under that number.
    pub store: StoreId,
    /// What it is for.
    pub kind: MemberKind,
    /// Whether the next start founds the cluster.
    pub begins: Begins,
    /// The hardware's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_uuid: Option<String>,
    /// The timings to begin with: those that were in force when this daemon looked last.
    pub timing: Timing,
    /// How this machine is used.
    #[serde(default)]
    pub machine: MachineOptions,
    /// Its addresses, link 0 first; never empty.
    #[serde(rename = "link")]
    pub links: Vec<CardLink>,
    /// The members to begin with, by name.
    #[serde(default, rename = "peer", skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<CardPeer>,
}

/// What a start begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// It founds the cluster.
    Cluster,
    /// The cluster is there.
    Member,
}

/// One address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CardLink {
    /// Where the daemon listens.
    pub listen: SocketAddr,
    /// How the others reach it.
    pub advertise: SocketAddr,
}

/// One other member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CardPeer {
    /// Its name.
    pub node: NodeId,
    /// Its addresses, link 0 first.
    pub addresses: Vec<Endpoint>,
    /// Its public key, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyDigest>,
}

impl From<&Peer> for CardPeer {
    fn from(peer: &Peer) -> Self {
        Self { node: peer.node.clone(), addresses: peer.endpoints.clone(), key: peer.key }
    }
}

impl From<&CardPeer> for Peer {
    fn from(peer: &CardPeer) -> Self {
        Self { node: peer.node.clone(), endpoints: peer.addresses.clone(), key: peer.key }
    }
}

/// How this machine is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct MachineOptions {
    /// The watchdog's device; empty for none.
    pub watchdog: String,
    /// Whether an operator vouches for the watchdog, at the risk of data.
    pub trust_watchdog: Trusting,
    /// What happens when this boot is proven dead, and lives.
    pub on_death: OnDeath,
}

impl Default for MachineOptions {
    fn default() -> Self {
        Self {
            watchdog: "/dev/watchdog0".to_owned(),
            trust_watchdog: Trusting::KnownHardware,
            on_death: OnDeath::ResetMachine,
        }
    }
}

/// Which watchdogs count as proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trusting {
    /// Hardware that is known to count.
    KnownHardware,
    /// Whatever is there.
    ByName,
}

/// What happens when this boot is proven dead, and lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDeath {
    /// The machine is reset.
    ResetMachine,
    /// The daemon and all that it started is killed: for demos and nodes in namespaces.
    KillNode,
}

impl Card {
    /// A card of the present layout.
    pub fn new(
        (cluster, cluster_name): (ClusterId, String),
        (node, member, store): (NodeId, MemberId, StoreId),
        kind: MemberKind,
        links: Vec<CardLink>,
        timing: Timing,
    ) -> Self {
        Self {
            format: FORMAT,
            cluster,
            cluster_name,
            node,
            member,
            store,
            kind,
            begins: Begins::Member,
            product_uuid: None,
            timing,
            machine: MachineOptions::default(),
            links,
            peers: Vec::new(),
        }
    }

    /// The product uuid of the machine that this card was written on, if that is known and `found` is another.
    pub fn other_machine(&self, found: &str) -> Option<&str> {
        self.product_uuid.as_deref().filter(|was| !same_product(was, found))
    }

    /// The card in the file `path`. Errors: not there, or not a card; the text says line and column.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|what| FolderError::BadCard { path: path.to_owned(), what }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err(FolderError::NoCard(path.to_owned())),
            Err(cause) => Err(FolderError::system("read", path)(cause)),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let card: Self = toml::from_str(text).map_err(|error| {
            let (line, column) = place(text, error.span().map_or(0, |span| span.start));
            format!("line {line}, column {column}: {}", error.message())
        })?;
        if card.format != FORMAT {
            return Err(format!("it is of format {}, this haven reads format {FORMAT}", card.format));
        }
        if card.links.is_empty() {
            return Err("it has no link, one is needed".to_owned());
        }
        card.timing.check().map_err(|fault| fault.to_string())?;
        Ok(card)
    }

    /// Writes the card, durably and at once.
    pub fn write(&self, path: &Path) -> Result<(), FolderError> {
        let text = toml::to_string(self).map_err(io::Error::other).map_err(FolderError::system("write", path))?;
        write_private(path, format!("{HEAD}{text}").as_bytes()).map_err(FolderError::system("write", path))
    }

    /// How the others reach this node, link 0 first.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.links.iter().map(CardLink::endpoint).collect()
    }
}

impl CardLink {
    /// How the others reach this node on this link.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint(self.advertise.to_string())
    }
}

/// Line and column, both from 1, of the byte at `offset`.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use haven_core::spec::Profile;

    use super::*;

    fn card() -> Card {
        let address: SocketAddr = "10.0.0.1:7741".parse().unwrap();
        let mut card = Card::new(
            (ClusterId::from_bytes([1; 16]), "prod".to_owned()),
            (NodeId::new("m1").unwrap(), MemberId(1), StoreId::from_bytes([2; 16])),
            MemberKind::Full,
            vec![CardLink { listen: address, advertise: address }],
            Timing::of(Profile::Lan),
        );
        let addresses = vec![Endpoint("10.0.0.2:7741".to_owned())];
        card.peers = vec![CardPeer { node: NodeId::new("m2").unwrap(), addresses, key: None }];
        card
    }

    #[test]
    fn what_is_written_is_what_is_read_and_only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        fs::write(path.with_extension("new"), "left by a crash").unwrap();
        card().write(&path).unwrap();
        assert_eq!(Card::read(&path).unwrap(), card());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_card_that_is_not_there_is_told_with_the_way_out() {
        let error = Card::read(Path::new("/nonexistent/node.toml")).unwrap_err();
        assert_eq!(error.code(), "HV-DAEMON-01");
        assert!(error.remedy().contains("haven init"));
    }

    #[test]
    fn a_card_of_another_machine_is_told_from_this_ones() {
        let mut card = card();
        assert_eq!(card.other_machine("b"), None, "unknown is not another");
        card.product_uuid = Some("a".to_owned());
        assert_eq!((card.other_machine("A"), card.other_machine("b")), (None, Some("a")));
    }

    fn fault(change: impl FnOnce(String) -> String) -> String {
        Card::parse(&change(toml::to_string(&card()).unwrap())).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        let unknown = fault(|text| text.replace("kind = ", "colour = 1\nkind = "));
        assert!(unknown.starts_with("line 7, column 1: unknown field `colour`"), "{unknown}");
        let odd = fault(|text| text.replace("\"full\"", "\"half\""));
        assert!(odd.starts_with("line 7, column 8: unknown variant `half`"), "{odd}");
        let newer = fault(|text| text.replace("format = 1", "format = 2"));
        assert_eq!(newer, "it is of format 2, this haven reads format 1");
        let timing = fault(|text| text.replace("dead_after = 1500", "dead_after = 100"));
        assert_eq!(timing, "dead-after is 100ms, 300ms to 5min is allowed");
    }
}
