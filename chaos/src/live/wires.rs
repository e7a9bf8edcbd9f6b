//! The wires between the machines: cuts and losses as rules of nftables on the switch, per direction; delays by netem,
//! where the kernel has it.
//!
//! Never: a rule outside the switch's own namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use haven_core::ids::NodeId;
use haven_simulator::world::{Cut, Pair, PathChange, Way};

use crate::lab::{Fallible, line, output};

/// What passes a broken path MTU, in bytes: heartbeats, and not what opens a connection.
const SMALL_MAX: u32 = 1_000;

/// Whether something could be done here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Done,
    /// This computer cannot do it; why.
    NotHere(&'static str),
}

/// Whether the kernel can delay packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Netem {
    There,
    Missing,
}

/// From where to where.
type Direction = (String, String);

/// All wires.
#[derive(Debug)]
pub(super) struct Wires {
    switch: String,
    rules: PathBuf,
    nodes: Vec<String>,
    netem: Netem,
    cuts: BTreeSet<(Direction, Kept)>,
    losses: BTreeMap<Direction, u64>,
    delayed: BTreeSet<String>,
}

/// What still gets through a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    Nothing,
    Small,
}

impl Wires {
    /// The wires of a switch in this namespace; `folder` is for the rules.
    pub(super) fn new(switch: String, folder: &Path, nodes: Vec<String>, netem: Netem) -> Self {
        let (cuts, losses, delayed) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Self { switch, rules: folder.join("wires.nft"), nodes, netem, cuts, losses, delayed }
    }

    /// Cuts paths.
    pub(super) fn cut(&mut self, pair: &Pair, cut: Cut) -> Fallible<Done> {
        let kept = match cut {
            Cut::All => Kept::Nothing,
            Cut::Large => Kept::Small,
            Cut::Datagrams | Cut::Calls => return Ok(Done::NotHere("both are datagrams of QUIC")),
        };
        let cuts = self.directions(pair).into_iter().map(|direction| (direction, kept));
        self.cuts.extend(cuts);
        self.load()
    }

    /// Ends the cuts of paths.
    pub(super) fn heal_pair(&mut self, pair: &Pair) -> Fallible<Done> {
        let pairs = self.directions(pair);
        self.cuts.retain(|(direction, _)| !pairs.contains(direction));
        self.load()
    }

    /// Every path is as at first.
    pub(super) fn heal(&mut self) -> Fallible<Done> {
        self.cuts.clear();
        self.losses.clear();
        for node in std::mem::take(&mut self.delayed) {
            // A machine that came back since has a cable without a delay.
            let _ = line(&format!("tc -n {} qdisc del dev {node} root", self.switch));
        }
        self.load()
    }

    /// As in the simulator: who is on no side is on all of them.
    pub(super) fn partition(&mut self, sides: &[Vec<NodeId>]) -> Fallible<Done> {
        for (place, side) in sides.iter().enumerate() {
            for (other, _) in sides.iter().enumerate().filter(|(other, _)| *other != place) {
                let others = sides.get(other).into_iter().flatten();
                let across = others.flat_map(|to| side.iter().map(|from| (from.to_string(), to.to_string())));
                self.cuts.extend(across.map(|direction| (direction, Kept::Nothing)));
            }
        }
        self.load()
    }

    /// Changes how paths behave.
    pub(super) fn path(&mut self, pair: &Pair, change: PathChange) -> Fallible<Done> {
        let directions = self.directions(pair);
        match change {
            PathChange::Loss(often) => {
                self.losses.extend(directions.into_iter().map(|direction| (direction, often.0)));
                self.load()
            }
            PathChange::Delay(min, max) => {
                if self.netem == Netem::Missing {
                    return Ok(Done::NotHere("this kernel has no netem"));
                }
                let (middle, spread) = (min.0.midpoint(max.0), max.0.saturating_sub(min.0) / 2);
                let ends: BTreeSet<String> = directions.into_iter().map(|(_, to)| to).collect();
                for node in ends {
                    let words = format!("qdisc replace dev {node} root netem delay {middle}us {spread}us");
                    line(&format!("tc -n {} {words}", self.switch))?;
                    self.delayed.insert(node);
                }
                Ok(Done::Done)
            }
            PathChange::Jitter(..) | PathChange::Duplicates(_) | PathChange::Reorder(_) | PathChange::Bandwidth(_) => {
                Ok(Done::NotHere("nftables cannot do it"))
            }
        }
    }

    fn directions(&self, pair: &Pair) -> BTreeSet<Direction> {
        let ends = |end: &Option<NodeId>| match end {
            Some(node) => vec![node.to_string()],
            None => self.nodes.clone(),
        };
        let mut found = BTreeSet::new();
        for from in ends(&pair.from) {
            for to in ends(&pair.to).into_iter().filter(|to| *to != from) {
                if pair.way == Way::Both {
                    found.insert((to.clone(), from.clone()));
                }
                found.insert((from.clone(), to));
            }
        }
        found
    }

