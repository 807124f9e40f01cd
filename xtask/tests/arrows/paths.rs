//! The paths that a source file names, each from its crate on.

use crate::tokens::{Token, tokens};

/// A path such as `["server", "web", "Envelope"]`.
pub type Names = Vec<String>;

/// Every path in `source` that begins with `crate`, `super` or one of `crates`, written out from the crate on.
///
/// `module` is where the file is in the tree of modules, its crate first. Groups (`use crate::{a, b::c}`) are taken apart.
pub fn paths(source: &str, module: &[String], crates: &[&str]) -> Vec<Names> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        if is_after_a_colon_pair(&tokens, at) || !is_colon_pair(&tokens, at + 1) {
            continue;
        }
        let begin = match word.as_str() {
            "crate" => module.iter().take(1).cloned().collect(),
            "super" => {
                let (begin, next) = climb(&tokens, at, module);
                read_tree(&tokens, next, &begin, &mut found);
                continue;
            }
            name if crates.contains(&name) => vec![name.to_owned()],
            _ => continue,
        };
        read_tree(&tokens, at + 3, &begin, &mut found);
    }
    found
}

/// Where `super::super::…` leads, and where the path goes on. It never leads out of the crate: in a module written inside
/// the file it would take one step more to get as far, so at worst this names a place that is too high up.
fn climb(tokens: &[Token], mut at: usize, module: &[String]) -> (Names, usize) {
    let mut up = 0;
    while tokens.get(at).is_some_and(|token| token.is_word("super")) && is_colon_pair(tokens, at + 1) {
        (up, at) = (up + 1, at + 3);
    }
    (module[..module.len().saturating_sub(up).max(1)].to_vec(), at)
}

/// Reads the rest of a path at `at`, adds all that it names to `found`, and says where it ends.
fn read_tree(tokens: &[Token], mut at: usize, begin: &[String], found: &mut Vec<Names>) -> usize {
    let mut path = begin.to_vec();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) => {
                path.push(word.clone());
                at += 1;
            }
            Some(Token::Sign('{')) => return read_group(tokens, at + 1, &path, found),
            // A glob, or the `<` of a generic argument: the path so far is what is named.
            _ => break,
        }
        if !is_colon_pair(tokens, at) {
            break;
        }
        at += 2;
    }
    found.push(path);
    at
}

/// Reads `a, b::c}` and says where what follows the brace begins.
fn read_group(tokens: &[Token], mut at: usize, begin: &[String], found: &mut Vec<Names>) -> usize {
    while let Some(token) = tokens.get(at) {
        at = match token {
            Token::Sign('}') => return at + 1,
            Token::Word(word) if word == "as" => at + 2,
            Token::Word(_) => read_tree(tokens, at, begin, found),
            Token::Sign(_) => at + 1,
        };
    }
    at
}

fn is_colon_pair(tokens: &[Token], at: usize) -> bool {
    [at, at + 1].iter().all(|&at| tokens.get(at).is_some_and(|token| token.is_sign(':')))
}

fn is_after_a_colon_pair(tokens: &[Token], at: usize) -> bool {
    at >= 2 && is_colon_pair(tokens, at - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        let module = ["server", "tpas", "claims"].map(str::to_owned);
        paths(source, &module, &["store"]).into_iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn a_path_is_found_in_use_and_in_code() {
        assert_eq!(found("use crate::web::Envelope;"), ["server::web::Envelope"]);
        assert_eq!(found("let x = crate::state::State::new::<u8>();"), ["server::state::State::new"]);
        assert_eq!(found("use crate::web::*;"), ["server::web"]);
        assert_eq!(found("pub(crate) fn f() {}"), [""; 0]);
    }

    #[test]
    fn a_group_names_each_of_its_members() {
        assert_eq!(
            found("use crate::{a, b::{c as d, e::*}, f::g};"),
            ["server::a", "server::b::c", "server::b::e", "server::f::g"]
        );
    }

    #[test]
    fn super_leads_up_from_the_file() {
        assert_eq!(found("use super::routes;"), ["server::tpas::routes"]);
        assert_eq!(
            found("use super::super::console::{Page, Form};"),
            ["server::console::Page", "server::console::Form"]
        );
    }

    #[test]
    fn another_crate_counts_only_at_the_beginning_of_a_path() {
        assert_eq!(found("use store::connect::Keys; let s = state.store::<u8>();"), ["store::connect::Keys", "store"]);
        assert_eq!(found("use crate::store::connect;"), ["server::store::connect"]);
    }
}
