//! Splits a script into its statements.

/// The statements of a script. A semicolon within quotes, a function's body or a comment ends none.
pub(super) fn statements(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = script;
    loop {
        let (statement, after) = split_first(rest);
        if !is_blank(statement) {
            found.push(statement.trim());
        }
        match after {
            Some(after) => rest = after,
            None => return found,
        }
    }
}

/// The first statement, and what follows its semicolon.
fn split_first(script: &str) -> (&str, Option<&str>) {
    let mut position = 0;
    while let Some(rest) = script.get(position..).filter(|rest| !rest.is_empty()) {
        if let Some(after) = rest.strip_prefix(';') {
            return (script.get(..position).unwrap_or_default(), Some(after));
        }
        position += quoted(rest).unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
    }
    (script, None)
}

/// The length of the quoted text or the comment that begins here, if one does. One without an end
/// goes to the end of the script.
fn quoted(text: &str) -> Option<usize> {
    let (begin, end) = match text.as_bytes() {
        [b'\'', ..] => ("'", "'"),
        [b'"', ..] => ("\"", "\""),
        [b'-', b'-', ..] => ("--", "\n"),
        [b'/', b'*', ..] => ("/*", "*/"),
        [b'$', ..] => {
            let tag_end = text.get(1..)?.find('$')? + 2;
            let tag = text.get(..tag_end)?;
            let is_tag = tag.chars().all(|part| part.is_alphanumeric() || "_$".contains(part));
            let is_parameter = tag.chars().nth(1).is_some_and(|part| part.is_ascii_digit());
            if !is_tag || is_parameter {
                return None;
            }
            (tag, tag)
        }
        _ => return None,
    };
    let inner = text.get(begin.len()..)?;
    Some(inner.find(end).map_or(text.len(), |length| begin.len() + length + end.len()))
}

/// Whether there is nothing but white space and comments.
fn is_blank(statement: &str) -> bool {
    let mut rest = statement.trim_start();
    while rest.starts_with("--") || rest.starts_with("/*") {
        let length = quoted(rest).unwrap_or(rest.len());
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_split_at_the_semicolons_between_statements() {
        let script = "
            -- One; comment.
            CREATE TABLE a (b TEXT DEFAULT ';');
            CREATE FUNCTION f() RETURNS trigger AS $$
            BEGIN
                SELECT 1; -- it's
                RETURN NULL;
            END
            $$;
            /* two; */ SELECT $1, 'it''s;', \"c;d\", $x$ ; $$ ; $x$;;
            SELECT 'ü'
            -- The end;
        ";
        let found = statements(script);
        let begins = ["-- One;", "CREATE FUNCTION", "/* two; */", "SELECT 'ü'"];
        assert_eq!(found.len(), begins.len(), "{found:#?}");
        for (statement, begin) in found.iter().zip(begins) {
            assert!(statement.starts_with(begin), "{statement}");
        }
        assert!(found.iter().any(|statement| statement.ends_with("$x$ ; $$ ; $x$")));
        assert_eq!(statements(" -- nothing\n ; ; "), Vec::<&str>::new());
        assert_eq!(statements("SELECT 'open; end"), ["SELECT 'open; end"]);
    }
}
