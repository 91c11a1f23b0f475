// What `batchFetch` sends and when, and what becomes of its answers: against a server that is told what to answer.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, beforeEach, test } from "node:test";

import { createBatchFetch } from "./subject.mjs";

/** @type {{method: string, path: string, headers: Record<string, string>, body: string, actions: any[] | undefined}[]} */
let seen = [];
/** What the batch route answers: a function of the request, its response and its actions. */
let batch;
/** The same of everything else. */
let direct;
let origin;
/** Resolve when a request that nobody answers has come, and when its client has gone. */
let arrived, gone;

const json = (response, status, value, headers = {}) =>
  response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(value));
const echoes = (request, response, actions) =>
  json(response, 200, { data: actions.map((action) => ({ status_code: 200, headers: {}, body: { action } })) });
const held = (request, response) => {
  response.on("close", gone.resolve);
  arrived.resolve();
};
const results = (...all) => (request, response) =>
  json(response, 200, { data: all.map((one) => ({ status_code: 200, headers: {}, body: null, ...one })) });
const promised = () => {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
};

const server = http.createServer(async (request, response) => {
  let body = "";
  for await (const piece of request.setEncoding("utf-8")) body += piece;
  const isBatch = request.url === "/api/batch" && request.method === "POST";
  const actions = isBatch ? JSON.parse(body).data?.actions ?? JSON.parse(body).actions : undefined;
  seen.push({ method: request.method, path: request.url, headers: request.headers, body, actions });
  if (isBatch) batch(request, response, actions);
  else direct(request, response);
});
before(async () => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  [seen, arrived, gone] = [[], promised(), promised()];
  batch = echoes;
  direct = (request, response) => json(response, 200, { direct: request.url });
});

const make = (options) => createBatchFetch({ url: `${origin}/api/batch`, ...options });
const api = (path) => `${origin}/api${path}`;
const put = (value, more) => ({
  method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value), ...more,
});
const sizes = () => seen.map(({ actions }) => actions?.length ?? 0);
/** Calls twice, so that both could be batched, and tells whether they were. */
async function areBatched(batchFetch, path, init) {
  const responses = await Promise.all([batchFetch(api(path), init?.()), batchFetch(api(path), init?.())]);
  await Promise.all(responses.map((response) => response.arrayBuffer()));
  return seen.some(({ actions }) => actions);
}

// --- gathering

test("the calls of one turn are one batch, and each gets its own result", async () => {
  const batchFetch = make();
  const calls = ["/a", "/b", "/c"].map((path) => batchFetch(api(path)));
  await Promise.resolve();
  calls.push(batchFetch(api("/d"))); // the same turn still
  const bodies = await Promise.all(calls.map(async (call) => (await call).json()));
  assert.deepEqual(bodies.map((body) => body.action.relative_path), ["/a", "/b", "/c", "/d"]);
  assert.deepEqual(sizes(), [4]);
});

test("a call that is alone in its turn goes out as it is", async () => {
  const batchFetch = make();
  for (const path of ["/a", "/b"]) assert.deepEqual(await (await batchFetch(api(path))).json(), { direct: `/api${path}` });
  assert.deepEqual(sizes(), [0, 0]);
});

test("a window gathers the calls of many turns", async () => {
  const long = make({ window: 60_000, maxActions: 2 });
  const first = long(api("/a"));
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  await Promise.all([first, long(api("/b"))]); // which is full then, and does not wait
  const short = make({ window: 5 });
  await Promise.all([short(api("/a")), short(api("/b"))]);
  assert.deepEqual(sizes(), [2, 2]);
});

test("what is more than the maximum is split, and what then is alone goes out as it is", async () => {
  const batchFetch = make();
  await Promise.all(Array.from({ length: 21 }, (_, index) => batchFetch(api(`/${index}`))));
  assert.deepEqual(sizes().sort(), [0, 10, 10]);
  seen = [];
  const small = make({ maxActions: 2 });
  await Promise.all(Array.from({ length: 6 }, (_, index) => small(api(`/${index}`))));
  assert.deepEqual(sizes(), [2, 2, 2]);
});

