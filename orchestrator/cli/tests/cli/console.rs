//! Replays the consoles of a guide: blocks of lines such as `m1$ haven status`, each on a machine of its own.
//!
//! The machines are pretended ones, as in `haven demo`: without root, on loopback, each with its own address in place
//! of the 10.0.0.N of the text, and with a BMC that answers for the iLO of the text. What a command prints must be what
//! the text says, but for numbers, lengths of time and the width of columns; a line `...` stands for any lines.
//! `UPDATE_EXPECT=1` writes what was printed into the text.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rack::{Rack, address};
use crate::run::{Said, said};

/// Longest wait for anything to come.
const PATIENCE: Duration = Duration::from_secs(90);
/// Time between two looks while something is waited for.
const LOOK: Duration = Duration::from_millis(50);
/// The device of the texts, and the one that stands in for it.
const DEVICE: (&str, &str) = ("ipmitool", "fence_demo");
/// Lines that start the daemon of a machine.
const STARTS: [&str; 3] = ["systemctl enable --now haven", "systemctl start haven", "haven daemon &"];
/// Words after which a person is asked to type a name.
const ASKS: &str = " to go on: ";

/// Machines on which consoles are replayed. Their daemons end with them.
pub(crate) struct Machines {
    pub(crate) rack: Rack,
    folder: tempfile::TempDir,
    /// The last join token that was made.
    token: String,
}

impl Drop for Machines {
    fn drop(&mut self) {
        self.rack.scrap();
    }
}

/// The machine and the command of a console's line.
pub(crate) fn prompt(line: &str) -> Option<(&str, &str)> {
    let (name, words) = line.split_once("$ ")?;
    let number = name.strip_prefix('m')?;
    (!number.is_empty() && number.chars().all(|c| c.is_ascii_digit())).then_some((name, words))
}

/// A text without the warning, two lines, that this machine does not have the agent which the machines of the text have.
fn without_lack(text: &str) -> String {
    let mut lines = text.split_inclusive('\n');
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line.ends_with("its agent ocf:haven:Guest is not on this machine\n") {
            assert!(lines.next().is_some_and(|next| next.starts_with("   remedy: ")), "{text}");
        } else {
            kept.push_str(line);
        }
    }
    kept
}

