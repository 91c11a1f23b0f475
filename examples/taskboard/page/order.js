// The order of many tasks, on an endpoint that promises none.
//
// The actions of a batch run in parallel. So no placement may need another one of the same batch: each puts a task next
// to an anchor, a task that stands where it belongs already, and no two of a round go to the same place. Every task in
// place can serve as an anchor in the next round, so their number doubles from round to round: 50 tasks need six.

/**
 * The placements that turn an order into another one, round by round.
 *
 * @param {string[]} wanted the tasks in their order
 * @param {Set<string>} inPlace those of them that are there already, in the right order among each other
 * @returns {{task: string, after?: string, before?: string}[][]} the placements of one round in any order; the first
 *   task of all has no anchor
 */
export function rounds(wanted, inPlace) {
  const placed = new Set(inPlace);
  const plan = [];
  if (wanted.length && !placed.size) {
    plan.push([{ task: wanted[0] }]);
    placed.add(wanted[0]);
  }
  while (placed.size < wanted.length) {
    const round = gaps(wanted, placed).map(({ tasks, after, before }) => {
      const task = tasks[tasks.length >> 1]; // the middle: so no gap lasts longer than the others
      return after === undefined ? { task, before } : { task, after };
    });
    round.forEach(({ task }) => placed.add(task));
    plan.push(round);
  }
  return plan;
}

/** The runs of tasks that are not in place, each with its neighbours that are. */
function gaps(wanted, placed) {
  const found = [];
  let open;
  let last;
  for (const task of wanted) {
    if (!placed.has(task)) {
      open ??= { tasks: [], after: last };
      open.tasks.push(task);
      continue;
    }
    if (open) found.push({ ...open, before: task });
    open = undefined;
    last = task;
  }
  return open ? [...found, open] : found;
}

/**
 * The most tasks that can stay where they are when `current` becomes `wanted`: the longest part of both in one order.
 *
 * @param {string[]} current
 * @param {string[]} wanted
 * @returns {Set<string>}
 */
export function staying(current, wanted) {
  const position = new Map(wanted.map((task, index) => [task, index]));
  const best = []; // best[n]: the chain of n + 1 tasks whose end comes earliest in `wanted`
  for (const task of current.filter((task) => position.has(task))) {
    let length = best.findIndex((chain) => position.get(chain.task) > position.get(task));
    if (length < 0) length = best.length;
    best[length] = { task, previous: best[length - 1] };
  }
  const chain = new Set();
  for (let link = best.at(-1); link; link = link.previous) chain.add(link.task);
  return chain;
}

/** How many requests it takes to add `count` tasks in order, in batches of ten: 13 for 50. */
export function requestsFor(count, size = 10) {
  const tasks = Array.from({ length: count }, (_, index) => String(index));
  const batches = [tasks, ...rounds(tasks, new Set()).slice(1)]; // the first is in place as soon as it is there
  return batches.reduce((sum, actions) => sum + Math.ceil(actions.length / size), 0);
}
