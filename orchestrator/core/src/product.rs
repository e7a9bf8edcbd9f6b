//! Product uuids: which piece of hardware a machine is.
//!
//! For: telling a copy of a machine from the machine, since a reboot proves only what ran on the same hardware.
//! Never: proof that two machines are one. It only ever refuses.

/// Whether two product uuids are of one machine. Firmware that says SMBIOS 2.6 or later has the bytes of the first three
/// groups the other way round, so an update of the firmware, or of a virtual machine's hardware version, turns them.
/// Source: the kernel's `dmi_save_uuid`, SMBIOS 2.6 section 7.2.1.
pub fn same_product(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || turned(one).is_some_and(|turned| turned.eq_ignore_ascii_case(other))
}

/// The same uuid with the bytes of its first three groups in the other order.
fn turned(uuid: &str) -> Option<String> {
    let groups: Vec<&str> = uuid.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && uuid.is_ascii();
    let turn = |group: &&str| {
        let bytes: Vec<&str> = (0..group.len()).step_by(2).rev().filter_map(|at| group.get(at..at + 2)).collect();
        bytes.concat()
    };
    let (first, rest) = groups.split_at_checked(3)?;
    is_uuid.then(|| {
        first.iter().map(turn).chain(rest.iter().map(|group| (*group).to_owned())).collect::<Vec<_>>().join("-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "5c241f42-a87f-fa60-9c5d-0a1b2c3d4e5f";

    #[test]
    fn an_update_of_the_firmware_makes_no_other_machine() {
        assert!(same_product(BEFORE, "421F245C-7fa8-60fa-9c5d-0a1b2c3d4e5f"));
        assert!(same_product(BEFORE, &BEFORE.to_uppercase()));
    }

    #[test]
    fn another_machine_is_another_machine() {
        assert!(!same_product(BEFORE, "5c241f42-a87f-fa60-9c5d-0a1b2c3d4e50"));
        assert!(!same_product(BEFORE, "421f245c-a87f-fa60-9c5d-0a1b2c3d4e5f"), "all three groups or none");
        assert!(!same_product("a", "b") && same_product("A", "a") && !same_product("\u{e4}", "b"));
    }
}
