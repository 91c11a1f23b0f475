// The page: who is here, what there is, and who listens to whom.

import { adding } from "./adding.js";
import { addLatency, signIn, wire } from "./api.js";
import { Board } from "./board.js";
import { show } from "./columns.js";
import { complain, duration, element, find, number, plural } from "./dom.js";
import { showLimits } from "./limits.js";
import { showWaterfalls } from "./waterfall.js";

const LATENCY = 100; // milliseconds a request, about what it is from one continent to another
const ON_THE_WIRE = 8; // requests shown

const board = new Board();
const slow = find("#slow");

const setLatency = () => addLatency(slow.checked ? LATENCY : 0);
slow.addEventListener("change", setLatency);
setLatency();

let requests = 0;
let actions = 0;
wire.addEventListener("sent", ({ detail }) => {
  requests += 1;
  actions += detail.actions.length || 1;
  find("#tally").textContent = `So far ${plural(actions, "action")} in ${plural(requests, "request")}.`;
  const row = document.createElement("tr");
  const size = detail.actions.length ? number(detail.actions.length) : "–";
  const head = element("th", `${detail.method} ${detail.path}`);
  head.scope = "row";
  row.append(head, element("td", size), element("td", String(detail.status)), element("td", duration(detail.there - detail.asked)));
  row.classList.toggle("failed", detail.status >= 400);
  const rows = find("#wire tbody");
  rows.prepend(row);
  while (rows.children.length > ON_THE_WIRE) rows.lastElementChild.remove();
});

board.addEventListener("trouble", async ({ detail: error }) => {
  complain(`The server did not take a change: ${error.message}. The board is read again.`);
  await start();
});

show(board, adding(board));
showLimits(board);
showWaterfalls(board);

async function start() {
  try {
    await signIn();
    await board.load();
  } catch (error) {
    complain(`The board can't be read: ${error.message}. Is the server running?`);
    find("#projects .loading")?.remove();
    find("#projects").setAttribute("aria-busy", "false");
  }
}

await start();
