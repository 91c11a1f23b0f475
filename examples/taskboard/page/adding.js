// The dialogue that adds many tasks at once, in the order in which they were pasted.

import { complain, find, number, plural, tell } from "./dom.js";
import { requestsFor } from "./order.js";

/** @param board a `Board` @returns {(project) => void} opens the dialogue for a project */
export function adding(board) {
  const dialog = find("#adding");
  const lines = find("#lines");
  const add = find("#add");
  const progress = find("#progress");
  const failure = find("#failure");
  let project;
  let created;
  let running = false;

  const names = () => lines.value.split("\n").map((line) => line.trim()).filter(Boolean);

  lines.addEventListener("input", count);
  lines.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !add.disabled) add.click();
  });
  dialog.addEventListener("cancel", (event) => running && event.preventDefault());
  dialog.addEventListener("close", async () => {
    if (!created.size) return;
    try {
      await board.forget(created);
    } catch (error) {
      complain(`Not all of the new tasks were taken back: ${error.message}`);
    }
  });

  add.addEventListener("click", async () => {
    const wanted = names();
    run(true);
    progress.max = 2 * wanted.length;
    try {
      await board.add(project.gid, wanted, created, (done) => (progress.value = done));
      created.clear();
      dialog.close();
      tell(`${plural(wanted.length, "task")} added to ${project.name}`);
    } catch (error) {
      failure.textContent =
        `${number(created.size)} of ${number(wanted.length)} are created, not all in their place: ${error.message}. ` +
        "Try again to go on, or cancel to take them back.";
      add.textContent = "Try again";
    } finally {
      run(false);
      lines.disabled = created.size > 0; // what is created already belongs to these lines
    }
  });

  function run(on) {
    running = on;
    lines.disabled = on;
    add.disabled = on;
    find("#cancel").disabled = on;
    progress.hidden = !on;
    if (on) failure.textContent = "";
  }

  function count() {
    const { length } = names();
    const requests = requestsFor(length);
    find("#count").textContent = length
      ? `${plural(length, "task")}, in ${plural(requests, "request")}${length > requests ? ` instead of ${number(length)}` : ""}.`
      : "No tasks yet.";
    add.disabled = !length;
    add.textContent = length ? `Add ${plural(length, "task")}` : "Add";
  }

  return (chosen) => {
    project = chosen;
    created = new Map();
    lines.value = "";
    progress.value = 0;
    find("#adding-title").textContent = `Add tasks to ${project.name}`;
    run(false);
    failure.textContent = "";
    count();
    dialog.showModal();
    lines.focus();
  };
}
