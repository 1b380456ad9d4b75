//! The HTML report in a real browser.

use super::{failing, good};
use crate::{
    browser::{self, Browser, TAB},
    desktop::looks::assert_readable,
    support::{run, stderr},
};

#[test]
fn the_report_is_filtered_by_keys_alone_and_can_be_read_light_dark_and_small() {
    if !browser::is_wanted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (files, failing) = (good(), failing());
    let mut words = vec!["bot", "test", "--html", "report.html", &failing];
    words.extend(files.iter().map(String::as_str));
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let page = Browser::at(&format!("file://{}", folder.path().join("report.html").display()));

    let shown = "document.querySelectorAll('.cases > li:not([hidden])').length";
    let all = page.eval(&format!("return {shown}"));
    assert!(all.as_u64() > Some(5));
    // The failed one comes first, and is open.
    assert_eq!(
        page.text("document.querySelector('.cases .name').textContent"),
        "The bot sells pizza"
    );
    assert_eq!(
        page.eval("return document.querySelectorAll('.cases details[open]').length"),
        1
    );

    // To the filters, and to "Failed" by an arrow.
    page.press(TAB);
    page.press("\u{e014}");
    page.wait(&format!("{shown} === 1"));
    page.press("\u{e014}");
    page.wait(&format!("{shown} === {} - 1", all));
    page.eval(
        "document.querySelector('[name=state]').click(); document.querySelector('[name=text]').focus()",
    );
    page.press("still there");
    page.wait(&format!("{shown} === 1"));
    page.press(" and nothing else");
    page.wait("!document.querySelector('.none').hidden");
    page.eval("const form = document.querySelector('.filters'); form.elements.text.value = ''; form.dispatchEvent(new Event('input'))");
    page.eval("document.querySelector('[name=open]').click()");
    page.wait("document.querySelectorAll('.cases details[open]').length > 5");

    for scheme in ["light", "dark"] {
        page.prefer(scheme);
        assert_readable(&page, scheme);
    }
    page.size(360, 800);
    assert_eq!(
        page.eval("return document.documentElement.scrollWidth <= 360"),
        true
    );
    assert_eq!(page.faults(), serde_json::json!([]));
}
