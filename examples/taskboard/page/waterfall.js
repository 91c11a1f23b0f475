// The same resources in three ways, measured in this browser and drawn as waterfalls.

import { BATCH, send, wire } from "./api.js";
import { createBatchFetch } from "./batch.js";
import { bytes, copy, duration, element, find, number } from "./dom.js";

const RESOURCES = 40;
const CONNECTIONS = 6; // of a browser to one host over HTTP/1.1
const ROW = 5; // pixels from one bar to the next
const AXIS = 18; // pixels for its labels
const SVG = "http://www.w3.org/2000/svg";

// A refusal is told and not waited out: the figure would be that of the wait.
const batchFetch = createBatchFetch({ url: BATCH, fetch: send, maxWait: 0 });

const WAYS = [
  {
    name: "One by one",
    about: "Each request waits for the answer to the one before.",
    load: async (urls) => {
      for (const url of urls) await read(await send(url));
    },
  },
  {
    name: "In parallel",
    about: "All asked for at once, over the browser's own connections.",
    load: (urls) => Promise.all(urls.map(async (url) => read(await send(url)))),
  },
  {
    name: "Batched",
    about: "The same calls through batchFetch: ten in a request.",
    load: (urls) => Promise.all(urls.map(async (url) => read(await batchFetch(url)))),
  },
];

async function read(response) {
  if (!response.ok) throw new Error((await response.json()).errors[0].message);
  return response.arrayBuffer();
}

export function showWaterfalls(board) {
  const figures = WAYS.map(({ name, about }, index) => {
    const figure = copy("way");
    figure.dataset.way = String(index);
    const title = find("h3", figure);
    title.textContent = name;
    title.id = `way-${index}`;
    find(".about", figure).textContent = about;
    find(".scroll", figure).setAttribute("aria-labelledby", title.id);
    find("#ways").append(figure);
    return figure;
  });
  const button = find("#run");
  button.addEventListener("click", async () => {
    if (button.ariaDisabled) return;
    button.ariaDisabled = "true";
    try {
      await run(resources(board), figures);
    } catch (error) {
      find("#verdict").textContent = `This did not work out: ${error.message}`;
    }
    button.ariaDisabled = null;
  });
}

/** What a full view of the board needs: projects and their tasks, people and theirs, tasks and their attachments. */
function resources({ projects, people, tasks }) {
  const gids = [...tasks.keys()].slice(0, 12);
  const paths = [
    ...projects.flatMap(({ gid }) => [`/projects/${gid}`, `/projects/${gid}/tasks?limit=20`]),
    ...people.flatMap(({ gid }) => [`/users/${gid}`, `/tasks?assignee=${gid}&limit=20`]),
    ...gids.flatMap((gid) => [`/tasks/${gid}`, `/attachments?parent=${gid}`]),
  ];
  return paths.slice(0, RESOURCES).map((path) => BATCH.replace("/batch", path));
}

async function run(urls, figures) {
  const verdict = find("#verdict");
  verdict.textContent = "Loading …";
  // The browser has its connections open and the server its threads running before the clock starts, for every way.
  await Promise.all(urls.slice(0, CONNECTIONS).map(async (url) => read(await send(url))));
  await Promise.all(urls.slice(0, 20).map(async (url) => read(await batchFetch(url))));
  const runs = [];
  for (const way of WAYS) {
    verdict.textContent = `Loading: ${way.name.toLowerCase()} …`;
    runs.push(await measure(way, urls));
  }
  const longest = Math.max(...runs.map(({ time }) => time));
  runs.forEach((measured, index) => draw(figures[index], WAYS[index], measured, longest));
  const [single, parallel, batched] = runs;
  verdict.textContent =
    `${number(urls.length)} resources: one by one ${duration(single.time)}, in parallel ${duration(parallel.time)}, ` +
    `batched ${duration(batched.time)} in ${batched.requests.length} requests. ` +
    `That is ${compared(parallel.time, batched.time)} the browser's own parallel requests.`;
}

function compared(other, own) {
  const times = other / own;
  return times >= 1 ? `${times.toFixed(1)} times as fast as` : `${(1 / times).toFixed(1)} times as slow as`;
}

