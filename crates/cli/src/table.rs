//! Plain columns for people.

use std::fmt;

/// Between two columns.
const GAP: &str = "  ";

/// A table of `N` columns, each as wide as its widest cell.
pub(crate) struct Table<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Table<N> {
    /// A table with these headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self(vec![headings.map(str::to_owned)])
    }

    /// The table with one more row.
    pub(crate) fn row(mut self, cells: [String; N]) -> Self {
        self.0.push(cells.map(|cell| printable(&cell)));
        self
    }
}

/// The text on one line, and without what a terminal would obey instead of showing.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; N];
        for row in &self.0 {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &self.0 {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(formatter, "{}", cells.join(GAP).trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_do_not_trail() {
        let table = Table::new(["ID", "NAME"]).row(["1".into(), "Auðkenni".into()]).row(["1000".into(), "x".into()]);
        assert_eq!(table.to_string(), "ID    NAME\n1     Auðkenni\n1000  x\n");
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_row() {
        let table = Table::new(["NAME"]).row(["a\nb\u{1b}[31m".into()]);
        assert_eq!(table.to_string(), "NAME\na\u{fffd}b\u{fffd}[31m\n");
    }
}
