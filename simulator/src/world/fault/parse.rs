//! Reading faults from text, and what is said of words that are none.
//!
//! Never: a word that is understood and is in none of the lists of forms; the page of scenarios has the same lists, and a
//! test compares them.

use std::net::IpAddr;
use std::str::{FromStr, SplitWhitespace};

use haven_core::ids::{LinkId, NodeId};
use haven_core::spec::parse_span;
use haven_core::units::Millis;

use super::{AfterCrash, Restart};
use super::{AgentOp, Ailment, Autostart, BadFault, Cut, DeviceAil, Fault, Pair, PathChange, Way};
use crate::world::config::{Bandwidth, Micros, PerMille};
use crate::world::daemon::FreezePoint;

type Read<T> = Result<T, String>;

/// The page that explains all words.
const PAGE: &str = "docs/reference/scenarios.md";
/// Most words that a message lists: more nobody reads.
const LISTED_MAX: usize = 48;

impl Fault {
    /// How faults are written. The first word of each form says which fault it is; words in capitals stand for others.
    pub(crate) const FORMS: &'static [&'static str] = &[
        "cut PATHS",
        "cut PATHS datagrams",
        "cut PATHS calls",
        "cut PATHS large",
        "heal PATHS",
        "heal-links",
        "partition NODES / NODES",
        "path PATHS CHANGE",
        "claim ADDRESS for TIME",
        "power-on NODE",
        "power-off NODE",
        "reset NODE",
        "pull-plug NODE",
        "restore-plug NODE",
        "stays-off NODE",
        "starts-again NODE",
        "crash NODE",
        "crash NODE reboot TIME",
        "stand-still NODE",
        "go-on NODE",
        "clock-rate NODE PPM",
        "wall-clock NODE +TIME",
        "wall-clock NODE -TIME",
        "kill-daemon NODE",
        "kill-daemon NODE restart TIME",
        "start-daemon NODE",
        "freeze-daemon NODE",
        "freeze-daemon NODE mid-feed",
        "freeze-daemon NODE before WORD",
        "thaw-daemon NODE",
        "freeze-programs NODE",
        "thaw-programs NODE",
        "no-cgroups NODE",
        "cgroups NODE",
        "agent NODE RES ACTION AILMENT",
        "agent * RES ACTION AILMENT",
        "die NODE RES",
        "autostart NODE RES unit",
        "autostart NODE RES fstab",
        "autostart NODE RES libvirt",
        "autostart NODE RES off",
        "device DEVICE AILMENT",
        "bmc NODE AILMENT",
        "disk NODE ORDER",
        "heal-all",
    ];
}

impl PathChange {
    /// How it is written.
    pub(crate) const FORMS: &'static [&'static str] = &[
        "delay TIME..TIME",
        "jitter N TIME",
        "loss N",
        "duplicates N",
        "reorder N",
        "bandwidth BYTES",
        "bandwidth unlimited",
    ];
}

impl Ailment {
    /// How it is written.
    pub(crate) const FORMS: &'static [&'static str] =
        &["fail CODE", "fail-halfway CODE", "hopeless", "hang", "stuck TIME", "slow N", "stale TIME", "well"];
}

impl DeviceAil {
    /// How it is written.
    pub(crate) const FORMS: &'static [&'static str] = &[
        "unreachable",
        "unreachable from NODE",
        "refuses",
        "denies",
        "lies",
        "early TIME",
        "late TIME",
        "slow TIME",
        "latency TIME",
        "auto-on TIME",
        "wired NODE",
        "wired OUTLET NODE",
        "well",
    ];
}

/// What is said of words, here and wherever scenarios are read.
impl BadFault {
    /// Whether one of `forms` begins with `word`.
    pub(crate) fn begins(forms: &[&str], word: &str) -> bool {
        forms.iter().any(|form| first(form) == word)
    }

    /// `fault` is that there is no such word among the first ones of `forms`: the nearest of them is named, or all.
    pub(crate) fn unknown(fault: &str, word: &str, forms: &[&str]) -> String {
        let mut known: Vec<&str> = forms.iter().map(|form| first(form)).collect();
        known.dedup();
        match nearest(word, &known) {
            Some(near) => format!("{fault}; did you mean `{near}`? See {PAGE}"),
            None if known.len() > LISTED_MAX => format!("{fault}, see {PAGE}"),
            None => format!("{fault}; one of {} is needed, see {PAGE}", known.join(", ")),
        }
    }

    /// What is said of a text that has none of the `forms` of `what`.
    pub(crate) fn misread(what: &str, text: &str, forms: &[&str]) -> String {
        match text.split_whitespace().next() {
            None => format!("the {what} is missing"),
            Some(word) if Self::begins(forms, word) => format!("`{text}` is no {what}{}", written(word, forms)),
            Some(word) => Self::unknown(&format!("there is no {what} `{word}`"), word, forms),
        }
    }
}

