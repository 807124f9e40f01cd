//! Standard output.

use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

/// Prints text as it is. A reader that has gone away (`| head`) has read enough: that is no
/// failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    is_read(text).map(drop)
}

/// Prints text as it is; whether there is still somebody who reads it.
pub(crate) fn is_read(text: &str) -> Result<bool, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Other(format!("cannot write to standard output: {error}"))),
    }
}
