//! QUIC transport, certificates and join tokens.
