// What the types of the browser's client take, and what they refuse: each line that is marked must be an error.

import { type BatchFetch, batchFetch, createBatchFetch } from "../../batchware/client/batch.js";

const asFetch: typeof fetch = batchFetch;
const asBatchFetch: BatchFetch = fetch;
const response: Promise<Response> = batchFetch(new URL("https://example.org/a"), { method: "PUT", signal: new AbortController().signal });
batchFetch(new Request("/a"));

createBatchFetch();
createBatchFetch({ url: new URL("https://example.org/batch"), style: "plain", maxActions: 5, maxBytes: 1000, window: 5 });
createBatchFetch({ parallel: 2, maxWait: 0, headers: [["a", "b"]], csrf: { cookie: "c", header: "h" }, fetch });
createBatchFetch({ headers: () => new Headers(), deny: ["/scim/**", (request) => request.method === "PUT"] });

// @ts-expect-error
createBatchFetch({ maxActons: 5 });
// @ts-expect-error
createBatchFetch({ style: "asna" });
// @ts-expect-error
createBatchFetch({ maxActions: "5" });
// @ts-expect-error
createBatchFetch({ csrf: { cookie: "c" } });
// @ts-expect-error
createBatchFetch({ deny: [/scim/] });
// @ts-expect-error
createBatchFetch({ headers: async () => new Headers() });
// @ts-expect-error
batchFetch();
// @ts-expect-error
const text: Promise<string> = batchFetch("/a");

export { asBatchFetch, asFetch, response, text };
