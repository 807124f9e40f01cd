use serde_json::Value;

use crate::table::Table;
use crate::terminal::Terminal;

/// The result of a command, as JSON and as text.
pub(super) struct CommandOutput {
    json: Vec<Value>,
    text: String,
}

impl CommandOutput {
    /// A result as JSON objects and as a table with the same content. The table shrinks this column
    /// to fit the terminal.
    pub(super) fn new<const N: usize>(
        json: impl IntoIterator<Item = Value>,
        table: Table<N>,
        shrinking: usize,
    ) -> Self {
        let table = table.fit(Terminal::stdout(), shrinking);
        Self { json: json.into_iter().collect(), text: table.to_string() }
    }

    /// Adds a note below the table. It is not in the JSON.
    pub(super) fn with_note(mut self, note: &str) -> Self {
        self.text = format!("{}\n{note}\n", self.text);
        self
    }

    /// Renders the result. JSON is always an array, so that scripts read all results alike.
    pub(super) fn render(self, as_json: bool) -> String {
        if as_json { format!("{:#}\n", Value::Array(self.json)) } else { self.text }
    }
}
