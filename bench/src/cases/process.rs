//! The process: the time to start, and its memory.

use anyhow::Result;

use super::create;
use crate::context::{BenchContext, Figures};

pub(crate) fn run(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    let first = context.program.serve(data.path(), &[])?;
    let first_start = first.start_time;
    first.stop()?;
    let server = context.program.serve(data.path(), &[])?;
    let idle = server.memory()?;
    create::create(context, &server, 64)?;
    Ok(Figures::from([
        ("start ms", server.start_time.as_secs_f64() * 1000.0),
        ("first start ms", first_start.as_secs_f64() * 1000.0),
        ("idle MB", idle),
        ("loaded MB", server.peak_memory()?),
    ]))
}
