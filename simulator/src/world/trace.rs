//! What happened, as one number and, if wanted, as text.
//!
//! For: telling whether two runs of one seed were the same (the number), and reading what a run did (the text).
//! Never: text that is made and thrown away. With [`TraceMode::Off`] an event costs its hash.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Mutex;

use haven_core::ids::{BootId, NodeId};

use crate::exec::{Machine, TrueTime, lock, now};

/// Lines that are collected; a minute of a small cluster makes some ten thousand.
const LINES_MAX: usize = 2_000_000;

/// What becomes of the text of the trace.
#[derive(Default)]
pub enum TraceMode {
    /// There is none.
    #[default]
    Off,
    /// It is kept for [`super::World::trace_lines`].
    Collect,
    /// Each line is handed over as it comes.
    Each(Box<dyn FnMut(&str) + Send>),
}

impl fmt::Debug for TraceMode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::Collect => "Collect",
            Self::Each(_) => "Each",
        })
    }
}

/// What a line of the trace is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// A message of the network.
    Message,
    /// A machine's power, kernel and boot.
    Machine,
    /// A daemon's life.
    Daemon,
    /// A program that an agent or a fence device's agent runs.
    Program,
    /// A resource, in truth.
    Resource,
    /// A second copy of an exclusive resource.
    Overlap,
    /// A fence device.
    Device,
    /// A fault.
    Fault,
    /// A line of a node's own.
    Note,
}

/// One line of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Virtual nanoseconds.
    pub at: TrueTime,
    /// What it is about.
    pub kind: TraceKind,
    /// The machine on which it happened, if it is one.
    pub node: Option<NodeId>,
    /// What happened; begins with the name of the machine.
    pub text: String,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let micros = self.at / 1000;
        write!(f, "{:5}.{:06} {}", micros / 1_000_000, micros % 1_000_000, self.text)
    }
}

