//! Base64 as JOSE and PEM write it, and nothing looser.

const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64url without padding (RFC 7515, section 2).
pub(crate) fn encode_url(bytes: &[u8]) -> String {
    encode(bytes, URL)
}

/// Standard base64 with padding, as HTTP Basic has it.
pub(crate) fn encode_standard(bytes: &[u8]) -> String {
    let mut text = encode(bytes, STANDARD);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Decodes base64url without padding. `None` for other characters, a length that no encoder makes
/// and bits that are set beyond the end, so that a value has one spelling only.
pub(crate) fn decode_url(text: &str) -> Option<Vec<u8>> {
    decode(text.bytes(), URL)
}

/// Decodes standard base64, with or without padding and line ends.
pub(crate) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    let end = text.trim_end().trim_end_matches('=');
    decode(end.bytes().filter(|byte| !byte.is_ascii_whitespace()), STANDARD)
}

fn encode(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for position in 0..=chunk.len() {
            let index = (group >> (18 - 6 * position)) & 63;
            text.push(char::from(alphabet.get(index as usize).copied().unwrap_or_default()));
        }
    }
    text
}

fn decode(text: impl Iterator<Item = u8>, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    let (mut bytes, mut group, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for byte in text {
        let value = alphabet.iter().position(|known| *known == byte)?;
        group = group << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(group >> bits).ok()?);
            group &= (1 << bits) - 1;
        }
    }
    (bits < 6 && group == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7515_appendix_c_and_every_length_survive() {
        assert_eq!(encode_url(&[3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(decode_url("A-z_4ME"), Some(vec![3, 236, 255, 224, 193]));
        for length in 0..9 {
            let bytes = vec![0xfb; length];
            assert_eq!(decode_url(&encode_url(&bytes)), Some(bytes.clone()));
            assert_eq!(decode_standard(&encode_standard(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn a_second_spelling_is_refused() {
        for text in ["A-z_4MF", "A-z_4ME=", "A", "A+z/4ME", "A-z_4ME\n", "A-z 4ME"] {
            assert_eq!(decode_url(text), None, "{text:?}");
        }
    }
}
