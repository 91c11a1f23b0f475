/**
 * `batchFetch(input, init)` is `fetch`, but the calls of one turn of the event loop go out as one `POST` to a batch
 * route.
 *
 * The promise: a call gives what `fetch` would give, a real `Response` with that status, those headers and those bytes,
 * or a rejection. What a batch can't carry exactly goes out by `fetch`, and so does a call that is alone in its turn.
 * Among the calls of one turn there is no order, as with `fetch`.
 *
 * Never batched, since a batch would change it or could not give it:
 * - other origins, paths outside of the API base or not canonical, the batch route, what `deny` names;
 * - bodies but strings (or a `Request`'s) of JSON: uploads, forms, streams; in the style of Asana all but
 *   `{"data": {...}}`; a `Content-Type` without a body to `POST`, `PUT` or `PATCH`; a `DELETE` with a body or a query;
 * - queries that would come out differently: `?flag`; one name twice, but side by side in the plain style; those of
 *   `POST`, `PUT` and `PATCH`, but `opt_fields`, `opt_expand`, `limit`, `offset` in the style of Asana;
 * - other methods, and headers that an action can't have or has otherwise (`Range`, `If-*`, `Signature`, ...; of an
 *   `Idempotency-Key` a batch makes another one for each place in it);
 * - `cache` but "default" and "no-store" (the cache goes by URL), `integrity` (it is of a response's own bytes),
 *   `keepalive` (it outlives the page), `redirect: "manual"` and `mode: "no-cors"` (no script can build their
 *   responses), `Accept: text/event-stream` (it has no end), members of `init` that are this `fetch`'s own.
 *
 * Calls share a batch if they have the same headers (but `Content-Type`), credentials, mode, cache and referrer, since
 * all actions inherit the batch's. `priority`, a hint, is ignored. A batch that is refused as a whole gives each caller
 * a response with its status and body. Where there is no batch route (404, 405), all goes out by `fetch` from then on.
 *
 * What differs from `fetch`: nothing is from the HTTP cache or goes into it. The headers are those of a result: without
 * `Date`, `Server`, `Vary`, `Cache-Control`, `Content-Length`, with those that CORS would hide. `statusText` is empty;
 * `url`, `redirected` and `type` are the response's own properties, and its headers can be changed. Text of another
 * charset comes as UTF-8, and `Content-Type` says so. No body is there before the slowest of its batch; what exceeds
 * the server's bounds for a result is 502 or 504, and what only the server knows to refuse is 400 (so name it in
 * `deny`). A result without `Content-Type` is `application/json`; so an empty response without one, which can't be told
 * from the JSON `null`, is taken for that. A redirect is followed by asking again where that is safe, else from its
 * `Location`.
 */

/** @typedef {import("./batch.js").BatchFetch} Fetch */
/** @typedef {"asana" | "plain"} Style */
/** @typedef {{status: number, headers: Headers, raw: string}} Result `raw` is the body as it stands in the answer */
/**
 * @typedef {object} Call
 * @property {Request} request what goes out if the call isn't batched; its body is unread
 * @property {string | null | undefined} body
 * @property {string} action as JSON
 * @property {number} size of that, in bytes
 * @property {boolean} gone whether it was aborted
 * @property {() => void} left what is to be done then
 * @property {(response: Response | Promise<Response>) => void} resolve
 * @property {(reason: unknown) => void} reject
 */

