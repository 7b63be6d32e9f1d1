// Shows the state of a registry and the pull log, and keeps both current. The elements are made in elements.js.
"use strict";

const CALLS = "../static/ecr/";
const PERIOD = 1000; // milliseconds from an answer to the next question
const PATIENCE = 15000; // milliseconds until the server counts as gone
const FIRST_ROWS = 200;
const CHOICES = ["account_id", "region", "repository", "outcome"];
const OUTCOMES = { "": "All", ok: "Succeeded", failed: "Failed" };

const byId = (id) => document.getElementById(id);
const controls = {
  account_id: byId("account"),
  region: byId("region"),
  repository: byId("repository"),
  outcome: byId("outcome"),
};

const choices = readChoices();
const codes = new Set();
const drawn = {}; // what each part was last drawn of, as JSON
let registries = [];
let rows = FIRST_ROWS;
let log = null; // the number of the log that is drawn: another one after a reset
let position = null; // how many records it had; null: everything is to be drawn anew
let isPaused = false;
let isAsking = false;
let isOutdated = false; // the answer that is awaited is to a question that has changed
let timer = 0;

// --- the pull log ---------------------------------------------------------------------------------------------------

const PULL_COLUMNS = [["when", "Time"], ["outcome", "Outcome"], ["image", "Asked for"], ["why", "Why"]];
const ANSWERED = { cache: "from the cache", upstream: "from the upstream" };

function pullRow(pull) {
  const hasFailed = pull.outcome !== "ok";
  const separator = pull.reference.includes(":") ? "@" : ":";
  return makeRow(hasFailed ? "failed" : "", PULL_COLUMNS, [
    make("time", { datetime: pull.at }, make("span", {}, `${pull.at.slice(11, 19)} `), small(pull.at.slice(0, 10))),
    hasFailed
      ? [badge("bad", "✕ Failed"), small(foreign(pull.outcome))]
      : [badge("good", "✓ Succeeded"), small(ANSWERED[pull.answered_by] || "")],
    [
      make("span", { class: "name strong" }, foreign(pull.repository), separator, reference(pull.reference)),
      small(foreign(pull.operation), " by ", foreign(pull.caller)),
    ],
    [
      foreign(pull.reason),
      make(
        "span",
        { class: "small facts" },
        ...fact("rule", pull.rule),
        ...fact("upstream", pull.upstream),
        ...fact("template", pull.template),
        ...(pull.fresh_until ? [make("span", {}, "fresh until ", moment(pull.fresh_until))] : []),
      ),
    ],
  ]);
}

const fact = (name, value) => (value === null ? [] : [make("span", {}, `${name} `, foreign(value))]);

function drawPulls(answer) {
  const list = byId("pulls-list");
  const newRows = answer.pulls.map(pullRow).reverse();
  const body = list.querySelector("tbody");
  if (position === null || !body) {
    const hasFilter = choices.repository || choices.outcome;
    list.replaceChildren(
      newRows.length
        ? makeTable("pulls", "Pulls, the newest first", PULL_COLUMNS, newRows)
        : empty(
            hasFilter
              ? "No pull is as chosen above."
              : "Nothing was pulled from this registry yet. Pull an image through a rule, and it appears here with the reason.",
          ),
    );
  } else if (newRows.length) {
    newRows.forEach((row) => row.classList.add("new"));
    body.prepend(...newRows);
    while (body.rows.length > rows) body.lastElementChild.remove();
  }
  if (position !== null && newRows.length) {
    const failed = answer.pulls.filter((pull) => pull.outcome !== "ok").length;
    announce(`${plural(newRows.length, "new pull")}, ${failed ? `${failed} failed` : "none failed"}`);
  }
  answer.pulls.forEach((pull) => codes.add(pull.outcome));
  const count = Math.min(answer.selected, rows);
  write("pulls-total", answer.selected.toLocaleString("en"));
  write("pulls-count", answer.selected ? describeCount(answer, count) : "");
  offerMore(answer.selected - count);
  position = answer.total;
  log = answer.log;
}

