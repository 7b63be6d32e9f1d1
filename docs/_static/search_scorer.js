// How the search of the site orders what it finds. The numbers are Sphinx's own; what is added is that a heading that has
// the query as it stands, and few other words, comes before the pages that have the query's words anywhere.
"use strict";

var Scorer = {
  score: ([, , , , score, , kind]) => (kind === "title" ? score + 50 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
