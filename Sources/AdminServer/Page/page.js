"use strict";

function rows(value, name, found) {
  if (value !== null && typeof value === "object") {
    for (const key of Object.keys(value)) rows(value[key], name ? `${name}.${key}` : key, found);
  } else {
    found.push([name, String(value)]);
  }
  return found;
}

new EventSource("/events").addEventListener("status", (event) => {
  const body = document.getElementById("status");
  body.replaceChildren(...rows(JSON.parse(event.data), "", []).map(([name, value]) => {
    const row = document.createElement("tr");
    row.append(document.createElement("th"), document.createElement("td"));
    row.firstChild.scope = "row";
    row.firstChild.textContent = name;
    row.lastChild.textContent = value;
    return row;
  }));
});
