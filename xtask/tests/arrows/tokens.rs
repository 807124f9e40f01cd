//! Rust source as a row of words and signs, without its comments, strings and characters: enough to find paths in it.

/// A word (keywords, names and numbers alike) or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    Sign(char),
}

impl Token {
    pub fn is_word(&self, text: &str) -> bool {
        matches!(self, Self::Word(word) if word == text)
    }

    pub fn is_sign(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// The tokens of a Rust source file.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = after_block_comment(rest);
        } else if let Some(after) = after_string(rest).or_else(|| after_character(rest)) {
            rest = after;
        } else if is_of_a_word(first) {
            let end = rest.find(|next| !is_of_a_word(next)).unwrap_or(rest.len());
            found.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !first.is_whitespace() {
                found.push(Token::Sign(first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Block comments nest.
fn after_block_comment(text: &str) -> &str {
    let (mut depth, mut rest) = (0_usize, text);
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, after);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (depth, rest) = (depth - 1, after);
            if depth == 0 {
                return rest;
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    rest
}

/// What follows the string that the text begins with, of any kind, if it begins with one.
fn after_string(text: &str) -> Option<&str> {
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')))?;
    let rest = &text[prefix.len()..];
    let opened = rest.find('"')?;
    let (hashes, inside) = (&rest[..opened], &rest[opened + 1..]);
    if prefix.ends_with('r') {
        let end = format!("\"{hashes}");
        return Some(inside.find(&end).map_or("", |at| &inside[at + end.len()..]));
    }
    hashes.is_empty().then(|| after_quote(inside, '"'))
}

/// What follows the character that the text begins with, if it does not begin with a lifetime or with neither.
fn after_character(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("b'").or_else(|| text.strip_prefix('\''))?;
    let mut characters = inside.chars();
    let is_character = match characters.next()? {
        '\\' => true,
        _ => characters.next() == Some('\''),
    };
    is_character.then(|| after_quote(inside, '\''))
}

/// What follows the closing quote; a backslash takes the next character's meaning away.
fn after_quote(inside: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        if !escaped && character == quote {
            return &inside[at + quote.len_utf8()..];
        }
        escaped = !escaped && character == '\\';
    }
    ""
}

#[test]
fn comments_strings_and_characters_leave_no_token() {
    let source = r####"
        // crate::a
        /* crate::b /* crate::c */ crate::d */
        let text = "crate::e \" crate::f"; let raw = r#"crate::g " crate::h"#; let bytes = b"crate::i";
        let quote = '"'; let other = '\''; let byte = b'"'; fn f<'a>(x: &'a str) {}
    "####;
    let text: String = tokens(source)
        .into_iter()
        .map(|token| match token {
            Token::Word(word) => format!("{word} "),
            Token::Sign(sign) => format!("{sign} "),
        })
        .collect();
    assert_eq!(
        text.trim(),
        "let text = ; let raw = ; let bytes = ; let quote = ; let other = ; let byte = ; fn f < ' a > ( x : & ' a str ) { }"
    );
}
