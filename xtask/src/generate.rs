//! Files that are generated from the code and checked in, so that reviews show their changes.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, root};

/// The OpenAPI document, as `fieldtest openapi` prints it.
const OPENAPI: &str = "docs/openapi.json";

/// Writes the generated files.
pub(crate) fn write() -> Result<()> {
    fs::write(root().join(OPENAPI), openapi()?)
        .with_context(|| format!("cannot write {OPENAPI}"))?;
    println!("{OPENAPI} is written");
    Ok(())
}

/// Fails if a generated file is out of date.
pub(crate) fn compare() -> Result<()> {
    let generated = openapi()?;
    let checked_in = fs::read_to_string(root().join(OPENAPI))
        .with_context(|| format!("cannot read {OPENAPI}"))?;
    match first_difference(&checked_in, &generated) {
        None => Ok(()),
        Some(line) => {
            bail!("{OPENAPI} differs from the code at line {line}: run `cargo xtask generate`")
        }
    }
}

/// Generates the OpenAPI document.
pub(crate) fn openapi() -> Result<String> {
    let arguments = ["run", "--quiet", "--package", "fieldtest", "--features", "openapi", "--"];
    output(cargo(&arguments).arg("openapi"))
}

/// The number of the first line that differs, from 1.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    // If one text is a prefix of the other, the first line after it is the difference.
    let lines = left.split('\n').zip(right.split('\n'));
    Some(lines.take_while(|(left, right)| left == right).count() + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\nb", "a\nb\n"), Some(3));
        assert_eq!(first_difference("", "a"), Some(1));
    }
}
