// The board as data: what is shown, what the server is known to have, and how the difference becomes batches.

import { call, list } from "./api.js";
import { rounds, staying } from "./order.js";

const GATHERING = 250; // milliseconds: a few quick changes are one batch
const TRIES = 3; // of an action that the server could not do (5xx), before the board is read again

export class Board extends EventTarget {
  /** @type {{gid: string, name: string, team: object, tasks: string[]}[]} */
  projects = [];
  /** @type {Map<string, {gid: string, name: string, completed: boolean, assignee: object}>} */
  tasks = new Map();
  people = [];
  teams = [];

  #known = { completed: new Map(), order: new Map() };
  #timer;
  #pushing = Promise.resolve();

  /** Reads everything, in two batches: what there is, and what is in it. */
  async load() {
    const [projects, people] = await Promise.all([
      list("/projects?opt_fields=name,team.name"),
      list("/users?opt_fields=name,email"),
    ]);
    const teams = new Map(projects.filter(({ team }) => team).map(({ team }) => [team.gid, team]));
    const [tasks, members] = await Promise.all([
      Promise.all(projects.map(({ gid }) => list(`/projects/${gid}/tasks?opt_fields=name,completed,assignee.name`))),
      Promise.all([...teams.keys()].map((gid) => list(`/teams/${gid}/users?opt_fields=name`))),
    ]);
    this.people = people;
    this.teams = [...teams.values()].map((team, index) => ({ ...team, members: members[index] }));
    this.tasks = new Map(tasks.flat().map((task) => [task.gid, task]));
    this.projects = projects.map((project, index) => ({ ...project, tasks: tasks[index].map(({ gid }) => gid) }));
    this.#known = this.#shown();
    this.#changed();
  }

  project(gid) {
    return this.projects.find((project) => project.gid === gid);
  }

  tick(gids, completed) {
    gids.forEach((gid) => (this.tasks.get(gid).completed = completed));
    this.#push();
  }

  /** From its place in a project to the `index` in one that may be another. A task can be in several, but once in each. */
  move(gid, from, to, index) {
    from.tasks = from.tasks.filter((other) => other !== gid);
    to.tasks = to.tasks.filter((other) => other !== gid).toSpliced(index, 0, gid);
    this.#push();
  }

  delete(gids) {
    const gone = new Set(gids);
    this.projects.forEach((project) => (project.tasks = project.tasks.filter((gid) => !gone.has(gid))));
    gids.forEach((gid) => this.tasks.delete(gid));
    this.#push();
  }

  /** Adds people to a team, all at once; adding somebody twice is no error. */
  async join(team, people) {
    await Promise.all(people.map(({ gid }) => call("POST", `/teams/${team.gid}/addUser`, { user: gid })));
    team.members = [...team.members, ...people];
    this.#changed();
  }

  /**
   * Adds tasks to the end of a project, in their order: all are created in batches, then put in their place. Only the
   * first one is in the project from the start, as the anchor of the others. What an earlier try has put in its place is
   * put there once more.
   *
   * @param {string} into the gid of a project
   * @param {string[]} names
   * @param {Map<number, object>} created what an earlier try has created already, by index; this adds to it
   * @param {(done: number) => void} progress is told how many of 2 * names.length steps are done
   */
  async add(into, names, created, progress) {
    await this.#settle();
    const inProject = { projects: [into] };
    const made = await Promise.allSettled(
      names.map(async (name, index) => {
        if (created.has(index)) return;
        const task = await call("POST", "/tasks", { name, ...(index ? {} : inProject) });
        created.set(index, { ...task, completed: false });
        progress(created.size);
      }),
    );
    const failed = made.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
    const gids = names.map((_, index) => created.get(index).gid);
    created.forEach((task) => {
      this.tasks.set(task.gid, task);
      this.#known.completed.set(task.gid, false);
    });
    const project = this.project(into);
    const known = this.#known.order.get(into);
    if (!known.includes(gids[0])) known.push(gids[0]);
    project.tasks = [...project.tasks.filter((gid) => !gids.includes(gid)), ...gids];
    let placed = names.length + 1;
    await this.#pushNow(() => progress(++placed));
    this.#changed();
  }

  /** Takes back what a try to add has created. */
  async forget(created) {
    await Promise.all([...created.values()].map(({ gid }) => call("DELETE", `/tasks/${gid}`)));
    await this.load();
  }

  #shown() {
    return {
      completed: new Map([...this.tasks].map(([gid, { completed }]) => [gid, completed])),
      order: new Map(this.projects.map(({ gid, tasks }) => [gid, [...tasks]])),
    };
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #push() {
    this.#changed();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pushNow().catch((error) => this.#troubled(error)), GATHERING);
  }

  #troubled(error) {
    this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
  }

  /** Everything that is waiting is on its way and answered. */
  async #settle() {
    if (this.#timer) await this.#pushNow().catch((error) => this.#troubled(error));
    await this.#pushing.catch(() => {}); // whoever has sent it has told of it
  }

  #pushNow(progress = () => {}) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pushing = this.#pushing.catch(() => {}).then(() => this.#sendDifference(progress));
    return this.#pushing;
  }

  async #sendDifference(progress) {
    const wanted = this.#shown();
    const { independent, plans } = difference(this.#known, wanted, progress);
    const longest = Math.max(1, ...plans.map((plan) => plan.length));
    for (let round = 0; round < longest; round += 1) {
      const placements = plans.flatMap((plan) => plan[round] ?? []);
      await Promise.all([...(round ? [] : independent), ...placements].map(insistently));
    }
    this.#known = wanted;
  }
}

/** What has to be sent, as functions that send it: first what depends on nothing, and the placements by round. */
function difference(known, wanted, progress) {
  const independent = [];
  for (const [gid, completed] of known.completed) {
    if (!wanted.completed.has(gid)) independent.push(() => call("DELETE", `/tasks/${gid}`));
    else if (wanted.completed.get(gid) !== completed) {
      independent.push(() => call("PUT", `/tasks/${gid}`, { completed: !completed }));
    }
  }
  const plans = [];
  for (const [project, tasks] of wanted.order) {
    const before = known.order.get(project);
    const now = new Set(tasks);
    const left = before.filter((gid) => !now.has(gid) && wanted.completed.has(gid));
    independent.push(...left.map((gid) => () => call("POST", `/tasks/${gid}/removeProject`, { project })));
    const plan = rounds(tasks, staying(before, tasks));
    plans.push(plan.map((round) => round.map((placement) => () => place(project, placement).then(progress))));
  }
  return { independent, plans };
}

function place(project, { task, after, before }) {
  const anchor = after ? { insert_after: after } : before ? { insert_before: before } : {};
  return call("POST", `/tasks/${task}/addProject`, { project, ...anchor });
}

/** Again where the server was at fault: all that is sent here comes to the same if it is done twice. */
async function insistently(send) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      if (attempt === TRIES || !(error.status >= 500)) throw error;
    }
  }
}
