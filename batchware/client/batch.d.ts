/** What `createBatchFetch` takes; all of it may be left out. */
export interface BatchFetchOptions {
  /**
   * The batch route, relative to the page (outside of one it must be absolute); `"/batch"`. The folder that it is in is
   * the API base: what lies outside of it, and other origins, are never batched.
   */
  url?: string | URL;
  /** The server's style; `"asana"`. */
  style?: "asana" | "plain";
  /** The most calls of one batch, as in the server's `max_actions`; 10. */
  maxActions?: number;
  /** The most bytes of one batch, as in the server's `max_body_bytes`; 1 MiB. A call that is larger goes out alone. */
  maxBytes?: number;
  /** Milliseconds in which calls are gathered, from the first one; 0, which is one turn of the event loop. */
  window?: number;
  /** The most batches in flight at once; 4. More wait for their turn. */
  parallel?: number;
  /**
   * The most milliseconds that a batch waits in all where it is refused with 429 or 503 and a `Retry-After`; 60,000.
   * Beyond it the callers get the refusal. (From another origin the header is seen only if the server exposes it.)
   */
  maxWait?: number;
  /** Headers of each call to the API's origin, batched or not, that brings no own; a function is asked each time. */
  headers?: HeadersInit | (() => HeadersInit);
  /**
   * The cookie that holds a CSRF token, and the header that it goes out in, of batches and of what is unsafe; not to
   * another origin than the page's. Django's are `csrftoken` and `X-CSRFToken`.
   */
  csrf?: { cookie: string; header: string };
  /**
   * What must not be batched: functions, and patterns as in the server's `deny` (`"GET,POST /tasks/{id}"`), relative to
   * the API base. By default what the server's style denies.
   */
  deny?: ReadonlyArray<string | ((request: Request) => boolean)>;
  /** What sends batches and all that can't be batched; the global `fetch`, looked up at each call. */
  fetch?: (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;
}

/** `fetch`, signature and all. */
export type BatchFetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** A `batchFetch` with settings and batches of its own. Throws a `TypeError` or `RangeError` for a wrong option. */
export function createBatchFetch(options?: BatchFetchOptions): BatchFetch;

/** For a batch route at `/batch` of the page's own origin, in the default style. */
export const batchFetch: BatchFetch;
