//! Renders a document of this project, which is Markdown, as the content of a page.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// The content of a page. Each heading has the anchor that readers of the file know, links between
/// the documents lead to their pages, and wide parts can be scrolled with the keyboard.
pub(super) fn render(document: &str) -> Markup {
    let events: Vec<Event<'_>> = Parser::new_ext(document, Options::ENABLE_TABLES).collect();
    let rendered = events.iter().enumerate().flat_map(|(at, event)| match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            let id = Some(anchor(events.get(at + 1..).unwrap_or_default()).into());
            let (level, classes, attrs) = (*level, classes.clone(), attrs.clone());
            vec![Event::Start(Tag::Heading { level, id, classes, attrs })]
        }
        Event::Start(Tag::Link { dest_url, .. }) => match page_of(dest_url) {
            Some(page) => vec![markup(format!(r#"<a href="{page}">"#))],
            None => vec![],
        },
        Event::End(TagEnd::Link) => {
            // Without a page there is no link to end.
            let is_link = |event: &&Event<'_>| matches!(event, Event::Start(Tag::Link { .. }));
            match events.get(..at).and_then(|before| before.iter().rev().find(is_link)) {
                Some(Event::Start(Tag::Link { dest_url, .. })) if page_of(dest_url).is_some() => {
                    vec![markup("</a>")]
                }
                _ => vec![],
            }
        }
        Event::Start(Tag::Table(_)) => {
            vec![markup(r#"<div class="scroll" tabindex="0">"#), event.clone()]
        }
        Event::End(TagEnd::Table) => vec![event.clone(), markup("</div>")],
        Event::Start(Tag::CodeBlock(_)) => vec![markup(r#"<pre tabindex="0"><code>"#)],
        Event::End(TagEnd::CodeBlock) => vec![markup("</code></pre>")],
        other => vec![other.clone()],
    });
    let mut page = String::new();
    html::push_html(&mut page, rendered);
    PreEscaped(page)
}

fn markup(text: impl Into<CowStr<'static>>) -> Event<'static> {
    Event::Html(text.into())
}

/// The anchor of the heading that these events begin with.
fn anchor(events: &[Event<'_>]) -> String {
    let mut anchor = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => {
                anchor.extend(text.chars().filter_map(|it| match it.to_ascii_lowercase() {
                    ' ' => Some('-'),
                    it if it.is_alphanumeric() || matches!(it, '-' | '_') => Some(it),
                    _ => None,
                }))
            }
            Event::End(TagEnd::Heading(_)) => break,
            _ => {}
        }
    }
    anchor
}

/// Where a link leads: to an anchor, to another site, or to another document that is a page here.
fn page_of(link: &str) -> Option<String> {
    if link.starts_with('#') || link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let page = match file {
        "errors.md" => "/docs/errors",
        "api-design.md" => "/docs/api-design",
        _ => return None,
    };
    Some(if anchor.is_empty() { page.to_owned() } else { format!("{page}#{anchor}") })
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn headings_have_anchors_and_links_lead_to_pages() {
        let page = render(
            "## 3. `Some` Errors\n\n[a](errors.md#x_y) [b](logging.md) [c](#d)\n\n\
             | a |\n|---|\n| b & c |\n\n```json\n{\"<\": 1}\n```\n",
        )
        .into_string();
        for part in [
            r#"<h2 id="3-some-errors">3. <code>Some</code> Errors</h2>"#,
            r##"<p><a href="/docs/errors#x_y">a</a> b <a href="#d">c</a></p>"##,
            r#"<div class="scroll" tabindex="0"><table>"#,
            "<td>b &amp; c</td>",
            r#"<pre tabindex="0"><code>{"&lt;": 1}"#,
            "</table>\n</div>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
