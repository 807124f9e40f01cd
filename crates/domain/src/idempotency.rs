//! Idempotency keys and the fingerprints of requests (§4).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Number;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// How long a key is valid: 24 hours (§4).
pub const VALIDITY: Duration = Duration::from_hours(24);

/// An idempotency key that a client chose for one request: 1 to 255 characters (§4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// Why a text is not a valid idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdempotencyKeyError {
    /// It has no characters.
    #[error("must not be empty: leave the header out, or send a new random value such as a UUID")]
    Empty,
    /// It has more than 255 characters.
    #[error("must have at most {} characters", IdempotencyKey::MAX_LENGTH)]
    TooLong,
    /// It contains U+0000, which PostgreSQL cannot store.
    #[error("must not contain U+0000")]
    Nul,
}

impl IdempotencyKey {
    /// The greatest length, in characters.
    pub const MAX_LENGTH: usize = 255;

    /// Checks a key.
    ///
    /// # Errors
    /// When it is empty, too long, or contains U+0000.
    pub fn new(text: &str) -> Result<Self, IdempotencyKeyError> {
        match text.chars().count() {
            0 => Err(IdempotencyKeyError::Empty),
            _ if text.contains('\0') => Err(IdempotencyKeyError::Nul),
            1..=Self::MAX_LENGTH => Ok(Self(text.to_owned())),
            _ => Err(IdempotencyKeyError::TooLong),
        }
    }

    /// The key of one item of a batch, derived from the batch's key and the item's position. It
    /// cannot be guessed without the batch's key.
    #[must_use]
    pub fn of_item(&self, index: usize) -> Self {
        let mut hash = Sha256::new();
        hash_text(&mut hash, b'"', &self.0);
        hash_length(&mut hash, b'#', index);
        Self(format!("item {}", hex::encode(hash.finalize())))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A SHA-256 of a request (§4): equal when method, path and JSON value are equal, whatever the
/// white space, the order of members or the spelling of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request with this method, path and JSON body. It works on the text of
    /// the body, because a parsed number can have lost digits.
    ///
    /// # Errors
    /// If the body is not JSON. The nesting of a body from outside must be bounded before.
    pub fn of(method: &str, path: &str, body: &str) -> Result<Self, serde_json::Error> {
        let mut hash = Sha256::new();
        for part in [method, path] {
            hash_text(&mut hash, b'"', part);
        }
        hash_value(&mut hash, body)?;
        Ok(Self(hash.finalize().into()))
    }

    /// From the bytes that the database stores.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that the database stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Each value starts with a byte for its type and, where the length varies, its length. Without
/// them, `["ab","c"]` and `["a","bc"]` would have the same hash.
fn hash_value(hash: &mut Sha256, json: &str) -> Result<(), serde_json::Error> {
    let json = json.trim_ascii();
    match json.as_bytes().first() {
        Some(b'{') => {
            // Of members with one name the last one counts, as in a parsed body.
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
            hash_length(hash, b'{', members.len());
            for (name, value) in members {
                hash_text(hash, b'"', &name);
                hash_value(hash, value.get())?;
            }
        }
        Some(b'[') => {
            let values: Vec<&RawValue> = serde_json::from_str(json)?;
            hash_length(hash, b'[', values.len());
            for value in values {
                hash_value(hash, value.get())?;
            }
        }
        Some(b'"') => hash_text(hash, b'"', &serde_json::from_str::<String>(json)?),
        Some(b'-' | b'0'..=b'9') => {
            let number: &RawValue = serde_json::from_str(json)?;
            hash_text(hash, b'#', &canonical_number(number.get()));
        }
        _ => hash.update(match serde_json::from_str::<Option<bool>>(json)? {
            None => b"n",
            Some(false) => b"f",
            Some(true) => b"t",
        }),
    }
    Ok(())
}

fn hash_text(hash: &mut Sha256, mark: u8, text: &str) {
    hash_length(hash, mark, text.len());
    hash.update(text);
}

fn hash_length(hash: &mut Sha256, mark: u8, length: usize) {
    hash.update([mark]);
    // `usize` has at most 64 bits on every platform that Rust supports.
    hash.update((length as u64).to_le_bytes());
}

/// One spelling for `3`, `3.0` and `0.3e1`, with every digit that was sent: a whole number of at
/// most 20 digits as such, and any other as its digits and the power of ten.
fn canonical_number(text: &str) -> String {
    const PLAIN: usize = 20;
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let all = all.trim_start_matches('0');
    let digits = all.trim_end_matches('0');
    if digits.is_empty() {
        return "0".to_owned();
    }
    // A body has far fewer than 2^63 digits.
    let shift = i128::try_from(all.len() - digits.len()).unwrap_or_default()
        - i128::try_from(fraction.len()).unwrap_or_default();
    let Ok(exponent) = exponent.parse::<i64>() else {
        // Nobody spells such a number in two ways.
        return text.to_owned();
    };
    let exponent = i128::from(exponent) + shift;
    match usize::try_from(exponent) {
        Ok(zeros) if zeros.saturating_add(digits.len()) <= PLAIN => {
            format!("{sign}{digits}{}", "0".repeat(zeros))
        }
        _ => format!("{sign}{digits}e{exponent}"),
    }
}

/// The number as an integer, if it is whole: JSON does not distinguish `3` from `3.0`.
#[must_use]
pub fn whole_number(number: &Number) -> Option<i64> {
    // From 2^53 on, a floating-point number represents several integers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the same line checks that the number is whole and in range"
    )]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    fn of(text: &str) -> Fingerprint {
        Fingerprint::of("POST", "/apps", text).unwrap()
    }

