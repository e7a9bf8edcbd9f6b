//! Whatever a store, its daemons and the network do: a store that is well is not doomed, and one that went back and was
//! heard with less than it had is not listened to.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRng, TestRunner};

use super::*;

/// Lives in one history: all of them are remembered.
const LIVES: usize = 7;

#[derive(Debug, Clone)]
enum Step {
    /// The store gets entries and commits.
    Grow(u64, u64),
    /// The daemon says what it has.
    Say,
    /// Any word that was ever said comes in, for the first time or again.
    Hear(usize),
    /// This node asks.
    Ask,
    /// The life that runs answers any question that was ever asked.
    Answer(usize),
    /// A digest of any word that was ever said.
    Digest(usize),
    Restart,
    Reboot,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u64..30, 1_u64..30).prop_map(|(entries, commits)| Step::Grow(entries, commits)),
        4 => Just(Step::Say),
        5 => any::<usize>().prop_map(Step::Hear),
        2 => Just(Step::Ask),
        3 => any::<usize>().prop_map(Step::Answer),
        1 => any::<usize>().prop_map(Step::Digest),
        1 => Just(Step::Restart),
        1 => Just(Step::Reboot),
    ]
}

/// One word, and the question that it answers.
#[derive(Debug, Clone, Copy)]
struct Word {
    of: Incarnation,
    had: Durable,
    asked: Option<Asked>,
}

/// The store of `b`, the lives of its daemon, and what this node makes of it.
struct History {
    b: OfB,
    has: Durable,
    lives: Vec<Incarnation>,
    words: Vec<Word>,
    questions: Vec<Asked>,
    /// What came in, and what was made of it; a digest is nothing that is judged.
    heard: Vec<(Incarnation, Durable, Option<Option<StoreFault>>)>,
    /// The last digest, which is looked at when a word comes in.
    digest: Option<Word>,
}

impl History {
    fn new() -> Self {
        let lives = vec![life(10, 1)];
        let (words, questions, heard) = (Vec::new(), Vec::new(), Vec::new());
        Self { b: OfB::new(), has: durable(100, 100), lives, words, questions, heard, digest: None }
    }

    fn present(&self) -> Incarnation {
        *self.lives.last().unwrap()
    }

    fn say(&mut self, asked: Option<Asked>) -> Word {
        let word = Word { of: self.present(), had: self.has, asked };
        self.words.push(word);
        word
    }

    fn hear(&mut self, word: Word) -> Option<StoreFault> {
        self.heard.extend(self.digest.take().map(|told| (told.of, told.had, None)));
        let fault = self.b.says(word.of, word.had, word.asked);
        self.heard.push((word.of, word.had, Some(fault.clone())));
        fault
    }

    fn digest(&mut self, word: Word) {
        self.b.reads(digest_of_life(word.of, word.had));
        self.digest = Some(word);
    }

    /// Asks the life that runs, at this moment.
    fn ask(&mut self) -> Option<StoreFault> {
        let asked = self.b.desk.mind.asked();
        let word = self.say(Some(asked));
        self.hear(word)
    }

    fn begin(&mut self, of: Incarnation) {
        if self.lives.len() < LIVES {
            self.lives.push(of);
        }
    }

    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            let Incarnation { boot, generation } = self.present();
            match step {
                Step::Grow(entries, commits) => {
                    self.has.index.0 += entries;
                    self.has.commits += commits;
                }
                Step::Say => {
                    self.say(None);
                }
                Step::Hear(at) => {
                    if let Some(word) = self.words.get(at % self.words.len().max(1)).copied() {
                        self.hear(word);
                    }
                }
                Step::Ask => self.questions.push(self.b.desk.mind.asked()),
                Step::Answer(at) => {
                    if let Some(asked) = self.questions.get(at % self.questions.len().max(1)).copied() {
                        self.say(Some(asked));
                    }
                }
                Step::Digest(at) => {
                    if let Some(word) = self.words.get(at % self.words.len().max(1)).copied() {
                        self.digest(word);
                    }
                }
                Step::Restart => self.begin(Incarnation { boot, generation: Generation(generation.0 + 1) }),
                Step::Reboot => {
                    // Boots are in no order.
                    let number = [30, 20, 50, 40, 70, 60][self.lives.len() % 6];
                    self.begin(life(number, 1));
                }
            }
        }
    }

    /// What this node heard of these lives.
    fn heard_of(&self, of: impl Fn(&Incarnation) -> bool) -> impl Iterator<Item = Durable> {
        self.heard.iter().filter(move |(who, _, _)| of(who)).map(|(_, had, _)| *had)
    }
}

/// The same cases in every run.
fn play<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng).run(strategy, test).unwrap();
}

#[test]
fn a_store_that_is_well_is_never_doomed_and_is_listened_to_again() {
    play(3000, &vec(step(), 1..80), |steps| {
        let mut history = History::new();
        history.play(&steps);
        let present = history.present();
        let known = history.heard.iter().any(|(of, _, fault)| *of == present && *fault == Some(None));
        let answer = history.ask();
        prop_assert!(!known || answer.is_none(), "a life that was listened to: {answer:?}");
        let word = history.say(None);
        history.digest(word);
        let answer = history.ask();
        prop_assert!(answer.is_none(), "a digest has named it: {answer:?}");
        for (of, had, fault) in history.heard.iter() {
            let doomed = fault.iter().flatten().any(StoreFault::is_final);
            prop_assert!(!doomed, "{of:?} with {had:?}: {fault:?}");
        }
        Ok(())
    });
}

#[test]
fn a_store_that_went_back_and_was_heard_with_less_is_not_listened_to() {
    let judged = std::cell::Cell::new(0_u32);
    let way_back = prop_oneof![Just(Step::Restart), Just(Step::Reboot)];
    let strategy = (vec(step(), 1..25), vec(step(), 1..25), way_back, vec(step(), 1..40));
    play(6000, &strategy, |(before, lost, way_back, after)| {
        let mut history = History::new();
        history.play(&before);
        let image = history.has;
        history.play(&lost);
        let earlier = history.lives.clone();
        let began = earlier.len();
        history.has = image;
        history.play(&[way_back]);
        history.play(&after);
        let present = history.present();
        let since: Vec<_> = history.lives[began..].iter().filter(|l| l.boot == present.boot).copied().collect();
        let least = history.heard_of(|of| since.contains(of)).reduce(Durable::least);
        let most = history.heard_of(|of| earlier.contains(of)).reduce(Durable::most);
        if earlier.contains(&present) || least.zip(most).is_none_or(|(least, most)| !least.lacks(&most)) {
            return Ok(());
        }
        judged.set(judged.get() + 1);
        for _ in 0..3 {
            let answer = history.ask();
            prop_assert!(answer.is_some(), "{present:?} had {least:?}, others {most:?}: it is listened to");
            history.play(&[Step::Grow(400, 400)]);
        }
        let word = history.say(None);
        history.digest(word);
        prop_assert!(history.ask().is_some(), "{present:?} is listened to since a digest names it");
        Ok(())
    });
    assert!(judged.get() > 600, "too few of the histories have what is looked at: {}", judged.get());
}
