//! Standard output.

use std::io::{self, ErrorKind, Write};

use crate::failure::Failure;

/// Prints text. A closed pipe is no failure: `head` closes it when it has read enough.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_if_open(text).map(drop)
}

/// Prints text. The result is `false` if the reader has closed the pipe.
pub(crate) fn print_if_open(text: &str) -> Result<bool, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Other(format!("cannot write to standard output: {error}"))),
    }
}
