//! Replays the consoles of a guide: blocks of lines such as `m1$ haven status`, each on a machine of its own.
//!
//! The machines are pretended ones, as in `haven demo`: without root, on loopback, each with its own address in place
//! of the 10.0.0.N of the text. What a command prints must be what the text says, but for numbers, lengths of time and
//! the width of columns; a line `...` stands for any lines. `UPDATE_EXPECT=1` writes what was printed into the text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a daemon to know a leader.
const PATIENCE: Duration = Duration::from_secs(60);

/// Machines on which consoles are replayed. Their daemons end with them.
pub(crate) struct Machines {
    folder: tempfile::TempDir,
    daemons: BTreeMap<String, Child>,
}

impl Drop for Machines {
    fn drop(&mut self) {
        for daemon in self.daemons.values_mut() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

/// The address of a machine: 127.x.y.N with x and y of this process, so that several tests do not meet.
fn address(number: &str) -> String {
    let id = std::process::id();
    format!("127.{}.{}.{number}", 1 + id % 250, id / 250 % 250)
}

impl Machines {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), daemons: BTreeMap::new() }
    }

    fn path(&self, name: &str, what: &str) -> PathBuf {
        self.folder.path().join(name).join(what)
    }

    /// `haven` on machine `name`, such as `m1`.
    pub(crate) fn haven(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haven"));
        self.on(name, &mut command);
        command
    }

    fn on(&self, name: &str, command: &mut Command) {
        let binary = Path::new(env!("CARGO_BIN_EXE_haven")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        std::fs::create_dir_all(self.path(name, "")).unwrap();
        command
            .env("PATH", path)
            .env("HAVEN_STATE", self.path(name, "state"))
            .env("HAVEN_RUN", self.path(name, "run"))
            .env("HAVEN_DEMO_MACHINE", self.path(name, "mark"))
            .env("HAVEN_DEMO_ADDRESS", address(name.trim_start_matches('m')))
            .env("NO_COLOR", "1")
            .current_dir(self.path(name, ""))
            .stdin(Stdio::null());
    }

    /// Starts the daemon of a machine and waits until it knows a leader.
    pub(crate) fn start(&mut self, name: &str) {
        let number: u32 = name.trim_start_matches('m').parse().unwrap();
        let boot = format!("{:08x}-0000-4000-8000-{number:012x}", std::process::id());
        let log = std::fs::File::create(self.path(name, "daemon.log")).unwrap();
        let mut command = self.haven(name);
        command.args(["daemon", "--demo", "--boot-id", &boot]).stdout(Stdio::null()).stderr(log);
        self.daemons.insert(name.to_owned(), command.spawn().unwrap());
        let status = || self.haven(name).args(["status", "--json"]).output().unwrap();
        let leads = || {
            let value: serde_json::Value = serde_json::from_slice(&status().stdout).unwrap_or_default();
            value["leader"].is_string()
        };
        self.until(name, leads);
    }

    /// Waits until `is` holds; what the daemon of `name` logged is told if it never does.
    fn until(&self, name: &str, is: impl Fn() -> bool) {
        let began = Instant::now();
        while !is() {
            let log = || std::fs::read_to_string(self.path(name, "daemon.log")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "nothing came of it; {name} logged:\n{}", log());
        }
    }

    /// What a line of a shell on machine `name` prints, with its exit code if that is not 0.
    fn types(&mut self, name: &str, line: &str) -> String {
        if line == "haven daemon &" {
            self.start(name);
            return String::new();
        }
        let mut line = line.to_owned();
        for number in ["1", "2", "3"] {
            line = line.replace(&format!("10.0.0.{number}"), &address(number));
        }
        // A machine that is shared with its tests is neither reset nor watched.
        if line.contains(" init ") || line.contains(" join ") {
            line += " --watchdog none --on-death kill-node";
        }
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{{ {line}\n}} 2>&1")]);
        self.on(name, &mut shell);
        let output = shell.output().unwrap();
        let mut text = String::from_utf8(output.stdout).unwrap();
        for number in ["1", "2", "3"] {
            text = text.replace(&address(number), &format!("10.0.0.{number}"));
        }
        text = text.replace(&self.folder.path().display().to_string(), "");
        match output.status.code() {
            Some(0) => text,
            code => text + &format!("[exit {}]\n", code.unwrap_or(-1)),
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
            let Some((name, words)) = line.split_once("$ ").filter(|_| inside) else { continue };
            let mut expected = String::new();
            while let Some(next) = lines.next_if(|next| *next != "```" && !next.contains("$ haven")) {
                let _ = writeln!(expected, "{next}");
            }
            let said = self.types(name, words);
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
        if word.len() > 40 {
            return "#".to_owned();
        }
        let mut masked = String::new();
        for c in word.chars() {
            match c {
                '0'..='9' | '.' | '-' if masked.ends_with('#') => {}
                '0'..='9' => masked.push('#'),
                c => masked.push(c),
            }
        }
        // 12ms, 1.4s and 2min are all lengths of time.
        for unit in ["#ms", "#min", "#s", "#h"] {
            masked = masked.replace(unit, "#t");
        }
        masked
    };
    text.lines().map(|line| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")).collect()
}
