//! The link that testers open, and its QR code in a terminal (§14).

use crate::terminal::Terminal;

/// The link of a challenge at this deployment and, in a terminal that is wide enough, its QR code.
pub(super) fn text(url: &str, challenge_id: &str, terminal: Terminal) -> String {
    let link = format!("{}/t/{challenge_id}", url.trim_end_matches('/'));
    let code = terminal
        .width
        .filter(|_| terminal.can_redraw)
        .and_then(|width| qr_code(&link, width))
        .unwrap_or_default();
    format!("\nTesters open: {link}\n{code}")
}

/// Two rows of modules in one line of text, dark on light whatever the terminal's colours. `None` if
/// the code is wider than the terminal.
fn qr_code(text: &str, width: usize) -> Option<String> {
    /// The light frame that a camera needs around a code, in modules.
    const FRAME: usize = 2;
    let code = fast_qr::QRBuilder::new(text).ecl(fast_qr::ECL::L).build().ok()?;
    let size = code.size + 2 * FRAME;
    if size > width {
        return None;
    }
    let is_dark = |row: usize, column: usize| {
        let (Some(row), Some(column)) = (row.checked_sub(FRAME), column.checked_sub(FRAME)) else {
            return false;
        };
        let inside = row < code.size && column < code.size;
        inside && code.data.get(row * code.size + column).is_some_and(|module| module.value())
    };
    let mut lines = String::new();
    for row in (0..size).step_by(2) {
        lines.push_str("\u{1b}[30;107m");
        lines.extend((0..size).map(|column| {
            match (is_dark(row, column), is_dark(row + 1, column)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }
        }));
        lines.push_str("\u{1b}[0m\n");
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "http://127.0.0.1:8080/t/ch_019d6c8b-6c00-7b1e-8f1a-0c3d5b6e7f8a";

    #[test]
    fn a_code_is_as_wide_as_it_is_high_and_left_out_where_it_does_not_fit() {
        let code = qr_code(LINK, 80).unwrap();
        let lines: Vec<&str> = code.lines().collect();
        let width = lines[0].chars().count() - "\u{1b}[30;107m\u{1b}[0m".len();
        assert_eq!(lines.len(), width.div_ceil(2));
        assert_eq!(qr_code(LINK, width - 1), None);
    }

    #[test]
    fn a_pipe_gets_the_link_alone() {
        let text = text("http://127.0.0.1:8080/", "ch_1", Terminal::PIPE);
        assert_eq!(text, "\nTesters open: http://127.0.0.1:8080/t/ch_1\n");
    }
}
