//! The agent's desktop as files: the page at `/agent/{id}` and what it is made of, all of it in the binary.
//!
//! The page is the same for every agent and holds nothing of anybody: what it shows it asks for, as JSON.

use axum::{
    body::Body,
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};
use server::Refusal;

#[derive(RustEmbed)]
#[folder = "assets/agent"]
struct Assets;

/// Only the center's own files, nothing inline, no frames around the page, and no HTML made from strings: a task's text
/// can't become part of the page whatever it says.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// A browser asks each time, and is mostly told that nothing has changed: a page never runs with the scripts of another version.
const CACHING: &str = "no-cache";

/// What is shown at `/agent/{id}`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page {
    /// The agent's desktop.
    Desktop,
    /// There is no such agent.
    Unknown,
    /// It needs the agent's link, or another name of the machine.
    Locked,
}

/// A page, for a request with these headers.
pub(crate) fn show(page: Page, headers: &HeaderMap) -> Response {
    let (name, status) = match page {
        Page::Desktop => ("index.html", StatusCode::OK),
        Page::Unknown => ("unknown.html", StatusCode::NOT_FOUND),
        Page::Locked => ("locked.html", StatusCode::FORBIDDEN),
    };
    match Assets::get(name) {
        Some(file) => give(name, status, file, headers),
        None => status.into_response(),
    }
}

/// `GET /agent-assets/{file}`.
pub(crate) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let file = Assets::get(&name).filter(|_| !name.ends_with(".html"));
    let file = file.ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            format!("the desktop has no file {:?}", wire::fault::shorten(&name)),
        )
    })?;
    Ok(give(&name, StatusCode::OK, file, &headers))
}

fn give(name: &str, status: StatusCode, file: EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = tag_of(&file);
    let is_known = asked
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = match is_known && status == StatusCode::OK {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => (status, Body::from(file.data.into_owned())).into_response(),
    };
    let fixed = [
        (header::CONTENT_TYPE, content_type(name)),
        (header::CACHE_CONTROL, CACHING),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let headers = response.headers_mut();
    for (header, value) in fixed {
        headers.insert(header, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A file's hash, which is another one as soon as a byte is.
fn tag_of(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str) -> String {
        String::from_utf8(Assets::get(name).unwrap().data.into_owned()).unwrap()
    }

    /// The values of an attribute, as the page has them.
    fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
        let start = format!(" {attribute}=\"");
        let parts = page.split(start.as_str()).skip(1);
        parts.map(|part| part.split('"').next().unwrap()).collect()
    }

    #[test]
    fn every_file_that_the_pages_and_scripts_name_is_there() {
        for page in ["index.html", "unknown.html", "locked.html"] {
            let page = text(page);
            let named: Vec<_> = ["src", "href"]
                .iter()
                .flat_map(|name| values(&page, name))
                .collect();
            let files: Vec<_> = named
                .iter()
                .filter_map(|path| path.strip_prefix("/agent-assets/"))
                .collect();
            assert!(files.len() >= 3, "{named:?}");
            for file in files {
                assert!(Assets::get(file).is_some(), "{file}");
            }
        }
        for script in Assets::iter().filter(|name| name.ends_with(".js")) {
            for import in text(&script).split(" from \"./").skip(1) {
                let file = import.split('"').next().unwrap();
                assert!(Assets::get(file).is_some(), "{script} imports {file}");
            }
        }
    }

    #[test]
    fn pages_have_nothing_that_their_policy_forbids() {
        for name in Assets::iter() {
            let text = text(&name);
            for forbidden in [
                "style=\"",
                " onclick",
                "<style",
                "innerHTML",
                "insertAdjacentHTML",
                "eval(",
            ] {
                assert!(!text.contains(forbidden), "{name} has {forbidden}");
            }
            // The namespaces of SVG are names, not addresses.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !text.contains("http://") && !text.contains("https://"),
                "{name} names another host"
            );
        }
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let first = show(Page::Desktop, &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let mut asked = HeaderMap::new();
        asked.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        let second = show(Page::Desktop, &asked);
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(second.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        // Nobody is told that a page that is not there has not changed.
        asked.insert(
            header::IF_NONE_MATCH,
            show(Page::Unknown, &asked).headers()[header::ETAG].clone(),
        );
        assert_eq!(show(Page::Unknown, &asked).status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn only_the_files_of_the_desktop_are_served() {
        for name in ["../page.rs", "nothing.js", "index.html", "/etc/passwd", ""] {
            let answer = asset(Path(name.into()), HeaderMap::new()).await;
            assert!(answer.is_err(), "{name}");
        }
        let script = asset(Path("desk.js".into()), HeaderMap::new()).await.unwrap();
        assert_eq!(
            script.headers()[header::CONTENT_TYPE],
            "text/javascript; charset=utf-8"
        );
    }
}
