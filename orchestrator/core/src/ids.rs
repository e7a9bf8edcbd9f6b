//! Names and numbers of everything that events and plans speak of.
//!
//! Never: an id without a type of its own. Swapped ids of one type compile; swapped ids of two types do not.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Serialize};

/// Longest name in bytes: `uname -n` allows 64, identifiers in a cluster configuration are rarely longer.
pub const NAME_MAX: usize = 64;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was given.
    #[error("a name is empty, 1 to 64 characters are needed")]
    Empty,
    /// More than [`NAME_MAX`] bytes.
    #[error("name `{0}` is longer than 64 characters")]
    TooLong(String),
    /// A character outside `[A-Za-z0-9._:-]`, or a name that does not begin with a letter, digit or underscore.
    #[error(
        "name `{0}` is not allowed, letters, digits and `._:-` are, and it begins with a letter, digit or underscore"
    )]
    Character(String),
}

fn check_name(text: &str) -> Result<(), BadName> {
    let Some(first) = text.chars().next() else { return Err(BadName::Empty) };
    if text.len() > NAME_MAX {
        return Err(BadName::TooLong(text.to_owned()));
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    if !(first.is_ascii_alphanumeric() || first == '_') || !text.chars().all(inner) {
        return Err(BadName::Character(text.to_owned()));
    }
    Ok(())
}

/// A checked text that is ordered as its characters are, mostly without a look at them: maps keyed by names are read at
/// every step, and most names differ in their first eight bytes.
#[derive(Clone)]
struct Text {
    /// The first eight bytes as a big-endian number, zeros where the text ends: a name holds no zero byte, so that two
    /// heads differ as their texts do.
    head: u64,
    whole: Arc<str>,
}

impl Text {
    fn new(text: &str) -> Self {
        let head = text.bytes().chain(std::iter::repeat(0)).take(8).fold(0, |head, byte| head << 8 | u64::from(byte));
        Self { head, whole: text.into() }
    }

    fn is_all_in_its_head(&self) -> bool {
        self.whole.len() <= 8
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head).then_with(|| {
            let same =
                self.is_all_in_its_head() && other.is_all_in_its_head() || Arc::ptr_eq(&self.whole, &other.whole);
            if same { Ordering::Equal } else { self.whole.cmp(&other.whole) }
        })
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.whole.hash(state);
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Text);

        impl $name {
            /// Takes `text` as a name. Errors: [`BadName`] says which rule it breaks.
            pub fn new(text: &str) -> Result<Self, BadName> {
                check_name(text)?;
                Ok(Self(Text::new(text)))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0.whole
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                let at = d.position();
                Self::new(d.str()?).map_err(|e| minicbor::decode::Error::custom(e).at(at))
            }
        }
    };
}

name! {
    /// A machine, by the name that its people call it. It stays when the machine gets a new disk or a new boot.
    NodeId
}
name! {
    /// A primitive, group, clone or template of the configuration.
    ResourceId
}
name! {
    /// A location, colocation or order constraint of the configuration.
    ConstraintId
}
name! {
    /// A fence device of the configuration.
    DeviceId
}

macro_rules! id128 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
        #[serde(try_from = "String", into = "String")]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]);

        impl $name {
            /// The id made of these bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes of the id.
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The first four bytes: enough to tell apart the few ids that one node can have had.
            pub fn tag(&self) -> u32 {
                let [a, b, c, d, ..] = self.0;
                u32::from_be_bytes([a, b, c, d])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "{:08x}", self.tag())
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            /// Reads 32 hexadecimal digits; dashes, as in a kernel's boot id, are skipped.
            fn try_from(text: String) -> Result<Self, BadName> {
                parse_hex128(&text).map(Self).ok_or(BadName::Character(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

fn parse_hex128(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != '-').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

id128! {
    /// A cluster. Random, never derived from its name, so that two clusters called `prod` never mix.
    ClusterId
}
id128! {
    /// A log store. Random at its creation: a disk that was replaced or cloned has another one.
    StoreId
}
id128! {
    /// One boot of a machine's kernel. Orders, proofs and death are about a boot [H-6].
    BootId
}

/// One life of a daemon within a boot. It only orders daemon lives and proves nothing about the machine [H-6].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Generation(#[n(0)] pub u32);

/// Which life of which boot: what a result, a lease or a heartbeat belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
pub struct Incarnation {
    /// The kernel's boot.
    #[n(0)]
    pub boot: BootId,
    /// The daemon's life within it.
    #[n(1)]
    pub generation: Generation,
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{:08x}.{}", self.boot.tag(), self.generation.0)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default,
        )]
        #[serde(transparent)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub u64);

        impl $name {
            /// The number after this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number! {
    /// A member of the Raft group: one store on one machine. A machine whose store is lost returns under another
    /// number [S-18], and no number is given out twice.
    MemberId, "member "
}
number! {
    /// A position in the replicated log.
    LogIndex, ""
}
number! {
    /// A Raft term.
    Term, "term "
}
number! {
    /// An adopted plan; the first is 1 and each names the one before it.
    PlanId, "plan #"
}
number! {
    /// A fence order: the log index of its `FenceOrdered`, hence unique for ever.
    OrderId, "order "
}

/// One action of one plan. It names the cgroup in which the action runs, and never comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode)]
pub struct ActionId {
    /// The plan that ordered it first.
    #[n(0)]
    pub plan: PlanId,
    /// Its place in that plan.
    #[n(1)]
    pub step: u32,
}

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{}", self.plan.0, self.step)
    }
}

/// One of the redundant networks between the nodes, counted from 0 in the order of the configured addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct LinkId(#[n(0)] pub u8);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_letters_digits_and_four_marks() {
        for good in ["m1", "m1.mydomain.com", "fs_d0", "ip-www", "web:0", "_x", "9"] {
            assert_eq!(NodeId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".x", "-x", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(NodeId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_ordered_as_their_texts() {
        let texts = ["a", "B", "n1", "n10", "n2", "eight678", "eight678x", "eight678y", "eight67", "_", "n1:0", "n1-0"];
        for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
            let (left, right) = (NodeId::new(a).unwrap(), NodeId::new(b).unwrap());
            assert_eq!(left.cmp(&right), a.cmp(b), "{a} {b}");
            assert_eq!(left == right, a == b, "{a} {b}");
        }
    }

    #[test]
    fn a_kernel_boot_id_is_read_with_its_dashes() {
        let boot = BootId::try_from("b0a1f2e3-0000-4000-8000-00000000000f".to_owned()).unwrap();
        assert_eq!(boot.to_string(), "b0a1f2e3000040008000".to_owned() + "00000000000f");
        assert!(BootId::try_from("b0a1".to_owned()).is_err());
    }

    #[test]
    fn a_bad_name_on_the_wire_is_refused() {
        let bytes = minicbor::to_vec("a b").unwrap();
        assert!(minicbor::decode::<NodeId>(&bytes).is_err());
    }
}