/// How what begins with `word` is written; nothing if no form begins with it.
fn written(word: &str, forms: &[&str]) -> String {
    let those = forms.iter().filter(|form| first(form) == word);
    let those: Vec<String> = those.map(|form| format!("`{form}`")).collect();
    if those.is_empty() { String::new() } else { format!("; write {}", those.join(" or ")) }
}

fn first(form: &str) -> &str {
    form.split(' ').next().unwrap_or(form)
}

/// The known word that is written most like `word`, the first among equals; `None` when none is near.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let most = (word.chars().count() / 3).clamp(1, 3);
    let near = known.iter().map(|known| (distance(word, known), *known)).filter(|(apart, _)| *apart <= most);
    near.min_by_key(|(apart, _)| *apart).map(|(_, known)| known)
}

/// How many letters must be changed, added or left out to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (number, letter) in (1..).zip(one.chars()) {
        let mut next = vec![number];
        let mut left: usize = number;
        for ((known, above), diagonal) in other.chars().zip(row.iter().skip(1)).zip(&row) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(letter != known));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

impl FromStr for Fault {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = |why: String| BadFault { text: text.to_owned(), why };
        let mut words = Words::of(text, Self::FORMS);
        let fault = words.fault().map_err(bad)?;
        words.end().map_err(bad)?;
        Ok(fault)
    }
}

impl FromStr for DeviceAil {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = Words::of(text, Self::FORMS);
        let ail = words.device_ail()?;
        words.end()?;
        Ok(ail)
    }
}

/// The words of a line that are yet to be read.
struct Words<'a> {
    left: SplitWhitespace<'a>,
    /// How the whole line is written, as it is said to whoever forgot a word of it.
    written: String,
}

impl<'a> Words<'a> {
    fn of(text: &'a str, forms: &[&str]) -> Self {
        let left = text.split_whitespace();
        let word = left.clone().next().unwrap_or("");
        Self { left, written: written(word, forms) }
    }

