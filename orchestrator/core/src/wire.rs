//! CBOR into memory.

use minicbor::Encode;

/// Encodes into memory, which cannot fail: the writer's error is uninhabited, and no type of haven refuses to be
/// encoded.
pub fn to_vec<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).unwrap_or_default()
}