    #[test]
    fn the_bounds_of_a_key() {
        assert_eq!(IdempotencyKey::new(""), Err(IdempotencyKeyError::Empty));
        assert!(IdempotencyKey::new("k").is_ok());
        assert!(IdempotencyKey::new(&"ü".repeat(255)).is_ok());
        assert_eq!(IdempotencyKey::new(&"ü".repeat(256)), Err(IdempotencyKeyError::TooLong));
        assert_eq!(IdempotencyKey::new("k\0"), Err(IdempotencyKeyError::Nul));
    }

    #[test]
    fn every_item_of_every_batch_has_another_key() {
        let key = |text| IdempotencyKey::new(text).unwrap();
        assert_eq!(key("k").of_item(0), key("k").of_item(0));
        assert_ne!(key("k").of_item(0), key("k").of_item(1));
        assert_ne!(key("k").of_item(0), key("l").of_item(0));
        assert!(IdempotencyKey::new(key(&"k".repeat(255)).of_item(99).as_str()).is_ok());
    }

    #[test]
    fn white_space_member_order_and_number_spelling_do_not_matter() {
        assert_eq!(of(r#"{"a": 3, "b": [1, "\u0061"]}"#), of(r#"{"b":[1.0,"a"],"a":0.3e1}"#));
    }

    #[test]
    fn everything_else_matters() {
        let base = of(r#"{"a":[1,2]}"#);
        for other in [
            r#"{"a":[2,1]}"#,
            r#"{"a":[1,2,3]}"#,
            r#"{"a":["1",2]}"#,
            r#"{"a":[[1],2]}"#,
            r#"{"b":[1,2]}"#,
            r#"{"a":[1,2],"b":null}"#,
        ] {
            assert_ne!(of(other), base, "{other}");
        }
        assert_ne!(of(r#"{"a":["ab","c"]}"#), of(r#"{"a":["a","bc"]}"#));
        let to = |method, path| Fingerprint::of(method, path, "{}").unwrap();
        assert_ne!(to("POST", "/a"), to("PUT", "/a"));
        assert_ne!(to("POST", "/a"), to("POST", "/b"));
    }

    #[test]
    fn numbers_are_equal_when_their_values_are() {
        let number = |text: &str| of(&format!(r#"{{"a":{text}}}"#));
        for (one, other) in [
            ("1e16", "10000000000000000"),
            ("1.0", "1"),
            ("1.50", "15e-1"),
            ("-0.0", "0"),
            ("0e99", "0"),
            ("-12.5E+1", "-125"),
            ("1e30", "1000000000000000000000000000000"),
            ("1E-7", "0.0000001"),
        ] {
            assert_eq!(number(one), number(other), "{one} {other}");
        }
        for (one, other) in [
            ("18446744073709551617", "18446744073709551616"),
            ("100000000000000000000000000000001", "100000000000000000000000000000000"),
            ("9007199254740993.0", "9007199254740992.0"),
            ("0.1", "0.10000000000000000001"),
            ("1", "-1"),
            ("1e-99999999999999999999", "1e-99999999999999999998"),
        ] {
            assert_ne!(number(one), number(other), "{one} {other}");
        }
    }

    #[test]
    fn of_members_with_one_name_the_last_one_counts() {
        assert_eq!(of(r#"{"a":1,"a":2}"#), of(r#"{"a":2}"#));
    }

    #[test]
    fn what_is_not_json_has_no_fingerprint() {
        for text in ["", "{", "[1,]", "01", "nul", r#"{"a":-}"#] {
            assert!(Fingerprint::of("POST", "/a", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_whole_number_is_recognised_in_every_spelling() {
        let whole = |text: &str| whole_number(&serde_json::from_str(text).unwrap());
        assert_eq!(whole("3"), Some(3));
        assert_eq!(whole("3.0"), Some(3));
        assert_eq!(whole("3e0"), Some(3));
        assert_eq!(whole("-0"), Some(0));
        assert_eq!(whole("3.5"), None);
        assert_eq!(whole("1e300"), None);
        assert_eq!(whole("18446744073709551615"), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn formatting_does_not_change_a_fingerprint(value in any_json()) {
            let value = Map::from_iter([("value".to_owned(), value)]);
            let compact = serde_json::to_string(&value).unwrap();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(of(&compact), of(&pretty));
        }
    }
}
