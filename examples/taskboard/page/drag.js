// Dragging tasks by their handle, with a mouse, a pen or a finger. While it is dragged, a task stands where it would go.

const FAR_ENOUGH = 4; // pixels: less is a click
const EDGE = 70; // pixels from the edge of the window where it starts to scroll

/**
 * @param {HTMLElement} area holds the lists (`ol`) of the tasks (`.task`), whose handles are `.grip`
 * @param {(task: HTMLElement, from: HTMLElement, index: number) => void} dropped is told when a task has been let go: it
 *   was in the list `from`, and is at this index of the one in which it is now
 */
export function draggable(area, dropped) {
  let drag;

  area.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest(".grip");
    if (!grip || event.button !== 0) return;
    const task = grip.closest(".task");
    drag = { task, x: event.clientX, y: event.clientY, list: task.parentElement, next: task.nextElementSibling };
  });

  area.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.moving) {
      if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < FAR_ENOUGH) return;
      drag.moving = true;
      area.setPointerCapture(event.pointerId); // of the area, since the task itself will change its place
      area.classList.add("dragging");
      drag.task.classList.add("lifted");
    }
    follow(area, drag.task, event);
    scroll(event.clientY);
  });

  area.addEventListener("pointerup", () => {
    if (!drag) return;
    const { task, moving, list } = drag;
    end();
    if (moving) dropped(task, list, [...task.parentElement.children].indexOf(task));
  });

  area.addEventListener("pointercancel", () => drag && putBack());
  document.addEventListener("keydown", (event) => event.key === "Escape" && drag?.moving && putBack());

  function putBack() {
    drag.list.insertBefore(drag.task, drag.next);
    end();
  }

  function end() {
    area.classList.remove("dragging");
    drag.task.classList.remove("lifted");
    drag = undefined;
  }
}

function follow(area, task, { clientX, clientY }) {
  const column = [...area.children].find((child) => {
    const { left, right, top, bottom } = child.getBoundingClientRect();
    return left <= clientX && clientX <= right && top <= clientY && clientY <= bottom;
  });
  const list = column?.querySelector("ol");
  if (!list) return;
  const below = [...list.children].find((other) => {
    const { top, height } = other.getBoundingClientRect();
    return other !== task && clientY < top + height / 2;
  });
  if (task.parentElement === list && (task.nextElementSibling ?? undefined) === below) return;
  list.insertBefore(task, below ?? null);
}

function scroll(y) {
  if (y < EDGE) window.scrollBy(0, -12);
  else if (y > window.innerHeight - EDGE) window.scrollBy(0, 12);
}
