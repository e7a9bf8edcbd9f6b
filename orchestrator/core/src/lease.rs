//! The two leases of a node, made from the leader's acknowledgements on this node's clock alone.
//!
//! *Act lease*: without it nothing is started, promoted or adopted; any acknowledgement renews it. *Hold lease*:
//! without it exclusive resources are stopped; once it has lapsed, only a committed readmission brings it back [S-4].
//! Both run from the sending of the acknowledged heartbeat, so no other machine's clock is inside them [S-1, H-1].

use crate::detector::Detector;
use crate::heartbeat::Ack;
use crate::ids::LogIndex;
use crate::plant::{self, Plant};
use crate::units::{Millis, Monotonic};

/// The end of a hold lease is remembered so many times in its length.
const REMEMBERED_STEPS: u64 = 20;

/// What an earlier daemon life of this boot has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherited {
    /// This is the first life of the boot: nothing runs that haven started.
    FirstLife,
    /// Its hold lease was good until then.
    Until(Monotonic),
    /// There was an earlier life, and nobody knows what its hold lease was.
    Unknown,
}

/// Where the hold lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// This life never had one.
    Never,
    /// Valid until then.
    Until(Monotonic),
    /// It ended; the node waits for a readmission.
    Lapsed,
}

/// The leases of one daemon life.
#[derive(Debug, Clone)]
pub struct Leases {
    act_until: Option<Monotonic>,
    /// The highest commit index that came with an acknowledgement.
    commit: LogIndex,
    /// The commit index that came with the acknowledgement by which the act lease began that has been valid since.
    began: LogIndex,
    hold: Hold,
    /// The latest end that an acknowledgement gave this life.
    granted: Option<Monotonic>,
    /// The end of a pause of this life.
    extended: Option<Monotonic>,
    /// The end that a later life of this boot would find.
    remembered: Option<Monotonic>,
    lapses: u32,
    /// The lapses that the last readmission covers.
    covered: u32,
}

/// Something about a lease that the node must act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The hold lease has ended: exclusive resources are to be stopped.
    HoldLapsed,
    /// The hold lease is good until then.
    HoldRenewed(Monotonic),
}

impl Leases {
    /// The leases of a new life: no act lease, and the hold lease that was inherited. One whose end is unknown is
    /// taken for ended at once.
    pub fn new(inherited: Inherited) -> Self {
        let (hold, remembered) = match inherited {
            Inherited::FirstLife => (Hold::Never, None),
            Inherited::Until(until) => (Hold::Until(until), Some(until)),
            Inherited::Unknown => (Hold::Until(Monotonic::default()), None),
        };
        Self {
            act_until: None,
            commit: LogIndex(0),
            began: LogIndex(0),
            hold,
            granted: None,
            extended: None,
            remembered,
            lapses: 0,
            covered: 0,
        }
    }

    /// What is to be remembered for a later life of this boot, given the length of the lease that was just renewed.
    /// An end that is too early costs that life a little; one that is too late would let it hold what others have
    /// been given. So a later end may wait until it is worth a write, and an earlier one is written at once.
    pub fn to_remember(&mut self, length: Millis) -> Option<Monotonic> {
        let Hold::Until(until) = self.hold else { return None };
        let close = |old: Monotonic| old <= until && until.since(old) < Millis(length.0 / REMEMBERED_STEPS);
        if self.remembered.is_some_and(close) {
            return None;
        }
        self.remembered = Some(until);
        Some(until)
    }

