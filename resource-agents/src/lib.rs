//! Resource agents and fence devices over Host.
