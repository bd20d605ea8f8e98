// Builds elements without parsing HTML: text from the API only ever becomes text nodes.

export const byId = (id) => document.getElementById(id);

/** h("a", { class: "x", href, onclick, dataset: {…} }, "text", child, null) */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "dataset") Object.assign(element.dataset, value);
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** An external link, or null unless the address is http(s). */
export function link(address, text, cssClass = "button") {
  return isWebAddress(address) ? h("a", { class: cssClass, href: address }, text) : null;
}

export function isWebAddress(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}
