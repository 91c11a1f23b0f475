// The module under test, imported so that any Node takes it for the ES module that a browser knows it is by its tag.

import { readFile } from "node:fs/promises";

const source = await readFile(new URL("../../batchware/client/batch.js", import.meta.url), "base64");
export const { batchFetch, createBatchFetch } = await import(`data:text/javascript;base64,${source}`);
