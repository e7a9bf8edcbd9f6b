//! Long stretches in which nothing happens are made short: nobody waits for a quiet week to pass again.

use haven_core::units::Millis;

/// What is left of a stretch in which nothing is wrong and nobody orders anything.
const LEFT: Millis = Millis::secs(120);
/// How long after a fault or an order things are taken to be under way.
const AFTER: Millis = Millis::secs(60);

/// Where time was taken out: until which moment, how much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calm {
    taken: Vec<(Millis, Millis)>,
}

impl Calm {
    /// What is left when nothing happens outside `busy`, spans from and until; what has no end goes on for ever.
    pub(super) fn of(mut busy: Vec<(Millis, Option<Millis>)>) -> Self {
        busy.sort();
        let (mut calm, mut until) = (Self::default(), None::<Millis>);
        for (from, to) in busy {
            if let Some(end) = until
                && from.minus(end) > LEFT
            {
                calm.taken.push((from, from.minus(end).minus(LEFT)));
            }
            let Some(to) = to else { break };
            until = Some(until.unwrap_or(Millis::ZERO).max(to + AFTER));
        }
        calm
    }

    /// The moment without what was taken out before it.
    pub(super) fn moment(&self, at: Millis) -> Millis {
        self.taken.iter().filter(|(until, _)| *until <= at).fold(at, |left, (_, span)| left.minus(*span))
    }

    /// How much was taken out.
    pub(super) fn total(&self) -> Millis {
        self.taken.iter().fold(Millis::ZERO, |sum, (_, span)| sum + *span)
    }
}
