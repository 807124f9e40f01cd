//! How many syncs a second the disk can do, one after the other: what one connection could reach at
//! best.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::rounds::{Figures, Ground};

/// About what the log grows by when one create is committed.
const WRITTEN: [u8; 3 * 4096] = [7; 3 * 4096];

pub(crate) fn run(ground: &Ground) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let mut file = File::create(data.path().join("log"))?;
    let (start, duration) = (Instant::now(), ground.scale.duration.min(Duration::from_secs(2)));
    let mut syncs = 0_u32;
    while start.elapsed() < duration {
        file.write_all(&WRITTEN)?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(Figures::from([("per second", f64::from(syncs) / start.elapsed().as_secs_f64())]))
}
