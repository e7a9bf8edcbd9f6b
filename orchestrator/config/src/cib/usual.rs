//! The ids that Pacemaker's shells give to what people do not name.
//!
//! For: a CIB that reads as usual, and a configuration without names that nobody chose.

/// The id of the set `index` of that kind in `owner`.
pub(super) fn set(owner: &str, kind: &str, index: usize) -> String {
    match index {
        0 => format!("{owner}-{kind}"),
        _ => format!("{owner}-{kind}-{}", index + 1),
    }
}

/// Whether a shell gave this id to that set.
pub(super) fn is_set(id: &str, owner: &str, kind: &str, index: usize) -> bool {
    const OF_DEFAULTS: [(&str, &[&str]); 2] = [
        ("rsc_defaults", &["rsc-options", "rsc_defaults-options", "build-resource-defaults"]),
        ("op_defaults", &["op-options", "op_defaults-options"]),
    ];
    let of_shells = OF_DEFAULTS.iter().find(|(defaults, _)| *defaults == owner).map_or([].as_slice(), |(_, ids)| ids);
    id == set(owner, kind, index) || index == 0 && of_shells.contains(&id)
}

/// The id of an operation.
pub(super) fn operation(resource: &str, name: &str, interval: &str) -> String {
    format!("{resource}-{name}-{interval}")
}

/// Whether a shell gave this id to an operation of that name.
pub(super) fn is_operation(id: &str, resource: &str, name: &str) -> bool {
    id.strip_prefix(resource).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| rest.starts_with(name))
        // Older shells.
        || id.starts_with("op-") && id.ends_with(name)
        || id.starts_with(name) && id.contains(resource)
}
