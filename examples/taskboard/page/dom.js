// What all parts of the page share: finding and copying elements, telling what happened, and writing numbers.

export const find = (selector, root = document) => root.querySelector(selector);

/** A copy of the template with this id. */
export function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** An element with text in it. */
export function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

/** Tells a screen reader what has happened where it can't be seen otherwise. */
export function tell(text) {
  find("#told").textContent = text;
}

/** Shows what went wrong until the next thing goes well, or somebody closes it. */
export function complain(text) {
  const close = element("button", "Close");
  close.type = "button";
  close.addEventListener("click", calm);
  find("#trouble").replaceChildren(element("p", text), close);
}

export function calm() {
  find("#trouble").replaceChildren();
}

const whole = new Intl.NumberFormat("en");

export const number = (value) => whole.format(value);
export const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** 87 ms, 4.31 s */
export function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(2)} s`;
}

/** 940 B, 12.4 kB */
export function bytes(count) {
  return count < 1000 ? `${count} B` : `${(count / 1000).toFixed(1)} kB`;
}
