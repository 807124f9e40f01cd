//! Tests of the real program on PostgreSQL. Each test has its own cluster.

mod balancer;
mod doctor;
mod fleet;
mod replicas;
mod setting_up;
