//! heartbeat's `ResourceManager`, with its folders redirected and everything that could touch this machine taken out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use haven_tests::skip::skip;

/// Where Debian's packages are unpacked; `/` when they are installed.
pub(super) fn root() -> PathBuf {
    std::env::var_os("HAVEN_HEARTBEAT_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// A copy of the program with folders of its own.
pub(super) struct Oracle {
    folder: PathBuf,
}

impl Oracle {
    /// `None`, with the reason on the terminal, where heartbeat is not installed.
    pub(super) fn find() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let program = root().join("usr/share/heartbeat/ResourceManager");
        let Ok(text) = fs::read_to_string(&program) else {
            skip(format_args!("there is no {}; install Debian's package heartbeat", program.display()));
            return None;
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("haven-haresources-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("resource.d")).unwrap();
        fs::write(folder.join("ResourceManager"), harmless(&text, &folder)).unwrap();
        let functions =
            "ha_log() { :; }\nha_debug() { :; }\nHA_RESOURCEDIR=$HA_DIR/resource.d\nHA_DEBUGLOG=/dev/null\n";
        fs::write(folder.join("shellfuncs"), functions).unwrap();
        Some(Self { folder })
    }

    /// Makes this the file that the program reads.
    pub(super) fn read(&self, haresources: &str) {
        fs::write(self.folder.join("haresources"), haresources).unwrap();
    }

    /// What the program prints for `command`, as if it ran on `node`.
    pub(super) fn ask(&self, node: &str, command: &[&str]) -> String {
        let output = Command::new("sh")
            .arg(self.folder.join("ResourceManager"))
            .args(command)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HA_CURHOST", node)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Puts a script of this name where heartbeat looks, which only writes down how it is called.
    pub(super) fn install(&self, script: &str) {
        let log = self.folder.join("calls");
        let text = format!(
            "#!/bin/sh\nfor action; do :; done\n[ \"$action\" = status ] && {{ echo stopped; exit 0; }}\n\
             line={script}\nfor argument; do line=\"$line|$argument\"; done\necho \"$line\" >> {}\n",
            log.display()
        );
        let path = self.folder.join("resource.d").join(script);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The calls of those scripts since the last time, one per line: name, arguments, action.
    pub(super) fn calls(&self) -> Vec<String> {
        let log = self.folder.join("calls");
        let text = fs::read_to_string(&log).unwrap_or_default();
        fs::write(&log, "").unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The program with other folders, and without its ways to stop or restart this machine.
fn harmless(text: &str, folder: &Path) -> String {
    let here = folder.display().to_string();
    let mut text = text.to_owned();
    for (from, to) in [
        ("HA_DIR=/etc/ha.d\n", format!("HA_DIR={here}\n")),
        ("INITDIR=/etc/init.d\n", format!("INITDIR={here}/none\n")),
        ("STANDBY=/usr/share/heartbeat/hb_standby\n", "STANDBY=/bin/true\n".to_owned()),
    ] {
        assert!(text.contains(from), "this ResourceManager has no line {from:?}");
        text = text.replace(from, &to);
    }
    for dangerous in ["/sbin/reboot", "/sbin/init", "pkill"] {
        text = text.replace(dangerous, "/bin/false");
    }
    text
}
