//! What the program is compared with, measured in the same run: the engines and the disk by
//! themselves, and the same API in Fastify.

pub(crate) mod fastify;
pub(crate) mod pgbench;
pub(crate) mod sqlite;
pub(crate) mod sync;
