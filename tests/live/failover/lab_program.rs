//! The program that runs on machines of the lab: `echo PORT NAME` answers every datagram with what was asked and the
//! name of the machine.

use std::io::Write;
use std::net::UdpSocket;
use std::process::ExitCode;

/// Longest question, in bytes.
const QUESTION_MAX: usize = 64;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["echo", port, name] => echo(port, name),
        _ => Err(std::io::Error::other("it knows `echo PORT NAME`")),
    };
    if let Err(error) = result {
        let _ = writeln!(std::io::stderr(), "lab-program: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn echo(port: &str, name: &str) -> std::io::Result<()> {
    let socket = UdpSocket::bind(format!("0.0.0.0:{port}"))?;
    let mut question = [0; QUESTION_MAX];
    loop {
        let (length, from) = socket.recv_from(&mut question)?;
        let mut answer = question.get(..length).unwrap_or_default().to_vec();
        answer.push(b' ');
        answer.extend_from_slice(name.as_bytes());
        // Who asked may be gone, or behind a link that is down.
        let _ = socket.send_to(&answer, from);
    }
}
