use serde_json::Value;

use crate::table::Table;
use crate::terminal::Terminal;

/// What came of a command, for programs and for people.
pub(super) struct Answer {
    json: Vec<Value>,
    text: String,
}

impl Answer {
    /// The same things as JSON objects and as a table, which fits the terminal at the expense of
    /// this column.
    pub(super) fn new<const N: usize>(
        json: impl IntoIterator<Item = Value>,
        table: Table<N>,
        elastic: usize,
    ) -> Self {
        let table = table.fit(Terminal::of_output(), elastic);
        Self { json: json.into_iter().collect(), text: table.to_string() }
    }

    /// The answer, with something below the table that only people need to be told.
    pub(super) fn with_note(mut self, note: &str) -> Self {
        self.text = format!("{}\n{note}\n", self.text);
        self
    }

    /// As it is printed. JSON is an array, even of one thing: a script reads all answers the same
    /// way.
    pub(super) fn render(self, as_json: bool) -> String {
        if as_json { format!("{:#}\n", Value::Array(self.json)) } else { self.text }
    }
}
