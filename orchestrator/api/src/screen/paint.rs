//! Width, colours and columns.

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// ANSI colours.
    Ansi,
    /// None: not a terminal, or `NO_COLOR` is set.
    Plain,
}

/// How text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Columns of the terminal, at least [`WIDTH_MIN`].
    width: usize,
    colour: Colour,
}

/// Below this nothing can be laid out in columns; a narrower terminal wraps.
const WIDTH_MIN: usize = 80;
/// Beyond this lines are hard to read; wider terminals get no more.
const WIDTH_MAX: usize = 160;

/// Stands for a space at which no line is broken.
pub(super) const NO_BREAK: char = '\u{a0}';

/// What a text means, for those who see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// As wanted.
    Good,
    /// Waiting, asked for, or not safe.
    Warn,
    /// Broken.
    Bad,
    /// Headings and names that stand out.
    Bold,
    /// Of less interest.
    Dim,
}

impl Paint {
    /// A layout of this many columns, 80 at least and 160 at most.
    pub fn new(width: usize, colour: Colour) -> Self {
        Self { width: width.clamp(WIDTH_MIN, WIDTH_MAX), colour }
    }

    /// 80 columns without colours.
    pub fn plain() -> Self {
        Self::new(WIDTH_MIN, Colour::Plain)
    }

    /// The columns that may be used.
    pub fn width(self) -> usize {
        self.width
    }

    /// `text` in the colour of its tone.
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        if self.colour == Colour::Plain || text.is_empty() {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31;1",
            Tone::Bold => "1",
            Tone::Dim => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A line across.
    pub(super) fn rule(self) -> String {
        self.tone(Tone::Dim, &"─".repeat(self.width))
    }

    /// `text` in lines that fit, the first indented by `first`, the others by `rest`.
    pub(super) fn wrap(self, text: &str, first: &str, rest: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split([' ', '\n']).filter(|w| !w.is_empty()) {
            // A no-break space keeps a command in one piece.
            let word = word.replace(NO_BREAK, " ");
            let word = word.as_str();
            let gap = usize::from(!empty);
            if !empty && cells(&line) + gap + cells(word) > self.width {
                lines.push(std::mem::replace(&mut line, rest.to_owned()));
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            let room = self.width.saturating_sub(cells(&line));
            line += &cut(word, room);
            empty = false;
        }
        lines.push(line);
        lines
    }
}

/// Columns that `text` takes; texts of the cluster have no wide characters.
pub(super) fn cells(text: &str) -> usize {
    text.chars().count()
}

/// `text` in at most `width` columns, with an ellipsis if something is lost.
pub(super) fn cut(text: &str, width: usize) -> String {
    if cells(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    if width == 0 { String::new() } else { format!("{}…", kept.trim_end()) }
}

/// `text` in exactly `width` columns.
pub(super) fn cell(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let pad = width.saturating_sub(cells(&text));
    text + &" ".repeat(pad)
}

/// The widest of `texts`, between `least` and `most`.
pub(super) fn widest<'a>(texts: impl Iterator<Item = &'a str>, least: usize, most: usize) -> usize {
    texts.map(cells).max().unwrap_or(0).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_with_a_mark_and_wrapped_within_the_width() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cell("ab", 4), "ab  ");
        let lines = Paint::plain().wrap(&"word ".repeat(40), "! ", "  ");
        assert!(lines.iter().all(|l| cells(l) <= 80), "{lines:?}");
        assert_eq!(lines.iter().map(|l| l.split_whitespace().count()).sum::<usize>(), 41);
    }

    #[test]
    fn a_word_longer_than_the_line_is_cut_rather_than_spilled() {
        let lines = Paint::plain().wrap(&"x".repeat(200), "  ", "  ");
        assert!(lines.iter().all(|l| cells(l) <= 80), "{lines:?}");
    }
}
