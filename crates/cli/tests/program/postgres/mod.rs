//! The real program on PostgreSQL, as operators run it. Each test has a database server of its own.

mod balancer;
mod doctor;
mod fleet;
mod replicas;
mod setting_up;
