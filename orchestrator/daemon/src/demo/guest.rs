//! A guest of the demo: answers every datagram with what was asked and the name of the machine that runs it.
//!
//! For: a probe that sees which machine runs the guest, and for how long none did.
//! Never: an answer to anybody but loopback; life beyond its machine.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::UdpSocket;

/// What a guest prints once it answers.
pub(super) const READY: &str = "ready";
/// Longest question that is answered, in bytes.
const QUESTION_MAX: usize = 64;

/// Acts as a guest, with the arguments `ADDRESS:PORT MACHINE`, until it is killed. Returns the code to end with if it
/// cannot begin.
pub fn main(arguments: impl Iterator<Item = OsString>) -> i32 {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    let [address, machine] = words.as_slice() else {
        let _ = writeln!(io::stderr(), "a guest of `haven demo` needs ADDRESS:PORT and the name of its machine");
        return 64;
    };
    match serve(address, machine) {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "cannot answer at {address}: {error}");
            1
        }
    }
}

fn serve(address: &str, machine: &str) -> io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{READY}")?;
    stdout.flush()?;
    let mut question = [0; QUESTION_MAX];
    loop {
        let (length, from) = socket.recv_from(&mut question)?;
        let mut answer = question.get(..length).unwrap_or_default().to_vec();
        answer.push(b' ');
        answer.extend_from_slice(machine.as_bytes());
        if from.ip().is_loopback() {
            // Who asked may be gone.
            let _ = socket.send_to(&answer, from);
        }
    }
}
