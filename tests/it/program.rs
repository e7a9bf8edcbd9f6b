//! The program that other tests start.

use std::process::Command;

#[test]
fn the_program_is_there_for_tests_of_every_package() {
    let output = Command::new(haven_tests::haven().unwrap()).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("haven {}\n", env!("CARGO_PKG_VERSION")));
}
