//! Whether a page can be read: the contrast of every text that is seen, from computed styles.

use crate::browser::Browser;
use serde_json::Value;

/// Every element with a text of its own that can be seen, its contrast (WCAG 2), and the words.
const CONTRASTS: &str = r#"
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const rgba = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
};
const over = (top, ground, alpha) => [0, 1, 2].map((at) => top[at] * alpha + ground[at] * (1 - alpha));
const light = (color) => {
  const [red, green, blue] = color.slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ground = (element) => {
  const parents = [];
  for (let at = element; at; at = at.parentElement) {
    parents.unshift(at);
    if (at.localName === "dialog") break;
  }
  return parents.reduce((color, at) => {
    const own = rgba(getComputedStyle(at).backgroundColor);
    return over(own, color, own[3]);
  }, rgba(getComputedStyle(document.documentElement).backgroundColor));
};
const opacity = (element) => {
  let all = 1;
  for (let at = element; at; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
  return all;
};
const modal = document.querySelector("dialog[open]");
const found = [];
for (const element of (modal ?? document.body).querySelectorAll("*")) {
  const words = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join(" ").trim();
  const box = element.getBoundingClientRect();
  if (!words || !element.checkVisibility() || box.width < 2 || element.closest(".hidden, .skip, svg, option, noscript")) continue;
  const behind = ground(element);
  const color = rgba(getComputedStyle(element).color);
  const ahead = over(color, behind, color[3] * opacity(element));
  const [dark, bright] = [light(ahead), light(behind)].sort((a, b) => a - b);
  found.push([Math.round(((bright + 0.05) / (dark + 0.05)) * 100) / 100, words.slice(0, 40)]);
}
return found.sort((a, b) => a[0] - b[0]);
"#;

/// What WCAG 2 asks for at level AA of a text of usual size.
const LEAST: f64 = 4.5;

/// Every text of the page, or of the dialog that is open, has enough contrast.
pub(crate) fn assert_readable(page: &Browser, what: &str) {
    let found: Vec<(f64, Value)> = serde_json::from_value(page.eval(CONTRASTS)).unwrap();
    assert!(found.len() >= 4, "{what}: only {found:?}");
    let faint: Vec<_> = found.iter().filter(|(contrast, _)| *contrast < LEAST).collect();
    assert!(faint.is_empty(), "{what}: {faint:?}");
}
