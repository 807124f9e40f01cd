//! Syncs of the disk per second, one after the other: the upper bound of one connection.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::context::{BenchContext, Figures};

/// About the size of one create in SQLite's log.
const WRITTEN: [u8; 3 * 4096] = [7; 3 * 4096];

pub(crate) fn run(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    let mut file = File::create(data.path().join("log"))?;
    let (start, duration) = (Instant::now(), context.settings.duration.min(Duration::from_secs(2)));
    let mut syncs = 0_u32;
    while start.elapsed() < duration {
        file.write_all(&WRITTEN)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(Figures::from([("per second", f64::from(syncs) / start.elapsed().as_secs_f64())]))
}
