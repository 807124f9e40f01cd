//! Base 62 text, for ids and secrets that people copy and paste.

use crate::Randomness;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The largest multiple of 62 that a byte can hold. Bytes from here on are dropped, because they
/// would make the first letters more likely.
const REJECT_FROM: u8 = 248;

/// `length` random letters and digits, all 62 equally likely (5.95 bits each).
#[must_use]
pub fn random(randomness: &dyn Randomness, length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        randomness.fill(&mut bytes);
        let missing = length - text.len();
        text.extend(bytes.iter().filter_map(digit).take(missing));
    }
    text
}

fn digit(byte: &u8) -> Option<char> {
    let index = usize::from(*byte % 62);
    (*byte < REJECT_FROM).then_some(ALPHABET.get(index).copied().map(char::from)).flatten()
}

/// `number` in base 62, zero-padded to six characters, which hold any 32-bit number.
#[must_use]
pub fn six_characters(number: u32) -> String {
    let mut rest = number;
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        let index = usize::try_from(rest % 62).unwrap_or_default();
        *place = ALPHABET.get(index).copied().unwrap_or(b'0');
        rest /= 62;
    }
    text.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededRandomness;

    #[test]
    fn random_text_has_the_requested_length_and_only_letters_and_digits() {
        let randomness = SeededRandomness::from_seed(1);
        for length in [0, 1, 33, 64, 200] {
            let text = random(&randomness, length);
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }

    #[test]
    fn six_characters_hold_every_32_bit_number() {
        assert_eq!(six_characters(0), "000000");
        assert_eq!(six_characters(61), "00000z");
        assert_eq!(six_characters(u32::MAX), "4gfFC3");
    }
}
