//! The two text formats of metrics, and which one a scrape asks for (§13).

use std::fmt::Write;

use axum::http::{HeaderMap, header};

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// OpenMetrics 1.0, which Prometheus prefers.
    OpenMetrics,
    /// Prometheus' own format, which everything reads.
    Classic,
}

impl Format {
    /// The format that `Accept` prefers. Without a preference it is the classic one.
    pub(crate) fn wanted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
        let (mut open_metrics, mut classic) = (0.0, 0.0);
        for (range, quality) in accepted.flat_map(|it| it.split(',')).map(range) {
            match range {
                "application/openmetrics-text" => open_metrics = f32::max(open_metrics, quality),
                "text/plain" => classic = f32::max(classic, quality),
                _ => {}
            }
        }
        if open_metrics > 0.0 && open_metrics >= classic {
            Self::OpenMetrics
        } else {
            Self::Classic
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// This format of what is given in OpenMetrics.
    pub(super) fn of_open_metrics(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Classic => to_classic(&text),
        }
    }
}

/// A media range of `Accept`, and its quality (RFC 9110, 12.4.2).
fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let quality = parts.find_map(|parameter| parameter.strip_prefix("q="));
    (range, quality.and_then(|quality| quality.parse().ok()).unwrap_or(1.0))
}

/// The classic format names a counter and an info as their samples, knows no units and no end.
fn to_classic(text: &str) -> String {
    let mut classic = String::with_capacity(text.len());
    let mut help = "";
    for line in text.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), ..) => {}
            // The help comes first, but only the type says the name.
            (Some("#"), Some("HELP"), _, text) => help = text.unwrap_or_default(),
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    kind => ("", kind),
                };
                // Writing to a text cannot fail.
                let _ = writeln!(classic, "# HELP {name}{suffix} {help}");
                let _ = writeln!(classic, "# TYPE {name}{suffix} {kind}");
            }
            _ => {
                classic.push_str(line);
                classic.push('\n');
            }
        }
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_is_preferred_and_otherwise_the_classic_one() {
        use Format::{Classic, OpenMetrics};
        for (accept, expected) in [
            (None, Classic),
            (Some("*/*"), Classic),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Classic),
            (Some("text/plain;version=0.0.4"), Classic),
            (Some("application/openmetrics-text"), OpenMetrics),
            (
                Some(
                    "application/openmetrics-text;version=1.0.0,\
                     application/openmetrics-text;version=0.0.1;q=0.75,\
                     text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                OpenMetrics,
            ),
            (Some("application/openmetrics-text;q=0.4, text/plain;q=0.5"), Classic),
            (Some("application/openmetrics-text;q=0.5, text/plain;q=0.5"), OpenMetrics),
            (Some("application/openmetrics-text;q=0"), Classic),
        ] {
            let accept = accept.map(|it| (header::ACCEPT, it.parse().unwrap()));
            let headers = HeaderMap::from_iter(accept);
            assert_eq!(Format::wanted(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_classic_format_names_metrics_as_their_samples() {
        let text = "# HELP a_seconds Time spent.\n# TYPE a_seconds counter\n\
                    # UNIT a_seconds seconds\na_seconds_total{b=\"c d\"} 1.5\n\
                    # HELP build The program.\n# TYPE build info\nbuild_info{version=\"1\"} 1\n\
                    # HELP size Bytes.\n# TYPE size gauge\nsize 7\n# EOF\n";
        let classic = "# HELP a_seconds_total Time spent.\n# TYPE a_seconds_total counter\n\
                       a_seconds_total{b=\"c d\"} 1.5\n\
                       # HELP build_info The program.\n# TYPE build_info gauge\n\
                       build_info{version=\"1\"} 1\n\
                       # HELP size Bytes.\n# TYPE size gauge\nsize 7\n";
        assert_eq!(Format::Classic.of_open_metrics(text.into()), classic);
        assert_eq!(Format::OpenMetrics.of_open_metrics(text.into()), text);
    }
}
