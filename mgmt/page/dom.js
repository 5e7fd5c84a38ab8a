// dom.js — makes elements. What strangers wrote comes into the page here, always as text.

const SVG = 'http://www.w3.org/2000/svg';

// Controls, marks that turn the reading direction round, and what has no width: shown by number, because
// unseen they make one name look like another.
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const UNSEEN_BUT_LINES =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const numbered = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

export const visible = (text) => String(text).replace(UNSEEN, numbered);
// Line ends and tabs stay.
export const visibleLines = (text) => String(text).replace(/\r\n/g, '\n').replace(UNSEEN_BUT_LINES, numbered);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  }
}

// Attributes that begin with "on" are listeners. Children that are no nodes are text.
export const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

export function replace(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

// Makes what is in a node anew only when it shows another value: a selection, a scroll and the focus stay.
const shown = new WeakMap();
export function replaceIfOther(node, value, build) {
  const key = JSON.stringify(value);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  replace(node, build());
}

// Touches the document only when something else is to be seen.
export function setText(node, text) {
  const words = visible(text);
  if (node.textContent !== words) node.textContent = words;
}

// A button that says what it does.
export const button = (label, press, attributes = {}) =>
  make('button', { type: 'button', onclick: press, ...attributes }, label);

// Once in the next frame, however often it is asked for.
export function onceAFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}
