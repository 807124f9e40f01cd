//! The parts that pages are made of.

use domain::Timestamp;
use maud::{Markup, html};

/// How a notice looks and sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something succeeded.
    Good,
    /// Something ended without success.
    Bad,
    /// Something is so, and nobody is to blame.
    Neutral,
}

/// A round mark over the heading of a page that shows how something ended.
#[must_use]
pub fn mark(tone: Tone) -> Markup {
    let (class, sign) = match tone {
        Tone::Good => ("mark good", "✓"),
        Tone::Bad => ("mark bad", "✕"),
        Tone::Neutral => ("mark", "○"),
    };
    html! { p class=(class) aria-hidden="true" { (sign) } }
}

/// A box with a text that should not be overlooked. Assistive technology reads it at once.
#[must_use]
pub fn notice(text: &str) -> Markup {
    html! { p.notice role="status" { (text) } }
}

/// A box that says what is wrong with a form.
#[must_use]
pub fn problem(text: &str) -> Markup {
    html! { p.problem role="alert" { (text) } }
}

/// A button that copies a link. Without scripts it is hidden, and the link is there to be copied by
/// hand.
#[must_use]
pub fn copy_link(url: &str) -> Markup {
    html! {
        p.link { code { (url) } }
        button type="button" data-copy=(url) data-copied="Copied" hidden { "Copy link" }
    }
}

/// A QR code of this text as an image, dark on light whatever the color scheme, because not every
/// camera reads the inverse. `None` if the text is too long for one.
#[must_use]
pub fn qr_code(text: &str, label: &str) -> Option<Markup> {
    let code = fast_qr::QRBuilder::new(text).ecl(fast_qr::ECL::M).build().ok()?;
    let size = code.size;
    let mut path = String::new();
    for (row, modules) in code.data.chunks(size).take(size).enumerate() {
        for (column, module) in modules.iter().enumerate() {
            if module.value() {
                path.push_str(&format!("M{column} {row}h1v1h-1z"));
            }
        }
    }
    let frame = format!("-4 -4 {0} {0}", size + 8);
    Some(html! {
        svg.qr viewBox=(frame) role="img" aria-label=(label) shape-rendering="crispEdges" {
            rect x="-4" y="-4" width="100%" height="100%" fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}

/// A time of the day that is near: in UTC, which the script replaces by the reader's own zone.
#[must_use]
pub fn time_of_day(at: Timestamp) -> Markup {
    let iso = at.to_string();
    let utc = format!("{} UTC", iso.get(11..16).unwrap_or_default());
    html! { time datetime=(iso) title=(utc) data-time { (utc) } }
}

/// A point in time: in UTC, which the script replaces by the reader's own zone.
#[must_use]
pub fn moment(at: Timestamp) -> Markup {
    let iso = at.to_string();
    let (date, time) = (iso.get(..10).unwrap_or_default(), iso.get(11..16).unwrap_or_default());
    let utc = format!("{date} {time} UTC");
    html! { time datetime=(iso) title=(utc) { (utc) } }
}