/** Runs one way: when each resource was asked for, sent and there, in milliseconds from the start, and in which request. */
async function measure({ load }, urls) {
  const requests = [];
  const note = ({ detail }) => requests.push(detail);
  wire.addEventListener("sent", note);
  const timings = timingsOf(BATCH.replace("/batch", ""));
  const started = performance.now();
  try {
    await load(urls);
  } finally {
    wire.removeEventListener("sent", note);
  }
  const time = performance.now() - started;
  requests.sort((one, other) => one.asked - other.asked);
  const entries = await timings(requests.length, started);
  requests.forEach((request, index) => {
    // Of the time that a request takes, the browser knows how much it waited for a free connection.
    request.left = entries[index]?.name === request.url ? entries[index].requestStart : request.asked;
  });
  const rows = requests.flatMap((request, index) => {
    const timed = {
      request: index + 1,
      asked: request.asked - started,
      left: request.left - started,
      there: request.there - started,
    };
    return request.actions.length
      ? request.actions.map(({ relative_path, data }) => ({ ...timed, path: relative_path + query(data), status: request.status }))
      : [{ ...timed, path: request.url.split(BATCH.replace("/batch", ""))[1], status: request.status }];
  });
  return { time, requests, rows };
}

const query = (data) => (data ? `?${new URLSearchParams(data)}` : "");

/** The browser's own record of the requests below `base`, in the order in which they were asked for. */
function timingsOf(base) {
  const entries = [];
  const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  observer.observe({ type: "resource" });
  return async (count, started) => {
    const own = () => entries.filter(({ name, startTime }) => name.includes(base) && startTime >= started);
    for (let turn = 0; turn < 20 && own().length < count; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10)); // they are told a little later than the answer comes
    }
    observer.disconnect();
    return own().sort((one, other) => one.startTime - other.startTime);
  };
}

function draw(figure, { name }, { time, requests, rows }, longest) {
  const sum = (key) => requests.reduce((total, request) => total + request[key], 0);
  find(".time", figure).textContent = duration(time);
  find(".requests", figure).textContent = number(requests.length);
  find(".sent", figure).textContent = bytes(sum("sent"));
  find(".received", figure).textContent = bytes(sum("received"));
  const text = `${name}: ${rows.length} resources in ${requests.length} requests, all there after ${duration(time)}.`;
  find(".chart", figure).replaceChildren(chart(rows, time, longest, text));
  find("tbody", figure).replaceChildren(
    ...rows.map(({ path, request, asked, left, there, status }) => {
      const row = document.createElement("tr");
      const head = element("th", path);
      head.scope = "row";
      const cells = [String(request), duration(asked), duration(left), duration(there), String(status)];
      row.append(head, ...cells.map((cell) => element("td", cell)));
      return row;
    }),
  );
  find("details", figure).hidden = false;
}

function chart(rows, time, longest, text) {
  const height = rows.length * ROW;
  const svg = shape("svg", { width: "100%", height: height + AXIS, role: "img", "aria-label": text });
  const across = (milliseconds) => `${((100 * milliseconds) / longest).toFixed(3)}%`;
  for (const tick of ticks(longest)) {
    svg.append(shape("line", { class: "grid", x1: across(tick), x2: across(tick), y1: 0, y2: height }));
    const label = shape("text", { x: across(tick), y: height + AXIS - 4, class: tick ? "tick" : "tick first" });
    label.textContent = tick ? duration(tick).replace(".00", "") : "0";
    svg.append(label);
  }
  rows.forEach(({ asked, left, there, request }, index) => {
    const place = { y: index * ROW, height: ROW - 1, rx: 1.5 };
    svg.append(shape("rect", { class: "waiting", x: across(asked), width: across(left - asked), ...place }));
    const parity = request % 2 ? "odd" : "even";
    svg.append(shape("rect", { class: `under-way ${parity}`, x: across(left), width: across(there - left), ...place }));
  });
  svg.append(shape("line", { class: "end", x1: across(time), x2: across(time), y1: 0, y2: height }));
  return svg;
}

/** Round numbers from 0 to below `longest`, four to eight of them. */
function ticks(longest) {
  const power = 10 ** Math.floor(Math.log10(longest / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => longest / candidate <= 8);
  return Array.from({ length: Math.ceil(longest / step) }, (_, index) => index * step).filter((tick) => tick < longest * 0.97);
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}