    /// Takes an acknowledgement in. One for a heartbeat that this life did not send, or sent too long ago, does
    /// nothing. The first ends what an earlier life has left, even if that was longer: its pause is over, and the
    /// cluster counts from here on.
    pub fn acknowledged(&mut self, ears: &Detector, ack: &Ack, now: Monotonic) -> Option<Change> {
        let sent = ears.sent_at(ack.sequence)?;
        if !self.acts(now) {
            self.began = self.began.max(ack.commit);
        }
        self.commit = self.commit.max(ack.commit);
        self.act_until = self.act_until.max(Some(sent + ack.act));
        let until = sent + ack.hold;
        let (revives, lapsed) = (plant::on(Plant::LapsedLeaseRevives), self.lapses > self.covered);
        if (lapsed && !revives) || until <= now {
            return None;
        }
        self.granted = self.granted.max(Some(until));
        let until = [self.granted, self.extended].into_iter().flatten().fold(until, Monotonic::max);
        match self.hold {
            Hold::Until(old) if old == until || (old > until && plant::on(Plant::PauseOutlivesItself)) => None,
            Hold::Until(_) | Hold::Never | Hold::Lapsed => {
                self.hold = Hold::Until(until);
                Some(Change::HoldRenewed(until))
            }
        }
    }

    /// Takes a readmission in that covers `lapses`; the next acknowledgement gives a hold lease again.
    pub fn readmitted(&mut self, lapses: u32) {
        self.covered = self.covered.max(lapses);
    }

    /// Looks at the clock. Tells once when the hold lease has ended.
    pub fn look(&mut self, now: Monotonic) -> Option<Change> {
        let ended = match self.hold {
            Hold::Until(until) => until <= now || (plant::on(Plant::OneLease) && !self.acts(now)),
            Hold::Never | Hold::Lapsed => false,
        };
        if plant::on(Plant::ActLapseNeedsReadmission) && !ended && self.act_until.is_some_and(|until| until <= now) {
            // The planted bug: the lapse counts, although everything goes on.
            self.act_until = None;
            self.lapses += 1;
            return Some(Change::HoldLapsed);
        }
        if !ended {
            return None;
        }
        self.hold = Hold::Lapsed;
        self.lapses += 1;
        Some(Change::HoldLapsed)
    }

    /// Holds on until `until` without acknowledgements: a planned pause [H-19]. A lease that has ended stays ended,
    /// seen or not. Returns the end if it has changed.
    pub fn extend(&mut self, until: Monotonic, now: Monotonic) -> Option<Monotonic> {
        match self.hold {
            Hold::Until(old) if now < old && old < until => {
                self.extended = Some(until);
                self.hold = Hold::Until(until);
                Some(until)
            }
            Hold::Until(_) | Hold::Never | Hold::Lapsed => None,
        }
    }

    /// Whether the hold lease, if there is one, ends at `limit` or before.
    pub fn ends_by(&self, limit: Monotonic) -> bool {
        match self.hold {
            Hold::Until(until) => until <= limit,
            Hold::Never | Hold::Lapsed => true,
        }
    }

    /// Whether the act lease is valid.
    pub fn acts(&self, now: Monotonic) -> bool {
        self.act_until.is_some_and(|until| now < until)
    }

    /// Whether the act lease has been valid without a break since before `entry` was committed. What was ordered while
    /// there was none is not done when there is one again: whoever gave the order has stopped counting with it [S-11].
    pub fn has_acted_since(&self, entry: LogIndex) -> bool {
        self.began < entry
    }

    /// Whether a state applied up to `applied` is current: nothing is done on an older one [S-4].
    pub fn is_current(&self, applied: LogIndex) -> bool {
        applied >= self.commit
    }

    /// Whether the hold lease is valid.
    pub fn holds(&self, now: Monotonic) -> bool {
        matches!(self.hold, Hold::Until(until) if now < until)
    }

    /// Until when a start may begin that is allowed now: the end of the hold lease, if both leases are valid.
    pub fn start_by(&self, now: Monotonic) -> Option<Monotonic> {
        match self.hold {
            Hold::Until(until) if self.acts(now) && now < until => Some(until),
            Hold::Until(_) | Hold::Never | Hold::Lapsed => None,
        }
    }

    /// Where the hold lease stands.
    pub fn hold(&self) -> Hold {
        self.hold
    }

    /// How many hold leases of this life have lapsed.
    pub fn lapses(&self) -> u32 {
        self.lapses
    }

