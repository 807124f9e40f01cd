//! Columns for people.

use std::fmt;

use crate::terminal::{Terminal, Tone, columns, shortened};

/// Between two columns.
const GAP: &str = "  ";

/// A column is not made narrower than this.
const NARROWEST: usize = 8;

/// The tone in which a text is painted.
type Painter = fn(&str) -> Tone;

/// A table of `N` columns, each as wide as its widest cell.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
    /// The column that gives way where the terminal is too narrow.
    elastic: Option<usize>,
    /// A column whose cells have a colour, each by what it says.
    painted: Option<(usize, Painter)>,
    terminal: Terminal,
}

impl<const N: usize> Table<N> {
    /// A table with these headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self {
            rows: vec![headings.map(str::to_owned)],
            elastic: None,
            painted: None,
            terminal: Terminal::NONE,
        }
    }

    /// The table with one more row.
    pub(crate) fn row(mut self, cells: [String; N]) -> Self {
        self.rows.push(cells.map(|cell| printable(&cell)));
        self
    }

    /// The table as it fits on this terminal, at the expense of this column.
    pub(crate) fn fit(self, terminal: Terminal, elastic: usize) -> Self {
        Self { terminal, elastic: Some(elastic), ..self }
    }

    /// The table with a colour for each cell of this column.
    pub(crate) fn paint(self, column: usize, tone: Painter) -> Self {
        Self { painted: Some((column, tone)), ..self }
    }

    /// How wide each column is.
    fn widths(&self) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = columns(cell).max(*width);
            }
        }
        let whole = widths.iter().sum::<usize>() + GAP.len() * N.saturating_sub(1);
        let excess = self.terminal.width.map_or(0, |width| whole.saturating_sub(width));
        if let Some(width) = self.elastic.and_then(|column| widths.get_mut(column)) {
            *width = width.saturating_sub(excess).max(NARROWEST.min(*width));
        }
        widths
    }
}

/// The text on one line, and without what a terminal would obey instead of showing.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect()
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            // Spaces that nothing follows are not printed.
            let mut pending = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let cell = shortened(cell, width);
                let padding = width.saturating_sub(columns(&cell));
                let tone = self
                    .painted
                    .filter(|(painted, _)| number > 0 && *painted == column && !cell.is_empty());
                if !cell.is_empty() {
                    line.push_str(&std::mem::take(&mut pending));
                    line.push_str(&tone.map_or_else(
                        || cell.clone(),
                        |(_, tone)| self.terminal.paint(tone(&cell), &cell),
                    ));
                }
                pending.push_str(&" ".repeat(padding + GAP.len()));
            }
            writeln!(formatter, "{line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_do_not_trail() {
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
    fn a_cell_cannot_break_out_of_its_row() {
        let table = Table::new(["NAME"]).row(["a\nb\u{1b}[31m".into()]);
        assert_eq!(table.to_string(), "NAME\na\u{fffd}b\u{fffd}[31m\n");
    }

    #[test]
    fn one_column_gives_way_to_a_narrow_terminal_but_not_all_of_it() {
        let table = |width| {
            let terminal = Terminal { width: Some(width), ..Terminal::NONE };
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
    fn colours_change_no_width() {
        let terminal = Terminal { width: Some(80), has_colours: true, ..Terminal::NONE };
        let table = Table::new(["STATE", "ID"]).row(["open".into(), "1".into()]);
        let table = table.fit(terminal, 0).paint(0, |_| Tone::Good);
        assert_eq!(table.to_string(), "STATE  ID\n\u{1b}[32mopen\u{1b}[0m   1\n");
    }
}
