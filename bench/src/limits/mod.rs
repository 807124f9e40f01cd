//! What could be reached at best, and what others reach: measured in the same run.

pub(crate) mod fastify;
pub(crate) mod pgbench;
pub(crate) mod sqlite;
pub(crate) mod sync;
