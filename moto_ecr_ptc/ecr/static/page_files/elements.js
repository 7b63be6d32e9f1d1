// The elements of the page, and how the texts of others get into them.
//
// Names, tags and reasons come from whoever called the server: they become text, never markup, and characters that
// cannot be seen or that turn the writing direction are shown as escapes.
"use strict";

// The only place where elements are made. Children that are strings become text.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

// A text of others: on its own in its writing direction.
const foreign = (text) => make("bdi", {}, visible(String(text)));
const named = (text, style = "") => make("span", { class: `name ${style}`.trim() }, foreign(text));
const small = (...children) => make("span", { class: "small" }, ...children);
const badge = (kind, text) => make("span", {}, make("span", { class: `badge ${kind}` }, text));

function visible(text) {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

// Roles are spelled out, since a table that is laid out as blocks would lose its own.
function makeTable(kind, caption, columns, bodyRows) {
  return make(
    "table",
    { class: kind, role: "table" },
    make("caption", {}, caption),
    make(
      "thead",
      { role: "rowgroup" },
      make(
        "tr",
        { role: "row" },
        ...columns.map(([style, title]) => make("th", { class: style, scope: "col", role: "columnheader" }, title)),
      ),
    ),
    make("tbody", { role: "rowgroup" }, ...bodyRows),
  );
}

function makeRow(style, columns, cells) {
  return make(
    "tr",
    { class: style, role: "row" },
    ...cells.map((cell, index) =>
      make("td", { class: columns[index][0], "data-column": columns[index][1], role: "cell" }, ...[cell].flat()),
    ),
  );
}

const moment = (text) => make("time", { datetime: text }, `${text.slice(0, 10)} ${text.slice(11, 19)}`);
const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const empty = (text) => make("p", { class: "empty" }, text);
