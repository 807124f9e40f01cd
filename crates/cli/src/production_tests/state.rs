//! How the state of a production test looks, and the exit code for scripts.

use std::process::ExitCode;

pub(super) use wire::production_test::TestState;

use crate::terminal::Style;

/// The colour of a state.
pub(super) fn style(state: TestState) -> Style {
    match state {
        TestState::Pending => Style::Warning,
        TestState::Open | TestState::Complete => Style::Success,
        TestState::Expired | TestState::Closed | TestState::Cancelled => Style::Dim,
        TestState::Failed => Style::Error,
    }
}

/// The colour of a state's name.
pub(super) fn style_of(name: &str) -> Style {
    TestState::ALL.into_iter().find(|state| state.name() == name).map_or(Style::Dim, style)
}

/// The exit code of `tests watch`; `None` if the test is not over.
pub(super) fn exit_code(state: TestState) -> Option<ExitCode> {
    match state {
        TestState::Pending | TestState::Open => None,
        TestState::Complete => Some(ExitCode::SUCCESS),
        TestState::Expired | TestState::Closed | TestState::Cancelled => Some(ExitCode::from(3)),
        TestState::Failed => Some(ExitCode::from(4)),
    }
}