function describeCount(answer, count) {
  const failed = answer.failed ? `${answer.failed.toLocaleString("en")} failed` : "none failed";
  const shown = count < answer.selected ? `The latest ${count.toLocaleString("en")} are shown` : "The newest are first";
  return `${plural(answer.selected, "pull")}, ${failed}. ${shown}.`;
}

function offerMore(hidden) {
  const button = byId("more");
  if (!hidden && document.activeElement === button) byId("pulls-count").focus({ preventScroll: true });
  button.hidden = !hidden;
  write("more", `Show ${Math.min(rows, hidden).toLocaleString("en")} more`);
}

// --- the state ------------------------------------------------------------------------------------------------------

const TAG_COLUMNS = [["", "Tag"], ["", "Digest"], ["freshness", "Freshness"]];

function repositoryRows(repository) {
  const title = make(
    "th",
    { colspan: 3, scope: "rowgroup", role: "rowheader" },
    named(repository.repository, "strong"),
    small(...(repository.rule === null ? ["its rule is gone"] : fact("rule", repository.rule))),
  );
  const tags = repository.tags.map((tag) => makeRow("tag", TAG_COLUMNS, [named(tag.tag), digest(tag.digest), state(tag)]));
  const hidden = repository.tags_total - repository.tags.length;
  const note = hidden ? `and ${plural(hidden, "more tag")}` : tags.length ? null : "no tags";
  if (note) tags.push(make("tr", { class: "tag", role: "row" }, make("td", { colspan: 3, role: "cell" }, small(note))));
  tags[tags.length - 1].classList.add("last");
  return [make("tr", { class: "repository", role: "row" }, title), ...tags];
}

const digest = (value) => small(value === null ? "none" : make("span", { class: "name" }, reference(value)));

// A digest is too long to be read, and its beginning tells it from others.
function reference(text) {
  const isDigest = /^sha256:[0-9a-f]{64}$/.test(text);
  return isDigest ? make("span", { title: text }, `${text.slice(0, 19)}…`) : foreign(text);
}

function state(tag) {
  if (tag.state === "pushed") return [badge("plain", "pushed"), small("never pulled again")];
  if (tag.state === "stale") return [badge("warn", "stale"), small("the next pull asks the upstream")];
  return [badge("good", "fresh"), small("until ", moment(tag.fresh_until))];
}

const RULE_COLUMNS = [["", "Prefix"], ["", "Upstream"], ["", "Credentials"]];

function ruleRow(rule) {
  const prefix = rule.upstream_repository_prefix;
  return makeRow("", RULE_COLUMNS, [
    named(rule.ecr_repository_prefix, "strong"),
    [named(prefix ? `${rule.upstream_registry_url}/${prefix}` : rule.upstream_registry_url), small(foreign(rule.upstream_registry))],
    small(foreign(rule.credential_arn || rule.custom_role_arn || "none")),
  ]);
}

const TEMPLATE_COLUMNS = [["", "Prefix"], ["", "Applied for"], ["", "Settings"]];

function templateRow(template) {
  const encryption = template.encryption_configuration;
  const settings = [
    template.image_tag_mutability,
    [encryption.encryptionType, encryption.kmsKey].filter(Boolean).join(" "),
    ...(template.resource_tags || []).map((tag) => `${tag.Key}=${tag.Value}`),
    template.repository_policy && "repository policy",
    template.lifecycle_policy && "lifecycle policy",
    template.custom_role_arn,
  ];
  return makeRow("", TEMPLATE_COLUMNS, [
    [named(template.prefix, "strong"), ...(template.description ? [small(foreign(template.description))] : [])],
    template.applied_for.length ? template.applied_for.map((purpose) => small(foreign(purpose))) : small("nothing"),
    settings.filter(Boolean).map((setting) => small(foreign(setting))),
  ]);
}

const UPSTREAM_COLUMNS = [["", "Registry"], ["", "Holds"], ["", "Answers"]];

