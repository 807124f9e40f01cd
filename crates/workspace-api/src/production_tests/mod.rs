//! Production tests: create, list, read, follow, cancel, retry, report (§5 to §8).

pub(super) mod cancel;
pub(super) mod create;
pub(super) mod events;
pub(super) mod list;
pub(super) mod outcomes;
pub(super) mod report;
pub(super) mod retry;
pub(super) mod show;
mod streamed_list;
pub(super) mod update;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

/// The part of the OpenAPI document about production tests.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(
    paths(
        create::create,
        list::list,
        show::show,
        update::update,
        events::follow,
        cancel::cancel,
        retry::retry,
        report::report,
        outcomes::outcomes,
    ),
    components(schemas(
        wire::page::Order,
        wire::production_test::ItemType,
        wire::outcomes::Format
    ))
)]
pub(crate) struct Paths;

const NO_SUCH_TEST: &str = "This app has no such production test. Check the id in the path.";
