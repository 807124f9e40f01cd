//! The process itself: how soon it is there, how much memory it takes.

use anyhow::Result;

use super::create;
use crate::rounds::{Figures, Ground};

pub(crate) fn run(ground: &Ground) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let first = ground.program.serve(data.path(), &[])?;
    let made_in = first.came_up_in;
    first.stop()?;
    let server = ground.program.serve(data.path(), &[])?;
    let idle = server.memory()?;
    create::create(ground, &server, 64)?;
    Ok(Figures::from([
        ("start ms", server.came_up_in.as_secs_f64() * 1000.0),
        ("first start ms", made_in.as_secs_f64() * 1000.0),
        ("idle MB", idle),
        ("loaded MB", server.peak_memory()?),
    ]))
}