impl Machines {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { rack: Rack::new(folder.path()), folder, token: String::new() }
    }

    /// Three members, all voting, each with the BMC, and `web` on m2.
    pub(crate) fn cluster() -> Self {
        let mut machines = Self::new();
        machines.does("m1$ haven init --name prod --node m1 --advertise 10.0.0.1");
        machines.does("m1$ systemctl enable --now haven");
        for name in ["m2", "m3"] {
            machines.does("m1$ haven token create --for 1h");
            let number = name.trim_start_matches('m');
            machines.does(&format!("{name}$ haven join TOKEN --node {name} --advertise 10.0.0.{number}"));
            machines.does(&format!("{name}$ systemctl enable --now haven"));
        }
        for number in 1..=3 {
            machines.does(&format!("m1$ haven fence add m{number} ipmitool --addr 10.9.0.{number} --user ha"));
        }
        machines.does("m1$ haven fence test");
        machines.does("m1$ haven resource add web ocf:haven:Guest port=7801 --prefer m2");
        machines.calm();
        machines
    }

    /// A file in the folder of a machine, in which its console works.
    pub(crate) fn file(&self, name: &str, what: &str) -> PathBuf {
        self.path(name, what)
    }

    fn path(&self, name: &str, what: &str) -> PathBuf {
        self.folder.path().join(name).join(what)
    }

    /// A command on machine `name`, such as `m1`, with the words of a shell's line.
    pub(crate) fn shell(&self, name: &str, line: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_haven")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        std::fs::create_dir_all(self.path(name, "")).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .env("PATH", path)
            .env("HAVEN_STATE", self.path(name, "state"))
            .env("HAVEN_RUN", self.path(name, "run"))
            .env("NO_COLOR", "1")
            .current_dir(self.path(name, ""))
            .stdin(Stdio::null());
        command
    }

    /// The words of a text as they are meant here.
    fn translated(&self, line: &str) -> String {
        let mut line = line.replace("haven1-...", &self.token).replace(" TOKEN", &format!(" {}", self.token));
        for number in ["1", "2", "3", "4"] {
            line = line.replace(&format!("10.0.0.{number} "), &format!("{} ", self.address(number)));
            line = line
                .strip_suffix(&format!("10.0.0.{number}"))
                .map_or(line.clone(), |start| format!("{start}{}", self.address(number)));
            let given = format!("ipmitool --addr 10.9.0.{number} --user ha");
            let bmc = Rack::socket(self.folder.path());
            let stand_in = format!("fence_demo address={} --outlet m{number}", bmc.display());
            line = line.replace(&format!("{given} --secret file:/etc/haven/bmc"), &stand_in).replace(&given, &stand_in);
        }
        // A machine that is shared with its tests is neither reset nor watched.
        if line.contains("haven init ") || line.contains("haven join ") {
            line += " --watchdog none --on-death kill-node";
        }
        line
    }

    /// What was printed, in the words of the text.
    fn told(&self, text: &str) -> String {
        let mut text = text.replace(&Rack::socket(self.folder.path()).display().to_string(), "10.9.0.1");
        for number in ["1", "2", "3", "4"] {
            text = text.replace(&self.address(number), &format!("10.0.0.{number}"));
        }
        text = text.replace(DEVICE.1, DEVICE.0);
        without_lack(&text).replace(&self.folder.path().display().to_string(), "")
    }

    fn address(&self, number: &str) -> String {
        address(self.folder.path(), number)
    }

    /// Starts the daemon of a machine and waits until it takes part.
    pub(crate) fn start(&mut self, name: &str) {
        self.rack.boot(name);
        self.calm();
    }

    /// Waits until every machine with power takes part, and nothing is on its way.
    pub(crate) fn calm(&self) {
        let running = self.rack.running();
        self.until("the cluster is calm", || running.iter().all(|name| self.is_calm(name, &running)));
    }

    fn is_calm(&self, name: &str, running: &[String]) -> bool {
        let status = self.json(&format!("{name}$ haven status"));
        let rows = |what: &str| status[what].as_array().cloned().unwrap_or_default();
        let word = |row: &Value| row["state"].as_str().unwrap_or_default().to_owned();
        let nodes = rows("nodes");
        let takes_part = |row: &Value| {
            let out = ["joined", "returning", "SILENT", "WAITING", "FENCING"].contains(&word(row).as_str());
            let gone = ["LOST", "ISOLATED", "OFF", "stopped", "paused"].contains(&word(row).as_str());
            let waits_to_vote = row["role"] == "learner" && nodes.len() > 2;
            !(out || waits_to_vote || gone && running.iter().any(|name| row["node"] == name.as_str()))
        };
        let moves = |row: &Value| {
            ["STARTING", "STOPPING", "MOVING", "WAITING", "RESTARTING", "RECOVERING", "UNKNOWN"]
                .contains(&word(row).as_str())
        };
        status["leader"].is_string() && nodes.iter().all(takes_part) && !rows("resources").iter().any(moves)
    }

    /// Waits until `is` holds; what the daemons logged is told if it never does.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is: impl Fn() -> bool) {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < PATIENCE, "in vain until {what}:\n{}", self.logs());
            std::thread::sleep(LOOK);
        }
    }

    fn logs(&self) -> String {
        let of = |name: &str| {
            let log = std::fs::read_to_string(self.path(name, "daemon.log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(15).collect();
            let status = self.run(&format!("{name}$ haven status"));
            format!("{name}: {}{}{}\n", status.out, status.err, last.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        ["m1", "m2", "m3"].map(of).concat()
    }

    /// Runs a console's line, such as `m1$ haven status`, and gives back what it said.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Said {
        let (name, words) = prompt(line).unwrap();
        self.said(name, &self.translated(words))
    }

    fn said(&self, name: &str, line: &str) -> Said {
        let mut said = said(&mut self.shell(name, line));
        (said.out, said.err) = (self.told(&said.out), self.told(&said.err));
        said
    }

    /// Runs a console's line, which must go well; what it printed.
    #[track_caller]
    pub(crate) fn does(&mut self, line: &str) -> String {
        let (name, words) = prompt(line).unwrap();
        if STARTS.contains(&words) {
            self.start(name);
            return String::new();
        }
        let said = self.run(line);
        assert_eq!(said.code, 0, "{line}: {}{}{}", said.out, said.err, self.logs());
        self.learn(&said.out);
        said.out
    }

    /// The JSON of a console's line; null if it printed none.
    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&format!("{line} --json")).out).unwrap_or_default()
    }

    /// Starts a console's line, and leaves it to run with its output piped.
    pub(crate) fn begin(&self, line: &str) -> Child {
        let (name, words) = prompt(line).unwrap();
        let mut command = self.shell(name, &format!("exec {}", self.translated(words)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a console's line on a terminal, where a person types `answer`.
    pub(crate) fn typed(&self, line: &str, answer: &str) -> Said {
        let (name, words) = prompt(line).unwrap();
        let out = self.path(name, "typed");
        let words = format!("{{ {} ; }} > {} 2>&1", self.translated(words), out.display());
        let mut command = self.shell(name, "exec script --quiet --return --echo never --command \"$WORDS\" /dev/null");
        let mut child = command.env("WORDS", words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{answer}\n").as_bytes()).unwrap();
        let code = child.wait().unwrap().code().unwrap();
        // What is typed is shown by the terminal, which is not asked to here.
        let out = std::fs::read_to_string(out).unwrap().replacen(ASKS, &format!("{ASKS}{answer}\n"), 1);
        Said { code, out: self.told(&out), err: String::new() }
    }

    fn learn(&mut self, text: &str) {
        if let Some(token) = text.split_whitespace().find(|word| word.starts_with("haven1-")) {
            self.token = token.to_owned();
        }
    }

    /// What a console's line prints, with its exit code if that is not 0. `expected` tells what a person types.
    fn types(&mut self, name: &str, words: &str, expected: &str) -> String {
        if STARTS.contains(&words) {
            self.start(name);
            return String::new();
        }
        self.calm_if_any();
        let said = match expected.split_once(ASKS) {
            Some((_, rest)) => self.typed(&format!("{name}$ {words}"), rest.lines().next().unwrap_or_default()),
            None => self.said(name, &format!("{{ {}\n}} 2>&1", self.translated(words))),
        };
        self.learn(&said.out);
        match said.code {
            0 => said.out,
            code => said.out + &format!("[exit {code}]\n"),
        }
    }

    fn calm_if_any(&self) {
        if !self.rack.running().is_empty() {
            self.calm();
        }
    }

    /// Replays every console of the guide at `path`.
    pub(crate) fn replay(&mut self, path: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        let mut printed = String::new();
        let mut lines = text.lines().peekable();
        let mut inside = false;
        while let Some(line) = lines.next() {
            let _ = writeln!(printed, "{line}");
            inside = if inside { line != "```" } else { line == "```console" };
            let Some((name, words)) = prompt(line).filter(|_| inside) else { continue };
            let mut expected = String::new();
            while let Some(next) = lines.next_if(|next| *next != "```" && prompt(next).is_none()) {
                let _ = writeln!(expected, "{next}");
            }
            let said = self.types(name, words, &expected);
            printed += if alike(&expected, &said) { &expected } else { &said };
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, printed).unwrap();
        } else {
            assert_eq!(printed, text, "run with UPDATE_EXPECT=1 and read the difference of {}", path.display());
        }
    }
}

/// Whether two outputs say the same.
fn alike(expected: &str, said: &str) -> bool {
    let (expected, said) = (masked(expected), masked(said));
    let mut said = said.iter();
    let mut any = false;
    for line in &expected {
        if line == "..." {
            any = true;
        } else if any {
            if !said.any(|other| other == line) {
                return false;
            }
            any = false;
        } else if said.next() != Some(line) {
            return false;
        }
    }
    any || said.next().is_none()
}

/// The lines without what differs from run to run: numbers, tokens, and how wide columns are.
fn masked(text: &str) -> Vec<String> {
    let word = |word: &str| {
        if word.starts_with("haven1-") {
            return "TOKEN".to_owned();
        }
        if word.len() > 40 {
            return "#".to_owned();
        }
        let mut masked = String::new();
        for c in word.chars() {
            match c {
                // The name of a node, not a number of minutes.
                '0'..='9' if masked.ends_with('m') && !masked.ends_with("#m") => masked.push(c),
                '0'..='9' | '.' | '-' if masked.ends_with('#') => {}
                '0'..='9' => masked.push('#'),
                c => masked.push(c),
            }
        }
        // 12ms, 1.4s and 2min are all lengths of time.
        for unit in ["#ms", "#us", "#min", "#s", "#h"] {
            masked = masked.replace(unit, "#t");
        }
        masked
    };
    text.lines().map(|line| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")).collect()
}
