//! `POST /connect/v1/apps/{client_id}/webhook-deliveries/{id}/redeliver` (§12)

use axum::Json;
use axum::extract::State;
use db::Channel;
use domain::ClientId;
use http_support::documentation::ServerErrors;
use http_support::error::ApiError;
use http_support::path::PathParameters;
use store_workspace::Redeliver;
use wire::error::ErrorEnvelope;
use wire::webhook::Delivery;

use super::{DeliveryId, delivery};
use crate::caller::{Caller, Write};
use crate::documentation::AppPath;
use crate::state::{NO_SUCH_APP, WorkspaceApi};

const NO_SUCH_DELIVERY: &str = "This app has no such delivery. Check the id in the path.";

/// Deliver an event again
///
/// Under the same `webhook-id`, whatever came of it before, with three days for further attempts. A
/// webhook that is not enabled delivers it once it is.
#[utoipa::path(
    post,
    path = "/connect/v1/apps/{client_id}/webhook-deliveries/{id}/redeliver",
    operation_id = "redeliver",
    tag = "Webhooks",
    security(("workspace_api_key" = [])),
    params(AppPath, ("id" = String, Path, description = "The delivery's id", example = "42")),
    responses(
        (status = 200, description = "The delivery as it is now", body = Delivery),
        Caller<Write>, ServerErrors,
        (status = 404, body = ErrorEnvelope,
            description = "The workspace has no such app, or the app no such delivery"),
    ),
)]
pub(crate) async fn redeliver(
    State(api): State<WorkspaceApi>,
    caller: Caller<Write>,
    path: PathParameters,
) -> Result<Json<Delivery>, ApiError> {
    let client_id: ClientId = path.parse("client_id", NO_SUCH_APP)?;
    api.app(&caller.workspace_id, &client_id).await?;
    let DeliveryId(sequence) = path.parse("id", NO_SUCH_DELIVERY)?;
    let write = Redeliver {
        workspace_id: caller.workspace_id,
        client_id,
        sequence,
        now: api.clock_and_rng.now(),
    };
    let redelivered = api.store.redeliver(write).await?;
    let redelivered = redelivered.ok_or_else(|| ApiError::not_found(NO_SUCH_DELIVERY))?;
    api.store.database().notify(Channel::NewEvents);
    delivery(&redelivered).map(Json)
}
