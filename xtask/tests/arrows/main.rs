//! The arrows between the rooms, as `ARCHITECTURE.md` draws them, and what must not be anywhere in the tree.
//!
//! `table.rs` says what is forbidden and why; it is the file to change when an arrow has to change.

#[cfg(test)]
mod files;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod rooms;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod tree;