test("no batch is larger than the server takes", async () => {
  const batchFetch = make({ maxBytes: 1000 });
  const written = (length) => put({ data: { text: "é".repeat(length / 2) } });
  await Promise.all([300, 300, 300, 2000, 300].map((length) => batchFetch(api("/a"), written(length))));
  assert.deepEqual(sizes().sort(), [0, 0, 0, 2]);
  assert(seen.every(({ actions, body }) => !actions || Buffer.byteLength(body) <= 1000));
});

test("not more batches are in flight than `parallel` says", async () => {
  const waiting = [];
  let most = 0;
  batch = (request, response, actions) => {
    waiting.push(() => echoes(request, response, actions));
    most = Math.max(most, waiting.length);
    // Whoever is held is let go when as many are there as may be, or when it is the last.
    if (waiting.length === 2 || seen.length === 5) waiting.splice(0).forEach((answer) => answer());
  };
  const batchFetch = make({ maxActions: 2, parallel: 2 });
  await Promise.all(Array.from({ length: 10 }, (_, index) => batchFetch(api(`/${index}`))));
  assert.deepEqual([most, sizes()], [2, [2, 2, 2, 2, 2]]);
});

test("calls that do not have the same headers, credentials or referrer policy are in different batches", async () => {
  const batchFetch = make();
  const inits = [{}, { headers: { "X-A": "1" } }, { credentials: "omit" }, { referrerPolicy: "no-referrer" }];
  await Promise.all([...inits, ...inits].map((init) => batchFetch(api("/a"), init)));
  assert.deepEqual(sizes(), [2, 2, 2, 2]);
  assert.deepEqual(seen.map(({ headers }) => headers["x-a"]), [undefined, "1", undefined, undefined]);
});

// --- what is sent

test("method, path, query, options and body arrive in the action as they are", async () => {
  const batchFetch = make();
  await Promise.all([
    batchFetch(new URL(api("/a%20b/%C3%A9?2=x%26&1=a+b&opt_fields=name,gid"))),
    batchFetch(api("/t?opt_fields=name&limit=5"), put({ data: { b: 1, a: "é\n" } })),
    // The body of a Request may be there a turn later.
    ...["/r", "/s"].map((path) => batchFetch(new Request(api(path), put({ data: {} }, { method: "PATCH" })))),
    batchFetch(api("/n"), { method: "POST" }),
    batchFetch(api("/x"), { method: "DELETE", headers: { "Content-Type": "application/json" } }),
    batchFetch(api("/h#part"), { method: "HEAD" }),
  ]);
  assert.deepEqual(
    seen.flatMap(({ actions }) => actions).sort((a, b) => (a.relative_path < b.relative_path ? -1 : 1)),
    [
      { method: "get", relative_path: "/a%20b/%C3%A9", data: { 2: "x&", 1: "a b", opt_fields: "name,gid" } },
      { method: "head", relative_path: "/h" },
      { method: "post", relative_path: "/n" },
      { method: "patch", relative_path: "/r", data: {} },
      { method: "patch", relative_path: "/s", data: {} },
      { method: "put", relative_path: "/t", options: { fields: "name", limit: "5" }, data: { b: 1, a: "é\n" } },
      { method: "delete", relative_path: "/x" },
    ],
  );
  assert(seen.some(({ body }) => body.includes('"data":{"2":"x&","1":"a b"'))); // in their order, which an object would not keep
});

test("numbers of a body and of a result keep their digits", async () => {
  const digits = "12345678901234567890.10";
  batch = (request, response) => {
    const result = `{"status_code": 200, "headers": {"x": "}"}, "body": {"data":"\\\\\\"[", "n": ${digits} }}`;
    response.writeHead(200, { "Content-Type": "application/json" }).end(`{"other": "[", "data": [${result},\n${result}]}`);
  };
  const batchFetch = make();
  const init = { ...put(), body: `{ "data" : {"n":${digits}} }` };
  const responses = await Promise.all([batchFetch(api("/a"), init), batchFetch(api("/a"), init)]);
  assert(seen[0].body.includes(`"data": {"n":${digits}}`));
  for (const response of responses) assert.equal((await response.text()).trim(), `{"data":"\\\\\\"[", "n": ${digits} }`);
});

