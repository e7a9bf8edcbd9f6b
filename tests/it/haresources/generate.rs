//! Files as people write them, and as they should not, from a seed.

/// Small and fixed, so that a seed gives the same file in every version (SplitMix64).
pub(super) struct Prng(pub(super) u64);

impl Prng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(u64::try_from(from.len()).unwrap())).unwrap()]
    }
}

pub(super) const NODES: [&str; 2] = ["m1", "node-b.example.com"];

const SPELLINGS: [&str; 6] = ["m1", "M1", "node-b.example.com", "NODE-B.example.com", "node-B.Example.Com", "m1"];

const WORDS: [&str; 24] = [
    "10.0.0.1",
    "10.0.0.2/24",
    "10.0.0.3/24/eth0",
    "10.0.0.4/24/eth0/10.0.0.255",
    "IPaddr::10.0.0.5/24/eth0",
    "IPaddr2::10.0.0.6/24/eth0:1",
    "Filesystem::/dev/drbd0::/d0::ext3",
    "Filesystem::server:/export::/mnt::nfs",
    "Filesystem::-Llabel::/d1::::noatime",
    "drbddisk",
    "drbddisk::r0",
    "httpd",
    "vz",
    "nfs-kernel-server",
    "LVM::vg",
    "LinuxSCSI::0:0:11",
    "LinuxSCSI:0:0:11",
    "IPv6addr::fe80::1/64",
    "MailTo::root::moved",
    "portblock::tcp::80::block",
    "Delay::5::",
    "'quoted'",
    "\"quoted",
    "a\\b",
];

const BLANKS: [&str; 5] = [" ", " ", "  ", "\t", " \t "];

/// A file of a few lines: comments inside and between words, continuations, blanks everywhere.
pub(super) fn file(seed: u64) -> String {
    let random = &mut Prng(seed);
    let mut text = String::new();
    for _ in 0..=random.below(6) {
        line(random, &mut text);
    }
    if random.below(4) == 0 {
        // The last line may have no end.
        text.pop();
    }
    text
}

fn line(random: &mut Prng, text: &mut String) {
    match random.below(12) {
        0 => text.push_str("# a comment \\\n"),
        1 => text.push_str(random.pick(&["\n", " \t\n", "\\\n", " \\ \n"])),
        _ => {
            text.push_str(random.pick(&["", "", "", " ", "\t"]));
            text.push_str(random.pick(&SPELLINGS));
            for _ in 0..random.below(5) {
                blank(random, text);
                text.push_str(random.pick(&WORDS));
                trouble(random, text);
            }
            text.push_str(random.pick(&[
                "",
                "",
                "",
                " ",
                "\t",
                " # comment",
                "# comment",
                " \\",
                "\\",
                " \\ # comment",
            ]));
            text.push('\n');
        }
    }
}

fn blank(random: &mut Prng, text: &mut String) {
    text.push_str(random.pick(&BLANKS));
    if random.below(6) == 0 {
        text.push_str(random.pick(&["\\\n", "\\\n ", "\\\n\t", "\\\n\\\n", "\\\n# not a comment ", "\\ \n", "\\#x\n"]));
    }
}

fn trouble(random: &mut Prng, text: &mut String) {
    if random.below(12) == 0 {
        text.push_str(random.pick(&["#x", "\\\n", "\\\nmore", "\\", "::", "#"]));
    }
}

/// A file of groups that can be taken: each with a key of its own, and words whose scripts can be installed.
pub(super) fn takeable(seed: u64) -> String {
    let random = &mut Prng(seed);
    let usable: Vec<&str> = WORDS.into_iter().filter(|word| !word.contains(['\\', '"', '\''])).collect();
    let mut text = String::new();
    for number in 0..=random.below(3) {
        text.push_str(&format!("m1 key{number}"));
        for _ in 0..random.below(6) {
            text.push_str(random.pick(&[" ", "\t", " \\\n "]));
            text.push_str(random.pick(&usable));
        }
        text.push('\n');
    }
    text
}
