//! Clusters of Pacemaker of any size, as CIB with a complete history: the same text from the same size.
//!
//! Made up as clusters of that kind are: six of ten resources alone with a location wish, three of ten in groups of three, one of ten with
//! a group and after it. Or chains of interleaved clones, as lock managers under shared file systems are.

use std::fmt::{self, Write};

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Everything runs where it is wanted: nothing is to be done.
    Steady,
    /// The second node has left without a word: it is to be fenced, and what ran there to be started elsewhere.
    Dead,
}

/// How large, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    /// Primitives, or clones that follow one another.
    pub(crate) resources: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Mixed,
    Clones,
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clones = if self.kind == Kind::Clones { " clones" } else { "" };
        write!(f, "{}x{}{clones}", self.nodes, self.resources)
    }
}

/// A resource that has a history, and where it runs.
struct Placed {
    id: String,
    on: Where,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Node(usize),
    Everywhere,
}

const FENCING: &str = r#"<primitive id="st" class="stonith" type="fence_dummy"/>"#;

/// Numbers that look drawn, the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

fn primitive(id: &str) -> String {
    format!(
        r#"<primitive id="{id}" class="ocf" provider="heartbeat" type="Dummy"><operations><op id="{id}-mon" name="monitor" interval="10s" timeout="20s"/></operations></primitive>"#
    )
}

/// The configuration, and what runs where.
struct Made {
    resources: String,
    constraints: String,
    placed: Vec<Placed>,
}

impl Made {
    fn wish(&mut self, id: &str, node: usize, score: usize) -> fmt::Result {
        write!(self.constraints, r#"<rsc_location id="loc-{id}" rsc="{id}" node="n{node}" score="{score}"/>"#)
    }

    fn follows(&mut self, id: &str, before: &str) -> fmt::Result {
        write!(
            self.constraints,
            r#"<rsc_colocation id="col-{id}" rsc="{id}" with-rsc="{before}" score="INFINITY"/><rsc_order id="ord-{id}" first="{before}" then="{id}" kind="Mandatory"/>"#
        )
    }

    fn mixed(size: Size) -> Result<Self, fmt::Error> {
        let mut dice = Dice(1);
        let (groups, with) = (size.resources / 10, if size.resources < 10 { 0 } else { size.resources / 10 });
        let alone = size.resources - groups * 3 - with;
        let mut made = Self::empty();
        for k in 0..alone {
            let (id, node) = (format!("p{k}"), dice.below(size.nodes) + 1);
            made.resources.push_str(&primitive(&id));
            let score = 50 << dice.below(3);
            made.wish(&id, node, score)?;
            made.placed.push(Placed { id, on: Where::Node(node) });
        }
        let mut homes = Vec::new();
        for k in 0..groups {
            let (id, node) = (format!("g{k}"), dice.below(size.nodes) + 1);
            write!(made.resources, r#"<group id="{id}">"#)?;
            for member in 0..3 {
                let member = format!("{id}m{member}");
                made.resources.push_str(&primitive(&member));
                made.placed.push(Placed { id: member, on: Where::Node(node) });
            }
            made.resources.push_str("</group>");
            made.wish(&id, node, 100)?;
            homes.push((id, node));
        }
        for (k, (group, node)) in homes.iter().cycle().take(with).enumerate() {
            let id = format!("c{k}");
            made.resources.push_str(&primitive(&id));
            made.follows(&id, group)?;
            made.placed.push(Placed { id, on: Where::Node(*node) });
        }
        Ok(made)
    }

    fn clones(size: Size) -> Result<Self, fmt::Error> {
        let mut made = Self::empty();
        for k in 0..size.resources {
            let inner = format!("q{k}");
            write!(
                made.resources,
                r#"<clone id="cl{k}"><meta_attributes id="cl{k}-m"><nvpair id="cl{k}-i" name="interleave" value="true"/></meta_attributes>{}</clone>"#,
                primitive(&inner)
            )?;
            if let Some(before) = k.checked_sub(1) {
                made.follows(&format!("cl{k}"), &format!("cl{before}"))?;
            }
            made.placed.push(Placed { id: inner, on: Where::Everywhere });
        }
        Ok(made)
    }

    fn empty() -> Self {
        Self { resources: FENCING.to_owned(), constraints: String::new(), placed: Vec::new() }
    }
}

/// One recorded operation of `id` on a node.
struct Recorded<'a> {
    id: &'a str,
    name: &'a str,
    interval: usize,
    code: usize,
    call: usize,
}

impl fmt::Display for Recorded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, interval, code, call } = *self;
        let row = if interval == 0 { "last_0".to_owned() } else { format!("{name}_{interval}") };
        write!(
            f,
            r#"<lrm_rsc_op id="{id}_{row}" operation_key="{id}_{name}_{interval}" operation="{name}" crm_feature_set="3.16.1" transition-key="{call}:1:{code}:00000000-0000-0000-0000-000000000000" transition-magic="0:{code};{call}:1:{code}:00000000-0000-0000-0000-000000000000" call-id="{call}" rc-code="{code}" op-status="0" interval="{interval}" last-rc-change="1700000000" exec-time="10" queue-time="0"/>"#
        )
    }
}