test("the style `plain` has its own envelope, takes any JSON, and two of a name side by side", async () => {
  batch = (request, response, actions) =>
    json(response, 200, { results: actions.map((action) => ({ status_code: 200, headers: {}, body: action })) });
  const batchFetch = make({ style: "plain" });
  const bodies = await Promise.all([
    batchFetch(api("/attachments"), put([1, "two"], { method: "POST" })).then((response) => response.json()),
    batchFetch(api("/a?x=1&x=2,3&y=4")).then((response) => response.json()),
  ]);
  assert.deepEqual(JSON.parse(seen[0].body), { actions: bodies });
  assert.deepEqual(bodies.map(({ data }) => data), [[1, "two"], { x: ["1", "2,3"], y: "4" }]);
});

test("headers of the settings go to the API's origin, batched or not, and nowhere else", async () => {
  let count = 0;
  const batchFetch = make({ headers: () => ({ Authorization: `Bearer ${++count}` }) });
  await batchFetch(`${origin}/elsewhere`);
  await batchFetch(api("/a"), { headers: { Authorization: "mine" } });
  await batchFetch(`${origin.replace("127.0.0.1", "localhost")}/other`);
  const fixed = make({ headers: { Authorization: "Bearer 0" } });
  await Promise.all([fixed(api("/a")), fixed(api("/b"))]);
  assert.deepEqual(seen.map(({ headers }) => headers.authorization), ["Bearer 1", "mine", undefined, "Bearer 0"]);
});

// --- what is not batched

