// Browser notifications: only when the agent allowed them, only while the page is hidden, and never with what a task says.

import { kept } from "./dom.js";

const OFF = "trunkline.notify.off";
const shown = new Map();

/** "unsupported", "ask", "denied", "on" or "off". */
export function permission() {
  if (!("Notification" in window)) return "unsupported";
  if (Notification.permission === "default") return "ask";
  if (Notification.permission === "denied") return "denied";
  return kept.get(OFF) ? "off" : "on";
}

/** The button was pressed: asks, or turns them off and on. */
export async function toggle() {
  const now = permission();
  if (now === "ask") await Notification.requestPermission();
  else if (now === "on") kept.set(OFF, "1");
  else if (now === "off") kept.set(OFF, null);
  return permission();
}

/** Says that a task waits. The tag lets a newer one for the same task replace the older. */
export function tell(task, onClick) {
  if (permission() !== "on" || !document.hidden) return;
  try {
    const notification = new Notification("A task is waiting", { body: `Priority ${task.priority}`, tag: task.id });
    shown.set(task.id, notification);
    notification.onclose = () => shown.get(task.id) === notification && shown.delete(task.id);
    notification.onclick = () => {
      window.focus();
      notification.close();
      onClick(task.id);
    };
  } catch {
    // Some systems permit notifications and then refuse to show one; the page and its title still say it.
  }
}

/** The task was taken, here or elsewhere: its notification would mislead. */
export function clear(taskId) {
  shown.get(taskId)?.close();
  shown.delete(taskId);
}
