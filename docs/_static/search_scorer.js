// How the search of the site orders what it finds. The numbers are Sphinx's own but for one: a heading that has the words
// of the query as they stand, and few others, comes before the pages that have them anywhere.
"use strict";

var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 60,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
