//! A line that is to be done, and where it stands.

use haven_config::crm::{Line, Word, word};
use haven_config::{Diagnostic, Place, Position, Source};

/// The name of words that were given on the command line.
pub(crate) const COMMAND: &str = "command";

/// A statement of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'s> {
    /// Where it stands.
    pub(crate) source: &'s Source,
    /// Its words.
    pub(crate) line: &'s Line,
}

/// The text of one object, and by how many lines it was moved.
#[derive(Debug)]
pub(crate) struct Part {
    /// The text.
    pub(crate) text: String,
    /// Lines before it.
    before: u32,
    /// The place of a word that was written out, and by how many characters.
    longer: Option<(Position, u32)>,
}

impl Input<'_> {
    /// The words from `skip` on.
    pub(crate) fn words(&self, skip: usize) -> Vec<&str> {
        self.line.words.iter().skip(skip).map(|word| word.text.as_str()).collect()
    }

    /// Where it begins, as `site.crm:3:1: `; nothing for words of the command line.
    pub(crate) fn at(&self) -> String {
        if self.source.name() == COMMAND {
            return String::new();
        }
        let Position { line, column } = self.line.begin;
        format!("{}:{line}:{column}: ", self.source.name())
    }

    /// The text from word `skip` on, each character in its column. That word is written out as `word` if it is only the
    /// beginning of it.
    pub(crate) fn part(&self, skip: usize, word: &str) -> Part {
        let mut lines: Vec<String> = self.line.raw.split('\n').map(str::to_owned).collect();
        for word in self.line.words.iter().take(skip) {
            blank(&mut lines, word, self.line.begin.line);
        }
        let own = self.line.words.get(skip);
        let begun = own.filter(|own| word.len() > own.text.len() && word.starts_with(&own.text));
        let longer = begun.and_then(|own| write_out(&mut lines, own, self.line.begin.line, word));
        let comments: String = self.line.comments.iter().map(|comment| format!("{comment}\n")).collect();
        let text = format!("{comments}{}", lines.join("\\\n"));
        let above = u32::try_from(self.line.comments.len()).unwrap_or_default();
        Part { text, before: self.line.begin.line.saturating_sub(1).saturating_sub(above), longer }
    }
}

impl Part {
    /// What was said of the part, as said of the whole.
    pub(crate) fn placed(&self, mut said: Vec<Diagnostic>) -> Vec<Diagnostic> {
        for diagnostic in &mut said {
            if let Place::At { position, .. } = &mut diagnostic.place {
                position.line = position.line.saturating_add(self.before);
                if let Some((word, by)) = self.longer.filter(|(word, _)| word.line == position.line)
                    && position.column > word.column
                {
                    position.column = position.column.saturating_sub(by);
                }
            }
        }
        said
    }
}

/// Writes a word out; where it is, and by how many characters it has become longer.
fn write_out(lines: &mut [String], word: &Word, first: u32, whole: &str) -> Option<(Position, u32)> {
    let Place::At { position, .. } = word.place else { return None };
    let at = usize::try_from(position.line.saturating_sub(first)).ok()?;
    let line = lines.get_mut(at)?;
    let before: String = line.chars().zip(1_u32..).take_while(|(_, n)| *n < position.column).map(|(c, _)| c).collect();
    let rest = line.get(before.len()..)?.strip_prefix(word.text.as_str())?;
    *line = format!("{before}{whole}{rest}");
    Some((position, u32::try_from(whole.len().saturating_sub(word.text.len())).ok()?))
}

/// Puts blanks in place of a word.
fn blank(lines: &mut [String], word: &Word, first: u32) {
    let Place::At { position, width } = word.place else { return };
    let at = usize::try_from(position.line.saturating_sub(first)).unwrap_or_default();
    let Some(line) = lines.get_mut(at) else { return };
    let columns = position.column..position.column.saturating_add(width);
    *line = line.chars().zip(1_u32..).map(|(c, column)| if columns.contains(&column) { ' ' } else { c }).collect();
}

/// Words of the command line as a line of text that reads as them. Behind `xml` they are themselves.
pub(crate) fn written(words: &[String]) -> String {
    let xml = words
        .iter()
        .position(|word| word == "xml")
        .filter(|at| words.get(at + 1).is_some_and(|next| next.trim_start().starts_with('<')));
    let quoted = words.iter().enumerate().map(|(at, text)| match xml {
        Some(xml) if at > xml => text.replace('\n', " "),
        Some(_) | None => word(text),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use haven_config::crm::lines;

    use super::*;

    #[test]
    fn a_part_keeps_its_columns_and_its_lines() {
        let source = Source::of_crm("x", b"up\n\n# why\n  configure \\\n primitive a \\\n  Dummy\n");
        let (found, said) = lines(&source);
        assert_eq!(said, []);
        let input = Input { source: &source, line: &found[1] };
        assert_eq!(input.at(), "x:4:3: ");
        assert_eq!(input.words(1), ["primitive", "a", "Dummy"]);
        let part = input.part(1, "primitive");
        assert_eq!(part.text, "# why\n            \\\n primitive a \\\n  Dummy");
        assert_eq!(part.before, 2);
    }

    #[test]
    fn a_word_that_was_begun_is_written_out_and_places_stay() {
        let source = Source::of_crm("x", b"configure prim a Dummy");
        let (found, _) = lines(&source);
        let part = Input { source: &source, line: &found[0] }.part(1, "primitive");
        assert_eq!(part.text, "          primitive a Dummy");
        let at = |column| Place::At { position: Position { line: 1, column }, width: 1 };
        let said = |column| Diagnostic {
            severity: haven_config::Severity::Error,
            place: at(column),
            what: String::new(),
            remedy: String::new(),
        };
        let places: Vec<Place> = part.placed(vec![said(11), said(21)]).into_iter().map(|said| said.place).collect();
        assert_eq!(places, [at(11), at(16)]);
    }

    #[test]
    fn words_of_the_command_line_are_the_same_words_again() {
        let words = ["primitive", "a", "x=a b", "y=", "", "it's", "\\"].map(str::to_owned);
        let source = Source::of_crm("x", written(&words).as_bytes());
        let (found, _) = lines(&source);
        assert_eq!(Input { source: &source, line: &found[0] }.words(0), words);
        let xml = ["configure", "xml", "<a b=\"c\"/>"].map(str::to_owned);
        assert_eq!(written(&xml), "configure xml <a b=\"c\"/>");
    }
}
