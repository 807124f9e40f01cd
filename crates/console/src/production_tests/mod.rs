//! The production tests of an app (§14): the list, an order, one test.

pub(super) mod actions;
mod charts;
pub(super) mod downloads;
pub(super) mod list;
pub(super) mod live;
pub(super) mod order;
mod outcomes;
pub(super) mod share;
pub(super) mod show;
mod view;
