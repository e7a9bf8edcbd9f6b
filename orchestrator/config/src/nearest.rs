//! The name that a mistyped one was probably meant to be.

/// Most letters that may differ; a shorter name allows fewer.
const WRONG_MAX: u32 = 3;

/// The candidate that is written most like `name`, the first among equals; `None` when none is near. Case counts for
/// nothing.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = u32::try_from(name.chars().count() / 3).unwrap_or(WRONG_MAX).clamp(1, WRONG_MAX);
    let name = name.to_ascii_lowercase();
    let near = candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(&name, &candidate.to_ascii_lowercase(), allowed)?, candidate)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Changes of one letter, counted up to `most`.
pub(crate) fn distance(a: &str, b: &str, most: u32) -> Option<u32> {
    // Each letter more is a change, and names may be very long.
    if crate::source::number(a.len().abs_diff(b.len())) > most {
        return None;
    }
    let mut row: Vec<u32> = (0..=crate::source::number(b.len())).collect();
    for (i, ca) in (1..).zip(a.bytes()) {
        let mut next = vec![i];
        let mut left = i;
        for ((cb, above), diagonal) in b.bytes().zip(row.iter().skip(1)).zip(&row) {
            left = (left + 1).min(above + 1).min(diagonal + u32::from(ca != cb));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().filter(|found| *found <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_name_and_another_word_finds_nothing() {
        let names = ["ip_www", "fs_d0", "svc_vz"];
        assert_eq!(nearest("ip_wwww", names), Some("ip_www"));
        assert_eq!(nearest("IP_WWW", names), Some("ip_www"));
        assert_eq!(nearest("fs_d1", names), Some("fs_d0"));
        assert_eq!(nearest("database", names), None);
        assert_eq!(nearest("", names), None);
    }
}
