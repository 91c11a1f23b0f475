// Everything that the page asks the server for goes through here, and every HTTP request is written down.

import { createBatchFetch } from "./batch.js";

const BASE = "/api/1.0";
export const BATCH = `${BASE}/batch`;

/** Sends a `sent` event for every HTTP request that has ended; `detail` is what `send` has written down of it. */
export const wire = new EventTarget();

let token = "";
let latency = 0;

/** How much longer each request takes from now on, in milliseconds: the server adds it, once for each HTTP request. */
export function addLatency(milliseconds) {
  latency = milliseconds;
}

/** Asks who the visitor of this page is. The token stays in this script, and goes out with every request. */
export async function signIn() {
  const answer = await fetch("/page/session.json", { cache: "no-store" });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.errors[0].message);
  token = body.token;
}

/** `fetch`, with a record of each request; the answer's body has arrived when it resolves. */
export async function send(input, init) {
  const request = new Request(input, init);
  request.headers.set("Authorization", `Bearer ${token}`);
  if (latency) request.headers.set("X-Latency", String(latency));
  const { method, headers, url, signal } = request;
  const path = new URL(url).pathname;
  const body = request.body ? await request.text() : undefined;
  const asked = performance.now();
  const response = await fetch(url, { method, headers, body, signal, cache: "no-store" });
  const received = (await response.clone().arrayBuffer()).byteLength;
  const record = {
    method,
    path: path.slice(BASE.length),
    url,
    actions: path === BATCH ? JSON.parse(body).data.actions : [],
    status: response.status,
    headers: response.headers,
    asked,
    there: performance.now(),
    sent: new TextEncoder().encode(body ?? "").length,
    received,
  };
  wire.dispatchEvent(new CustomEvent("sent", { detail: record }));
  return response;
}

/** `fetch` for the API in batches: what is asked for in one turn of the event loop travels together. */
export const batchFetch = createBatchFetch({ url: BATCH, fetch: send });

/** The same for changes, one batch after the other: 15 of them may be in flight, which is less than two batches. */
const batchChange = createBatchFetch({ url: BATCH, fetch: send, parallel: 1 });

/** An answer that is no success; its message is the server's. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.errors?.[0]?.message ?? `The server answered with ${status}`);
    this.status = status;
  }
}

/**
 * One request to the API, in a batch with the others of its time.
 *
 * @returns the `data` of its answer; rejects with `Refused` if it is no success
 */
export async function call(method, path, data) {
  const init = { method };
  if (data !== undefined) {
    init.headers = { "Content-Type": "application/json" };
    init.body = JSON.stringify({ data });
  }
  const response = await (method === "GET" ? batchFetch : batchChange)(BASE + path, init);
  const body = await response.json();
  if (!response.ok) throw new Refused(response.status, body);
  return method === "GET" ? body : body.data;
}

/** All records of a list, page by page. */
export async function list(path) {
  const records = [];
  let offset = "";
  do {
    const page = await call("GET", path + offset);
    records.push(...page.data);
    offset = page.next_page ? `&offset=${page.next_page.offset}` : "";
  } while (offset);
  return records;
}