    /// The rules, to be loaded whole: nothing is half changed.
    fn text(&self) -> String {
        let mut text =
            "table bridge chaos\ndelete table bridge chaos\ntable bridge chaos {\n\tchain wires {\n".to_owned();
        text.push_str("\t\ttype filter hook forward priority 0; policy accept;\n");
        let mut rule = |(from, to): &Direction, which: &str| {
            let _ = writeln!(text, "\t\tiifname \"{from}\" oifname \"{to}\" {which}drop");
        };
        for (direction, kept) in &self.cuts {
            match kept {
                Kept::Nothing => rule(direction, ""),
                Kept::Small => rule(direction, &format!("meta length > {SMALL_MAX} ")),
            }
        }
        for (direction, often) in &self.losses {
            rule(direction, &format!("numgen random mod 1000 < {often} "));
        }
        text.push_str("\t}\n}\n");
        text
    }

    fn load(&self) -> Fallible<Done> {
        fs::write(&self.rules, self.text())?;
        let rules = self.rules.display().to_string();
        output("ip", &["netns", "exec", &self.switch, "nft", "-f", &rules])?;
        Ok(Done::Done)
    }
}

/// What is missing for wires on this computer, tried in a namespace that is removed again; whether there is netem.
pub(super) fn able(namespace: &str, folder: &Path) -> Fallible<Netem> {
    line(&format!("ip netns add {namespace}"))?;
    let tried = tried(namespace, folder);
    line(&format!("ip netns del {namespace}"))?;
    tried
}

fn tried(namespace: &str, folder: &Path) -> Fallible<Netem> {
    let mut wires = Wires::new(namespace.to_owned(), folder, vec!["a".to_owned(), "b".to_owned()], Netem::Missing);
    let all = Pair { from: None, to: None, way: Way::Both };
    wires.losses.insert(("a".to_owned(), "b".to_owned()), 1);
    wires.cut(&all, Cut::Large)?;
    let netem = line(&format!("tc -n {namespace} qdisc add dev lo root netem delay 1ms"));
    Ok(if netem.is_ok() { Netem::There } else { Netem::Missing })
}

#[cfg(test)]
mod tests {
    use haven_simulator::world::Fault;

    use super::*;

    fn rules(faults: &[&str]) -> Vec<String> {
        let nodes = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let mut wires = Wires::new("none".to_owned(), Path::new("/nowhere"), nodes, Netem::Missing);
        for fault in faults {
            let fault: Fault = fault.parse().unwrap();
            // The namespace is not there: what is looked at is what would be loaded.
            let _ = if let Fault::Cut { pair, cut, .. } = &fault {
                wires.cut(pair, *cut)
            } else if let Fault::Heal { pair, .. } = &fault {
                wires.heal_pair(pair)
            } else if let Fault::Partition(sides) = &fault {
                wires.partition(sides)
            } else if let Fault::Path { pair, change, .. } = &fault {
                wires.path(pair, *change)
            } else {
                wires.heal()
            };
        }
        let text = wires.text();
        let rule = |line: &str| line.trim().strip_suffix("drop").map(|line| line.trim().replace("ifname ", ""));
        text.lines().filter_map(rule).collect()
    }

    #[test]
    fn a_cut_is_a_rule_per_direction() {
        assert_eq!(rules(&["cut n1>n2"]), ["i\"n1\" o\"n2\""]);
        assert_eq!(rules(&["cut n1-n2"]), ["i\"n1\" o\"n2\"", "i\"n2\" o\"n1\""]);
        assert_eq!(rules(&["cut n1>*"]), ["i\"n1\" o\"n2\"", "i\"n1\" o\"n3\""]);
        assert_eq!(rules(&["cut n1>n2 large"]), ["i\"n1\" o\"n2\" meta length > 1000"]);
    }

    #[test]
    fn a_partition_cuts_everything_between_its_sides() {
        let cut = rules(&["partition n1 / n2 n3"]);
        assert_eq!(cut, ["i\"n1\" o\"n2\"", "i\"n1\" o\"n3\"", "i\"n2\" o\"n1\"", "i\"n3\" o\"n1\""]);
    }

    #[test]
    fn what_is_healed_has_no_rule() {
        assert_eq!(rules(&["cut n1-n2", "cut n1>n3", "heal n1>n2"]), ["i\"n1\" o\"n3\"", "i\"n2\" o\"n1\""]);
        assert_eq!(rules(&["cut n1-*", "path *>n2 loss 30", "heal-links"]), Vec::<String>::new());
    }

    #[test]
    fn a_loss_is_a_share_of_the_packets_of_a_direction() {
        assert_eq!(rules(&["path *>n2 loss 30"]).concat().matches("numgen random mod 1000 < 30").count(), 2);
    }
}