function upstreamRow(upstream) {
  const answers = upstream.failures.map((failing) => [
    badge("bad", `✕ ${failing.failure}`),
    small(failing.repository === null ? "for every repository" : foreign(failing.repository)),
  ]);
  return makeRow("", UPSTREAM_COLUMNS, [
    [named(upstream.url, "strong"), small(plural(upstream.pulls, "request"))],
    holdings(upstream),
    [
      ...(answers.length ? answers.flat() : [badge("good", "✓ all requests")]),
      small(upstream.demands_credentials ? "demands credentials" : "takes any credentials, or none"),
    ],
  ]);
}

function holdings(upstream) {
  if (upstream.holds === "proxy") return [make("span", {}, "what another registry has"), small(foreign(upstream.proxied_url))];
  if (upstream.holds === "default images") return [make("span", {}, "a small image under every name")];
  const hidden = upstream.repositories_total - upstream.repositories.length;
  return make(
    "ul",
    { class: "contents" },
    ...upstream.repositories.map((held) => {
      const tags = Object.keys(held.tags);
      const more = held.tags_total - tags.length;
      const texts = tags.flatMap((tag, index) => [index ? ", " : ": ", foreign(tag)]);
      return make("li", { class: "name" }, foreign(held.repository), ...texts, more ? ` and ${more} more` : "");
    }),
    hidden ? make("li", { class: "small" }, `and ${plural(hidden, "more repository", "more repositories")}`) : null,
  );
}

function drawState(overview) {
  drawPart("repositories", overview.repositories, overview.repositories_total, repositoryRows, TAG_COLUMNS,
    "Cached repositories with their tags", choices.repository ? "No cached repository has such a name." : "Nothing is cached yet.");
  drawPart("rules", overview.rules, overview.rules.length, ruleRow, RULE_COLUMNS, "Pull through cache rules", "This registry has no rule.");
  drawPart("templates", overview.templates, overview.templates_total, templateRow, TEMPLATE_COLUMNS, "Repository creation templates",
    "This registry has no template: new repositories get ECR’s defaults.");
  drawPart("upstreams", overview.upstreams, overview.upstreams.length, upstreamRow, UPSTREAM_COLUMNS, "Upstream registries",
    "No upstream is in use yet.");
}

// Draws a table again only if something in it has changed, so that a selection of text in it stays.
function drawPart(part, items, total, draw, columns, caption, ifEmpty) {
  const key = JSON.stringify([items, total, ifEmpty]);
  if (drawn[part] === key) return;
  drawn[part] = key;
  write(`${part}-total`, total.toLocaleString("en"));
  const hidden = total - items.length;
  byId(`${part}-list`).replaceChildren(
    items.length ? makeTable(part, caption, columns, items.map(draw).flat()) : empty(ifEmpty),
    ...(hidden ? [make("p", { class: "count" }, `and ${hidden.toLocaleString("en")} more`)] : []),
  );
}

// --- what is chosen -------------------------------------------------------------------------------------------------

function readChoices() {
  const query = new URLSearchParams(location.search);
  return Object.fromEntries(CHOICES.map((name) => [name, query.get(name) || ""]));
}

function writeChoices() {
  const query = new URLSearchParams(CHOICES.filter((name) => choices[name]).map((name) => [name, choices[name]]));
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
  byId("overview-link").href = callUrl("overview", overviewParameters());
  byId("pulls-link").href = callUrl("pulls", { ...pullParameters(), limit: 100 });
}

function choose(changed) {
  Object.assign(choices, changed);
  rows = FIRST_ROWS;
  writeChoices();
  update(true);
}

const pattern = () => (choices.repository ? `*${choices.repository}*` : "");
const overviewParameters = () => ({ account_id: choices.account_id, region: choices.region, repository: pattern() });
const pullParameters = () => ({ ...overviewParameters(), outcome: choices.outcome });

function callUrl(call, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null);
  return `${CALLS}${call}?${new URLSearchParams(given)}`;
}