const DENIED = ["POST /attachments", "POST /{any}/{id}/attachments", "/organization_exports/**", "/scim/**"];
const STYLES = { asana: { results: "data", deny: DENIED }, plain: { results: "results", deny: [] } };
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
const SAFE = new Set(["GET", "HEAD"]);
const NULL_BODY = new Set([101, 103, 204, 205, 304]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What of `init` a `Request` holds, or is only a hint. */
const KNOWN = new Set(["method", "headers", "body", "signal", "credentials", "mode", "cache", "redirect", "referrer",
  "referrerPolicy", "integrity", "keepalive", "priority", "duplex", "window"]);
/** Headers that an action does not inherit as they are. */
const OWN = new RegExp("^(?:content-|if-|proxy-|sec-websocket-|signature|x-http-method|(?:te|trailer|expect|range|" +
  "transfer-encoding|connection|keep-alive|upgrade|http2-settings|accept-encoding|digest|idempotency-key|" +
  "x-rewrite-url|x-method-override|x-original-(?:url|uri|method|path)|x-forwarded-(?:path|uri)|x-script-name|" +
  "x-envoy-original-path)$)");
const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"?)?$/i;
const OPTIONS = new Map([["opt_fields", "fields"], ["opt_expand", "expand"], ["limit", "limit"], ["offset", "offset"]]);
const MAX_PATH = 2048; // bytes of `relative_path`
const MAX_DEPTH = 60; // levels of `data`; a batch may have 64, and some are around it
const ENVELOPE = 30; // bytes around the actions, at most

/** @type {typeof import("./batch.js").createBatchFetch} */
export function createBatchFetch(options = {}) {
  const { url = "/batch", style = "asana", window = 0, parallel = 4, headers: given, csrf, ...more } = options;
  const { maxActions = 10, maxBytes = 1 << 20, maxWait = 60_000, fetch: fetching, deny, ...unknown } = more;
  for (const name in unknown) throw new TypeError(`${name}: there is no such option`);
  if (!Object.hasOwn(STYLES, style)) throw new TypeError(`style: must be "asana" or "plain", not "${style}"`);
  for (const [name, value] of Object.entries({ maxActions, maxBytes, parallel, window, maxWait })) {
    const least = name === "window" || name === "maxWait" ? 0 : 1;
    if (!(value >= least)) throw new RangeError(`${name}: must be at least ${least}, not ${value}`);
  }
  /** @type {((request: Request, path: string) => boolean)[]} */
  const denied = (deny ?? STYLES[style].deny).map((rule) => (typeof rule === "string" ? pattern(rule) : rule));
  /** @type {Fetch} */
  const fetch = (input, init) => (fetching ?? globalThis.fetch)(input, init);
  const route = () => new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);

  /** @type {Map<string, Call[]>} */
  const gathered = new Map(); // by what the calls of one batch have in common
  /** @type {Call[][]} */
  const queue = []; // batches that wait for their turn
  let flying = 0; // batches
  let flushes = false; // whether a turn or a window is under way
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer; // of the window
  let absent = false; // whether there is no batch route

  /** @type {Fetch} */
  async function batchFetch(input, init) {
    const request = new Request(input, init);
    const extras = Object.entries(init ?? {}).filter(([name]) => !KNOWN.has(name));
    if (new URL(request.url).origin !== route().origin) return fetch(request, Object.fromEntries(extras));
    for (const [name, value] of new Headers(typeof given === "function" ? given() : given)) {
      if (!request.headers.has(name)) request.headers.set(name, value);
    }
    if (absent || extras.length || !isCarried(request, init)) return alone(request, Object.fromEntries(extras));

    const body = typeof init?.body === "string" ? init.body : await bodyOf(request);
    const path = relativePath(request, route());
    const data = path && asData(request, body, style);
    if (!path || data === undefined || denied.some((denies) => denies(request, path))) return alone(request);
    request.signal.throwIfAborted();
    const action = `{"method":"${request.method.toLowerCase()}","relative_path":${JSON.stringify(path)}${data}}`;
    return new Promise((resolve, reject) => {
      /** @type {Call} */
      const call = { request, body, action, size: sizeOf(action), gone: false, left: () => {}, resolve, reject };
      const abort = () => {
        call.gone = true;
        reject(request.signal.reason);
        call.left();
      };
      request.signal.addEventListener("abort", abort, { once: true });
      gather(call);
    });
  }

  /** @param {Request} request @param {RequestInit} [extras] */
  function alone(request, extras) {
    if (!SAFE.has(request.method)) addToken(request.headers);
    return fetch(request, extras);
  }

  // The CSRF token, if it is this origin's and no caller has put one there.
  /** @param {Headers} headers */
  function addToken(headers) {
    if (!csrf || headers.has(csrf.header) || !globalThis.document || route().origin !== location.origin) return;
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${csrf.cookie}=`));
    if (found) headers.set(csrf.header, decoded(found.slice(csrf.cookie.length + 1)) ?? "");
  }

  /** @param {Call} call */
  function gather(call) {
    const common = JSON.stringify(commonTo(call.request));
    let group = gathered.get(common) ?? [];
    if (group.length && [...group, call].reduce((sum, { size }) => sum + size + 1, ENVELOPE) > maxBytes) {
      dispatch(group);
      group = [];
    }
    group.push(call);
    gathered.set(common, group);
    if (group.length >= maxActions) {
      gathered.delete(common);
      dispatch(group);
      if (!gathered.size && window) {
        clearTimeout(timer); // a window begins with its first call
        flushes = false;
      }
    } else if (!flushes) {
      flushes = true;
      if (window) timer = setTimeout(flush, window);
      else afterThisTurn(flush);
    }
  }

  function flush() {
    flushes = false;
    const groups = [...gathered.values()];
    gathered.clear();
    for (const calls of groups) dispatch(calls);
  }

  // Sends as many of the batches in the queue as may be in flight; `calls` are one more.
  /** @param {Call[]} [calls] */
  function dispatch(calls) {
    if (calls) queue.push(calls);
    while (flying < parallel && queue.length) {
      const batch = queue.shift() ?? [];
      const landed = () => {
        flying--;
        dispatch();
      };
      flying++;
      send(batch).catch((error) => batch.forEach((call) => call.reject(error))).finally(landed);
    }
  }

  // Sends a batch and hands out its results.
  /** @param {Call[]} calls */
  async function send(calls) {
    let patience = maxWait;
    for (;;) {
      const present = calls.filter((call) => !call.gone);
      const [first] = present;
      if (present.length < 2 || absent) {
        for (const call of present) call.resolve(alone(call.request));
        return;
      }
      const leaving = new AbortController();
      for (const call of present) call.left = () => present.every((one) => one.gone) && leaving.abort();
      const common = commonTo(first.request);
      const headers = new Headers([...common.headers, ["Content-Type", "application/json"]]);
      addToken(headers);
      const actions = present.map((call) => call.action).join();
      const answer = await fetch(route(), {
        ...common,
        method: "POST",
        headers,
        body: style === "asana" ? `{"data":{"actions":[${actions}]}}` : `{"actions":[${actions}]}`,
        signal: leaving.signal,
      });
      const wait = retryAfter(answer);
      if ((answer.status === 429 || answer.status === 503) && wait <= patience) {
        patience -= wait;
        await answer.body?.cancel();
        await pause(wait, leaving.signal); // nothing of the batch has run
      } else if (answer.status === 404 || answer.status === 405) {
        absent = true;
      } else if (answer.ok) {
        const results = resultsOf(await answer.text(), STYLES[style].results, present.length);
        present.forEach((call, index) => call.resolve(settle(call, results[index], answer.type)));
        return;
      } else {
        const body = await answer.arrayBuffer();
        for (const { request, resolve } of present) {
          resolve(posing(new Response(request.method === "HEAD" ? null : body, answer), request, answer.type));
        }
        return;
      }
    }
  }

  // The response that a result stands for.
  /** @param {Call} call @param {Result} result @param {ResponseType} type */
  async function settle({ request, body }, { status, headers, raw }, type) {
    const location = headers.get("location");
    if (REDIRECTS.has(status) && location !== null) {
      if (request.redirect === "error") throw new TypeError(`${request.url} is redirected`);
      if (SAFE.has(request.method)) return fetch(request);
      const answer = await fetch(redirected(request, body, status, new URL(location, request.url)));
      return Object.defineProperty(answer, "redirected", { value: true });
    }
    const content = request.method === "HEAD" ? null : contentOf(raw, status, headers);
    return posing(new Response(content, { status, headers }), request, type);
  }

  return batchFetch;
}

export const batchFetch = createBatchFetch();

// --- what a batch can carry

// Whether an action can be what `request` is, as far as its body and its URL allow.
/** @param {Request} request @param {RequestInit} [init] */
function isCarried(request, init) {
  const type = request.headers.get("content-type");
  const isJson = type !== null && JSON_TYPE.test(type);
  const given = init?.body ?? undefined;
  return (
    METHODS.has(request.method) &&
    (SAFE.has(request.method) || isJson || (type === null && given === undefined && !request.body)) &&
    (given === undefined || typeof given === "string") &&
    ![...request.headers.keys()].some((name) => name !== "content-type" && OWN.test(name.replaceAll("_", "-"))) &&
    !request.headers.get("accept")?.includes("text/event-stream") &&
    (request.mode === "cors" || request.mode === "same-origin") &&
    (request.cache === "default" || request.cache === "no-store") &&
    request.redirect !== "manual" &&
    !request.integrity &&
    !request.keepalive
  );
}

// What all actions of a batch inherit from it.
/** @param {Request} request */
function commonTo({ headers, credentials, mode, cache, referrer, referrerPolicy }) {
  const inherited = [...headers].filter(([name]) => name !== "content-type");
  return { headers: inherited, credentials, mode, cache, referrer, referrerPolicy };
}

// The text of a body of JSON; undefined for none, null for what is no text.
/** @param {Request} request */
async function bodyOf(request) {
  if (SAFE.has(request.method) || request.body === null) return undefined; // not every browser has the property
  const content = await request.clone().arrayBuffer();
  try {
    return content.byteLength ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content) : undefined;
  } catch {
    return null;
  }
}

// The path as an action names it; undefined if it has none.
/** @param {Request} request @param {URL} route */
function relativePath(request, route) {
  const { pathname } = new URL(request.url);
  const base = route.pathname.slice(0, route.pathname.lastIndexOf("/"));
  const path = pathname.slice(base.length);
  if (!pathname.startsWith(`${base}/`) || path.length > MAX_PATH || /%2f|%5c/i.test(path)) return undefined;
  const named = decoded(path);
  const itself = decoded(route.pathname.slice(base.length))?.toLowerCase();
  const isRoute = named?.replace(/\/+$/, "").toLowerCase() === itself;
  return !named || isRoute || /\/\/|\/\.\.?(?:\/|$)|\p{Cc}/u.test(named) ? undefined : path;
}

// Decoded once; undefined if that fails.
/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * The rest of an action, which stands for the query and the body; undefined if they can't come out the same.
 * @param {Request} request @param {string | null | undefined} body @param {Style} style
 */
function asData({ url, method, headers }, body, style) {
  const query = parameters(new URL(url).search, style);
  if (query === undefined || body === null) return undefined;
  if (SAFE.has(method)) return query.length ? `,"data":${asObject(query)}` : "";
  if (method === "DELETE") return query.length || body !== undefined ? undefined : ""; // servers differ in its `data`
  const members = query.map(([name, value]) => [(style === "asana" && OPTIONS.get(name)) || "", value]);
  if (members.some(([name]) => !name)) return undefined;
  const options = members.length ? `,"options":${asObject(members)}` : "";
  if (body === undefined) return headers.has("content-type") ? undefined : options;
  const data = style === "plain" ? body : /^[ \t\r\n]*\{[ \t\r\n]*"data"[ \t\r\n]*:([^]*)\}[ \t\r\n]*$/.exec(body)?.[1];
  return data !== undefined && isFit(data, style) ? `${options},"data":${data}` : undefined;
}

// Written by hand, since an object would put names like "1" first.
/** @param {string[][]} members names and JSON */
function asObject(members) {
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`;
}

// The names of a query and their values as JSON; undefined if an action's query would be another.
/** @param {string} search @param {Style} style */
function parameters(search, style) {
  /** @type {Map<string, string[]>} */
  const values = new Map();
  let last = "";
  if (search && !search.slice(1).split("&").every((pair) => pair.includes("="))) return undefined;
  for (const [name, value] of new URLSearchParams(search)) {
    const repeated = values.get(name);
    if (`${name}${value}`.includes("\ufffd") || (repeated && (style === "asana" || name !== last))) return undefined;
    values.set(name, [...(repeated ?? []), value]);
    last = name;
  }
  return [...values].map(([name, [...all]]) => [name, JSON.stringify(all.length > 1 ? all : all[0])]);
}

// Whether `data` is JSON that a batch may hold.
/** @param {string} data @param {Style} style */
function isFit(data, style) {
  if (/\p{Surrogate}|\\u[dD][89a-fA-F]/u.test(data)) return false; // alone, or an escape that may be
  try {
    const value = JSON.parse(data);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return (isObject || style === "plain") && isShallow(value, MAX_DEPTH);
  } catch {
    return false;
  }
}

/** @param {unknown} value @param {number} levels @returns {boolean} */
function isShallow(value, levels) {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}

// A pattern of the server's `deny` as a function.
/** @param {string} rule @returns {(request: Request, path: string) => boolean} */
function pattern(rule) {
  const found = /^(?:([A-Za-z,]+) )?((?:\/[^/\s]+)+)\/?$/.exec(rule);
  if (!found) throw new TypeError(`deny: "${rule}" is no pattern, such as "/scim/**" or "GET,POST /tasks/{id}"`);
  const methods = found[1]?.toUpperCase().split(",");
  const segments = found[2].slice(1).split("/").map((segment) => {
    if (segment === "**") return "(?:/.*)?";
    return /^\{.*\}$/.test(segment) ? "/[^/]+" : `/${segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`;
  });
  const path = new RegExp(`^${segments.join("")}/*$`, "isu");
  return ({ method }, written) => (!methods || methods.includes(method)) && path.test(decoded(written) ?? "");
}

// --- what comes back

// Milliseconds, at least a tenth of a second so that no server is asked without a pause; Infinity for none.
/** @param {Response} answer */
function retryAfter({ headers }) {
  const value = headers.get("retry-after");
  if (!value) return Infinity;
  const wait = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? Infinity : Math.max(wait, 100);
}

// The results of an answer.
/** @param {string} text @param {string} member @param {number} count @returns {Result[]} */
function resultsOf(text, member, count) {
  try {
    const results = JSON.parse(text)[member];
    const raw = [...inside(text, text.indexOf("{"))].find(([name]) => name === member);
    if (raw && results.length === count) {
      return [...inside(text, text.indexOf("[", raw[1]))].map(([, from], index) => {
        const body = [...inside(text, text.indexOf("{", from))].find(([name]) => name === "body");
        const { status_code: status, headers } = results[index];
        return { status, headers: new Headers(headers), raw: body ? text.slice(body[1], body[2]) : "null" };
      });
    }
  } catch (error) {
    throw new TypeError("the answer of the batch route is no batch's answer", { cause: error });
  }
  throw new TypeError(`the answer of the batch route has not ${count} results`);
}

/**
 * Name, start and end of each member of the object, or item of the array, that begins at `from` in valid JSON. Bodies
 * are cut out by it, since `JSON.parse` would round numbers and lose how they were written.
 * @param {string} text @param {number} from @returns {Generator<[string | undefined, number, number]>}
 */
function* inside(text, from) {
  let [depth, start] = [0, from + 1];
  /** @type {string | undefined} */
  let name;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === "{" || character === "[") depth++;
    else if (depth && (character === "}" || character === "]")) depth--;
    else if (!depth && character === ":") {
      name = JSON.parse(text.slice(start, at));
      start = at + 1;
    } else if (!depth && ",}]".includes(character)) {
      if (text.slice(start, at).trim()) yield [name, start, at];
      if (character !== ",") return;
      start = at + 1;
    }
  }
}

