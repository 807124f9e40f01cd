//! What must not be anywhere in the tree.

use crate::files::{assert_none, files_below, root, rust_files_below, short};
use crate::table::{FORBIDDEN_MACROS, FORBIDDEN_TEXT};
use crate::tokens::tokens;

#[test]
fn no_file_contains_forbidden_text() {
    let mut found = Vec::new();
    for file in files_below(root()) {
        // What is no text contains none.
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        for (line, content) in text.lines().enumerate() {
            let content = content.to_lowercase();
            for (_, why) in FORBIDDEN_TEXT.iter().filter(|(forbidden, _)| content.contains(forbidden)) {
                found.push(format!("{}:{}: {why}", short(&file), line + 1));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn no_code_is_left_for_later() {
    let mut found = Vec::new();
    for file in rust_files_below(root()) {
        let tokens = tokens(&std::fs::read_to_string(&file).unwrap());
        for pair in tokens.windows(2) {
            for (name, why) in FORBIDDEN_MACROS.iter().filter(|(name, _)| pair[0].is_word(name) && pair[1].is_sign('!'))
            {
                found.push(format!("{} calls {name}!: {why}", short(&file)));
            }
        }
    }
    assert_none(&found);
}
