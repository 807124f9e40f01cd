//! Files that are generated from the code and checked in, so that reviews show their changes.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, output, root};

/// The OpenAPI documents: for each version of OpenAPI, the file that `fieldtest openapi` prints.
pub(crate) const DOCUMENTS: [(&str, &str); 2] =
    [("3.1", "docs/openapi.json"), ("3.0", "docs/openapi-3.0.json")];

/// Writes the generated files.
pub(crate) fn write() -> Result<()> {
    for (version, file) in DOCUMENTS {
        fs::write(root().join(file), openapi(version)?)
            .with_context(|| format!("cannot write {file}"))?;
        println!("{file} is written");
    }
    Ok(())
}

/// Fails if a generated file is out of date.
pub(crate) fn compare() -> Result<()> {
    for (version, file) in DOCUMENTS {
        let generated = openapi(version)?;
        let checked_in =
            fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))?;
        if let Some(line) = first_difference(&checked_in, &generated) {
            bail!("{file} differs from the code at line {line}: run `cargo xtask generate`")
        }
    }
    Ok(())
}

/// Generates the document for this version of OpenAPI, 3.1 or 3.0.
pub(crate) fn openapi(version: &str) -> Result<String> {
    let arguments = ["run", "--quiet", "--package", "fieldtest", "--features", "openapi", "--"];
    output(cargo(&arguments).args(["openapi", "--version", version]))
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
