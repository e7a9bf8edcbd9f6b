//! The bytes of each stored record, and their checksum.
//!
//! redb does not verify its page checksums when it reads, so a flipped bit in a value would come back as data. Each
//! record carries a CRC32C over its table, its key and its payload: the key too, so that a whole record found under
//! the wrong key is refused as well.

use haven_core::wire::to_vec;
use minicbor::{Decode, Encode};
use redb::TableDefinition;

/// The first byte of every record. A later format gets another number; nothing is ever guessed.
const FORMAT: u8 = 1;
const HEADER: usize = 5;

/// Where a record is. The number is part of its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Log,
    Meta,
    Snapshot,
    Archive,
}

impl Table {
    pub(crate) const ALL: [Self; 4] = [Self::Log, Self::Meta, Self::Snapshot, Self::Archive];

    pub(crate) const fn definition(self) -> TableDefinition<'static, u64, &'static [u8]> {
        TableDefinition::new(self.name())
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Meta => "meta",
            Self::Snapshot => "snapshot",
            Self::Archive => "archive",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Log => 1,
            Self::Meta => 2,
            Self::Snapshot => 3,
            Self::Archive => 4,
        }
    }
}

/// Why a record is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// Its bytes are not those that were written.
    #[error("record {table}/{key} is damaged: its checksum is wrong")]
    Checksum {
        /// The table.
        table: &'static str,
        /// The key.
        key: u64,
    },
    /// A later haven wrote it.
    #[error("record {table}/{key} has format {found}, this build reads format {FORMAT}")]
    Format {
        /// The table.
        table: &'static str,
        /// The key.
        key: u64,
        /// The format that was found.
        found: u8,
    },
    /// Its checksum is right, yet it says nothing that this build understands.
    #[error("record {table}/{key} cannot be decoded: {cause}")]
    Decode {
        /// The table.
        table: &'static str,
        /// The key.
        key: u64,
        /// What the decoder says.
        cause: String,
    },
    /// It is not there although others say that it is.
    #[error("record {table}/{key} is missing")]
    Missing {
        /// The table.
        table: &'static str,
        /// The key.
        key: u64,
    },
}

impl BadRecord {
    pub(crate) fn missing(table: Table, key: u64) -> Self {
        Self::Missing { table: table.name(), key }
    }

    pub(crate) fn decode(table: Table, key: u64, cause: impl ToString) -> Self {
        Self::Decode { table: table.name(), key, cause: cause.to_string() }
    }
}

fn checksum(format: u8, table: Table, key: u64, payload: &[u8]) -> u32 {
    let place = crc32c::crc32c(&[format, table.number()]);
    crc32c::crc32c_append(crc32c::crc32c_append(place, &key.to_le_bytes()), payload)
}

/// `[format][crc32c, little endian][payload]`
pub(crate) fn seal(table: Table, key: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&checksum(FORMAT, table, key, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload of a sealed record, if it is the one that was stored under this table and key.
pub(crate) fn unseal(table: Table, key: u64, bytes: &[u8]) -> Result<&[u8], BadRecord> {
    let damaged = BadRecord::Checksum { table: table.name(), key };
    let Some(([format, sum @ ..], payload)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(damaged);
    };
    // The checksum covers the format byte, so a flip in it is damage and not "a newer format".
    if *sum != checksum(*format, table, key, payload).to_le_bytes() {
        return Err(damaged);
    }
    if *format != FORMAT {
        return Err(BadRecord::Format { table: table.name(), key, found: *format });
    }
    Ok(payload)
}

pub(crate) fn encode<T: Encode<()>>(table: Table, key: u64, value: &T) -> Vec<u8> {
    seal(table, key, &to_vec(value))
}

pub(crate) fn decode<'b, T: Decode<'b, ()>>(table: Table, key: u64, bytes: &'b [u8]) -> Result<T, BadRecord> {
    minicbor::decode(unseal(table, key, bytes)?).map_err(|cause| BadRecord::decode(table, key, cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_under_another_key_or_in_another_table_is_refused() {
        let bytes = seal(Table::Log, 5, b"payload");
        assert_eq!(unseal(Table::Log, 5, &bytes).unwrap(), b"payload");
        assert!(matches!(unseal(Table::Log, 6, &bytes), Err(BadRecord::Checksum { .. })));
        assert!(matches!(unseal(Table::Archive, 5, &bytes), Err(BadRecord::Checksum { .. })));
    }

    #[test]
    fn every_single_bit_flip_is_refused_as_damage() {
        let bytes = seal(Table::Log, 5, b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(unseal(Table::Log, 5, &damaged), Err(BadRecord::Checksum { .. })), "bit {bit}");
        }
    }

    #[test]
    fn a_record_of_a_later_format_is_told_from_damage() {
        let mut bytes = vec![2];
        bytes.extend_from_slice(&checksum(2, Table::Log, 5, b"payload").to_le_bytes());
        bytes.extend_from_slice(b"payload");
        assert!(matches!(unseal(Table::Log, 5, &bytes), Err(BadRecord::Format { found: 2, .. })));
    }
}
