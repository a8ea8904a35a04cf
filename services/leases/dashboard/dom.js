// Makes elements. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
export const svg = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

let numbers = 0;
export const newId = (word) => `${word}-${++numbers}`;

/** A label and its field. */
export function field(label, input, hint) {
  input.id ||= newId("field");
  const said = hint && h("p", { class: "hint", id: `${input.id}-hint` }, hint);
  if (said) input.setAttribute("aria-describedby", said.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, said);
}

/** Says something at the edge of the page, for eyes and for ears. */
export function toast(text) {
  const said = h("p", { class: "toast" }, text);
  document.getElementById("toasts").append(said);
  setTimeout(() => said.remove(), 6000);
}