const deep = (levels) => JSON.parse('{"a":'.repeat(levels) + "{}" + "}".repeat(levels));
const stream = () => new Blob(["{}"]).stream();
const as = (body, headers = {}, more = {}) => () => ({ method: "POST", headers, body: body(), ...more });
const jsonType = { "Content-Type": "application/json" };
/** @type {Record<string, [string, (() => RequestInit)?, object?]>} */
const NOT_BATCHED = {
  "outside of the API base": ["/../elsewhere"],
  "an encoded slash": ["/a%2Fb"],
  "an empty segment": ["/a//b"],
  "a broken escape": ["/%zz"],
  "an escape that is not UTF-8": ["/%ff"],
  "a control character": ["/a%00"],
  "a path that is too long": [`/${"a".repeat(2048)}`],
  "the batch route": ["/Batch/"],
  "what Asana's API denies": ["/tasks/1/attachments", () => put({ data: {} }, { method: "POST" })],
  "what Asana's API denies, in capitals": ["/SCIM/v2/Users"],
  "what the settings deny": ["/slow/1/report", undefined, { deny: ["GET,HEAD /slow/{id}/report"] }],
  "what a function denies": ["/a", undefined, { deny: [(request) => request.url.endsWith("/a")] }],
  "a name without a value": ["/a?flag"],
  "one name twice": ["/a?x=1&x=2"],
  "one name twice, apart": ["/a?x=1&y=2&x=3", undefined, { style: "plain" }],
  "a query that is not UTF-8": ["/a?x=%ff"],
  "a query beside a body": ["/a?x=1", () => put({ data: {} })],
  "a query of a delete": ["/a?x=1", () => ({ method: "DELETE" })],
  "a body of a delete": ["/a", () => put({ data: {} }, { method: "DELETE" })],
  "another method": ["/a", () => ({ method: "OPTIONS" })],
  "a method that fetch leaves in lower case": ["/a", () => put({ data: {} }, { method: "patch" })],
  "a form": ["/a", as(() => new URLSearchParams("a=1"))],
  "a form with files": ["/a", as(() => new FormData())],
  "a blob": ["/a", as(() => new Blob(["{}"]))],
  "a blob of JSON": ["/a", as(() => new Blob(['{"data":{}}'], { type: "application/json" }))],
  "bytes": ["/a", as(() => new Uint8Array([1, 2]))],
  "a stream": ["/a", as(stream, jsonType, { duplex: "half" })],
  "text": ["/a", as(() => '{"data":{}}')],
  "JSON of another type": ["/a", as(() => '{"data":{}}', { "Content-Type": "application/vnd.api+json" })],
  "a type without a body": ["/a", () => ({ method: "POST", headers: jsonType })],
  "an empty body": ["/a", as(() => "", jsonType)],
  "what is no JSON": ["/a", as(() => '{"data":{}', jsonType)],
  "JSON that is more than `data`": ["/a", () => put({ data: {}, more: 1 })],
  "`data` twice": ["/a", as(() => '{"data":1,"data":{}}', jsonType)],
  "`data` that is a list": ["/a", () => put({ data: [] })],
  "`data` that is null": ["/a", () => put({ data: null })],
  "half a pair of surrogates": ["/a", () => put({ data: { a: "\ud800" } })],
  "JSON that is too deep": ["/a", () => put({ data: deep(61) })],
  "a part of a file": ["/a", () => ({ headers: { Range: "bytes=0-1" } })],
  "a condition": ["/a", () => ({ headers: { "If-None-Match": '"a"' } })],
  "a key for retries": ["/a", () => put({ data: {} }, { headers: { ...jsonType, "Idempotency-Key": '"k"' } })],
  "a signature": ["/a", () => ({ headers: { "Signature-Input": "a" } })],
  "another method in a header": ["/a", () => ({ headers: { "X_HTTP_Method_Override": "PUT" } })],
  "events": ["/a", () => ({ headers: { Accept: "text/event-stream" } })],
  "the cache": ["/a", () => ({ cache: "force-cache" })],
  "a hash of the body": ["/a", () => ({ integrity: "sha256-JTkz/lq35OCUwcYLnyQM0g4Aie5YFcGkLWi9fkJrz/g=" }), "rejects"],
  "what outlives the page": ["/a", () => ({ keepalive: true })],
  "redirects by hand": ["/a", () => ({ redirect: "manual" })],
  "what this fetch alone knows": ["/a", () => ({ next: { revalidate: 1 } })],
};
for (const [what, [path, init, options]] of Object.entries(NOT_BATCHED)) {
  test(`not batched: ${what}`, async () => {
    const batchFetch = make(options === "rejects" ? {} : options);
    if (options === "rejects") await assert.rejects(areBatched(batchFetch, path, init), TypeError);
    else assert.equal(await areBatched(batchFetch, path, init), false);
  });
}

test("batched: what is next to what is not", async () => {
  const near = [
    ["/a?x=%EF%BC%BF&y="], ["/a;b/c"], ["/tasks/attachments/1"], ["/batches"], ["/"], ["/a/"], [`/${"a".repeat(2047)}`],
    ["/a", () => put({ data: deep(59) })], ["/a", () => put({ data: { a: "\u{1f600}" } })],
    ["/a", () => put({ data: {} }, { headers: { "content-type": "Application/JSON; charset=UTF-8" } })],
    ["/a", () => ({ cache: "no-store" })], ["/a", () => ({ headers: { Prefer: "x", "X-Iffy": "1" } })],
  ];
  for (const [path, init] of near) {
    seen = [];
    assert.equal(await areBatched(make(), path, init), true, path);
  }
});

test("another origin gets what was meant for it, untouched", async () => {
  const calls = [];
  const batchFetch = make({ headers: { Authorization: "x" }, fetch: async (input) => (calls.push(input), new Response()) });
  await Promise.all(["https://example.org/api/a", "http://127.0.0.1:1/api/a"].map((url) => batchFetch(url)));
  assert.deepEqual(calls.map(({ url }) => url), ["https://example.org/api/a", "http://127.0.0.1:1/api/a"]);
  assert(calls.every(({ headers }) => !headers.has("authorization")));
});