    /// When one of the leases ends next, for the timer.
    pub fn next_end(&self, now: Monotonic) -> Option<Monotonic> {
        let hold = match self.hold {
            Hold::Until(until) => Some(until),
            Hold::Never | Hold::Lapsed => None,
        };
        [self.act_until, hold].into_iter().flatten().filter(|until| *until > now).min()
    }

    /// What is left of the act lease.
    pub fn act_left(&self, now: Monotonic) -> Millis {
        self.act_until.map_or(Millis::ZERO, |until| until.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BootId, ClusterId, Generation, Incarnation, MemberId, NodeId};

    const ACT: Millis = Millis(1500);
    const HOLD: Millis = Millis(6000);

    struct Bench {
        ears: Detector,
        leases: Leases,
    }

    fn at(ms: u64) -> Monotonic {
        Monotonic::from_micros(1_000_000_000) + Millis(ms)
    }

    fn bench() -> Bench {
        let me = Incarnation { boot: BootId::from_bytes([1; 16]), generation: Generation(1) };
        let ears = Detector::new(NodeId::new("c").unwrap(), MemberId(3), me, at(0));
        Bench { ears, leases: Leases::new(Inherited::FirstLife) }
    }

    impl Bench {
        fn ack(&mut self, sequence: u64, commit: u64, now: Monotonic) -> Option<Change> {
            let ack = Ack {
                cluster: ClusterId::from_bytes([9; 16]),
                from: NodeId::new("a").unwrap(),
                to: Incarnation { boot: BootId::from_bytes([1; 16]), generation: Generation(1) },
                sequence,
                commit: LogIndex(commit),
                act: ACT,
                hold: HOLD,
            };
            self.leases.acknowledged(&self.ears, &ack, now)
        }
    }

    #[test]
    fn leases_run_from_the_sending_of_the_heartbeat_not_from_the_acknowledgement() {
        let mut b = bench();
        let sequence = b.ears.next_sequence(at(100));
        b.ack(sequence, 7, at(900));
        assert!(b.leases.acts(at(1599)) && !b.leases.acts(at(1600)));
        assert!(b.leases.holds(at(6099)) && !b.leases.holds(at(6100)));
        assert!(b.leases.is_current(LogIndex(7)) && !b.leases.is_current(LogIndex(6)));
    }

    #[test]
    fn what_was_committed_while_there_was_no_act_lease_is_older_than_the_next_one() {
        let mut b = bench();
        let first = b.ears.next_sequence(at(0));
        b.ack(first, 4, at(10));
        let second = b.ears.next_sequence(at(1000));
        b.ack(second, 9, at(1010));
        assert!(b.leases.has_acted_since(LogIndex(5)) && !b.leases.has_acted_since(LogIndex(4)), "it was renewed");
        let third = b.ears.next_sequence(at(2500));
        b.ack(third, 12, at(2510));
        assert!(b.leases.has_acted_since(LogIndex(13)) && !b.leases.has_acted_since(LogIndex(12)), "it had ended");
        // A late acknowledgement of an older heartbeat takes nothing back.
        b.ack(second, 9, at(2520));
        assert!(!b.leases.has_acted_since(LogIndex(12)));
    }

    #[test]
    fn a_start_begins_under_both_leases_and_until_the_hold_lease_ends() {
        let mut b = bench();
        assert_eq!(b.leases.start_by(at(0)), None);
        let sequence = b.ears.next_sequence(at(0));
        b.ack(sequence, 1, at(10));
        assert_eq!(b.leases.start_by(at(1499)), Some(at(6000)));
        assert_eq!(b.leases.start_by(at(1500)), None, "the act lease has ended");
        b.leases.act_until = Some(at(9000));
        assert_eq!(b.leases.start_by(at(5999)), Some(at(6000)));
        assert_eq!(b.leases.start_by(at(6000)), None, "it has ended, although nobody has looked");
    }

    #[test]
    fn a_lapsed_hold_lease_is_not_revived_by_an_acknowledgement() {
        let mut b = bench();
        let first = b.ears.next_sequence(at(0));
        b.ack(first, 1, at(10));
        assert_eq!(b.leases.look(at(6000)), Some(Change::HoldLapsed));
        let second = b.ears.next_sequence(at(6100));
        assert_eq!(b.ack(second, 2, at(6110)), None);
        assert!(b.leases.acts(at(6200)) && !b.leases.holds(at(6200)));
        b.leases.readmitted(1);
        let third = b.ears.next_sequence(at(6300));
        assert_eq!(b.ack(third, 3, at(6310)), Some(Change::HoldRenewed(at(12_300))));
    }

    #[test]
    fn a_hold_lease_of_an_earlier_life_whose_end_is_unknown_has_ended() {
        let mut leases = Leases::new(Inherited::Unknown);
        assert_eq!(leases.look(at(0)), Some(Change::HoldLapsed));
        let mut leases = Leases::new(Inherited::Until(at(500)));
        assert_eq!(leases.look(at(499)), None);
        assert_eq!(leases.look(at(500)), Some(Change::HoldLapsed));
    }

    #[test]
    fn the_first_acknowledgement_of_a_life_ends_what_a_pause_has_left() {
        let mut b = bench();
        b.leases = Leases::new(Inherited::Until(at(600_000)));
        assert!(b.leases.holds(at(599_999)) && !b.leases.ends_by(at(6000)));
        let first = b.ears.next_sequence(at(0));
        assert_eq!(b.ack(first, 1, at(10)), Some(Change::HoldRenewed(at(6000))));
        assert!(b.leases.ends_by(at(6000)) && !b.leases.holds(at(6000)));
        // Within a life, an older acknowledgement that comes late takes nothing away.
        let (second, third) = (b.ears.next_sequence(at(100)), b.ears.next_sequence(at(200)));
        b.ack(third, 2, at(210));
        assert_eq!(b.ack(second, 2, at(220)), None);
        assert!(b.leases.holds(at(6199)));
    }

    #[test]
    fn a_pause_extends_a_valid_hold_lease_and_no_other() {
        let mut b = bench();
        assert_eq!(b.leases.extend(at(60_000), at(0)), None, "there is none yet");
        let first = b.ears.next_sequence(at(0));
        b.ack(first, 1, at(10));
        assert_eq!(b.leases.extend(at(60_000), at(100)), Some(at(60_000)));
        let second = b.ears.next_sequence(at(200));
        assert_eq!(b.ack(second, 2, at(210)), None, "the life that pauses holds on");
        assert_eq!(b.leases.extend(at(90_000), at(60_000)), None, "it has ended, although nobody has looked");
        assert_eq!(b.leases.look(at(60_000)), Some(Change::HoldLapsed));
        assert_eq!(b.leases.extend(at(90_000), at(60_001)), None);
    }

    #[test]
    fn a_later_end_is_remembered_when_it_is_worth_it_and_an_earlier_one_at_once() {
        let mut b = bench();
        let mut renewed = |sent: u64| {
            let sequence = b.ears.next_sequence(at(sent));
            b.ack(sequence, 1, at(sent + 10)).and_then(|_| b.leases.to_remember(HOLD))
        };
        assert_eq!(renewed(0), Some(at(6000)), "the first");
        assert_eq!(renewed(299), None, "less than a twentieth later");
        assert_eq!(renewed(300), Some(at(6300)));
        assert_eq!(renewed(400), None);
        assert_eq!(b.leases.extend(at(60_000), at(500)), Some(at(60_000)));
        assert_eq!(b.leases.to_remember(Millis::ZERO), Some(at(60_000)), "a pause is remembered whatever is added");
        // The next life: its first acknowledgement ends the pause, and the one after it must not inherit that.
        b.leases = Leases::new(Inherited::Until(at(60_000)));
        let first = b.ears.next_sequence(at(1000));
        b.ack(first, 1, at(1010));
        assert_eq!(b.leases.to_remember(HOLD), Some(at(7000)));
    }

    #[test]
    fn an_acknowledgement_of_a_heartbeat_never_sent_gives_nothing() {
        let mut b = bench();
        assert_eq!(b.ack(77, 1, at(10)), None);
        assert!(!b.leases.acts(at(10)));
    }
}
