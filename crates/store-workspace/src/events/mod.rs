//! The events of an app's production tests (§7).

pub(crate) mod prune;
pub(crate) mod read;
mod record;

pub(crate) use self::read::EVENT;
pub(crate) use self::record::{NewEvent, record};
