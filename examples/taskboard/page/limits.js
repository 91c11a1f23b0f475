// The limits as they are used up, from the RateLimit fields of every answer, and what a refusal looks like.

import { BATCH, send, wire } from "./api.js";
import { copy, element, find, number, tell } from "./dom.js";

const SAID = {
  requests: "Requests",
  reads: "Reads in flight",
  writes: "Writes in flight",
  "member-lists": "Lists of members",
};

/**
 * The members of a RateLimit or RateLimit-Policy field: `"requests";q=1500;w=60, "reads";q=50` becomes
 * `{requests: {q: "1500", w: "60"}, reads: {q: "50"}}`.
 */
export function parse(field) {
  const members = {};
  for (const [, name, parameters] of (field ?? "").matchAll(/"([^"]*)"((?:;[a-z]+=(?:\d+|"[^"]*"))*)/g)) {
    const pairs = parameters.split(";").slice(1).map((pair) => pair.split("="));
    members[name] = Object.fromEntries(pairs.map(([key, value]) => [key, value.replaceAll('"', "")]));
  }
  return members;
}

export function showLimits(board) {
  const meters = new Map();
  wire.addEventListener("sent", ({ detail: { headers } }) => {
    const policies = parse(headers.get("ratelimit-policy"));
    for (const [name, { r }] of Object.entries(parse(headers.get("ratelimit")))) {
      if (policies[name]) draw(meters, name, policies[name], Number(r));
    }
  });
  find(".choices").addEventListener("click", async ({ target }) => {
    const example = EXAMPLES[target.dataset.example];
    if (!example) return;
    const buttons = find(".choices").querySelectorAll("button");
    buttons.forEach((button) => (button.ariaDisabled = "true"));
    find("#exchanges").replaceChildren();
    await example(board);
    buttons.forEach((button) => (button.ariaDisabled = null));
  });
}

function draw(meters, name, { q, w }, left) {
  if (!meters.has(name)) {
    const made = copy("meter");
    find(".label", made).textContent = SAID[name] ?? name;
    find(".bar", made).role = "meter";
    find(".bar", made).ariaLabel = SAID[name] ?? name;
    meters.set(name, made);
    const order = Object.keys(SAID);
    find("#meters").replaceChildren(
      ...[...meters].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other)).map(([, node]) => node),
    );
  }
  const meter = meters.get(name);
  const most = Number(q);
  const said = w
    ? `${number(left)} of ${number(most)} left in ${w === "1" ? "a second" : `${w} s`}`
    : `${number(left)} of ${number(most)} free`;
  find(".level", meter).textContent = said;
  const bar = find(".bar", meter);
  bar.ariaValueMin = "0";
  bar.ariaValueMax = String(most);
  bar.ariaValueNow = String(left);
  bar.ariaValueText = said;
  find("div", bar).style.width = `${(100 * left) / most}%`;
  meter.classList.toggle("scarce", left < most / 5);
}

const EXAMPLES = {
  /** Two batches that don't fit into a limit together: one of them is refused, until its Retry-After is over. */
  async limit({ teams: [team] }) {
    const actions = Array(6).fill(get(`/teams/${team.gid}/users`));
    const both = await Promise.all([batch(actions), batch(actions)]);
    const response = both.find(({ status }) => status === 429);
    if (!response) return; // the server was so slow that they did not meet
    await show("One of two batches of six, sent at once where ten a second are allowed", actions, response);
    const wait = Number(response.headers.get("retry-after"));
    const note = element("p", `Waiting ${wait} s, as Retry-After says …`, "hint");
    find("#exchanges").append(note);
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    note.remove();
    await show(`The same batch ${wait} s later`, actions);
  },

  async many({ projects }) {
    const { tasks } = projects.find(({ tasks }) => tasks.length);
    const actions = Array.from({ length: 11 }, (_, index) => get(`/tasks/${tasks[index % tasks.length]}`));
    await show("Eleven actions, where ten are allowed", actions);
  },

  async upload({ tasks }) {
    const [gid] = tasks.keys();
    await show("An upload among reads", [
      get("/users/me"),
      { method: "post", relative_path: `/tasks/${gid}/attachments`, data: { name: "notes.txt" } },
      get(`/tasks/${gid}`),
    ]);
  },
};

const get = (path) => ({ method: "get", relative_path: path, options: { fields: ["name"] } });

function batch(actions) {
  const body = JSON.stringify({ data: { actions } });
  return send(BATCH, { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

async function show(title, actions, answered) {
  const response = answered ?? (await batch(actions));
  const body = await response.json();
  const article = copy("exchange");
  find("h4", article).textContent = title;
  find(".status", article).textContent = String(response.status);
  find(".meaning", article).textContent = body.errors ? body.errors[0].message : meaning(body.data);
  article.dataset.outcome = body.errors ? "refused" : "passed";
  find(".request", article).textContent = `POST ${BATCH}\n\n${compact("actions", actions)}`;
  const fields = ["retry-after", "ratelimit", "ratelimit-policy"].filter((name) => response.headers.has(name));
  const head = [`HTTP ${response.status}`, ...fields.map((name) => `${name}: ${response.headers.get(name)}`)];
  const answer = body.errors ? JSON.stringify(body, null, 2) : compact("data", body.data);
  find(".answer", article).textContent = `${head.join("\n")}\n\n${answer}`;
  find("#exchanges").append(article);
  tell(`${title}: ${find(".outcome", article).textContent}`);
}

function meaning(results) {
  const refused = results.filter(({ status_code }) => status_code >= 400);
  return refused.length
    ? `The batch ran. Refused as its own result: ${refused[0].body.errors[0].message}`
    : `All ${results.length} actions ran.`;
}

/** JSON with an entry of the list on each line. */
function compact(name, entries) {
  const list = `{"${name}": [\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n]}`;
  return name === "actions" ? `{"data": ${list}}` : list;
}
