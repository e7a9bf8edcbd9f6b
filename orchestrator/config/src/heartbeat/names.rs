//! Which member of the cluster a name in an old file means.
//!
//! heartbeat wants exactly what `uname -n` prints, without regard to case. People renamed machines since, or wrote
//! the domain in one place only, so a short name and a full one that begin alike are taken for the same machine.

use std::collections::BTreeSet;

use haven_core::ids::NodeId;

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// This member, written as heartbeat would accept it.
    Member(NodeId),
    /// This member: one of the two names has a domain.
    ByFirstLabel(NodeId),
    /// It could be any of these.
    Several(Vec<NodeId>),
    /// No member.
    Nobody,
}

/// The member that `name` means.
pub(crate) fn find(name: &str, members: &BTreeSet<NodeId>) -> Named {
    if let Some(exact) = members.iter().find(|member| member.as_str() == name) {
        return Named::Member(exact.clone());
    }
    let alike: Vec<&NodeId> = members.iter().filter(|member| member.as_str().eq_ignore_ascii_case(name)).collect();
    match alike.as_slice() {
        [] => {}
        [member] => return Named::Member((*member).clone()),
        _ => return Named::Several(alike.into_iter().cloned().collect()),
    }
    let same = |member: &&NodeId| {
        let (short, long) = if name.contains('.') { (member.as_str(), name) } else { (name, member.as_str()) };
        let label = long.split('.').next().unwrap_or_default();
        !short.contains('.') && label.eq_ignore_ascii_case(short)
    };
    let similar: Vec<&NodeId> = members.iter().filter(same).collect();
    match similar.as_slice() {
        [] => Named::Nobody,
        [member] => Named::ByFirstLabel((*member).clone()),
        _ => Named::Several(similar.into_iter().cloned().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, members: &[&str], want: Named) {
        let members = members.iter().map(|member| NodeId::new(member).unwrap()).collect();
        assert_eq!(find(name, &members), want, "{name}");
    }

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        check("M1", &["m1", "m2"], Named::Member(node("m1")));
        check("m1", &["M1", "m1"], Named::Member(node("m1")));
        check("m1", &["M1", "m2"], Named::Member(node("M1")));
    }

    #[test]
    fn a_name_with_and_one_without_domain_are_the_same_machine() {
        check("m1.mydomain.com", &["m1", "m2"], Named::ByFirstLabel(node("m1")));
        check("M1", &["m1.mydomain.com"], Named::ByFirstLabel(node("m1.mydomain.com")));
    }

    #[test]
    fn two_domains_are_two_machines() {
        check("m1.a.com", &["m1.b.com"], Named::Nobody);
        check("m3", &["m1", "m2"], Named::Nobody);
    }

    #[test]
    fn a_name_that_could_be_two_members_is_nobody_s() {
        check("m1", &["m1.a.com", "m1.b.com"], Named::Several(vec![node("m1.a.com"), node("m1.b.com")]));
        check("m1", &["M1", "M1.a"], Named::Member(node("M1")));
    }
}
