//! Files that are generated from the code and checked in, so that people can read them and reviews
//! show their changes.

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

/// Fails if a generated file is not what the code would generate now.
pub(crate) fn compare() -> Result<()> {
    let fresh = openapi()?;
    let kept = fs::read_to_string(root().join(OPENAPI))
        .with_context(|| format!("cannot read {OPENAPI}"))?;
    match first_difference(&kept, &fresh) {
        None => Ok(()),
        Some(line) => {
            bail!("{OPENAPI} differs from the code at line {line}: run `cargo xtask generate`")
        }
    }
}

/// The document, as the code says it now.
pub(crate) fn openapi() -> Result<String> {
    let arguments = ["run", "--quiet", "--package", "fieldtest", "--features", "openapi", "--"];
    output(cargo(&arguments).arg("openapi"))
}

/// The number of the first line that is not the same, from 1.
fn first_difference(kept: &str, fresh: &str) -> Option<usize> {
    if kept == fresh {
        return None;
    }
    // Equal up to the end of the shorter one: the first line that only one of them has is the
    // difference.
    let same =
        kept.split('\n').zip(fresh.split('\n')).take_while(|(left, right)| left == right).count();
    Some(same + 1)
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
