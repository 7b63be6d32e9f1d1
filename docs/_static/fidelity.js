// The filter above the tables of the fidelity page: by words, and by marks. Without this script the page is whole.
//
// What is chosen is in the query of the page's address, so that a filtered view can be linked.
"use strict";

const MARKS = ["A", "A-frag", "B", "D"];
const MARK = /A-frag|\b[ABD]\b/g; // the longer one first

const tables = [...document.querySelectorAll("article table")];
const rows = tables.flatMap(readRows);
const sections = [...document.querySelectorAll("article section section")].filter((section) => section.querySelector("table"));

const text = make("input", { type: "search", id: "fidelity-text", autocomplete: "off", spellcheck: "false" });
const boxes = MARKS.map((mark) => make("input", { type: "checkbox", value: mark }));
const count = make("output", { "aria-live": "polite", for: "fidelity-text" });
const reset = make("button", { type: "reset" }, "Show all");

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

// A table without a column for marks has rows without any.
function readRows(table) {
  const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
  const column = titles.findIndex((title) => title === "mark" || title === "marks");
  return [...table.tBodies[0].rows].map((row) => ({
    row,
    words: row.textContent.toLowerCase(),
    marks: column < 0 ? [] : row.cells[column].textContent.match(MARK) || [],
  }));
}

function makeForm() {
  const form = make(
    "form",
    { id: "fidelity-filter", role: "search", "aria-label": "Filter the rows of the tables" },
    make("p", {}, make("label", { for: "fidelity-text" }, "Rows with the words"), text),
    make(
      "fieldset",
      {},
      make("legend", {}, "Only rows marked"),
      ...boxes.map((box) => make("label", {}, box, box.value)),
    ),
    make("p", {}, count, reset),
  );
  form.addEventListener("input", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(choose)); // the fields are emptied after the event
  return form;
}

function choose() {
  writeChoices();
  show();
}

function readChoices() {
  const query = new URLSearchParams(location.search);
  text.value = query.get("words") || "";
  for (const box of boxes) box.checked = query.getAll("mark").includes(box.value);
}

function writeChoices() {
  const query = new URLSearchParams(chosenMarks().map((mark) => ["mark", mark]));
  if (text.value.trim()) query.set("words", text.value.trim());
  history.replaceState(null, "", `${location.pathname}${String(query) && `?${query}`}${location.hash}`);
}

const chosenMarks = () => boxes.filter((box) => box.checked).map((box) => box.value);

function show() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const marks = chosenMarks();
  for (const entry of rows) {
    const hasMark = !marks.length || marks.some((mark) => entry.marks.includes(mark));
    entry.row.hidden = !(hasMark && words.every((word) => entry.words.includes(word)));
  }
  for (const table of tables) (table.closest(".table-wrapper") || table).hidden = !hasShownRow(table);
  for (const section of sections) {
    section.hidden = !hasShownRow(section);
    for (const link of document.querySelectorAll(`.toc-tree a[href="#${section.id}"]`)) {
      link.parentElement.hidden = section.hidden;
    }
  }
  const shown = rows.filter((entry) => !entry.row.hidden).length;
  count.value = `${shown} of ${rows.length} rows are shown, ${rows.length - shown} are hidden.`;
  reset.disabled = !words.length && !marks.length;
}

const hasShownRow = (element) => element.querySelector("tbody tr:not([hidden])") !== null;

if (rows.length) {
  sections[0].before(makeForm());
  readChoices();
  show();
  // The page has become shorter since the browser went to the heading that the address names.
  if (location.search && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}
