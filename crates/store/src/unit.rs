//! Units of work: writes as data, and the transaction in which an engine decides them.

use std::collections::HashSet;
use std::hash::Hash;

use crate::row::Read;
use crate::sql::Sql;
use crate::value::Value;
use crate::{StoreError, postgres, sqlite};

/// A write as data. Many are decided together; each happens whole or not at all.
pub(crate) trait Unit: Sized + Send + 'static {
    /// What became of it.
    type Outcome: Send + 'static;

    /// Decides the units, each as if those before it had been decided already, and writes what follows: one outcome each, in
    /// their order. A refusal is an outcome, not an error, and writes nothing.
    ///
    /// An error undoes all of it. The units are then decided again in smaller groups, until the one that fails is alone.
    async fn decide(units: &[Self], transaction: &Transaction<'_>) -> Result<Vec<Self::Outcome>, StoreError>;

    /// Does what comes next, now that it is durable, whether or not anybody still waits for it. The writer waits for this.
    fn committed(self, _outcome: &Self::Outcome) {}
}

/// Decides units one after the other: for those of which few come together.
pub(crate) async fn one_by_one<U, T>(
    units: &[U],
    decide: impl AsyncFn(&U) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut outcomes = Vec::with_capacity(units.len());
    for unit in units {
        outcomes.push(decide(unit).await?);
    }
    Ok(outcomes)
}

/// As [`one_by_one`], in the order of what the units lock: in another order two transactions could wait for each other. Units with
/// the same key stay in theirs.
pub(crate) async fn in_order<'units, U, T, K: Ord>(
    units: &'units [U],
    key: impl Fn(&'units U) -> K,
    decide: impl AsyncFn(&'units U) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut sorted: Vec<(usize, &U)> = units.iter().enumerate().collect();
    sorted.sort_by_key(|(_, unit)| key(unit));
    let mut outcomes = Vec::with_capacity(units.len());
    for (index, unit) in sorted {
        outcomes.push((index, decide(unit).await?));
    }
    outcomes.sort_by_key(|(index, _)| *index);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Cuts the units into runs in which no key comes twice, so that one statement can serve a whole run: what comes later is
/// decided when what came before has been written.
pub(crate) fn runs<'units, U, K: Eq + Hash, I: IntoIterator<Item = K>>(
    units: &'units [U],
    keys: impl Fn(&'units U) -> I,
) -> Vec<&'units [U]> {
    let mut runs = Vec::new();
    let mut seen = HashSet::new();
    let mut start = 0;
    for (index, unit) in units.iter().enumerate() {
        let keys: Vec<K> = keys(unit).into_iter().collect();
        if keys.iter().any(|key| seen.contains(key)) {
            runs.extend(units.get(start..index));
            seen.clear();
            start = index;
        }
        seen.extend(keys);
    }
    runs.extend(units.get(start..).filter(|run| !run.is_empty()));
    runs
}

/// A transaction of either engine. On SQLite nothing here ever waits.
pub(crate) enum Transaction<'a> {
    Sqlite(sqlite::Work<'a>),
    Postgres(&'a deadpool_postgres::ClientWrapper),
}

impl Transaction<'_> {
    /// Runs a statement; how many rows it has changed.
    pub(crate) async fn execute(&self, sql: &'static Sql, parameters: &[Value<'_>]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(work) => sqlite::statement::execute(work.connection, sql, parameters),
            Self::Postgres(client) => postgres::statement::execute(client, sql, parameters).await,
        }
    }

    /// Runs a query; what it finds.
    pub(crate) async fn query<T>(
        &self,
        sql: &'static Sql,
        parameters: &[Value<'_>],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            Self::Sqlite(work) => sqlite::statement::query(work.connection, sql, parameters, read),
            Self::Postgres(client) => postgres::statement::query(client, sql, parameters, read).await,
        }
    }

    /// Runs a statement over rows; how many rows it has changed. No rows, no statement.
    pub(crate) async fn execute_each<const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'_>; N]],
    ) -> Result<u64, StoreError> {
        match self {
            _ if rows.is_empty() => Ok(0),
            Self::Sqlite(work) => {
                let changed = sqlite::statement::execute_each(work.connection, sql, rows)?;
                // A table has fewer rows than fit 64 bits.
                Ok(u64::try_from(changed.into_iter().sum::<usize>()).unwrap_or(u64::MAX))
            }
            Self::Postgres(client) => postgres::statement::execute_each(client, sql, rows).await,
        }
    }

    /// Runs a statement over rows that have these ids; those that have changed something, which the statement returns where that is
    /// not known otherwise.
    pub(crate) async fn change_each<T: Eq + Hash, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'_>; N]],
        ids: impl IntoIterator<Item = T>,
        read: Read<T>,
    ) -> Result<HashSet<T>, StoreError> {
        match self {
            _ if rows.is_empty() => Ok(HashSet::new()),
            Self::Sqlite(work) => {
                let changed = sqlite::statement::execute_each(work.connection, sql, rows)?;
                Ok(ids.into_iter().zip(changed).filter(|(_, changed)| *changed > 0).map(|(id, _)| id).collect())
            }
            Self::Postgres(client) => {
                Ok(postgres::statement::query_each(client, sql, rows, read).await?.into_iter().collect())
            }
        }
    }

    /// Runs a query over rows; what it finds for all of them, in no order.
    pub(crate) async fn query_each<T, const N: usize>(
        &self,
        sql: &'static Sql,
        rows: &[[Value<'_>; N]],
        read: Read<T>,
    ) -> Result<Vec<T>, StoreError> {
        match self {
            _ if rows.is_empty() => Ok(Vec::new()),
            Self::Sqlite(work) => sqlite::statement::query_each(work.connection, sql, rows, read),
            Self::Postgres(client) => postgres::statement::query_each(client, sql, rows, read).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn units_are_decided_in_the_order_of_their_keys_and_answered_in_their_own() {
        let units = [(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd')];
        let decided = std::sync::Mutex::new(Vec::new());
        let outcomes = in_order(
            &units,
            |(key, _)| *key,
            async |(_, name)| {
                decided.lock().unwrap().push(*name);
                Ok(*name)
            },
        );
        assert_eq!(outcomes.await.unwrap(), ['a', 'b', 'c', 'd']);
        assert_eq!(*decided.lock().unwrap(), ['b', 'd', 'a', 'c']);
    }

    #[test]
    fn a_run_ends_before_a_key_comes_again() {
        let cut = |units: &'static [&'static [u8]]| {
            runs(units, |unit| unit.iter()).into_iter().map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(cut(&[]), [0; 0]);
        assert_eq!(cut(&[&[1], &[2], &[], &[]]), [4]);
        assert_eq!(cut(&[&[1], &[2], &[1], &[2], &[1]]), [2, 2, 1]);
        assert_eq!(cut(&[&[1, 2], &[3], &[4, 2]]), [2, 1]);
        assert_eq!(cut(&[&[1, 1], &[1]]), [1, 1]);
    }
}
