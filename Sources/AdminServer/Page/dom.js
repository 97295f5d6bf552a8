// What touches the page. Text only ever goes in as text: paths and options come from elsewhere.

export function element(id) { return document.getElementById(id); }

/** Replaces an element's text where it is another one. */
export function setText(target, text) {
  const node = typeof target === "string" ? element(target) : target;
  if (node.textContent !== text) node.textContent = text;
}

/** Makes an element with a class and children: elements, or texts. */
export function make(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Lets a list of elements be as long as the data, and fills each. Elements are kept, with what is selected in them. */
export function fill(parent, items, makeOne, fillOne) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) parent.append(makeOne());
  items.forEach((item, index) => fillOne(parent.children[index], item, index));
}

/** A table row with a head and `count` cells; the head begins with a key of a colour where `hasKey`. */
export function makeRow(count, hasKey = false) {
  const head = make("th", "", ...(hasKey ? [make("i", "key")] : []), make("span"));
  head.scope = "row";
  head.firstElementChild.ariaHidden = hasKey ? "true" : null;
  return make("tr", "", head, ...Array.from({ length: count }, () => make("td")));
}

export function fillRow(row, { name, key, cells }) {
  const head = row.firstElementChild;
  setText(head.lastElementChild, name);
  if (key) head.firstElementChild.style.backgroundColor = key;
  cells.forEach((text, index) => setText(row.children[index + 1], text));
}