test("a body that is read to see whether it can be batched is sent whole when it can't", async () => {
  const batchFetch = make();
  const requests = [1, 2].map(() => new Request(api("/a"), put([1, 2])));
  await Promise.all(requests.map((request) => batchFetch(request)));
  assert.deepEqual(seen.map(({ body }) => body), ["[1,2]", "[1,2]"]);
  assert(requests.every(({ bodyUsed }) => bodyUsed));
});

// --- aborting

test("an aborted call rejects at once and is left out of what is not sent yet", async () => {
  const controller = new AbortController();
  const batchFetch = make();
  const calls = ["/a", "/b", "/c"].map((path, index) => batchFetch(api(path), index ? {} : { signal: controller.signal }));
  await Promise.resolve();
  controller.abort();
  await assert.rejects(calls[0], { name: "AbortError" });
  assert.deepEqual(seen, []);
  await Promise.all(calls.slice(1));
  assert.deepEqual(seen[0].actions.map((action) => action.relative_path), ["/b", "/c"]);
  const reason = new Error("mine");
  await assert.rejects(batchFetch(api("/a"), { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(seen.length, 1);
});

test("a batch in flight is aborted when all its callers are gone, not before", async () => {
  batch = held;
  const controllers = [new AbortController(), new AbortController()];
  const batchFetch = make();
  const calls = controllers.map(({ signal }, index) => batchFetch(api(`/${index}`), { signal }));
  const ends = calls.map((call) => call.catch((error) => error.name));
  await arrived.promise;
  let left = false;
  gone.promise.then(() => (left = true));
  controllers[0].abort();
  assert.equal(await ends[0], "AbortError");
  await fetch(api("/direct")); // the server has had its time to notice
  assert.equal(left, false);
  controllers[1].abort();
  assert.equal(await ends[1], "AbortError");
  await gone.promise;
});

// --- answers

test("a result is a Response with all that a script can see of it", async () => {
  const bytes = Buffer.from([0, 255, 10]);
  batch = results(
    { status_code: 201, headers: { location: "/x" }, body: { data: "é" } },
    { status_code: 404, headers: { "content-type": "text/plain; charset=latin-1" }, body: "é" },
    { headers: { "content-type": "image/png", "content-transfer-encoding": "base64" }, body: bytes.toString("base64") },
    { status_code: 204 }, { status_code: 205 }, { status_code: 304 },
    { headers: { "content-type": "text/html" } },
    { headers: { "content-type": "application/problem+json" }, body: "text" },
    { headers: { "content-length": "7" } },
  );
  const batchFetch = make();
  const urls = Array.from({ length: 9 }, (_, index) => api(`/${index}?a=b#c`));
  const answers = await Promise.all(urls.map((url, index) => batchFetch(url, index === 8 ? { method: "HEAD" } : {})));
  answers.forEach((answer, index) => {
    assert(answer instanceof Response);
    assert.deepEqual([answer.url, answer.redirected, answer.type], [urls[index].split("#")[0], false, "basic"]);
    assert.equal(answer.clone().url, answer.url);
    assert.equal(answer.ok, answer.status < 300);
  });
  const [made, text, image, empty, reset, fresh, html, problem, head] = answers;
  assert.deepEqual([made.status, made.headers.get("location"), await made.clone().json()], [201, "/x", { data: "é" }]);
  assert.deepEqual([...made.headers.keys()], ["content-type", "location"]);
  assert.deepEqual([text.status, await text.text(), text.headers.get("content-type")], [404, "é", "text/plain; charset=utf-8"]);
  assert.deepEqual([Buffer.from(await image.arrayBuffer()), [...image.headers]], [bytes, [["content-type", "image/png"]]]);
  assert.deepEqual([empty, reset, fresh, head].map(({ body }) => body), [null, null, null, null]);
  assert.equal(await html.text(), "");
  assert.equal(await problem.json(), "text");
  assert.deepEqual([...head.headers], [["content-length", "7"]]);
});

test("a batch that is refused as a whole is a response for each caller", async () => {
  batch = (request, response) => json(response, 401, { errors: [{ message: "Log in." }] }, { "WWW-Authenticate": "Bearer" });
  const batchFetch = make();
  const [one, two] = await Promise.all([batchFetch(api("/a")), batchFetch(api("/b"), { method: "HEAD" })].map((call) => call));
  assert.deepEqual([one.status, one.url, one.headers.get("www-authenticate")], [401, api("/a"), "Bearer"]);
  assert.deepEqual(await one.json(), { errors: [{ message: "Log in." }] });
  assert.deepEqual([two.status, two.body], [401, null]);
});

test("after 429 and 503 the same batch is sent again, without those who have gone", async () => {
  const answers = [429, 503];
  batch = (request, response, actions) =>
    answers.length ? json(response, answers.shift(), {}, { "Retry-After": "0" }) : echoes(request, response, actions);
  const controller = new AbortController();
  const batchFetch = make();
  const leaves = batchFetch(api("/b"), { signal: controller.signal });
  const calls = [batchFetch(api("/a")), batchFetch(api("/c"))];
  leaves.catch(() => undefined);
  const send = batch;
  batch = (...all) => (controller.abort(), send(...all));
  assert.deepEqual(await Promise.all(calls.map(async (call) => (await call).status)), [200, 200]);
  assert.deepEqual(sizes(), [3, 2, 2]);
});

for (const [what, wait, options] of [
  ["longer than the bound", "61", {}],
  ["longer than the bound, as a date", "Tue, 24 Nov 2099 00:00:00 GMT", {}],
  ["unknown", undefined, {}],
  ["no time at all", "soon", {}],
  ["not wanted", "1", { maxWait: 0 }],
]) {
  test(`a refusal whose wait is ${what} goes to the callers`, async () => {
    batch = (request, response) => json(response, 429, {}, wait === undefined ? {} : { "Retry-After": wait });
    const batchFetch = make(options);
    const statuses = await Promise.all(["/a", "/b"].map(async (path) => (await batchFetch(api(path))).status));
    assert.deepEqual([statuses, seen.length], [[429, 429], 1]);
  });
}

test("the waits of one batch together are not longer than the bound", async () => {
  batch = (request, response) => json(response, 503, {}, { "Retry-After": "0" });
  const batchFetch = make({ maxWait: 250 }); // each wait is a tenth of a second
  const statuses = await Promise.all(["/a", "/b"].map(async (path) => (await batchFetch(api(path))).status));
  assert.deepEqual([statuses, seen.length], [[503, 503], 3]);
});

test("callers that leave while their batch waits end the waiting", async () => {
  batch = (request, response) => {
    json(response, 429, {}, { "Retry-After": "50" });
    arrived.resolve();
  };
  const controller = new AbortController();
  const batchFetch = make({ parallel: 1 });
  const calls = ["/a", "/b"].map((path) => batchFetch(api(path), { signal: controller.signal }));
  await arrived.promise;
  controller.abort();
  for (const call of calls) await assert.rejects(call, { name: "AbortError" });
  batch = echoes;
  await Promise.all([batchFetch(api("/c")), batchFetch(api("/d"))]); // there is room again
  assert.deepEqual(sizes(), [2, 2]);
});

for (const status of [404, 405]) {
  test(`where the batch route answers ${status}, all goes out as it is from then on`, async () => {
    batch = (request, response) => json(response, status, {});
    const batchFetch = make();
    for (let turn = 0; turn < 2; turn++) {
      const answers = await Promise.all(["/a", "/b"].map(async (path) => (await batchFetch(api(path))).json()));
      assert.deepEqual(answers, [{ direct: "/api/a" }, { direct: "/api/b" }]);
    }
    assert.deepEqual(sizes(), [2, 0, 0, 0, 0]);
  });
}

for (const [what, body] of [["a page", "<p>"], ["other JSON", '{"data":1}'], ["too few results", '{"data":[]}'], ["nothing", ""]]) {
  test(`where the batch route answers ${what}, each caller gets a TypeError that says so`, async () => {
    batch = (request, response) => response.writeHead(200).end(body);
    const batchFetch = make();
    const calls = [batchFetch(api("/a")), batchFetch(api("/b"))];
    for (const call of calls) await assert.rejects(call, { name: "TypeError", message: /^the answer of the batch route/ });
    batch = echoes;
    await Promise.all([batchFetch(api("/a")), batchFetch(api("/b"))]);
  });
}

test("where the connection breaks, each caller gets what fetch gives", async () => {
  batch = (request, response) => response.destroy();
  const batchFetch = make();
  const calls = [batchFetch(api("/a")), batchFetch(api("/b"))];
  for (const call of calls) await assert.rejects(call, { name: "TypeError", message: "fetch failed" });
});

// --- redirects

const moved = (status, location) => ({ status_code: status, headers: { location } });

test("a redirect of what is safe is followed by asking again", async () => {
  batch = results(moved(302, "/api/new"), { body: 1 });
  direct = (request, response) =>
    request.url === "/api/old" ? response.writeHead(302, { Location: "/api/new" }).end() : json(response, 200, { direct: request.url });
  const batchFetch = make();
  const [answer] = await Promise.all([batchFetch(api("/old")), batchFetch(api("/b"))]);
  assert.deepEqual([answer.redirected, answer.url, await answer.json()], [true, api("/new"), { direct: "/api/new" }]);
});

for (const [status, method, then] of [
  [301, "POST", "GET"], [302, "POST", "GET"], [303, "PUT", "GET"], [302, "PUT", "PUT"], [307, "POST", "POST"], [308, "DELETE", "DELETE"],
]) {
  test(`${method} that is redirected by ${status} goes on as ${then}, and is not done twice`, async () => {
    batch = results(moved(status, "new?a=1"), { body: 1 });
    const batchFetch = make();
    const init = method === "DELETE" ? { method } : put({ data: { a: 1 } }, { method });
    const [answer] = await Promise.all([batchFetch(api("/old"), init), batchFetch(api("/b"))]);
    assert.deepEqual([answer.redirected, answer.url], [true, api("/new?a=1")]);
    const [, last, ...more] = seen;
    assert.deepEqual([last.method, last.path, more], [then, "/api/new?a=1", []]);
    const carried = then !== "GET" && method !== "DELETE";
    assert.deepEqual([last.body, last.headers["content-type"]], carried ? [init.body, "application/json"] : ["", undefined]);
  });
}

test("a redirect to another origin does not take the credentials along", async () => {
  batch = results(moved(307, `${origin.replace("127.0.0.1", "localhost")}/new`), { body: 1 });
  const calls = [];
  const batchFetch = make({
    headers: { Authorization: "secret" },
    fetch: (input, init) => (input instanceof Request ? (calls.push(input), new Response()) : fetch(input, init)),
  });
  await Promise.all([batchFetch(api("/old"), { method: "POST" }), batchFetch(api("/b"), { method: "POST" })]);
  assert.deepEqual(calls.map(({ headers }) => headers.get("authorization")), [null]);
});

test("a redirect where none is wanted is an error, and one without a place is a response", async () => {
  batch = results(moved(302, "/x"), { status_code: 302 });
  const batchFetch = make();
  const calls = [batchFetch(api("/a"), { redirect: "error" }), batchFetch(api("/b"))];
  await assert.rejects(calls[0], TypeError);
  assert.equal((await calls[1]).status, 302);
});

// --- settings

for (const [options, message] of [
  [{ maxActons: 5 }, /^maxActons: there is no such option/],
  [{ style: "asna" }, /^style: /],
  [{ maxActions: 0 }, /^maxActions: must be at least 1, not 0/],
  [{ window: -1 }, /^window: /],
  [{ deny: ["scim"] }, /^deny: "scim" is no pattern/],
]) {
  test(`a wrong option is named: ${JSON.stringify(options)}`, () => assert.throws(() => createBatchFetch(options), { message }));
}
