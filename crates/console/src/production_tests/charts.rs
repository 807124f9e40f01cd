//! Charts as SVG, made by the server. Each has a title, and the figures stand on the page as text.

use maud::{Markup, html};
use wire::outcomes::{Funnel, Step};

const WIDTH: u64 = 600;

/// Half the width of a chart, where labels end.
const LABELS: u64 = 150;

/// How far testers came.
pub(super) fn funnel(funnel: &Funnel) -> Markup {
    let Funnel { joined, verification_started, verified, claimed } = *funnel;
    let rows = [
        ("Joined", joined),
        ("Verification started", verification_started),
        ("Verified", verified),
        ("Stamped", claimed),
    ];
    let most = rows.iter().map(|(_, number)| *number).max().unwrap_or_default().max(1);
    // The room right of the labels, without that for the numbers.
    let longest = WIDTH - LABELS - 60;
    let height = 28 * rows.len();
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="funnel-title" {
            title #funnel-title { "How far testers came: the figures are in the table below" }
            @for (index, (name, number)) in rows.iter().enumerate() {
                @let (top, length) = (28 * index, scaled(*number, most, longest));
                text x=(LABELS - 10) y=(top + 18) text-anchor="end" { (name) }
                rect.two x=(LABELS) y=(top + 4) width=(length.max(1)) height="20" rx="3" {}
                text.value x=(LABELS + length + 8) y=(top + 18) { (number) }
            }
        }
    }
}

/// How many joined and how many got a stamp, over time.
pub(super) fn timeline(steps: &[Step]) -> Markup {
    const HEIGHT: u64 = 120;
    let most = steps.iter().map(|step| step.joined.max(step.claimed)).max().unwrap_or_default();
    if most == 0 {
        return html! { p.hint { "Nobody has joined yet." } };
    }
    let count = u64::try_from(steps.len()).unwrap_or(u64::MAX).max(1);
    let wide = |index: usize| u64::try_from(index).unwrap_or_default() * WIDTH / count;
    let width = ((WIDTH / count).max(3) - 1).min(24);
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT + 2) } role="img"
            aria-labelledby="timeline-title" {
            title #timeline-title { "Joined and stamped over time: the figures are in the table below" }
            @for (index, step) in steps.iter().enumerate() {
                @let joined = scaled(step.joined, most, HEIGHT);
                @let claimed = scaled(step.claimed, most, HEIGHT);
                rect.one x=(wide(index)) y=(HEIGHT - joined) width=(width) height=(joined) {}
                rect.two x=(wide(index)) y=(HEIGHT - claimed) width=(width) height=(claimed) {}
            }
            line.axis x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
        }
    }
}

fn scaled(number: u64, most: u64, length: u64) -> u64 {
    number.saturating_mul(length) / most.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Moment;

    #[test]
    fn the_longest_bar_fills_the_chart_and_nothing_is_divided_by_zero() {
        let all = Funnel { joined: 10, verification_started: 5, verified: 0, claimed: 0 };
        let chart = funnel(&all).into_string();
        assert!(chart.contains(r#"width="390""#) && chart.contains(r#"width="195""#), "{chart}");
        let none = Funnel { joined: 0, verification_started: 0, verified: 0, claimed: 0 };
        assert!(funnel(&none).into_string().contains(r#"width="1""#));
        assert!(timeline(&[]).into_string().contains("Nobody"));
        let step = Step { at: Moment(domain::Timestamp::EPOCH), joined: 2, claimed: 1 };
        let chart = timeline(&[step]).into_string();
        assert!(chart.contains(r#"height="120""#) && chart.contains(r#"height="60""#), "{chart}");
    }
}
