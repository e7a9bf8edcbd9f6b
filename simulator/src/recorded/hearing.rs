//! Who did not hear whom: cuts of paths and of single links.

use std::collections::BTreeMap;

use haven_core::event::{Event, LinkVerdict};
use haven_core::export::Header;
use haven_core::ids::{LinkId, NodeId};
use haven_core::units::Millis;

use super::power::Trouble;

/// One direction that carried nothing: from the subject to its observer, on one link or on all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) observer: NodeId,
    pub(super) subject: NodeId,
    pub(super) link: Option<LinkId>,
    pub(super) from: Millis,
    pub(super) to: Option<Millis>,
}

type Path = (NodeId, NodeId, Option<LinkId>);

/// Silences, as they are heard of.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    open: BTreeMap<Path, Millis>,
    closed: Vec<Silence>,
}

impl Hearing {
    pub(super) fn before(header: &Header) -> Self {
        let pairs = header.before.silent.iter().map(|(observer, subject)| (observer, subject, None));
        let links = header.before.links_down.iter().map(|(observer, subject, link)| (observer, subject, Some(*link)));
        let open = pairs.chain(links).map(|(a, b, link)| ((a.clone(), b.clone(), link), Millis::ZERO));
        Self { open: open.collect(), closed: Vec::new() }
    }

    /// Since when anybody hears nothing of `node`.
    pub(super) fn silent_since(&self, node: &NodeId) -> Option<Millis> {
        let of_it = self.open.iter().filter(|((_, subject, link), _)| subject == node && link.is_none());
        of_it.map(|(_, from)| *from).min()
    }

    /// Takes an event over that comes at `at`. The silence itself is told only after `dead_after` of it.
    pub(super) fn hear(&mut self, event: &Event, at: Millis, dead_after: Millis) {
        if let Event::PeerSilent { observer, subject, silence } = event {
            self.open.entry((observer.clone(), subject.clone(), None)).or_insert(at.minus(*silence));
        } else if let Event::PeerHeard { observer, subject } = event {
            self.close((observer.clone(), subject.clone(), None), at);
        } else if let Event::LinkChanged { observer, subject, link, verdict } = event {
            let path = (observer.clone(), subject.clone(), Some(*link));
            match verdict {
                LinkVerdict::Down => drop(self.open.entry(path).or_insert(at.minus(dead_after))),
                LinkVerdict::Up => self.close(path, at),
            }
        } else if let Event::NodeBooted { node, .. } = event {
            // Of a boot that is over nobody is told that it is heard again.
            let paths: Vec<Path> = self.open.keys().filter(|(_, subject, _)| subject == node).cloned().collect();
            paths.into_iter().for_each(|path| self.close(path, at));
        }
    }

    fn close(&mut self, path: Path, at: Millis) {
        if let Some(from) = self.open.remove(&path) {
            let (observer, subject, link) = path;
            self.closed.push(Silence { observer, subject, link, from, to: Some(at) });
        }
    }

    /// Every silence that no trouble of a machine explains. `slack` is how far apart the two may be told to begin.
    pub(super) fn unexplained(self, troubles: &[Trouble], slack: Millis) -> Vec<Silence> {
        let open = self.open.into_iter().map(|((observer, subject, link), from)| Silence {
            observer,
            subject,
            link,
            from,
            to: None,
        });
        let mut silences: Vec<Silence> = self.closed.into_iter().chain(open).collect();
        let explains = |trouble: &Trouble, silence: &Silence| {
            let is_of_it = trouble.node == silence.subject || trouble.node == silence.observer;
            let ends = trouble.to.is_none_or(|to| silence.from <= to + slack);
            is_of_it && trouble.from.minus(slack) <= silence.from && ends
        };
        silences.retain(|silence| !troubles.iter().any(|trouble| explains(trouble, silence)));
        silences.sort_by_key(|silence| silence.from);
        silences
    }
}
