//! Reads the members of a JSON object and reports every invalid one (§3).

use domain::idempotency::whole_number;
use domain::production_test::is_blank;
use serde_json::{Map, Value};

use crate::error::FieldError;

/// A reader of a JSON object's members. It collects the errors, so that a client gets all of them
/// in one response. A null member counts as omitted.
///
/// In every method `name` is the member's name, `parameter` its name in errors, and `expected` what
/// errors say it must be. `None` means that `read` refused the value and an error was added.
pub struct Fields<'a> {
    members: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Reads this object.
    #[must_use]
    pub fn of(members: &'a Map<String, Value>) -> Self {
        Self { members, errors: Vec::new() }
    }

    /// A required member. Null, blank text and an empty array count as missing.
    pub fn required<T>(
        &mut self,
        name: &str,
        parameter: &'static str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        match self.member(name).filter(|value| !is_empty(value)) {
            Some(value) => self.checked(parameter, expected, value, read),
            None => {
                self.errors.push(FieldError::missing(
                    parameter,
                    format!("{parameter} is required: it must be {expected}."),
                ));
                None
            }
        }
    }

    /// A required member whose value must not appear in an error.
    pub fn required_secret<T>(
        &mut self,
        name: &str,
        parameter: &'static str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.required(name, parameter, expected, read);
        if let (None, Some(error)) = (&value, self.errors.last_mut()) {
            error.value = None;
        }
        value
    }

    /// An optional member; `Some(None)` if it is omitted.
    pub fn optional<T>(
        &mut self,
        name: &str,
        parameter: &'static str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.member(name) {
            Some(value) => self.checked(parameter, expected, value, read).map(Some),
            None => Some(None),
        }
    }

    /// An optional member whose value must not appear in an error.
    pub fn optional_secret<T>(
        &mut self,
        name: &str,
        parameter: &'static str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<Option<T>> {
        let value = self.optional(name, parameter, expected, read);
        if let (None, Some(error)) = (&value, self.errors.last_mut()) {
            error.value = None;
        }
        value
    }

    /// Adds an error that `required` and `optional` cannot detect.
    pub fn refuse(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// The result, if there were no errors.
    ///
    /// # Errors
    /// One error per invalid member, in the order in which they were read.
    pub fn finish<T>(self, result: Option<T>) -> Result<T, Vec<FieldError>> {
        match result {
            Some(result) if self.errors.is_empty() => Ok(result),
            _ => Err(self.errors),
        }
    }

    fn member(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn checked<T>(
        &mut self,
        parameter: &'static str,
        expected: &str,
        value: &'a Value,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let read = read(value);
        if read.is_none() {
            self.errors.push(FieldError::invalid(
                parameter,
                format!("{parameter} must be {expected}."),
                value,
            ));
        }
        read
    }
}

/// Whether a value is blank text or an empty array.
fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(is_blank) || value.as_array().is_some_and(Vec::is_empty)
}

/// The text of a JSON string.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The texts of a JSON array of strings.
#[must_use]
pub fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

/// The integer in a JSON number: JSON does not distinguish `3` from `3.0`.
#[must_use]
pub fn integer(value: &Value) -> Option<i64> {
    value.as_number().and_then(whole_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::json;

    #[test]
    fn every_invalid_member_is_named_in_the_order_of_reading() {
        let body = json!({ "name": " ", "count": 1.5, "note": null });
        let mut fields = Fields::of(body.as_object().unwrap());
        let name = fields.required("name", "name", "a text", text);
        let count = fields.optional("count", "count", "an integer", integer);
        let note = fields.optional("note", "note", "a text", text);
        assert_eq!((name.clone(), count, note), (None, None, Some(None)));
        let errors = fields.finish(name).unwrap_err();
        let named: Vec<_> = errors.iter().map(|error| (error.parameter, error.code)).collect();
        let expected = [
            ("name", ErrorCode::ValidationMissingParameter),
            ("count", ErrorCode::ValidationInvalidParameter),
        ];
        assert_eq!(named, expected);
        assert_eq!(errors[1].message, "count must be an integer.");
    }
}
