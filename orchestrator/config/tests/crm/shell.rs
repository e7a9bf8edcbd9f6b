//! The crm shell as a judge.

use haven_config::crm::Secrets;

use super::{read, shared};

#[test]
fn the_example_that_the_crm_shell_knows_is_shown_as_it_shows_it() {
    let Some(folder) = shared("examples/crm") else { return };
    let text = std::fs::read_to_string(folder.join("oracle-checked.crm")).unwrap();
    let want = std::fs::read_to_string(folder.join("oracle-show.txt")).unwrap();
    let found = read("oracle-checked.crm", &text);
    assert_eq!(found.show(Secrets::Hidden), want);
}
