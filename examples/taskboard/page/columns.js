// The board on the screen: a column for each project, the people, the teams, and the hands that move tasks about.

import { calm, complain, copy, element, find, plural, tell } from "./dom.js";
import { draggable } from "./drag.js";

const ARROWS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", Home: "top", End: "end" };

/** @param board a `Board` @param {(project) => void} ask opens the dialogue that adds tasks */
export function show(board, ask) {
  const area = find("#projects");
  const menu = find("#menu");
  let menuOf; // the handle whose menu is open

  board.addEventListener("change", () => draw(board));

  area.addEventListener("change", ({ target }) => {
    const gid = target.closest(".task")?.dataset.gid;
    if (gid) act(() => board.tick([gid], target.checked));
  });

  area.addEventListener("click", ({ target }) => {
    const grip = target.closest(".grip");
    if (grip) return openMenu(grip);
    const project = board.project(target.closest(".project")?.dataset.gid);
    if (target.dataset.do === "add") ask(project);
    if (target.dataset.do === "tick") tickAll(board, project);
    if (target.dataset.do === "clear") deleteDone(board, project, target);
    return undefined;
  });

  area.addEventListener("keydown", (event) => {
    const grip = event.target.closest(".grip");
    const step = grip && ARROWS[event.key];
    if (!step) return;
    event.preventDefault(); // or the page would scroll
    go(grip, step);
  });

  draggable(area, (task, from, index) => {
    const [before, after] = [from, task].map(projectOf);
    act(() => board.move(task.dataset.gid, before, after, index));
    find(".grip", task).focus();
    tellPlace(board, task.dataset.gid, after);
  });

  menu.addEventListener("click", ({ target }) => {
    if (!target.dataset.move) return;
    menu.hidePopover();
    go(menuOf, target.dataset.move);
  });

  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...menu.querySelectorAll("button:not([hidden])")];
    buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length).focus();
  });

  find("#teams").addEventListener("click", async ({ target }) => {
    const team = board.teams.find(({ gid }) => gid === target.dataset.team);
    if (!team) return;
    const missing = outside(board, team);
    target.disabled = true;
    try {
      await board.join(team, missing);
      tell(`Added to ${team.name}: ${missing.map(({ name }) => name).join(", ")}`);
    } catch (error) {
      target.disabled = false;
      complain(`Not everybody was added to ${team.name}: ${error.message}`);
    }
  });

  function projectOf(node) {
    return board.project(node.closest(".project").dataset.gid);
  }

  function openMenu(grip) {
    menuOf = grip;
    const at = board.projects.indexOf(projectOf(grip));
    for (const [move, project] of [["left", board.projects[at - 1]], ["right", board.projects[at + 1]]]) {
      const button = find(`[data-move=${move}]`, menu);
      button.hidden = !project;
      button.textContent = project ? `To ${project.name}` : "";
    }
    menu.showPopover();
    const { left, bottom } = grip.getBoundingClientRect();
    menu.style.left = `${Math.min(left, window.innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${Math.max(8, Math.min(bottom + 4, window.innerHeight - menu.offsetHeight - 8))}px`;
    find("button", menu).focus();
  }

  /** One step of a task: `up`, `down`, to the `top` or the `end`, to the project `left` or `right`, or away. */
  function go(grip, step) {
    const { gid } = grip.closest(".task").dataset;
    const project = projectOf(grip);
    const index = project.tasks.indexOf(gid);
    if (step === "delete") return deleteOne(board, gid, project);
    const last = project.tasks.length - 1;
    const beside = board.projects[board.projects.indexOf(project) + { left: -1, right: 1 }[step]];
    const target = { up: index - 1, down: index + 1, top: 0, end: last }[step];
    if (beside) act(() => board.move(gid, project, beside, index));
    else if (target >= 0 && target <= last && target !== index) act(() => board.move(gid, project, project, target));
    const now = beside ?? project;
    const moved = find(`.project[data-gid="${now.gid}"] .task[data-gid="${gid}"] .grip`);
    moved.focus();
    moved.scrollIntoView({ block: "nearest" });
    return tellPlace(board, gid, now);
  }
}

/** A change by hand. What went wrong before is over. */
function act(change) {
  calm();
  change();
}

function tellPlace(board, gid, { tasks, name }) {
  tell(`${board.tasks.get(gid).name}: ${tasks.indexOf(gid) + 1} of ${tasks.length} in ${name}`);
}

function tickAll(board, { tasks, name }) {
  const completed = tasks.some((gid) => !board.tasks.get(gid).completed);
  const changing = tasks.filter((gid) => board.tasks.get(gid).completed !== completed);
  act(() => board.tick(changing, completed));
  tell(`${plural(changing.length, "task")} in ${name} ${completed ? "ticked" : "unticked"}`);
}

