//! What standard output can show.
//!
//! The detection is ours: anstream would replace ten lines here with six more crates.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use anstyle::AnsiColor;
use terminal_size::{Width, terminal_size_of};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width of a terminal whose size is unknown.
const DEFAULT_WIDTH: usize = 80;

/// The properties of standard output that printed text depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// The number of columns; `None` if standard output is not a terminal.
    pub(crate) width: Option<usize>,
    /// Whether text may have colours.
    pub(crate) has_colours: bool,
    /// Whether printed lines can be replaced.
    pub(crate) can_redraw: bool,
}

/// The meaning of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Success,
    Error,
    Warning,
    Dim,
}

impl Terminal {
    /// A pipe or a file.
    pub(crate) const PIPE: Self = Self { width: None, has_colours: false, can_redraw: false };

    /// Standard output as it is now.
    pub(crate) fn stdout() -> Self {
        let stdout = io::stdout();
        let width = stdout.is_terminal().then(|| {
            terminal_size_of(&stdout).map_or(DEFAULT_WIDTH, |(Width(width), _)| width.into())
        });
        let (has_colours, can_redraw) = capabilities(width.is_some(), std::env::var_os);
        Self { width, has_colours, can_redraw }
    }

    /// The text in this style, if there are colours.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let style = match style {
            Style::Success => AnsiColor::Green.on_default(),
            Style::Error => AnsiColor::Red.on_default(),
            Style::Warning => AnsiColor::Yellow.on_default(),
            Style::Dim => anstyle::Style::new().dimmed(),
        };
        if self.has_colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// Whether an output has colours.
pub(crate) fn has_colours(output: &impl IsTerminal) -> bool {
    capabilities(output.is_terminal(), std::env::var_os).0
}

/// Whether an output has colours (<https://no-color.org>), and whether it can be redrawn.
fn capabilities(
    is_terminal: bool,
    variable: impl Fn(&'static str) -> Option<OsString>,
) -> (bool, bool) {
    let obeys = is_terminal && variable("TERM").is_none_or(|kind| kind != "dumb");
    let is_plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    (obeys && !is_plain, obeys)
}

/// The number of columns of a text.
pub(crate) fn display_width(text: &str) -> usize {
    text.width()
}

/// Truncates the text to `width` columns, the last of which is `…`.
pub(crate) fn truncated(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |character: &char| {
        used += character.width().unwrap_or(0);
        used <= width
    };
    let start: String = text.chars().take_while(fits).collect();
    if width == 0 { start } else { format!("{start}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_truncated_by_columns() {
        for (text, width, short) in [
            ("BankID", 6, "BankID"),
            ("BankID SE", 6, "BankI…"),
            ("テスト", 5, "テス…"),
            ("テスト", 4, "テ…"),
            ("テスト", 6, "テスト"),
            ("x", 0, ""),
        ] {
            assert_eq!(truncated(text, width), short);
        }
    }

    #[test]
    fn a_dumb_terminal_has_no_colours_and_no_redraws() {
        let of = |is_terminal, term: &str, no_color: &str| {
            capabilities(is_terminal, |name| {
                Some(if name == "TERM" { term } else { no_color }.into())
            })
        };
        assert_eq!(of(true, "xterm", ""), (true, true));
        assert_eq!(of(true, "xterm", "1"), (false, true));
        assert_eq!(of(true, "dumb", ""), (false, false));
        assert_eq!(of(false, "xterm", ""), (false, false));
    }

    #[test]
    fn text_has_colours_if_the_terminal_has() {
        assert_eq!(Terminal::PIPE.paint(Style::Success, "complete"), "complete");
        let terminal = Terminal { has_colours: true, ..Terminal::PIPE };
        assert_eq!(terminal.paint(Style::Error, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert_eq!(terminal.paint(Style::Dim, "x"), "\u{1b}[2mx\u{1b}[0m");
    }
}
