//! Tables for people.
//!
//! They are ours: comfy-table needs crossterm for colours, five more crates to save thirty lines.

use std::fmt;

use crate::terminal::{Style, Terminal, display_width, truncated};

/// The space between two columns.
const GAP: &str = "  ";

/// The minimum width of the column that shrinks, unless its cells are narrower.
const MIN_WIDTH: usize = 8;

/// The style of a cell with this text.
type CellStyle = fn(&str) -> Style;

/// A table of `N` columns, each as wide as its widest cell.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
    /// The column that shrinks if the terminal is too narrow.
    shrinking: Option<usize>,
    /// The column with colours.
    painted: Option<(usize, CellStyle)>,
    terminal: Terminal,
}

impl<const N: usize> Table<N> {
    /// A table with these headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        let rows = vec![headings.map(str::to_owned)];
        Self { rows, shrinking: None, painted: None, terminal: Terminal::PIPE }
    }

    /// Adds a row.
    pub(crate) fn row(mut self, cells: [String; N]) -> Self {
        self.rows.push(cells.map(|cell| printable(&cell)));
        self
    }

    /// Shrinks this column so that the table fits the terminal.
    pub(crate) fn fit(self, terminal: Terminal, shrinking: usize) -> Self {
        Self { terminal, shrinking: Some(shrinking), ..self }
    }

    /// Gives each cell of this column a colour.
    pub(crate) fn paint(self, column: usize, style: CellStyle) -> Self {
        Self { painted: Some((column, style)), ..self }
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = display_width(cell).max(*width);
            }
        }
        let total = widths.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1);
        let excess = self.terminal.width.map_or(0, |width| total.saturating_sub(width));
        if let Some(width) = self.shrinking.and_then(|column| widths.get_mut(column)) {
            *width = width.saturating_sub(excess).max(MIN_WIDTH.min(*width));
        }
        widths
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
                let cell = truncated(cell, width);
                let padding = " ".repeat(width.saturating_sub(display_width(&cell)));
                match self.painted.filter(|(painted, _)| number > 0 && *painted == column) {
                    Some((_, style)) => self.terminal.paint(style(&cell), &cell) + &padding,
                    None => cell + &padding,
                }
            });
            let line = cells.collect::<Vec<_>>().join(GAP);
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The text without what a terminal executes, breaks lines at, or writes in another order: it stays on
/// one line, and reads as it is.
pub(crate) fn printable(text: &str) -> String {
    text.replace(is_misleading, "\u{fffd}")
}

/// Control characters, line and paragraph separators, and the characters that change the direction of
/// what follows (Unicode's Bidi_Control).
fn is_misleading(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{2028}'
                | '\u{2029}'
                | '\u{061c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_turn_round_or_break_what_is_printed() {
        assert_eq!(printable("paid \u{202e}EUR 000,1"), "paid \u{fffd}EUR 000,1");
        assert_eq!(printable("a\u{2028}b\u{7}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(printable("Auðkenni 日本"), "Auðkenni 日本");
    }

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_spaces() {
        let table = Table::new(["ID", "NAME"])
            .row(["1".into(), "Auðkenni".into()])
            .row(["1000".into(), "x".into()]);
        assert_eq!(table.to_string(), "ID    NAME\n1     Auðkenni\n1000  x\n");
        let empty = Table::new(["A", "B", "C"]).row([String::new(), "b".into(), String::new()]);
        assert_eq!(empty.to_string(), "A  B  C\n   b\n");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let table = Table::new(["NAME", "ID"])
            .row(["日本".into(), "1".into()])
            .row(["x".into(), "2".into()]);
        assert_eq!(table.to_string(), "NAME  ID\n日本  1\nx     2\n");
    }

    #[test]
    fn control_characters_in_cells_are_replaced() {
        let table = Table::new(["NAME"]).row(["a\nb\u{1b}[31m".into()]);
        assert_eq!(table.to_string(), "NAME\na\u{fffd}b\u{fffd}[31m\n");
    }

    #[test]
    fn one_column_shrinks_to_a_minimum() {
        let table = |width| {
            let terminal = Terminal { width: Some(width), ..Terminal::PIPE };
            Table::new(["ID", "TITLE"])
                .row(["1234".into(), "A rather long title".into()])
                .fit(terminal, 1)
                .to_string()
        };
        assert_eq!(table(80), "ID    TITLE\n1234  A rather long title\n");
        assert_eq!(table(18), "ID    TITLE\n1234  A rather lo…\n");
        assert_eq!(table(5), "ID    TITLE\n1234  A rathe…\n");
    }

    #[test]
    fn colours_do_not_change_widths() {
        let terminal = Terminal { width: Some(80), has_colours: true, ..Terminal::PIPE };
        let table = Table::new(["STATE", "ID"]).row(["open".into(), "1".into()]);
        let table = table.fit(terminal, 0).paint(0, |_| Style::Success);
        assert_eq!(table.to_string(), "STATE  ID\n\u{1b}[32mopen\u{1b}[0m   1\n");
    }
}
