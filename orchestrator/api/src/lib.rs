//! HTTP and JSON over a node, and everything that its screens say.
//!
//! For: one description of the cluster for people and programs. [`backend`] is what a node must offer, [`view`] makes
//! models of it as pure functions, [`screen`] lays them out as text, [`server`] serves them on a unix socket and
//! [`client`] asks for them.
//! Never: a decision about the cluster (that is `haven-core`), a network socket, a type of the running node.

pub mod backend;
pub mod client;
pub mod error;
pub mod model;

pub mod screen;
pub mod server;
pub mod view;

pub use backend::{Backend, BoxFuture, Look, Past, PastEntry};
pub use client::{Client, ClientError, Follow, LogAsk};
pub use error::{ApiError, Refused};
