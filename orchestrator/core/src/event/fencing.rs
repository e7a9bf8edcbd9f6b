//! Parts of events about fencing.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::ids::{BootId, DeviceId, LogIndex, NodeId, OrderId};
use crate::units::Millis;

/// How it is known that a boot is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum Proof {
    /// Every device of one fence level read Off, twice, in new sessions.
    #[n(0)]
    PoweredOff {
        /// The order that this answers; reads without an order are proof, too.
        #[n(0)]
        order: Option<OrderId>,
        /// The entry, `NodeLost` or `NodeIsolated`, that the reader had applied before the first read began.
        #[n(1)]
        since: LogIndex,
        /// The reads.
        #[n(2)]
        reads: Vec<PowerRead>,
        /// Who read.
        #[n(3)]
        reader: NodeId,
    },
    /// The same store came back under another boot.
    #[n(1)]
    Rebooted {
        /// The boot that came.
        #[n(0)]
        by: BootId,
    },
    /// Its hold lease and watchdog have certainly ended it.
    #[n(2)]
    SelfFenced {
        /// How long the leader has neither acknowledged nor led before.
        #[n(0)]
        waited: Millis,
    },
    /// Its storage was taken away by a reservation.
    #[n(3)]
    StorageTaken {
        /// The device.
        #[n(0)]
        device: DeviceId,
    },
    /// A person looked.
    #[n(4)]
    PersonsWord {
        /// Who.
        #[n(0)]
        by: String,
        /// The order that the person answered.
        #[n(1)]
        order: OrderId,
    },
}

impl Proof {
    /// How a person would say it.
    pub fn words(&self) -> String {
        match self {
            Self::PoweredOff { reads, .. } => {
                let devices: Vec<&str> = reads.iter().map(|read| read.device.as_str()).collect();
                format!("{} read Off twice", devices.join(" and "))
            }
            Self::Rebooted { .. } => "it came back under another boot".to_owned(),
            Self::SelfFenced { waited } => format!("its lease and watchdog ended it ({waited} waited)"),
            Self::StorageTaken { device } => format!("its storage was taken by {device}"),
            Self::PersonsWord { by, .. } => format!("confirmed by {by}"),
        }
    }
}

/// Two reads of one device (or of all outlets of a node on it) that both said Off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct PowerRead {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// Time between the beginnings of the two reads.
    #[n(1)]
    pub apart: Millis,
}

/// What a device says of a node's power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "lowercase")]
#[cbor(index_only)]
pub enum PowerState {
    /// On, or anything that is not certainly off.
    #[n(0)]
    On,
    /// Off.
    #[n(1)]
    Off,
}

/// Why an order was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
#[cbor(index_only)]
pub enum Withdrawal {
    /// The last look before sending heard the node.
    #[n(0)]
    HeardAgain,
    /// The latest send time passed before anything was sent.
    #[n(1)]
    TooLate,
    /// The boot was proven dead another way before anything was sent.
    #[n(2)]
    NotNeeded,
}

/// The result of `fence test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
pub struct DeviceTest {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// The node whose power was read.
    #[n(1)]
    pub node: NodeId,
    /// Who tested.
    #[n(2)]
    pub by: NodeId,
    /// What came out.
    #[n(3)]
    pub result: TestResult,
    /// From the order to the first Off, in a cycle test.
    #[n(4)]
    pub off_time: Option<Millis>,
    /// How long the device went on saying On after the machine was off, or Off before it was, in a cycle test.
    #[n(5)]
    pub staleness: Option<Millis>,
    /// A checksum of the device as it was tested ([`crate::spec::Spec::device_definition`]); of a device that is
    /// configured otherwise by now the test says nothing.
    #[n(6)]
    pub definition: Option<u32>,
}

/// What a test of a device came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode)]
#[serde(rename_all = "snake_case")]
pub enum TestResult {
    /// Reached, logged in, and the power state was read.
    #[n(0)]
    Passed(#[n(0)] PowerState),
    /// Not so; the text says what failed.
    #[n(1)]
    Failed(#[n(0)] String),
}
