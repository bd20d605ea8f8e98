// Builds elements without parsing HTML: text from the API only ever becomes text nodes.

export const byId = (id) => document.getElementById(id);

/** h("a", { class: "x", href, onclick, dataset: {…} }, "text", child, null) */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "dataset") Object.assign(element.dataset, value);
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

export const button = (text, onclick, props = {}) => h("button", { type: "button", class: "button", onclick, ...props }, text);

/** A titled part of a page. */
export const panel = (title, ...children) => {
  const id = `title-${(panels += 1)}`;
  return h("section", { class: "panel", "aria-labelledby": id }, h("h2", { id }, title), ...children);
};
let panels = 0;

/** A list of terms and their values; rows without a value are left out. */
export const facts = (...rows) =>
  h(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
  );

export const link = (href, text, props = {}) => h("a", { href, ...props }, text);

/** A link out of the console; the other page learns nothing of this one. */
export const outside = (href, text) => link(href, text, { target: "_blank", rel: "noreferrer noopener" });
