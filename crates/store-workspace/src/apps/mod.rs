//! Apps, and the providers that are enabled for them (§11).

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod overview;
pub(crate) mod providers;
pub(crate) mod read;
pub(crate) mod register;
pub(crate) mod rotate_secret;
pub(crate) mod sweep;
pub(crate) mod update;

use db::{Sql, StoreError, Transaction, write_columns};
use domain::{ClientId, WorkspaceId};

write_columns! {
    /// The primary key of an app.
    pub(crate) AppKeyRow((WorkspaceId, ClientId)) = |(workspace_id, client_id)| {
        workspace: Text = workspace_id.as_str(),
        client: Text = client_id.as_str(),
    }
}

/// Locks an app until the end of the transaction, so that it is not deleted. Returns `false` if
/// there is no such app.
pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    workspace_id: &str,
    client_id: &str,
) -> Result<bool, StoreError> {
    static SQL: Sql = Sql::new(
        "SELECT client_id FROM apps
        WHERE workspace_id = $1 AND client_id = $2 AND deleted_at IS NULL {lock}",
    );
    let app = [workspace_id.into(), client_id.into()];
    Ok(!transaction.query(&SQL, &app, |_| Ok(())).await?.is_empty())
}
