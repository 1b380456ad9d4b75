// Making elements. Whatever the server said goes in as text; the page's policy (trusted types) forbids HTML from strings.

export const byId = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text, null and false are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** One of the page's own symbols. The words beside it say the same. */
export function symbol(id) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstChild.setAttribute("href", `#${id}`);
  return svg;
}

/** Changes a text only when it is another one, so that nothing is laid out or read aloud again for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** localStorage, or nothing at all where it is forbidden. */
export const kept = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // It is a preference: the page works without keeping it.
    }
  },
};
