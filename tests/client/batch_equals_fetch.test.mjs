// Random sets of requests give by `batchFetch` what they give by `fetch`, from the servers that BATCH_SERVERS names:
// JSON, a list of {style, api, token?, tasks?}. SEED repeats a run, ROUNDS is how many sets each server gets.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createBatchFetch } from "./subject.mjs";

const servers = JSON.parse(process.env.BATCH_SERVERS ?? "[]");
const seed = Number(process.env.SEED ?? Date.now() % 1e9);
const rounds = Number(process.env.ROUNDS ?? 12);

/** What a result leaves out, and what says how the bytes travelled. */
const LEFT_OUT = new Set(["connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", "vary",
  "cache-control", "strict-transport-security", "alt-svc"]);
/** What an action can't have of its own, or has because it is one: compared no further. */
const OF_THE_CONNECTION = new Set(["connection", "content-length", "accept-encoding", "content-type"]);

/** mulberry32 @param {number} state */
function dice(state) {
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end) => Math.floor(random() * end);
  const one = (...choices) => choices[below(choices.length)];
  const some = (most, make) => Array.from({ length: below(most + 1) }, make);
  return { below, one, some, maybe: (make, otherwise) => (below(2) ? make() : otherwise) };
}

const PIECES = ["a", "Z9", "é", "\u{1f600}", " ", "+", "%", "&", "=", ",", "/", "?", "#", '"', "\\", "\n", "\0", "\u2028",
  "\ufffd", "\ud800", ";", ":", "[", "{", "}", "]", "..", "null", "1", "-0", "1e400", "__proto__"];

