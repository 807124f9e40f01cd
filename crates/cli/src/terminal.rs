//! What standard output can show.

use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use terminal_size::{Width, terminal_size_of};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Of a terminal that does not say how wide it is.
const USUAL_WIDTH: usize = 80;

/// Standard output, as far as what is printed depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// How many columns there are; none where it is no terminal.
    pub(crate) width: Option<usize>,
    /// Whether colours are welcome.
    pub(crate) has_colours: bool,
    /// Whether what was printed can be painted over.
    pub(crate) can_repaint: bool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Busy,
    Quiet,
}

impl Terminal {
    /// No terminal: a file, or another program.
    pub(crate) const NONE: Self = Self { width: None, has_colours: false, can_repaint: false };

    /// Standard output as it is now.
    pub(crate) fn of_output() -> Self {
        let width = io::stdout().is_terminal().then(|| {
            terminal_size_of(io::stdout()).map_or(USUAL_WIDTH, |(Width(width), _)| width.into())
        });
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::of(width, std::env::var_os("TERM").as_deref(), is_plain)
    }

    /// A terminal of this width, if it is one, and of this kind.
    fn of(width: Option<usize>, kind: Option<&OsStr>, is_plain: bool) -> Self {
        let obeys = width.is_some() && kind.is_none_or(|kind| kind != "dumb");
        Self { width, has_colours: obeys && !is_plain, can_repaint: obeys }
    }

    /// The text in the tone's colour, if there are colours.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Busy => 33,
            Tone::Quiet => 2,
        };
        if self.has_colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// How many columns the text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// The beginning of the text, with `…` where it goes on, in at most `width` columns.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |character: &char| {
        let taken = character.width().unwrap_or(0);
        let is_room = taken <= left;
        left = left.saturating_sub(taken);
        is_room
    };
    let mut short: String = text.chars().take_while(fits).collect();
    short.extend((width > 0).then_some('…'));
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_its_columns_end() {
        for (text, width, short) in [
            ("BankID", 6, "BankID"),
            ("BankID SE", 6, "BankI…"),
            ("テスト", 5, "テス…"),
            ("テスト", 4, "テ…"),
            ("テスト", 6, "テスト"),
            ("x", 0, ""),
        ] {
            assert_eq!(shortened(text, width), short);
        }
    }

    #[test]
    fn a_dumb_terminal_is_neither_coloured_nor_painted_over() {
        let of = |width, kind: &str, is_plain| {
            let Terminal { has_colours, can_repaint, .. } =
                Terminal::of(width, Some(kind.as_ref()), is_plain);
            (has_colours, can_repaint)
        };
        assert_eq!(of(Some(80), "xterm", false), (true, true));
        assert_eq!(of(Some(80), "xterm", true), (false, true));
        assert_eq!(of(Some(80), "dumb", false), (false, false));
        assert_eq!(of(None, "xterm", false), (false, false));
    }

    #[test]
    fn nothing_is_painted_where_there_are_no_colours() {
        assert_eq!(Terminal::NONE.paint(Tone::Good, "complete"), "complete");
        assert_eq!(
            Terminal { has_colours: true, ..Terminal::NONE }.paint(Tone::Bad, "x"),
            "\u{1b}[31mx\u{1b}[0m"
        );
    }
}
