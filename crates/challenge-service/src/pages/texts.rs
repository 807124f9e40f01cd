//! What the testers' pages say, in one place.

use domain::challenge::Ending;
use domain::feedback::FeedbackReason;
use domain::participation::Status;
use domain::verification::FailureReason;
use domain::{Platform, Timestamp};
use http_support::page::parts::Tone;
use store_challenge::ChallengeRecord;

/// A heading, and a sentence or two below it.
pub(crate) struct Text {
    pub(crate) tone: Tone,
    pub(crate) heading: &'static str,
    pub(crate) text: &'static str,
}

const fn text(tone: Tone, heading: &'static str, text: &'static str) -> Text {
    Text { tone, heading, text }
}

/// How a participation ended, for its tester; what is left to be done while it is undecided.
pub(crate) fn outcome(
    status: Status,
    reason: Option<FailureReason>,
    record: &ChallengeRecord,
    now: Timestamp,
) -> Text {
    match status {
        Status::Claimed => text(
            Tone::Good,
            "Stamp granted",
            "You were verified, and your test counts. Thank you! You can close this page.",
        ),
        Status::Failed => failure(reason.unwrap_or(FailureReason::Other)),
        Status::Missed => match record.challenge.ending_at(now) {
            Some(Ending::Closed) => text(
                Tone::Neutral,
                "Verified, but the test was called off",
                "Whoever asked for this test has ended it, so your verification did not get a stamp. \
                 Thank you all the same.",
            ),
            Some(Ending::Expired) => text(
                Tone::Neutral,
                "Verified, but too late",
                "The time of this test was over before you were verified. Thank you all the same.",
            ),
            Some(Ending::Completed) | None => text(
                Tone::Neutral,
                "Verified, but no stamp was left",
                "The last stamp was granted just before yours. Thank you all the same.",
            ),
        },
        Status::Duplicate => text(
            Tone::Neutral,
            "You are counted already",
            "You have a stamp for this eID in this test, and each person gets one. Thank you!",
        ),
        Status::Lapsed => text(
            Tone::Neutral,
            "Time is up",
            "There was no result within 15 minutes, so this attempt does not count.",
        ),
        Status::Started => text(
            Tone::Neutral,
            "Not verified yet",
            "Go back to the test and confirm who you are with your eID.",
        ),
    }
}

fn failure(reason: FailureReason) -> Text {
    let (heading, why) = match reason {
        FailureReason::CancelledByTester => {
            ("Cancelled", "You cancelled at the eID, so there is no stamp.")
        }
        FailureReason::RefusedByProvider => (
            "Not verified",
            "The eID refused: it may be blocked, expired, or not allowed for this test.",
        ),
        FailureReason::AssuranceTooLow => (
            "Not verified",
            "You were verified with a weaker method than this test asks for. Choose a stronger one at \
             the eID if you have it.",
        ),
        FailureReason::ProviderUnreachable => {
            ("The eID did not answer", "It could not be reached. This is not your fault.")
        }
        FailureReason::ProviderAnswerInvalid => (
            "The eID's answer was not accepted",
            "It could not be trusted or read. This is not your fault, and whoever asked for the test \
             can see it.",
        ),
        FailureReason::Misconfigured => (
            "Not set up correctly",
            "This test and the eID do not work together yet. This is not your fault, and whoever asked \
             for the test can see it.",
        ),
        FailureReason::Other => ("Not verified", "The verification failed, so there is no stamp."),
    };
    text(Tone::Bad, heading, why)
}

/// A challenge that has ended, for whoever opens its link.
pub(super) fn over(ending: Ending) -> Text {
    match ending {
        Ending::Completed => text(
            Tone::Neutral,
            "All stamps are granted",
            "Enough people have taken this test. Thank you for wanting to help!",
        ),
        Ending::Closed => text(
            Tone::Neutral,
            "This test was called off",
            "Whoever asked for it has ended it. Thank you for wanting to help!",
        ),
        Ending::Expired => text(
            Tone::Neutral,
            "This test is over",
            "Its time has passed. Thank you for wanting to help!",
        ),
    }
}

/// The name of a platform that testers know.
pub(super) fn platform(platform: Platform) -> &'static str {
    match platform {
        Platform::Ios => "iPhone",
        Platform::Android => "Android phone",
    }
}

/// The number of stamps that are left, of all.
pub(super) fn stamps_left(record: &ChallengeRecord) -> String {
    let limit = record.payload.max_stamp_claims;
    format!("{} of {limit}", limit.saturating_sub(record.granted))
}

/// What a tester can say with one tap.
pub(super) fn feedback_reason(reason: FeedbackReason) -> &'static str {
    match reason {
        FeedbackReason::AppDidNotOpen => "The app of my eID did not open",
        FeedbackReason::DidNotComeBack => "I did not get back here by myself",
        FeedbackReason::CodeOrPinProblem => "A code or PIN did not work",
        FeedbackReason::TooSlow => "It took too long",
        FeedbackReason::UnclearInstructions => "I did not know what to do",
        FeedbackReason::Other => "Something else",
    }
}
