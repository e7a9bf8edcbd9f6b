//! Parts of events about members.

use std::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{BadName, MemberId, NodeId, StoreId};
use crate::units::Millis;

/// What a member is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum MemberKind {
    /// It runs resources and may vote.
    #[n(0)]
    Full,
    /// It votes and runs nothing.
    #[n(1)]
    Witness,
}

/// Where a member is reached on one link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Endpoint(#[n(0)] pub String);

/// A type for a SHA-256, shown as 64 hexadecimal digits.
macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
        #[serde(try_from = "String", into = "String")]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

        impl $name {
            /// The digest with these bytes.
            pub fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> Self {
                digest.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            /// Reads 64 hexadecimal digits.
            fn try_from(text: String) -> Result<Self, BadName> {
                Ok(Self(digest_bytes(text)?))
            }
        }
    };
}

fn digest_bytes(text: String) -> Result<[u8; 32], BadName> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pairs = digits.filter(|digits| digits.len() == 64);
    let mut bytes = [0; 32];
    let Some(pairs) = pairs else { return Err(BadName::Character(text)) };
    for (byte, pair) in bytes.iter_mut().zip(pairs.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |sum, digit| sum * 16 + u8::try_from(*digit).unwrap_or(0));
    }
    Ok(bytes)
}

digest! {
    /// SHA-256 of a public key in the form SubjectPublicKeyInfo: what a member is known by, whoever signs its certificate.
    KeyDigest
}

digest! {
    /// SHA-256 of the certificate of a cluster's authority: what join tokens pin.
    Fingerprint
}

/// A machine that became a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Joined {
    /// The machine.
    #[n(0)]
    pub node: NodeId,
    /// Its number in the Raft group; never given out before.
    #[n(1)]
    pub member: MemberId,
    /// The store that stands behind that number.
    #[n(2)]
    pub store: StoreId,
    /// What it is for.
    #[n(3)]
    pub kind: MemberKind,
    /// Its addresses, link 0 first; not empty.
    #[n(4)]
    pub endpoints: Vec<Endpoint>,
    /// The hardware's own id, to tell whether a BMC is wired to this machine.
    #[n(5)]
    pub product_uuid: Option<String>,
    /// The member number of the same machine's lost store, which this one replaces.
    #[n(6)]
    pub replaces: Option<MemberId>,
    /// The digest of the join token's secret, in hexadecimal, which this joining spends; `None` for the founder and
    /// for a member that rejoins by its certificate.
    #[n(7)]
    pub token: Option<String>,
    /// Its public key, by which it is known from here on; `None` if it is known by its certificate's name alone.
    #[n(8)]
    pub key: Option<KeyDigest>,
    /// The serial number on its case, for the person who goes there; `None` if the firmware tells none.
    #[n(9)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
}

/// What one voter says of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct Testimony {
    /// The voter.
    #[n(0)]
    pub voter: NodeId,
    /// How long it has heard nothing.
    #[n(1)]
    pub silence: Millis,
}

/// Why a node is isolated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum IsolationCause {
    /// The leader and it do not hear each other, others do, and no voter could lead better.
    #[n(0)]
    Unreachable,
    /// Its applied index stayed behind for the length of the hold lease [H-17].
    #[n(1)]
    Lagging,
}

/// What a pause is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum PausePurpose {
    /// The daemon restarts.
    #[n(0)]
    Restart,
    /// The daemon is upgraded.
    #[n(1)]
    Upgrade,
}

/// What a node read back from its watchdog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct WatchdogReport {
    /// The driver's name for itself.
    #[n(0)]
    pub identity: String,
    /// The timeout in force.
    #[n(1)]
    pub timeout: Millis,
    /// Whether the driver goes on when the device is closed without the magic character.
    #[n(2)]
    pub magic_close: bool,
    /// Why its reset counts as proof, or why not.
    #[n(3)]
    pub counted: Counted,
}

/// Whether a watchdog counts as proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// It is hardware that runs while the node's clock does not.
    #[n(0)]
    Hardware,
    /// An operator vouches for it, at the risk of data.
    #[n(1)]
    TrustedByName,
    /// It does not count; the text says why.
    #[n(2)]
    No(#[n(0)] String),
}

/// Whether a node runs resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum Standby {
    /// It runs none.
    #[n(0)]
    On,
    /// It does.
    #[n(1)]
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of [`Joined`] before members had keys.
    #[derive(Encode)]
    struct Keyless {
        #[n(0)]
        node: NodeId,
        #[n(1)]
        member: MemberId,
        #[n(2)]
        store: StoreId,
        #[n(3)]
        kind: MemberKind,
        #[n(4)]
        endpoints: Vec<Endpoint>,
    }

    #[test]
    fn a_joining_without_a_key_is_still_read() {
        let node = NodeId::new("m1").unwrap();
        let endpoints = vec![Endpoint("10.0.0.1:7741".to_owned())];
        let store = StoreId::from_bytes([7; 16]);
        let old = Keyless { node: node.clone(), member: MemberId(1), store, kind: MemberKind::Full, endpoints };
        let joined: Joined = minicbor::decode(&minicbor::to_vec(&old).unwrap()).unwrap();
        assert_eq!((joined.node, joined.key), (node, None));
    }

    #[test]
    fn a_key_digest_is_read_as_it_is_written() {
        let digest = KeyDigest::from_bytes(std::array::from_fn(|n| u8::try_from(n * 7).unwrap()));
        assert_eq!(KeyDigest::try_from(digest.to_string()), Ok(digest));
        for bad in ["", "00", &"g".repeat(64), &"0".repeat(65)] {
            assert!(KeyDigest::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
