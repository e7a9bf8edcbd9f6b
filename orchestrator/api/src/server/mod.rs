//! The API on a unix socket.
//!
//! For: answering people and programs on this machine, each under the user's own name.
//! Never: a network socket, an answer to somebody whom the kernel does not vouch for, an unbounded body, queue or
//! wait.

mod access;
mod answer;
mod connections;
mod follow;
mod gather;
mod openapi;
mod routes;
mod routes_act;
mod routes_export;
mod routes_view;
mod socket;
#[cfg(test)]
mod tests;

pub use access::{Access, Caller};
pub use connections::serve;
pub use openapi::openapi_json;
pub use socket::{BindError, bind};
