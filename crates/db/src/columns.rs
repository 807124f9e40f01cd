//! The columns of the rows that go into a statement, and of those that come out of it. Each column
//! is declared on one line: its name, its kind, and how its value is bound or read.
//!
//! [`write_columns!`](crate::write_columns) declares rows for a statement of [`Sql::each`], and
//! [`read_columns!`](crate::read_columns), which has an example of both, a record for a statement
//! with the mark `{columns}`.
//!
//! [`Sql::each`]: crate::Sql::each

use crate::StoreError;
use crate::row::{Read, Row};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text: `TEXT` on both engines.
    Text,
    /// A number or a time in milliseconds: `INTEGER`, or `bigint` on PostgreSQL.
    Integer,
    /// An id or a hash: `BLOB`, or `bytea` on PostgreSQL.
    Bytes,
    /// `INTEGER` with 0 or 1, or `boolean` on PostgreSQL.
    Boolean,
}

impl Kind {
    pub(crate) fn postgres(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "bigint",
            Self::Bytes => "bytea",
            Self::Boolean => "boolean",
        }
    }
}

/// A column of the rows that a statement of [`Sql::each`](crate::Sql::each) takes.
pub type Column = (&'static str, Kind);

/// The columns of a record, and how it is read from a row that has them. Declared by
/// [`read_columns!`](crate::read_columns).
pub struct ReadColumns<T> {
    /// Reads the record. An error if a column is missing or holds a value that fieldtest does not
    /// write.
    pub read: Read<T>,
    pub(crate) names: ColumnNames,
}

/// The names of a record's columns: those of the record that it contains, and its own.
pub(crate) struct ColumnNames {
    base: Option<&'static ColumnNames>,
    own: &'static [&'static str],
}

impl<T> ReadColumns<T> {
    /// A record with these columns. Use [`read_columns!`](crate::read_columns).
    #[doc(hidden)]
    pub const fn new(own: &'static [&'static str], read: Read<T>) -> Self {
        Self { read, names: ColumnNames { base: None, own } }
    }

    /// The record contains another one, with the columns of that. Use
    /// [`read_columns!`](crate::read_columns).
    #[doc(hidden)]
    #[must_use]
    pub const fn containing<B>(mut self, base: &'static ReadColumns<B>) -> Self {
        self.names.base = Some(&base.names);
        self
    }

    /// Reads the record of a `LEFT JOIN`: `None` if the join found none, so that the record's first
    /// column is `NULL`.
    ///
    /// # Errors
    /// If a column is missing or holds a value that fieldtest does not write.
    pub fn read_optional(&self, row: &Row<'_>) -> Result<Option<T>, StoreError> {
        let is_null = self.names.first().map_or(Ok(true), |column| row.is_null(column))?;
        if is_null { Ok(None) } else { (self.read)(row).map(Some) }
    }
}

impl ColumnNames {
    fn first(&self) -> Option<&'static str> {
        self.base.and_then(Self::first).or_else(|| self.own.first().copied())
    }

    pub(crate) fn all(&self) -> Vec<&'static str> {
        let mut names = self.base.map(Self::all).unwrap_or_default();
        names.extend(self.own);
        names
    }
}

/// Declares the rows that a statement of [`Sql::each`](crate::Sql::each) takes: name, kind and
/// value of each column. `TeamRow(Team) = |pattern| { … }` makes a type `TeamRow` with `COLUMNS`,
/// `COUNT` and `of(&Team)`, which returns the values in the order of the columns.
///
/// A value is an expression that converts to a [`Value`](crate::Value); `pattern` matches a
/// `&Team`. The [example](crate::read_columns#example) shows both macros.
#[macro_export]
macro_rules! write_columns {
    ($(#[$meta:meta])* $visibility:vis $name:ident($row:ty) = |$pattern:pat_param| {
        $($column:ident: $kind:ident = $value:expr),+ $(,)?
    }) => {
        $(#[$meta])*
        $visibility struct $name;

        impl $name {
            /// The number of columns.
            $visibility const COUNT: usize = [$(stringify!($column)),+].len();

            /// The columns' names and kinds.
            $visibility const COLUMNS: [$crate::Column; Self::COUNT] =
                [$((stringify!($column), $crate::Kind::$kind)),+];

            /// The values of a row, in the order of the columns.
            $visibility fn of<'row>($pattern: &'row $row) -> [$crate::Value<'row>; Self::COUNT] {
                [$($crate::Value::from($value)),+]
            }
        }
    };
}

/// Declares the columns of a record, and how each is read: `name: method`, where `method` is one of
/// [`Row`](crate::Row)'s, with further arguments in parentheses. The values are then bound to the
/// columns' names in the expression that makes the record.
///
/// A first line `..inner = INNER,` says that the record contains another one, which is declared as
/// `INNER` and bound to `inner`.
///
/// # Example
///
/// ```
/// use db::{Sql, read_columns, write_columns};
///
/// struct Team {
///     id: [u8; 16],
///     name: String,
/// }
///
/// struct Ranked {
///     team: Team,
///     rank: u32,
/// }
///
/// write_columns! {
///     /// A row of `teams`.
///     TeamRow(Team) = |Team { id, name }| {
///         id: Bytes = id,
///         name: Text = name,
///     }
/// }
///
/// read_columns! {
///     /// A team.
///     TEAM: Team {
///         id: bytes,
///         name: string,
///     } => Team { id, name }
/// }
///
/// read_columns! {
///     /// A team with its rank.
///     RANKED: Ranked {
///         ..team = TEAM,
///         rank: count,
///     } => Ranked { team, rank }
/// }
///
/// static INSERT: Sql = Sql::each("INSERT INTO teams {row of each}", &TeamRow::COLUMNS);
/// static BEST: Sql = Sql::new("SELECT {columns} FROM ranking").reading(&RANKED);
///
/// assert_eq!(INSERT.sqlite(), "INSERT INTO teams (id, name) VALUES (?1, ?2)");
/// assert_eq!(BEST.sqlite(), "SELECT id, name, rank FROM ranking");
/// ```
#[macro_export]
macro_rules! read_columns {
    ($(#[$meta:meta])* $visibility:vis $name:ident: $record:ty {
        $(..$base:ident = $base_columns:ident,)?
        $($column:ident: $method:ident $(($($argument:expr),+))?),+ $(,)?
    } => $body:expr) => {
        $(#[$meta])*
        $visibility static $name: $crate::ReadColumns<$record> = $crate::ReadColumns::new(
            &[$(stringify!($column)),+],
            |row| {
                $(let $base = ($base_columns.read)(row)?;)?
                $(let $column = row.$method(stringify!($column) $($(, $argument)+)?)?;)+
                Ok($body)
            },
        )$(.containing(&$base_columns))?;
    };
}