function deleteDone(board, { tasks, name }, button) {
  const done = tasks.filter((gid) => board.tasks.get(gid).completed);
  act(() => board.delete(done));
  tell(`${plural(done.length, "task")} deleted from ${name}`);
  find("[data-do=add]", button.parentElement).focus(); // this one is disabled now
}

function deleteOne(board, gid, project) {
  const index = project.tasks.indexOf(gid);
  const { name } = board.tasks.get(gid);
  act(() => board.delete([gid]));
  tell(`${name} deleted`);
  const column = find(`.project[data-gid="${project.gid}"]`);
  const grips = column.querySelectorAll(".grip");
  (grips[Math.min(index, grips.length - 1)] ?? find("[data-do=add]", column)).focus();
}

const outside = (board, { members }) =>
  board.people.filter(({ gid }) => !members.some((member) => member.gid === gid));

// Drawing: what is there already is kept and put in its place, so that the focus stays where it is.

function draw(board) {
  const area = find("#projects");
  arrange(area, board.projects, ".project", newProject, (column, project) => {
    arrange(find("ol", column), project.tasks.map((gid) => board.tasks.get(gid)), ".task", newTask, drawTask(board));
    const done = project.tasks.filter((gid) => board.tasks.get(gid).completed).length;
    const open = project.tasks.length - done;
    find(".open", column).textContent = project.tasks.length ? `${open} open, ${done} done` : "Empty";
    find("[data-do=tick]", column).textContent = open || !done ? "Tick all" : "Untick all";
    find("[data-do=tick]", column).disabled = !project.tasks.length;
    find("[data-do=clear]", column).disabled = !done;
  });
  area.setAttribute("aria-busy", "false");
  find("#people").replaceChildren(...board.people.map((person) => drawPerson(board, person)));
  find("#teams").replaceChildren(...board.teams.map((team) => drawTeam(board, team)));
}

function arrange(parent, records, selector, make, fill) {
  const there = new Map([...parent.querySelectorAll(selector)].map((node) => [node.dataset.gid, node]));
  const nodes = records.map((record) => {
    const node = there.get(record.gid) ?? make(record);
    node.dataset.gid = record.gid;
    fill(node, record);
    return node;
  });
  const kept = new Set(nodes);
  [...parent.children].filter((node) => !kept.has(node)).forEach((node) => node.remove());
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

function newProject({ gid, name }) {
  const column = copy("project");
  const title = find("h3", column);
  title.textContent = name;
  title.id = `project-${gid}`;
  column.setAttribute("aria-labelledby", title.id);
  find("ol", column).setAttribute("aria-labelledby", title.id);
  find("[data-do=add]", column).setAttribute("aria-label", `Add tasks to ${name}`);
  return column;
}

function newTask({ name, assignee }) {
  const task = copy("task");
  find(".name", task).textContent = name;
  find(".grip", task).setAttribute("aria-label", `Move ${name}`);
  if (assignee) find(".who", task).replaceWith(avatar(assignee, "who"));
  return task;
}

const drawTask = (board) => (task, { completed, assignee }) => {
  task.classList.toggle("done", completed);
  find("input", task).checked = completed;
  const who = find(".who", task);
  const index = board.people.findIndex(({ gid }) => gid === assignee?.gid);
  if (index >= 0) who.dataset.colour = String(index % 6);
};

function drawPerson(board, person) {
  const open = [...board.tasks.values()].filter(
    ({ assignee, completed }) => assignee?.gid === person.gid && !completed,
  ).length;
  const row = element("li", "");
  const mark = avatar(person, "who");
  mark.setAttribute("aria-hidden", "true"); // the name stands beside it
  mark.dataset.colour = String(board.people.indexOf(person) % 6);
  row.append(mark, element("span", person.name, "name"), element("span", `${open} open`, "open"));
  return row;
}

function drawTeam(board, team) {
  const missing = outside(board, team);
  const row = element("div", "", "team");
  const names = team.members.map(({ name }) => name.split(" ")[0]).join(", ");
  row.append(element("h4", team.name), element("p", names || "Nobody yet"));
  if (missing.length) {
    const button = element("button", missing.length === 1 ? `Add ${missing[0].name}` : `Add the other ${missing.length}`);
    button.type = "button";
    button.dataset.team = team.gid;
    row.append(button);
  }
  return row;
}

function avatar({ name }, className) {
  const initials = name.split(" ").map((word) => word[0]);
  const mark = element("span", initials.slice(0, 2).join(""), className);
  mark.title = name;
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", `Assigned to ${name}`);
  return mark;
}
