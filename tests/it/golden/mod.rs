//! Bytes that were written once are readable for ever: `tests/golden/wire`.

mod datagrams;
mod events;
mod state;

use std::fs;
use std::path::PathBuf;

/// A file of golden bytes.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/wire").join(name)
}

/// The lines of a file, none if there is no such file.
fn lines(name: &str) -> Vec<String> {
    let text = fs::read_to_string(path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Whether new bytes are to be written down.
fn updating() -> bool {
    std::env::var("UPDATE_EXPECT").is_ok_and(|value| value == "1")
}

fn write(name: &str, lines: &[String]) {
    // Other tests may be reading it.
    let fresh = path(&format!("{name}.fresh"));
    fs::write(&fresh, lines.join("\n") + "\n").unwrap();
    fs::rename(fresh, path(name)).unwrap();
}

/// Appends `bytes` to a file of one example a line if they are not its last line and new ones are to be written down.
/// Then the last line must be `bytes`.
#[track_caller]
fn newest(name: &str, bytes: &[u8]) {
    let mut found = lines(name);
    if found.last() != Some(&hex(bytes)) && updating() {
        found.push(hex(bytes));
        write(name, &found);
    }
    assert_eq!(found.last(), Some(&hex(bytes)), "{name}: the encoding changed; see tests/golden/README.md");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of digits");
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
