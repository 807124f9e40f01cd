//! Converts PostgreSQL's errors to those of a store.

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::{DbError, SqlState};

use super::session::TAKES_NO_WRITES;
use crate::error::{StoreError, UnavailableReason};

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => of_server(refusal),
            // Without an error of the server, the connection failed, or a value cannot be read.
            None if error.is_closed() || is_io(&error) => {
                Self::unavailable(UnavailableReason::Unreachable, cause(&error))
            }
            None => Self::Internal(cause(&error)),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            // The pool asks nothing of a connection but to be made.
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                while_connecting(&error)
            }
            PoolError::PostCreateHook(HookError::Message(refusal)) => {
                let reason = if refusal == TAKES_NO_WRITES {
                    UnavailableReason::ReadOnly
                } else {
                    UnavailableReason::Unreachable
                };
                Self::unavailable(reason, refusal)
            }
            PoolError::Timeout(_) => {
                Self::unavailable(UnavailableReason::Slow, "no connection was free in time")
            }
            PoolError::Closed => Self::Closed,
            other => Self::Internal(other.to_string()),
        }
    }
}

/// An error while a connection is made. Whatever it is, the database is unavailable: on a full
/// disk, for example, the code is that of an internal error.
pub(super) fn while_connecting(error: &tokio_postgres::Error) -> StoreError {
    match error.as_db_error().map(of_server) {
        Some(refusal @ StoreError::Unavailable { .. }) => refusal,
        _ => StoreError::unavailable(UnavailableReason::Unreachable, cause(error)),
    }
}

/// Uses the code and the message, not the detail, which can quote values of a row.
fn of_server(refusal: &DbError) -> StoreError {
    let code = refusal.code();
    let cause = format!("{}: {}", code.code(), refusal.message());
    let reason = match code.code().get(..2) {
        // Connections, credentials, missing databases, servers that stop or start, and errors of
        // the operating system, such as those of a disk.
        Some("08" | "28" | "3D" | "57" | "58") if *code != SqlState::QUERY_CANCELED => {
            UnavailableReason::Unreachable
        }
        Some("53") => UnavailableReason::Full,
        Some("40") => UnavailableReason::Busy,
        Some("55" | "57") => UnavailableReason::Slow,
        _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => UnavailableReason::ReadOnly,
        _ if *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => {
            UnavailableReason::Unreachable
        }
        _ => return StoreError::Internal(cause),
    };
    StoreError::Unavailable { reason, cause }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    use std::error::Error;
    error.source().is_some_and(<dyn Error>::is::<std::io::Error>)
}

/// The message of the server, or of the driver with its source.
pub(crate) fn cause(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    if let Some(refusal) = error.as_db_error() {
        return format!("{}: {}", refusal.code().code(), refusal.message());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    use crate::error::UnavailableReason;
    use crate::postgres::Connector;
    use crate::postgres::pool::Pool;
    use crate::{PostgresOptions, StoreError};

    /// Refuses one connection with this code, as a server does that cannot start a backend.
    fn refuse_with(code: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 1024]).unwrap();
            let fields = format!("SFATAL\0VFATAL\0C{code}\0Mcould not write init file\0\0");
            let length = u32::try_from(fields.len() + 4).unwrap();
            let answer = [b"E", &length.to_be_bytes()[..], fields.as_bytes()].concat();
            connection.write_all(&answer).unwrap();
        });
        format!("postgres://me@{address}/fieldtest?sslmode=disable")
    }

    #[tokio::test]
    async fn whatever_goes_wrong_while_connecting_is_unavailability() {
        for (code, expected) in [
            ("XX000", UnavailableReason::Unreachable),
            ("58030", UnavailableReason::Unreachable),
            ("42501", UnavailableReason::Unreachable),
            ("53100", UnavailableReason::Full),
            ("53300", UnavailableReason::Full),
        ] {
            let options = PostgresOptions::new(refuse_with(code).parse().unwrap());
            let connector = Connector::for_queries(&options, "public").unwrap();
            let pool = Pool::new(&connector, 1, Duration::from_secs(30)).unwrap();
            let refused = pool.get().await.map(drop);
            let Err(StoreError::Unavailable { reason, .. }) = &refused else {
                panic!("{code}: {refused:?}");
            };
            assert_eq!(*reason, expected, "{code}");
        }
    }
}
