//! Text from files that people edit.

/// The text without the byte order mark that some editors put in front of UTF-8. It is no white
/// space, so `trim` leaves it there.
#[must_use]
pub fn without_byte_order_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_mark_in_front_is_taken_away() {
        for (text, expected) in [
            ("\u{feff}{}", "{}"),
            ("{}", "{}"),
            ("{\u{feff}}", "{\u{feff}}"),
            ("\u{feff}\u{feff}", "\u{feff}"),
        ] {
            assert_eq!(without_byte_order_mark(text), expected);
        }
    }
}