    fn next(&mut self, what: &str) -> Read<&'a str> {
        self.left.next().ok_or_else(|| format!("{what} is missing{}", self.written))
    }

    /// Errors: there is more.
    fn end(&mut self) -> Read<()> {
        self.left.next().map_or(Ok(()), |word| Err(format!("`{word}` is too much{}", self.written)))
    }

    fn peek(&self) -> Option<&'a str> {
        self.left.clone().next()
    }

    /// Whether the next word is `word`; then it is read.
    fn eat(&mut self, word: &str) -> bool {
        let is = self.peek() == Some(word);
        if is {
            self.left.next();
        }
        is
    }

    fn node(&mut self) -> Read<NodeId> {
        NodeId::new(self.next("a machine")?).map_err(|e| e.to_string())
    }

    fn text(&mut self, what: &str) -> Read<String> {
        self.next(what).map(str::to_owned)
    }

    fn number<T: FromStr>(&mut self, what: &str) -> Read<T> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("`{word}` is no number"))
    }

    fn span(&mut self) -> Read<Millis> {
        let word = self.next("a time, such as 3s")?;
        parse_span(word).ok_or_else(|| format!("`{word}` is no time, such as 3s"))
    }

    fn per_mille(&mut self) -> Read<PerMille> {
        self.number("how often out of a thousand").map(PerMille)
    }

    fn pair(&mut self) -> Read<Pair> {
        let word = self.next("a pair of machines, such as n1>n2")?;
        let dashed = || word.split_once('-').filter(|(_, to)| !to.contains('-')).map(|parts| (parts, Way::Both));
        let both = word.split_once("<>").map(|parts| (parts, Way::Both));
        let there = || word.split_once('>').map(|parts| (parts, Way::There));
        let Some(((from, to), way)) = both.or_else(there).or_else(dashed) else {
            return Err(format!("`{word}` is no pair of machines, such as n1>n2 or n1<>n2"));
        };
        let end = |name: &str| match name {
            "*" => Ok(None),
            name => NodeId::new(name).map(Some).map_err(|e| e.to_string()),
        };
        Ok(Pair { from: end(from)?, to: end(to)?, way })
    }

    fn link(&mut self) -> Read<Option<LinkId>> {
        if !self.eat("link") {
            return Ok(None);
        }
        self.number("the number of a link").map(LinkId).map(Some)
    }

    fn fault(&mut self) -> Read<Fault> {
        let verb = self.next("a fault")?;
        // A word that no form begins with is in no list that anybody is shown.
        if !BadFault::begins(Fault::FORMS, verb) {
            return Err(no_fault(verb));
        }
        Ok(match verb {
            "cut" => Fault::Cut { pair: self.pair()?, link: self.link()?, cut: self.cut()? },
            "heal" => Fault::Heal { pair: self.pair()?, link: self.link()? },
            "heal-links" => Fault::HealLinks,
            "partition" => self.partition()?,
            "path" => Fault::Path { pair: self.pair()?, link: self.link()?, change: self.path_change()? },
            "agent" => self.agent()?,
            "die" => Fault::Die { node: self.node()?, resource: self.text("a resource")? },
            "autostart" => self.autostart()?,
            "device" => Fault::Device { device: self.text("a device")?, ail: self.device_ail()? },
            "bmc" => Fault::Device { device: format!("bmc-{}", self.node()?), ail: self.device_ail()? },
            "claim" => self.claim()?,
            "disk" => Fault::Disk { node: self.node()?, order: self.rest() },
            "heal-all" => Fault::HealAll,
            verb => self.of_machine(verb)?,
        })
    }

    fn of_machine(&mut self, verb: &str) -> Read<Fault> {
        Ok(match verb {
            "power-on" => Fault::PowerOn(self.node()?),
            "power-off" => Fault::PowerOff(self.node()?),
            "reset" => Fault::Reset(self.node()?),
            "pull-plug" => Fault::PullPlug(self.node()?),
            "restore-plug" => Fault::RestorePlug(self.node()?),
            "stays-off" => Fault::StaysOff(self.node()?),
            "starts-again" => Fault::StartsAgain(self.node()?),
            "crash" => Fault::Crash { node: self.node()?, then: self.after_crash()? },
            "kill-daemon" => Fault::KillDaemon { node: self.node()?, restart: self.restart()? },
            "start-daemon" => Fault::StartDaemon(self.node()?),
            "freeze-daemon" => {
                let node = self.node()?;
                let point = if self.eat("mid-feed") {
                    FreezePoint::MidFeed
                } else if self.eat("before") {
                    FreezePoint::Before(self.text("a word of a program's path")?)
                } else {
                    FreezePoint::Anywhere
                };
                Fault::FreezeDaemon { node, point }
            }
            "thaw-daemon" => Fault::ThawDaemon(self.node()?),
            "freeze-programs" => Fault::FreezePrograms(self.node()?),
            "thaw-programs" => Fault::ThawPrograms(self.node()?),
            "no-cgroups" => Fault::NoCgroups(self.node()?),
            "cgroups" => Fault::Cgroups(self.node()?),
            "stand-still" => Fault::StandStill(self.node()?),
            "go-on" => Fault::GoOn(self.node()?),
            "clock-rate" => Fault::ClockRate { node: self.node()?, ppm: self.number("parts per million")? },
            "wall-clock" => Fault::WallClock { node: self.node()?, ms: self.signed_span()? },
            other => return Err(no_fault(other)),
        })
    }

    fn after_crash(&mut self) -> Read<AfterCrash> {
        if self.eat("reboot") { self.span().map(AfterCrash::Reboot) } else { Ok(AfterCrash::Hang) }
    }

    fn restart(&mut self) -> Read<Restart> {
        if self.eat("restart") { self.span().map(Restart::After) } else { Ok(Restart::Never) }
    }

    fn signed_span(&mut self) -> Read<i64> {
        let word = self.next("a signed time, such as +3s")?;
        let (sign, span) = match word.split_at_checked(1) {
            Some(("-", span)) => (-1, span),
            Some(("+", span)) => (1, span),
            Some(_) | None => (1, word),
        };
        let ms = parse_span(span).and_then(|span| i64::try_from(span.0).ok());
        ms.map(|ms| sign * ms).ok_or_else(|| format!("`{word}` is no time"))
    }

    fn cut(&mut self) -> Read<Cut> {
        Ok(match self.peek() {
            None => Cut::All,
            Some(_) => match self.next("what is cut")? {
                "datagrams" => Cut::Datagrams,
                "calls" => Cut::Calls,
                "large" => Cut::Large,
                other => return Err(format!("`{other}` cannot be cut, only datagrams, calls or large can")),
            },
        })
    }

    fn partition(&mut self) -> Read<Fault> {
        let mut sides = vec![Vec::new()];
        while let Some(word) = self.peek() {
            if self.eat("/") {
                sides.push(Vec::new());
                continue;
            }
            let node = self.node().map_err(|_| format!("`{word}` is no machine"))?;
            if let Some(side) = sides.last_mut() {
                side.push(node);
            }
        }
        if sides.len() < 2 || sides.iter().any(Vec::is_empty) {
            return Err("a partition has at least two sides, as in `n1 n2 / n3`".to_owned());
        }
        Ok(Fault::Partition(sides))
    }

    fn micros(&self, word: &str) -> Read<Micros> {
        let fine = word.strip_suffix("us").and_then(|micros| micros.parse().ok()).map(Micros);
        let coarse = || parse_span(word).map(|span| Micros::millis(span.0));
        fine.or_else(coarse).ok_or_else(|| format!("`{word}` is no time"))
    }

    fn path_change(&mut self) -> Read<PathChange> {
        Ok(match self.next("a property of paths")? {
            "delay" => {
                let word = self.next("a range of times, such as 1ms..5ms")?;
                let (min, max) = word.split_once("..").unwrap_or((word, word));
                PathChange::Delay(self.micros(min)?, self.micros(max)?)
            }
            "jitter" => {
                let often = self.per_mille()?;
                let word = self.next("a time")?;
                PathChange::Jitter(often, self.micros(word)?)
            }
            "loss" => PathChange::Loss(self.per_mille()?),
            "duplicates" => PathChange::Duplicates(self.per_mille()?),
            "reorder" => PathChange::Reorder(self.per_mille()?),
            "bandwidth" if self.eat("unlimited") => PathChange::Bandwidth(Bandwidth::Unlimited),
            "bandwidth" => PathChange::Bandwidth(Bandwidth::BytesPerSecond(self.number("bytes per second")?)),
            other => return Err(BadFault::unknown(&format!("paths have no `{other}`"), other, PathChange::FORMS)),
        })
    }

    fn agent(&mut self) -> Read<Fault> {
        let node = if self.eat("*") { None } else { Some(self.node()?) };
        let resource = self.text("a resource")?;
        let word = self.next("an action")?;
        let op = AgentOp::ALL.into_iter().find(|op| op.word() == word);
        let op = op.ok_or_else(|| {
            BadFault::unknown(&format!("agents have no action `{word}`"), word, &AgentOp::ALL.map(AgentOp::word))
        })?;
        let ailment = match self.next("an ailment")? {
            "well" => Ailment::Well,
            "fail" => Ailment::Fail(self.number("an exit code")?),
            "hopeless" => Ailment::HOPELESS,
            "fail-halfway" => Ailment::FailHalfway(self.number("an exit code")?),
            "hang" => Ailment::Hang,
            "stuck" => Ailment::Stuck(self.span()?),
            "slow" => Ailment::Slow(self.number("a factor")?),
            "stale" if op == AgentOp::Monitor => Ailment::Stale(self.span()?),
            "stale" => return Err(format!("the action {word} has no ailment `stale`, only monitor has it")),
            other => {
                let fault = format!("the action {word} has no ailment `{other}`");
                return Err(BadFault::unknown(&fault, other, Ailment::FORMS));
            }
        };
        Ok(Fault::Agent { node, resource, op, ailment })
    }

    fn autostart(&mut self) -> Read<Fault> {
        let (node, resource) = (self.node()?, self.text("a resource")?);
        let word = self.next("what starts it")?;
        let way = Autostart::ALL.into_iter().find(|way| way.word() == word);
        let way = way.ok_or_else(|| format!("`{word}` starts nothing; unit, fstab, libvirt or off is needed"))?;
        Ok(Fault::Autostart { node, resource, way })
    }

    fn claim(&mut self) -> Read<Fault> {
        let word = self.next("an address")?;
        let address: IpAddr = word.parse().map_err(|_| format!("`{word}` is no address"))?;
        if !self.eat("for") {
            return Err(format!("`for` and a time are missing{}", self.written));
        }
        Ok(Fault::Claim { address: address.to_string(), span: self.span()? })
    }

    fn device_ail(&mut self) -> Read<DeviceAil> {
        Ok(match self.next("an ailment")? {
            "well" => DeviceAil::Well,
            "unreachable" if self.eat("from") => DeviceAil::UnreachableFrom(self.node()?),
            "unreachable" => DeviceAil::Unreachable,
            "refuses" => DeviceAil::Refuses,
            "denies" => DeviceAil::Denies,
            "lies" => DeviceAil::Lies,
            "early" => DeviceAil::Early(self.span()?),
            "late" => DeviceAil::Late(self.span()?),
            "slow" => DeviceAil::Slow(self.span()?),
            "latency" => DeviceAil::Latency(self.span()?),
            "auto-on" => DeviceAil::AutoOn(self.span()?),
            "wired" => {
                let first = self.text("an outlet or a machine")?;
                match self.peek() {
                    None => DeviceAil::Wired { outlet: None, node: NodeId::new(&first).map_err(|e| e.to_string())? },
                    Some(_) => DeviceAil::Wired { outlet: Some(first), node: self.node()? },
                }
            }
            other => {
                let fault = format!("devices have no ailment `{other}`");
                return Err(BadFault::unknown(&fault, other, DeviceAil::FORMS));
            }
        })
    }

    fn rest(&mut self) -> String {
        let words: Vec<&str> = self.left.by_ref().collect();
        words.join(" ")
    }
}

fn no_fault(word: &str) -> String {
    BadFault::unknown(&format!("there is no fault `{word}`"), word, Fault::FORMS)
}