/// The whole CIB.
pub(crate) fn cib(size: Size, mode: Mode) -> Result<String, fmt::Error> {
    let made = match size.kind {
        Kind::Mixed => Made::mixed(size)?,
        Kind::Clones => Made::clones(size)?,
    };
    let mut text = String::new();
    text.push_str(concat!(
        r#"<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="10" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1">"#,
        r#"<configuration><crm_config><cluster_property_set id="cib-bootstrap-options">"#,
        r#"<nvpair id="o1" name="stonith-enabled" value="true"/><nvpair id="o2" name="dc-version" value="2.1.5"/>"#,
        r#"<nvpair id="o3" name="have-watchdog" value="false"/></cluster_property_set></crm_config><nodes>"#
    ));
    for node in 1..=size.nodes {
        write!(text, r#"<node id="{node}" uname="n{node}"/>"#)?;
    }
    write!(
        text,
        r#"</nodes><resources>{}</resources><constraints>{}</constraints><rsc_defaults><meta_attributes id="rd"><nvpair id="rd-st" name="resource-stickiness" value="100"/></meta_attributes></rsc_defaults></configuration><status>"#,
        made.resources, made.constraints
    )?;
    for node in 1..=size.nodes {
        history(&mut text, &made, node, mode)?;
    }
    text.push_str("</status></cib>\n");
    Ok(text)
}

/// What a node has done.
fn history(text: &mut String, made: &Made, node: usize, mode: Mode) -> fmt::Result {
    let gone = mode == Mode::Dead && node == 2;
    let (member, peer) = if gone { ("false", "offline") } else { ("true", "online") };
    write!(
        text,
        r#"<node_state id="{node}" uname="n{node}" in_ccm="{member}" crmd="{peer}" join="member" expected="member"><lrm id="{node}"><lrm_resources>"#
    )?;
    let fencing = if node == 1 { ("start", 0) } else { ("monitor", 7) };
    let (name, code) = fencing;
    let first = Recorded { id: "st", name, interval: 0, code, call: 1 };
    write!(text, r#"<lrm_resource id="st" class="stonith" type="fence_dummy">{first}</lrm_resource>"#)?;
    for (k, placed) in made.placed.iter().enumerate() {
        let id = placed.id.as_str();
        let here = placed.on == Where::Everywhere || placed.on == Where::Node(node);
        write!(text, r#"<lrm_resource id="{id}" class="ocf" provider="heartbeat" type="Dummy">"#)?;
        let call = 2 * k + 2;
        if here {
            let started = Recorded { id, name: "start", interval: 0, code: 0, call };
            let watched = Recorded { id, name: "monitor", interval: 10_000, code: 0, call: call + 1 };
            write!(text, "{started}{watched}")?;
        } else {
            write!(text, "{}", Recorded { id, name: "monitor", interval: 0, code: 7, call })?;
        }
        text.push_str("</lrm_resource>");
    }
    text.push_str("</lrm_resources></lrm></node_state>");
    Ok(())
}
