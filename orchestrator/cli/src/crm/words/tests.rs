use super::*;

/// What a word is found as.
fn found(level: Level, word: &str) -> String {
    match level.find(word) {
        Ok(entry) => entry.word.to_owned(),
        Err(trouble) => format!("{}; {}", trouble.message, trouble.remedy),
    }
}

#[test]
fn a_word_is_itself_another_spelling_or_the_beginning_of_one_word_only() {
    for (word, want) in [
        ("primitive", "primitive"),
        ("PRIMITIVE", "primitive"),
        ("prim", "primitive"),
        ("conf", "`conf` is no word of `configure`; see `help` for the words of this level"),
        ("collocation", "colocation"),
        ("ptest", "simulate"),
        ("rsc_d", "rsc_defaults"),
        ("end", "up"),
        ("s", "`s` is the beginning of several words: show, save, simulate, set; write more of the one that is meant"),
        ("re", "`re` is the beginning of several words: rename, refresh; write more of the one that is meant"),
        ("sh", "show"),
        ("filt", "filter"),
        ("primitve", "`primitve` is no word of `configure`; write `primitive` if that is meant"),
        ("", "`` is no word of `configure`; see `help` for the words of this level"),
    ] {
        assert_eq!(found(Level::Configure, word), want);
    }
}

#[test]
fn a_word_of_another_level_is_told_with_its_level() {
    let want = "`primitive` is no word of the crm shell; write `configure primitive` at the top";
    assert_eq!(found(Level::Root, "primitive"), want);
}

#[test]
fn no_two_commands_of_a_level_share_a_spelling() {
    for level in Level::ALL {
        let mut seen = std::collections::BTreeSet::new();
        for word in level.entries().flat_map(Entry::spellings) {
            assert!(seen.insert(word), "{word} of {level:?}");
        }
    }
}

#[test]
fn every_command_that_is_here_says_what_it_does() {
    for level in Level::ALL {
        for entry in level.entries().filter(|entry| entry.is_here()) {
            assert!(entry.about.ends_with('.'), "{}", entry.word);
        }
    }
}