/// One event of the world. Everything in it is hashed.
#[derive(Clone, Copy, Hash)]
pub(super) enum What<'a> {
    Sent { parcel: u64, kind: &'static str, from: Machine, to: Machine, link: u8, len: usize, digest: u64 },
    Delivered { parcel: u64, to: Machine },
    Lost { parcel: u64, why: &'static str },
    Machine { machine: Machine, what: &'static str },
    Booted { machine: Machine, boot: BootId },
    Daemon { machine: Machine, life: u64, what: &'static str },
    Began { machine: Machine, pid: u64, path: &'a str, args: &'a [String], group: &'a str },
    Ended { machine: Machine, pid: u64, how: &'static str, code: i32 },
    Resource { machine: Machine, resource: &'a str, copy: u64, what: &'static str },
    Overlap { resource: &'a str, first: Machine, second: Machine },
    Device { device: &'a str, outlet: &'a str, from: Machine, order: &'static str, result: &'static str },
    Fault { text: &'a str },
    Note { machine: Machine, text: &'a str },
}

impl What<'_> {
    /// What it is about, and on which machine.
    fn about(self) -> (TraceKind, Option<Machine>) {
        match self {
            What::Sent { .. } | What::Delivered { .. } | What::Lost { .. } => (TraceKind::Message, None),
            What::Machine { machine, .. } | What::Booted { machine, .. } => (TraceKind::Machine, Some(machine)),
            What::Daemon { machine, .. } => (TraceKind::Daemon, Some(machine)),
            What::Began { machine, .. } | What::Ended { machine, .. } => (TraceKind::Program, Some(machine)),
            What::Resource { machine, .. } => (TraceKind::Resource, Some(machine)),
            What::Overlap { .. } => (TraceKind::Overlap, None),
            What::Device { .. } => (TraceKind::Device, None),
            What::Fault { .. } => (TraceKind::Fault, None),
            What::Note { machine, .. } => (TraceKind::Note, Some(machine)),
        }
    }
}

/// Names for the numbers of machines, while a line is written.
struct Line<'a>(What<'a>, &'a [NodeId]);

impl Line<'_> {
    fn name(&self, machine: Machine) -> &str {
        self.1.get(usize::from(machine).wrapping_sub(1)).map_or("?", NodeId::as_str)
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            What::Sent { parcel, kind, from, to, link, len, .. } => {
                let (from, to) = (self.name(from), self.name(to));
                write!(f, "{from} > {to} link {link} {kind} #{parcel}, {len} bytes")
            }
            What::Delivered { parcel, to } => write!(f, "{} has #{parcel}", self.name(to)),
            What::Lost { parcel, why } => write!(f, "#{parcel} is lost: {why}"),
            What::Machine { machine, what } => write!(f, "{} {what}", self.name(machine)),
            What::Booted { machine, boot } => write!(f, "{} is up, boot {boot:?}", self.name(machine)),
            What::Daemon { machine, life, what } => write!(f, "{} daemon {life} {what}", self.name(machine)),
            What::Began { machine, pid, path, args, group } => {
                let (name, args) = (self.name(machine), args.join(" "));
                write!(f, "{name} [{pid}] {path} {args}")?;
                if group.is_empty() { Ok(()) } else { write!(f, " in {group}") }
            }
            What::Ended { machine, pid, how, code } => write!(f, "{} [{pid}] {how} {code}", self.name(machine)),
            What::Resource { machine, resource, copy, what } => {
                write!(f, "{} {resource} {what}, copy {copy}", self.name(machine))
            }
            What::Overlap { resource, first, second } => {
                write!(f, "TWO OWNERS of {resource}: {} and {}", self.name(first), self.name(second))
            }
            What::Device { device, outlet, from, order, result } => {
                let from = self.name(from);
                write!(f, "{device} {order}{}{outlet} for {from}: {result}", if outlet.is_empty() { "" } else { " " })
            }
            What::Fault { text } => write!(f, "FAULT {text}"),
            What::Note { machine, text } => write!(f, "{} {text}", self.name(machine)),
        }
    }
}

/// The trace of one run.
pub(super) struct Trace(Mutex<Inner>);

struct Inner {
    names: Vec<NodeId>,
    hash: Mixer,
    events: u64,
    mode: TraceMode,
    lines: Vec<Traced>,
}

impl Trace {
    pub(super) fn new(names: Vec<NodeId>, mode: TraceMode) -> Self {
        Self(Mutex::new(Inner { names, hash: Mixer::default(), events: 0, mode, lines: Vec::new() }))
    }

    pub(super) fn add(&self, what: What) {
        let mut inner = lock(&self.0);
        let at = now();
        at.hash(&mut inner.hash);
        what.hash(&mut inner.hash);
        inner.events += 1;
        let Inner { names, mode, lines, .. } = &mut *inner;
        match mode {
            TraceMode::Off => {}
            TraceMode::Collect if lines.len() >= LINES_MAX => {}
            TraceMode::Collect => lines.push(stamped(at, what, names)),
            TraceMode::Each(take) => take(&stamped(at, what, names).to_string()),
        }
    }

    pub(super) fn hash(&self) -> u64 {
        lock(&self.0).hash.finish()
    }

    pub(super) fn events(&self) -> u64 {
        lock(&self.0).events
    }

    pub(super) fn lines(&self) -> Vec<Traced> {
        lock(&self.0).lines.clone()
    }
}

fn stamped(at: TrueTime, what: What, names: &[NodeId]) -> Traced {
    let (kind, machine) = what.about();
    let node = machine.and_then(|machine| names.get(usize::from(machine).checked_sub(1)?)).cloned();
    Traced { at, kind, node, text: Line(what, names).to_string() }
}

/// A fast hash of little strength that is the same on every run; the standard one is not promised to be.
#[derive(Default, Clone)]
struct Mixer(u64);

impl Mixer {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(chunks.remainder()) {
            *to = *from;
        }
        self.mix(u64::from_le_bytes(last) ^ (u64::try_from(bytes.len()).unwrap_or(0) << 56));
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn finish(&self) -> u64 {
        let mut end = self.clone();
        end.mix(0x5851_f42d_4c95_7f2d);
        end.0
    }
}

/// A number for some bytes.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut mixer = Mixer::default();
    mixer.write(bytes);
    mixer.finish()
}
