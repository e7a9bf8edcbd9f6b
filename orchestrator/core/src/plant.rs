//! Planted bugs: each switches one safety rule off, so that a scenario can show that the rule is needed and that
//! the checkers would see it missing.
//!
//! Compiled in by the feature `plants` only, and none is on until a test chooses one for its thread. Without the
//! feature [`on`] is `false` at compile time, and no rule can be switched off.

macro_rules! plants {
    (@property) => { None };
    (@property $property:literal) => { Some($property) };
    ($($(#[$doc:meta])* $name:ident $($property:literal)?,)*) => {
        /// One rule that can be switched off. The name says what goes wrong; the comment, which rule it removes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Plant {
            $($(#[$doc])* $name,)*
        }

        impl Plant {
            /// All of them, in the order in which they are declared.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name, as scenario files write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The property of the design that does not hold with it; `None` if it breaks only what its scenario expects.
            pub const fn breaks(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => plants!(@property $($property)?),)*
                }
            }

            /// The plant of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|plant| plant.name() == name)
            }
        }
    };
}

plants! {
    /// A new leader counts leases from what it heard before, not from its own election [S-1].
    LeaseCountedFromLastHeard "S1",
    /// Act lease and hold lease are one: whoever loses the act lease stops everything [S-2].
    OneLease,
    /// Elections may take longer than D [S-2].
    SlowElections,
    /// An acknowledgement revives a lapsed hold lease [S-4].
    LapsedLeaseRevives,
    /// Actions are carried out when applied, current or not [S-4].
    ActOnApply "S1",
    /// A status read counts although an earlier action's processes live [S-5].
    IgnoreOrphans "S1",
    /// A machine without cgroups is taken for one on which nothing is left [S-5].
    NoGroupsIsEmpty "S1",
    /// Power that is to be read without an order is switched off [S-15].
    ReadsSwitchOff "S3",
    /// A life that knows less than the one before takes what it does not know of for not running [5.2].
    ForgetsWhatItBegan "S1",
    /// A recurring monitor that finds nothing counts as a stop [S-5].
    MonitorProvesStopped "S1",
    /// An agent that cannot work any more counts as having said that nothing runs [S-5].
    HopelessMeansStopped "S1",
    /// A majority of voters is not asked; the leader's own silence is enough for NodeLost [S-9].
    LeaderAloneJudges,
    /// A voter that hears nobody may testify [S-9].
    DeafVoterTestifies,
    /// A majority of voters alone judges, whatever the leader hears [S-9].
    OwnEarsDoNotCount,
    /// The leader never hands over and isolates nobody [S-9, H-16].
    NoHandOver,
    /// A leader without a quorum is silent towards one that leads in another term, too [S-9].
    SilentTowardsRivals,
    /// Leadership may be handed over again at once [S-9].
    HandOverAtWill,
    /// A person's word ends the fence order that it names, whatever its executor is doing [S-11].
    WordEndsOrder,
    /// A node is switched on although an order against it is open [S-11].
    SwitchOnUnderOrder,
    /// What a boot starts is looked at only when something changes [S-12].
    AuditOnce,
    /// Being heard one way counts as reach [H-16].
    OneWayReach,
    /// Lagging nodes keep their act lease [S-10].
    LaggardKeepsActLease,
    /// Lagging nodes are never isolated [H-17].
    LaggardNeverIsolated,
    /// Reads of a node's power that were begun before its loss go on after it [H-7].
    ReadsNotRenewed,
    /// A device that fails to switch a fenced node on is not asked again [L1].
    SwitchOnOnce "L1",
    /// Fence orders have no latest send time [S-11].
    NoLatestSend "S3",
    /// An order against a node is sent when it is proposed, and not once it is committed [S3].
    ShootsWhenProposing "S3",
    /// An order is sent under a later act lease than the one under which it was given [S-11].
    OrdersOutliveLeases "S3",
    /// A lost node that is heard again is shot all the same [5.4].
    NoLastLook,
    /// What was sent against a boot in a planned pause has not hit it, though it never came back from that [S-11].
    PausesProveSurvival,
    /// A node is switched on while an order is open against one on the same outlet [S-11].
    NeighboursOrdersAreNothing,
    /// Who was told once to switch a node on is not told again, whatever was shot at since [S-11].
    ToldOnceIsTold,
    /// A node was there until its loss was committed, however long nobody had heard it [S-11].
    LostWhenCommitted,
    /// Only what was sent against a boot has switched it off: one that another shot hit is not switched on again [S-11].
    OnlyOwnShotsSwitchOff,
    /// A boot that is lost a minute after an order's end was not hit by it [S-11].
    TimeProvesSurvival,
    /// A node is readmitted by a heartbeat that it sent before the last order against it had ended [S-11].
    OldHeartbeatsSurvive "L1",
    /// The second fence level is never tried [6].
    FirstLevelForEver,
    /// An order against an earlier boot may have hit every later one, for ever [S-11].
    OldShotsCount,
    /// A start whose program was about to begin begins after the lease under which it was decided [5.2].
    StartsLate,
    /// While a start that cannot be ended goes on, nothing else is stopped at the end of the lease [S-23].
    WaitsForStarts,
    /// A start that the end of a lease has ended counts as a failure of the resource [S-4].
    LapsesAreFailures,
    /// Who is heard is not shot, though it hears nobody [H-16].
    HeardIsReached,
    /// A node is shot because a resource that nobody has seen run there can be neither looked at nor stopped [5.4].
    ShootsForTheUnseen,
    /// Who hangs on the outlet of the node that is shot counts for the quorum that is left [5.5].
    ForgetsWhoHangsOnAnOutlet,
    /// Orders that are proposed in one instant know nothing of each other [5.5].
    OrdersInOneInstant,
    /// The last look is taken with the executor's own ears only, which nothing of a fellow learner reaches [5.4].
    OnlyOwnEars,
    /// A shot that was sent is over when its order is [S-11].
    ShotsEndWithOrders "L1",
    /// A shot whose order was proven to be carried out has landed [S-11].
    ProvenShotsHaveLanded,
    /// A node is readmitted while an order against it is open [S-11].
    ReadmitUnderOrder,
    /// A person's word is taken while the node is heard [S-13].
    WordWhileHeard "S1",
    /// A node that sees its own death stops gracefully [S-13].
    GracefulDeath,
    /// Stores are not compared with what they promised [S-18].
    TrustAnyStore "S5",
    /// A plan is adopted only if nothing at all was logged since it was made [S-20].
    PlanNeedsExactIndex,
    /// The steps of a plan are taken over without looking at their facts [S-20].
    PlanWithoutPreconditions,
    /// LogTime follows the leader's wall clock [S-21].
    WallClockLogTime,
    /// The watchdog is not fed without a lease, whatever runs [S-23].
    FeedOnlyWithLease,
    /// The watchdog is not fed while the log says that an earlier boot may run something [S-23].
    EarlierBootStarves,
    /// An acknowledgement needs a quorum proof not older than D, by the leader's clock [H-1].
    AckByProofAge "S1",
    /// Proofs and orders are about the daemon's life, not the boot [H-6].
    ProofNamesGeneration "S2",
    /// A reboot is no proof [H-6].
    RebootIsNoProof,
    /// Two reads of Off may be 200 ms apart whatever the device's staleness [H-7].
    QuickReads "S1",
    /// Reads count for whatever boot is there when they end, begun before its loss or not [H-7].
    EarlyReads "S1",
    /// A lapsed act lease needs a readmission, too [H-11].
    ActLapseNeedsReadmission,
    /// A node is acknowledged while its loss is proposed and after [H-12].
    AckTheLost,
    /// A late datagram of a dead boot is taken for a contradiction [H-18].
    LateDatagramContradicts,
    /// A contradiction changes nothing [H-18].
    IgnoreContradiction,
    /// What a lost node held is started elsewhere at once [S2].
    StartWithoutProof "S1",
    /// Off is believed when the device's program says so [7, agents].
    TrustReturnCode "S1",
    /// An append is reported durable before it is [S4].
    EarlyDurable "S4",
    /// openraft's leader restore is on [S4].
    LeaderRestore "S4",
    /// The fold mixes in something that differs between nodes [S5].
    DivergentFold "S5",
    /// Everything that is lost at once is shot at once [S-15].
    NoStormBrake,
    /// A storm brake holds proofs back, too [S-15].
    BrakeHoldsProofs,
    /// What is found running on a returning node is adopted although the log places it elsewhere [S-12].
    AdoptSecondCopy,
    /// Where a probe did not tell, or an earlier life ran it, counts as a place that the log has given it [S-12].
    UnknownIsElsewhere,
    /// Exclusive resources start on nodes that were not audited [S-12].
    NoBootAudit,
    /// A pause never ends [H-19].
    EndlessPause,
    /// The hold lease ends in a pause as ever [H-19].
    PauseWithoutHold,
    /// The hold lease that a pause gave outlives the pause, and the watchdog counts all the same [H-19].
    PauseOutlivesItself "S1",
    /// The watchdog is closed before the cluster knows [S-6].
    CloseBeforeDisarm "S1",
    /// The self-fence sum counts one watchdog timeout, not two [H-8].
    OneWatchdogTimeout "S1",
    /// Clocks of two machines are taken for equal: sums of their times are not lengthened [H-9].
    NoDrift,
    /// Failures count for ever, whatever their failure-timeout.
    FailuresNeverEnd,
    /// Longer leases of earlier timings are forgotten when they have ended, not when the watchdogs after them have [H-8].
    LongLeasesEndAlone "S1",
    /// Longer act leases of earlier timings are forgotten while a shot that began under one may be under way [H-8, S-11].
    LongShotsForgotten,
    /// A watchdog that is told of while its node is lost counts from the last acknowledgement [H-19].
    LateWatchdogsCountFromBefore,
    /// A watchdog counts anew whenever its node tells of it again [H-19].
    WatchdogsToldAgainCountAnew,
    /// A shorter dead-after counts before everybody sends by it [5.1].
    ShorterSilenceCountsAtOnce,
    /// A watchdog that stops with its machine's clock counts [S-3].
    SoftWatchdogCounts "S1",
    /// A lost node that is heard again does not return [L1].
    LostStayLost "L1",
    /// How stale a device is stays known when another takes its name [H-7].
    EditKeepsStaleness "S1",
    /// A command counts although its node has gone on since it was looked at [S-13].
    OldWordCounts "S1",
    /// Only the node that was asked reads the devices before a person's word counts [S-13].
    WordOfOneReader "S1",
    /// A machine whose proof of death was wrong is shot again without an end [H-18].
    ShootsForEver,
    /// A person's word counts although a device reads On [S-13].
    WordAgainstADevice "S1",
    /// A node that the leader does not reach is not isolated, though no better leader is there [5.1].
    UnreachedNeverIsolated,
    /// A voter that is off for good keeps its vote [H-22].
    VotersNeverReplaced,
    /// A vote goes to a learner as soon as its voter is proven off [H-22].
    VotersReplacedAtOnce,
    /// A leader to which no voter's disk has answered proves no quorum, whatever their heartbeats say [H-26].
    ProofNeedsDisks,
    /// A job that waits in the service manager counts as nothing that lives [H-25].
    QueuedJobsAreNothing "S1",
    /// What can never be freezes the whole cluster [S-22].
    FreezesEverything,
    /// What is frozen stays so, whatever a person says [S-22].
    FrozenForEver,
    /// Who has just come back is put out as soon as one that lags [H-17].
    ReturnsWithoutPatience,
    /// A voter's testimony never gets too old [S-9].
    OldTestimony,
    /// The storm brake lets all orders go at once when its time is over [S-15].
    BrakeReleasesAll,
    /// The order that failed in a storm is given again before any other [S-15].
    BrakeRetriesFirst,
    /// Nothing says what a start waits for [L2].
    SilentBlockers "L2",
    /// What a start waited for is told after it, too [L2].
    ReasonsStay "L2",
    /// A leader's heartbeats are enough to follow it, whether its calls arrive or not [5.1].
    FollowsWithoutCalls,
    /// What a boot proposes that is proven dead goes into the log all the same.
    DeadBootsPropose,
    /// A leader says that it leads while it hands over [5.1].
    LeadsOnWhileHandingOver,
    /// A leader whose calls are not answered in time goes on leading [5.1].
    NeverStandsBack,
    /// A leader stands back though no other would be answered sooner [5.1].
    StandsBackInVain,
    /// A node whose disk stalls stands for election and gives votes [H-26].
    StandsWithoutADisk,
    /// A call has one link for its whole deadline [5.1].
    OneLinkAtATime,
    /// A node counts as silent when any of its links is [5.1].
    EveryLinkMustCarry,
    /// A leader whose disk is nearly full goes on leading [S-25].
    ShortLeaderStays,
    /// A log that failed is never opened anew [S-25].
    FailedLogStaysClosed,
    /// A node that has rejoined takes the member that it was before for itself, and those of that time for all [S-18].
    KnowsItselfByName "L1",
    /// A monitor that takes longer than half a second has failed [5.3].
    HastyMonitors,
    /// What a look did not tell is never looked at again [L1].
    LooksOnce "L1",
    /// A node whose store one voter refuses waits until the others happen to tell it [S-18].
    WaitsToBeRefused,
    /// A node that may act asks nobody whether its store is listened to [S-18].
    WhoMayActAsksNobody,
    /// A late digest of the store that a member has replaced binds the new one [S-18].
    OldDigestBinds,
    /// A late word of an earlier life dooms a healthy store [S-18].
    LateWordsProve,
    /// What an earlier look found comes into the log after the stop that was done since [S2].
    ResultsInAnyOrder,
    /// A node of which a boot is heard that cannot be told yet is not judged [H-18].
    UntoldBootsAreNotJudged,
    /// A boot that is heard is taken for a newer one than the boot that is known, however late its heartbeat came [H-18].
    AnyOtherBootIsNewer,
    /// A node that writes into its ballast keeps its resources [S-25].
    ShortNodeKeepsResources,
    /// A loss that was never written counts as one that may still come into the log [H-12].
    UnwrittenLossesCount "L1",
    /// A fence program gets its password as an argument, too [S7].
    SecretsInArguments "S7",
    /// What a fence program complains is told as it said it [S7].
    RepeatsSecrets "S7",
    /// An address that another machine claims is not announced again before its next monitor [RFC 5227, 2.4].
    ClaimsGoUnanswered,
}

#[cfg(feature = "plants")]
mod chosen {
    use std::cell::Cell;

    use super::Plant;

    thread_local! {
        // The simulator runs a whole cluster on one thread; tests on other threads are not touched.
        static CHOSEN: Cell<Option<Plant>> = const { Cell::new(None) };
    }

    /// Whether `plant` is on in this thread.
    pub fn on(plant: Plant) -> bool {
        CHOSEN.get() == Some(plant)
    }

    /// Which plant is on in this thread.
    pub fn chosen() -> Option<Plant> {
        CHOSEN.get()
    }

    /// Switches the rule of `plant` off in this thread, or all rules on again.
    pub fn choose(plant: Option<Plant>) {
        CHOSEN.set(plant);
    }
}

#[cfg(feature = "plants")]
pub use chosen::{choose, chosen, on};

/// Always `false` in a build without the feature `plants`.
#[cfg(not(feature = "plants"))]
pub const fn on(_: Plant) -> bool {
    false
}