function offerChoices(overview) {
  registries = overview.registries;
  choices.account_id = choices.account_id || overview.account_id;
  choices.region = choices.region || overview.region;
  offer(controls.account_id, [...registries.map((registry) => registry.account_id), choices.account_id], choices.account_id);
  offer(controls.region, [...regionsOf(choices.account_id), choices.region], choices.region);
}

const regionsOf = (account) => registries.filter((registry) => registry.account_id === account).map((registry) => registry.region);

function offerOutcomes() {
  const others = [...codes].filter((code) => !(code in OUTCOMES)).sort();
  offer(controls.outcome, [...Object.keys(OUTCOMES), ...others, choices.outcome], choices.outcome, (code) => OUTCOMES[code] || code);
}

// Changes a list of choices only if it is another one, so that it stays open while somebody chooses.
function offer(select, values, chosen, title = (value) => value) {
  const offered = [...new Set(values)];
  const key = JSON.stringify(offered);
  if (drawn[select.id] !== key) {
    drawn[select.id] = key;
    select.replaceChildren(...offered.map((value) => make("option", { value }, visible(title(value)))));
  }
  select.value = chosen;
}

// --- questions to the server ----------------------------------------------------------------------------------------

class Refusal extends Error {}

async function ask(call, parameters) {
  const answer = await fetch(callUrl(call, parameters), { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
  if (answer.status === 400) throw new Refusal((await answer.json()).message);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

// Asks for the state and for the pulls since the last answer, and draws both.
async function askAndDraw() {
  const overview = await ask("overview", overviewParameters());
  if (isOutdated) return;
  offerChoices(overview);
  const pulls = await ask("pulls", { ...pullParameters(), after: position, limit: rows });
  if (isOutdated) return;
  if (position !== null && (pulls.log !== log || pulls.total < position)) {
    announce("moto was reset.");
    position = null;
    isOutdated = true;
    return;
  }
  drawState(overview);
  drawPulls(pulls);
  offerOutcomes();
  writeChoices();
}

async function update(fromTheBeginning = false) {
  if (fromTheBeginning) position = null;
  if (isAsking) {
    isOutdated = isOutdated || fromTheBeginning;
    return;
  }
  clearTimeout(timer);
  isAsking = true;
  try {
    do {
      isOutdated = false;
      await askAndDraw();
    } while (isOutdated);
    show(isPaused ? "paused" : "live", isPaused ? "Paused" : "Live");
  } catch (error) {
    position = null; // whatever happens meanwhile, all is read anew afterwards
    if (error instanceof Refusal) show("gone", visible(error.message));
    else show("gone", "The server does not answer. Trying again …");
  }
  isAsking = false;
  if (isOutdated) update();
  else timer = setTimeout(goOn, PERIOD);
}

// The next question, unless nobody would see the answer: then the first sight of the page asks it, or the button.
function goOn() {
  if (!isPaused && !document.hidden) update();
}

// --- words about it -------------------------------------------------------------------------------------------------

function write(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function show(connection, text) {
  byId("connection").dataset.state = connection;
  write("connection", text);
}

// Also if it is the same text again, so that it is read out again.
const announce = (text) => byId("announcement").replaceChildren(text);

// --- the beginning --------------------------------------------------------------------------------------------------

controls.repository.value = choices.repository;
controls.account_id.addEventListener("change", () => {
  const account = controls.account_id.value;
  const regions = regionsOf(account);
  choose({ account_id: account, region: regions.includes(choices.region) ? choices.region : regions[0] || choices.region });
});
controls.region.addEventListener("change", () => choose({ region: controls.region.value }));
controls.outcome.addEventListener("change", () => choose({ outcome: controls.outcome.value }));
controls.repository.addEventListener("input", () => choose({ repository: controls.repository.value.trim() }));

byId("more").addEventListener("click", () => {
  rows *= 2;
  update(true);
});

byId("pause").addEventListener("click", () => {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  update();
});

document.addEventListener("visibilitychange", goOn);

update(true);
