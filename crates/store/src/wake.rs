use crate::database::{Database, Engine};
use crate::{OpenError, StoreError, postgres};

/// What one process tells the others. It shortens their waits and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// There is a request to hand over (§9).
    NewRequest,
    /// There are events to deliver (§7).
    NewEvents,
}

/// Hears the calls of other processes. Where the tables belong to one process, nobody ever calls.
pub struct Wake(Option<postgres::Wake>);

impl Wake {
    pub(crate) fn of(database: &Database) -> Self {
        Self(match database.engine() {
            Engine::Sqlite(_) => None,
            Engine::Postgres(database) => Some(database.woken()),
        })
    }

    /// Waits for the next call of this kind.
    pub async fn heard(&self, call: Call) {
        match &self.0 {
            Some(wake) => wake.heard(call).await,
            None => std::future::pending().await,
        }
    }
}

/// What only one process may do at a time, such as making the first rows: this process's turn at it, until it is dropped.
pub struct Turn {
    _turn: Option<postgres::Turn>,
}

impl Turn {
    pub(crate) async fn at(database: &Database) -> Result<Self, OpenError> {
        let turn = match database.engine() {
            Engine::Sqlite(_) => None,
            Engine::Postgres(database) => Some(database.turn().await?),
        };
        Ok(Self { _turn: turn })
    }
}

pub(crate) async fn call(database: &Database, call: Call) -> Result<(), StoreError> {
    match database.engine() {
        Engine::Sqlite(_) => Ok(()),
        Engine::Postgres(database) => database.call(call).await,
    }
}