function makers(roll, { style, tasks }) {
  const { below, one, some, maybe } = roll;
  const text = (most = 4) => some(most, () => one(...PIECES)).join("");
  const number = () => one("0", "-0", "1.50", "12345678901234567890", "1e3", "-1.0E-7");
  /** JSON as text, so that it is not only what `JSON.stringify` writes. */
  const json = (levels = 3) => {
    const inner = () => json(levels - 1);
    const space = () => one("", "", " ", "\n");
    const written = levels
      ? one(number, () => JSON.stringify(text()), () => one("true", "null"), () => `[${some(3, inner)}]`,
          () => `{${some(3, () => `${space()}${JSON.stringify(text(2))}:${inner()}`)}}`)()
      : number();
    return `${space()}${written}${space()}`;
  };
  const object = () => `{${some(3, () => `${JSON.stringify(text(2))}:${json(2)}`)}}`;
  const query = () => {
    const pairs = some(3, () => one(
      () => `${encodeURIComponent(one("a", "b", "1", "opt_fields", "limit"))}=${encodeURIComponent(text().toWellFormed?.() ?? "x")}`,
      () => `${one("a", "b")}=${one("1,2", "+", "%FF", "%20", "")}`, () => one("flag", "", "=x"))());
    return pairs.length ? `?${pairs.join("&")}` : "";
  };
  const path = () => `/echo/${some(3, () => one("a", "%C3%A9", "b%20c", "%2F", "%252e", ";x=1", "%5C", "", "|", "~", "@:!$&'()*")).join("/") || "x"}`;
  const wrapped = () => (style === "asana" ? `{${one("", " ")}"data"${one("", " ")}:${object()}}` : json());
  const headers = () => Object.fromEntries(maybe(() => [[one("X-One", "X-Two", "Accept", "If-Match", "Range"), one("1", "2")]], []));
  const written = () => ({
    method: one("POST", "PUT", "PATCH"),
    headers: { ...headers(), "Content-Type": one("application/json", "application/json", "application/json; charset=utf-8", "text/plain") },
    body: one(wrapped, wrapped, json)(),
  });
  const echo = () => [path() + query(), one(() => ({ headers: headers() }), () => ({ headers: headers() }), written, written,
    () => ({ method: one("HEAD", "DELETE", "POST"), headers: headers() }))()];

  const base64 = (bytes) => Buffer.from(bytes).toString("base64");
  // Half a surrogate is none to a server, which has its own way of showing what is no JSON.
  const valid = (written) => written.replaceAll("\\ud800", "?");
  const content = () => one(
    () => ["application/json", valid(json())], () => ["application/json", valid(`[${json()}]`)],
    () => ["application/problem+json", valid(object())],
    () => ["text/plain", text(20)], () => ["text/html; charset=utf-8", text(20)], () => ["image/png", Buffer.from(some(20, () => below(256)))],
    () => [undefined, Buffer.from([255, ...some(20, () => below(256))])], () => ["image/svg+xml", text(20)],
    () => ["application/octet-stream", text()])();
  const respond = () => {
    const [type, body] = content();
    const status = one(200, 200, 200, 201, 204, 304, 300, 302, 400, 404, 418, 500, 503);
    const more = some(2, () => one(["x-a", "1"], ["x-a", "é"], ["etag", '"e"'], ["cache-control", "no-store"], ["x-b", "2"], ["retry-after", "9"]));
    const spec = { status, headers: [["x-empty", ""], ...(type ? [["content-type", type]] : []), ...more] };
    if (status !== 204 && status !== 304) spec.body = base64(body);
    if (status === 302) maybe(() => spec.headers.push(["location", "../echo/moved?x=1"]));
    const asked = Buffer.from(JSON.stringify(spec)).toString("base64url");
    return maybe(() => [`/respond?spec=${asked}`, { method: one("GET", "GET", "HEAD") }],
      ["/respond", { method: one("POST", "PUT"), headers: { "Content-Type": "application/json" }, body: JSON.stringify(style === "asana" ? { data: spec } : spec) }]);
  };
  const task = () => one(...tasks, "0");
  const board = () => one(
    () => [`/tasks/${task()}${maybe(() => `?opt_fields=${one("name", "assignee.name", "projects,notes")}`, "")}`, { method: one("GET", "GET", "HEAD") }],
    () => [one("/users", "/users/me", "/projects", "/projects?limit=2", "/nothing", "/scim/v2/Users", "/organization_exports", "/attachments"), {}],
    () => [`/tasks/${task()}`, { method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"data":{}}' }],
    () => [`/tasks/0`, { method: one("PUT", "DELETE", "POST"), headers: { "Content-Type": "application/json" }, body: wrapped() }],
  )();
  return tasks ? board : () => one(echo, respond)();
}

/** What a caller sees; a failure is its kind alone. */
async function seenBy(call, shows) {
  try {
    const response = await call;
    const bytes = Buffer.from(await response.arrayBuffer());
    // A result leaves out `application/json`, and nothing tells it from no type where there is no body.
    const isLeftOut = ([name, value]) => LEFT_OUT.has(name) || (!bytes.length && name === "content-type" && value === "application/json");
    const headers = [...response.headers].filter((header) => !isLeftOut(header));
    let body = bytes.toString("base64");
    if (shows && response.status === 200 && bytes.length) {
      const { method, path, query, body: sent, headers: had } = JSON.parse(bytes.toString());
      const left = Object.entries(had).filter(([name]) => !OF_THE_CONNECTION.has(name));
      const raw = Buffer.from(sent, "base64").toString();
      body = { method, path, query, sent: raw && had["content-type"].startsWith("application/json") ? JSON.stringify(JSON.parse(raw)) : raw, left };
    }
    return { status: response.status, url: response.url, type: response.type, redirected: response.redirected, headers, body };
  } catch (error) {
    return error.name;
  }
}

for (const server of servers) {
  test(`batchFetch equals fetch: ${server.name} (SEED=${seed})`, async () => {
    const roll = dice(seed);
    const make = makers(roll, server);
    let [asked, sent, batched] = [0, 0, 0];
    const counting = (input, init) => {
      sent++;
      if (!(input instanceof Request)) batched += (init.body.match(/"relative_path":/g) ?? []).length;
      return fetch(input, init);
    };
    const { style, api, token } = server;
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const batchFetch = createBatchFetch({ url: `${api}/batch`, style, headers, fetch: counting });
    for (let round = 0; round < rounds; round++) {
      const calls = Array.from({ length: 1 + roll.below(24) }, make);
      const results = await Promise.all(calls.map(([path, init]) => seenBy(batchFetch(api + path, init), path.startsWith("/echo"))));
      const expected = await Promise.all(calls.map(([path, init]) =>
        seenBy(fetch(api + path, { ...init, headers: { ...headers, ...init.headers } }), path.startsWith("/echo"))));
      for (const [index, call] of calls.entries()) assert.deepEqual(results[index], expected[index], JSON.stringify(call));
      asked += calls.length;
    }
    assert(batched > asked / 5, `${batched} of ${asked} batched`);
    assert(sent < asked);
  });
}