/** @param {string} text @param {number} at where a string begins */
function endOfString(text, at) {
  for (;;) {
    at = text.indexOf('"', at + 1);
    let backslashes = 0;
    while (text[at - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

// The body that a result stands for; its headers are made those of that body.
/** @param {string} raw @param {number} status @param {Headers} headers */
function contentOf(raw, status, headers) {
  if (NULL_BODY.has(status)) return null;
  const type = headers.get("content-type");
  if (headers.get("content-transfer-encoding") === "base64") {
    headers.delete("content-transfer-encoding");
    const content = Uint8Array.from(atob(JSON.parse(raw)), (character) => character.charCodeAt(0));
    const coding = headers.get("content-encoding")?.toLowerCase();
    if (coding !== "gzip" && coding !== "deflate") return content;
    return new Blob([content]).stream().pipeThrough(new /** @type {any} */ (globalThis).DecompressionStream(coding));
  }
  if (type === null) headers.set("content-type", "application/json");
  if (type === null || /^application\/json|\+json/i.test(type)) return raw;
  const value = JSON.parse(raw);
  if (typeof value !== "string") return value === null ? "" : raw;
  headers.set("content-type", type.replace(/(;\s*charset=)(?!"?utf-8"?\s*(?:;|$)).*/i, "$1utf-8"));
  return value;
}

// What `fetch` would ask next.
/** @param {Request} request @param {string | null | undefined} body @param {number} status @param {URL} target */
function redirected(request, body, status, target) {
  const { url, credentials, mode, cache, referrer, referrerPolicy, signal } = request;
  const [page, from] = [globalThis.location?.origin, new URL(url).origin];
  // Here `fetch` would say that the origin is "null", so that a server can't lend another the page's name.
  if (target.origin !== from && page && page !== from) throw new TypeError(`${url} is redirected to a third origin`);
  const becomesGet = status === 303 || (status < 303 && request.method === "POST");
  const headers = new Headers(request.headers);
  if (target.origin !== from) headers.delete("authorization");
  if (becomesGet) headers.delete("content-type");
  const rest = becomesGet ? {} : { method: request.method, body };
  return new Request(target, { ...rest, headers, credentials, mode, cache, referrer, referrerPolicy, signal });
}

// `response` with what a constructor can't set.
/** @param {Response} response @param {Request} request @param {ResponseType} type @returns {Response} */
function posing(response, request, type) {
  const clone = () => posing(Response.prototype.clone.call(response), request, type);
  return Object.defineProperties(response, {
    url: { value: request.url.split("#")[0] },
    redirected: { value: false },
    type: { value: type },
    clone: { value: clone },
  });
}

// --- when, where, how much

// Not a timer: those of a page that is hidden run once in a second or a minute.
/** @param {() => void} then */
function afterThisTurn(then) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(null);
}

/** @param {number} wait milliseconds @param {AbortSignal} signal */
function pause(wait, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    signal.addEventListener("abort", () => resolve(clearTimeout(timer)));
  });
}

/** @param {string} text */
function sizeOf(text) {
  return new TextEncoder().encode(text).length;
}
