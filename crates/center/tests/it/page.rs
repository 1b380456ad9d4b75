//! The desktop's page and its files, as a browser asks for them. What the page does is tested in a real browser, by the binary's tests.

use crate::support::{Answer, Rig, send};
use reqwest::Method;

fn assert_page(answer: &Answer, status: u16, words: &str) {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (status, "text/html; charset=utf-8")
    );
    assert!(answer.text.contains(words), "{}", answer.text);
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; "),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

#[tokio::test]
async fn people_get_pages_also_when_there_is_nothing_for_them() {
    let rig = Rig::start().await;
    let page = |path: &str| rig.request(Method::GET, path);
    assert_page(&send(page("/agent/agent-1")).await, 200, "<h1 id=\"agent-name\">");
    assert_page(&send(page("/agent/nobody")).await, 404, "There is no such agent");
    let elsewhere = page("/agent/agent-1").header("host", "evil.com");
    assert_page(&send(elsewhere).await, 403, "This desktop is locked");
    // A link on another site may lead here; programs are told as ever.
    let link = page("/agent/agent-1").header("sec-fetch-site", "cross-site");
    assert_page(&send(link).await, 200, "<h1 id=\"agent-name\">");
    send(page("/agent/nobody/desk")).await.refused(404, "not_found");
}

#[tokio::test]
async fn files_of_the_desktop_are_sent_once_and_then_only_confirmed() {
    let rig = Rig::start().await;
    let file = |path: &str| rig.request(Method::GET, path);
    let script = send(file("/agent-assets/desk.js")).await;
    assert_eq!(
        (script.status, script.header("content-type")),
        (200, "text/javascript; charset=utf-8")
    );
    assert_eq!(script.header("cache-control"), "no-cache");
    let tag = script.header("etag").to_owned();
    let again = send(file("/agent-assets/desk.js").header("if-none-match", tag)).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    send(file("/agent-assets/..%2Fpage.rs"))
        .await
        .refused(404, "not_found");
}
