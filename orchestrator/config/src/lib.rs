//! Configurations of other systems and of haven, from text and to text.
//!
//! For: one place that reads what operators write, tells them what is wrong with it by line and column, and prints
//! what the cluster holds. [`show()`] prints the native text.
//! Never: a file, a clock, a question to a node. Text and facts come in as arguments; text comes out.

mod show;

pub use show::{Change, DiffLine, diff, show};
