//! Reading the members of a JSON object, with every offending one named (§3).

use domain::idempotency::whole_number;
use domain::production_test::is_blank;
use serde_json::{Map, Value};

use crate::error::FieldError;

/// The members of an object, read one by one. What is wrong with them is collected, so that a
/// caller learns of everything at once. A member that is null counts as omitted.
pub struct Fields<'a> {
    members: &'a Map<String, Value>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The members of this object.
    #[must_use]
    pub fn of(members: &'a Map<String, Value>) -> Self {
        Self { members, errors: Vec::new() }
    }

    /// A member that has to be there: null, blank and empty are as good as absent. `None` means
    /// that an error was noted.
    ///
    /// `name` is the member, `parameter` what errors call it, `expected` what they say it must be.
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

    /// A member that has to be there and whose value no error may repeat.
    pub fn required_secret<T>(
        &mut self,
        name: &str,
        parameter: &'static str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let made = self.required(name, parameter, expected, read);
        if let (None, Some(error)) = (&made, self.errors.last_mut()) {
            error.value = None;
        }
        made
    }

    /// A member that may be left out. `None` means that an error was noted.
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

    /// Notes an error that only a look at several members could find.
    pub fn refuse(&mut self, error: FieldError) {
        self.errors.push(error);
    }

    /// What was made of the members.
    ///
    /// # Errors
    /// Every offending member, in the order in which they were read.
    pub fn finish<T>(self, made: Option<T>) -> Result<T, Vec<FieldError>> {
        match made {
            Some(made) if self.errors.is_empty() => Ok(made),
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

/// A blank text and an array without items say as little as nothing.
fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(is_blank) || value.as_array().is_some_and(Vec::is_empty)
}

/// The text of a string.
#[must_use]
pub fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The texts of an array of strings.
#[must_use]
pub fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(text).collect()
}

/// An integer, however it is written: JSON does not tell `3` from `3.0`.
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
    fn every_offending_member_is_named_in_the_order_of_reading() {
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
