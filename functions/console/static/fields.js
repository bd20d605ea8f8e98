// The fields of a dialog's form.

import { h } from "./dom.js";

/** { name, label, hint, type, options: [[value, text]], ...attributes }; `values` are what was entered before. */
export function fieldRow({ name, label, hint, options, type = "text", ...attributes }, values) {
  const id = `field-${name}`;
  const common = { id, name, "aria-describedby": hint ? `${id}-hint` : null, autocomplete: "off", ...attributes };
  const field = options
    ? h("select", common, options.map(([value, text]) => h("option", { value, selected: value === values[name] }, text)))
    : h("input", { ...common, type, value: values[name] ?? "" });
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    field,
    hint ? h("p", { id: `${id}-hint`, class: "small muted" }, hint) : null,
  );
}

/** What has been entered, by name; a checkbox counts as its value while it is ticked. */
export const valuesOf = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
