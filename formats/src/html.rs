//! A page as an HTML file that opens in any browser and runs nothing.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A whole HTML file from Markdown (CommonMark with tables, strike-through and check lists).
///
/// HTML inside the Markdown is shown as text, pictures from elsewhere become their description, and
/// links lead only to the web or to a mail address: the file carries nobody's code and, opened,
/// asks nobody for anything.
pub fn document_from_markdown(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut hidden = Vec::new();
    let events =
        Parser::new_ext(markdown, options).filter_map(|event| harmless(event, &mut hidden));
    let mut body = String::new();
    html::push_html(&mut body, events);
    format!(
        "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <style>body{{max-width:72ch;margin:2rem auto;padding:0 1rem;font:1rem/1.6 system-ui,sans-serif}}</style>\n\
         </head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// An event without what could run or fetch. `hidden` holds, for each link or picture that is open,
/// whether its tags are left out.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named here cannot run or fetch"
)]
fn harmless<'a>(event: Event<'a>, hidden: &mut Vec<bool>) -> Option<Event<'a>> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let shown = leads_outside(&dest_url);
            hidden.push(!shown);
            shown.then_some(Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        Event::Start(Tag::Image { .. }) => {
            hidden.push(true);
            None
        }
        Event::End(end @ (TagEnd::Link | TagEnd::Image)) => {
            (hidden.pop() == Some(false)).then_some(Event::End(end))
        }
        other => Some(other),
    }
}

fn leads_outside(url: &CowStr<'_>) -> bool {
    let url = url.to_ascii_lowercase();
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(markdown: &str) -> String {
        let document = document_from_markdown(markdown);
        let body = document
            .split("<body>\n")
            .nth(1)
            .and_then(|b| b.split("</body>").next());
        body.unwrap_or_default().to_owned()
    }

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(
            body("# Été\n\n* [x] **fait** & ~~non~~\n"),
            "<h1>Été</h1>\n<ul>\n<li><input disabled=\"\" type=\"checkbox\" checked=\"\"/>\n\
             <strong>fait</strong> &amp; <del>non</del></li>\n</ul>\n"
        );
    }

    #[test]
    fn nothing_that_runs_or_fetches_comes_through() {
        for (markdown, expected) in [
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            (
                "a <img src=x onerror=alert(1)>",
                "<p>a &lt;img src=x onerror=alert(1)&gt;</p>\n",
            ),
            ("[a](javascript:alert(1))", "<p>a</p>\n"),
            ("[a](JAVASCRIPT:alert(1))", "<p>a</p>\n"),
            ("[a](data:text/html,x)", "<p>a</p>\n"),
            ("![picture](https://example.org/p.png)", "<p>picture</p>\n"),
            (
                "[a](https://example.org/)",
                "<p><a href=\"https://example.org/\">a</a></p>\n",
            ),
        ] {
            assert_eq!(body(markdown), expected, "{markdown}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_texts_never_panic_and_bring_no_elements_of_their_own(text in "\\PC{0,200}") {
            let body = body(&text);
            for tag in ["<script", "<img", "<iframe", "<svg", "<style"] {
                prop_assert!(!body.contains(tag));
            }
        }
    }
}
