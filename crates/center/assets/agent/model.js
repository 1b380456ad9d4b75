// What this desk knows: tasks and notifications, and how events change them. Pure: no page, no clock.

export const PRIORITIES = ["Low", "Normal", "Medium", "High", "Critical"];
/** The groups of the list from the top. Offers come first: their time runs in seconds, and then somebody else is asked. */
export const GROUPS = ["offered", "accepted", "snoozed", "queued"];
/** Most tasks that have left and are remembered, so that a late answer does not bring one back. */
const MOST_GONE = 500;
/** When fewer tasks than this are left of a list that the center cut short, it is asked for the rest. */
const FEW = 50;
/** Most notifications that are kept. */
const MOST_NOTIFICATIONS = 100;

/** By due date, then by priority, the most important first; the id decides so that the order never flickers. */
export function compare(a, b) {
  return (
    Date.parse(a.dueDate) - Date.parse(b.dueDate) ||
    PRIORITIES.indexOf(b.priority) - PRIORITIES.indexOf(a.priority) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** When the present offer began, for the length of its bar. */
export function offeredAt(task) {
  const line = task.history.findLast((line) => line.what === "offered" || line.what === "woke");
  return Date.parse(line?.at ?? task.updatedAt);
}

export class Desk {
  agentId;
  name = "";
  cursor = 0;
  tasks = new Map();
  notifications = [];
  /** Whether the center has more tasks for this desk than it told. */
  more = false;
  /** How many tasks there were at first, by whose they are. */
  #loaded = { own: 0, team: 0 };
  #gone = new Map();

  constructor(agentId) {
    this.agentId = agentId;
  }

  /** Takes the desk as the center tells it; gives the changes from what was known before. */
  load(snapshot) {
    this.agentId = snapshot.agentId;
    this.name = snapshot.name;
    this.cursor = snapshot.cursor;
    const before = this.tasks;
    this.tasks = new Map(snapshot.tasks.map((task) => [task.id, task]));
    this.#gone.clear();
    this.more = snapshot.more === true;
    this.#loaded = this.#counts();
    this.notifications = snapshot.notifications.slice(0, MOST_NOTIFICATIONS);
    const changes = snapshot.tasks.map((task) => change(before.get(task.id), task, lastOf(task)));
    const left = [...before.values()].filter((task) => !this.tasks.has(task.id));
    return [...changes.filter((one) => one !== null), ...left.map((task) => ({ kind: "gone", task, what: "" }))];
  }

  /** Applies an event of the stream once; gives what changed, or null when that was known already. */
  apply(id, event) {
    // What comes again after a reconnect has a number that was seen; without a number it is applied as state.
    if (Number.isSafeInteger(id) && id > 0) {
      if (id <= this.cursor) return null;
      this.cursor = id;
    }
    if (event.kind === "task") return this.put(event.task, event.what);
    if (event.kind === "gone") return this.#remove(event.taskId, event.what, "");
    if (event.kind === "notification") return this.#tell(event.notification);
    return null;
  }

  /** A task as the answer to a deed has it. One that has left meanwhile stays away: only an event brings it back. */
  answered(task, what) {
    return this.#gone.has(task.id) ? null : this.put(task, what);
  }

  /** A task as it is now. An older state than the known one is left aside. */
  put(task, what = lastOf(task)) {
    const before = this.tasks.get(task.id);
    const known = before?.updatedAt ?? this.#gone.get(task.id) ?? "";
    if (task.updatedAt < known) return null;
    if (!this.#isMine(task)) return this.#remove(task.id, what, task.updatedAt);
    this.#gone.delete(task.id);
    this.tasks.set(task.id, task);
    return change(before, task, what);
  }

  /** The tasks of a group in their order. */
  group(state) {
    return [...this.tasks.values()].filter((task) => task.state === state).sort(compare);
  }

  /** All tasks from the top of the list to its end. */
  inOrder() {
    return GROUPS.flatMap((state) => this.group(state));
  }

  /** Whether the desk is to be loaded anew: there is more, and a list that was long is nearly done. */
  isRunningOut() {
    const left = this.#counts();
    // A list that was short when it was loaded was told in full.
    return this.more && Object.keys(left).some((whose) => left[whose] < FEW && this.#loaded[whose] >= FEW);
  }

  /** Notifications after a time. */
  unread(readAt) {
    return this.notifications.filter((one) => one.at > readAt);
  }

  #counts() {
    const team = [...this.tasks.values()].filter((task) => task.state === "queued").length;
    return { own: this.tasks.size - team, team };
  }

  #isMine(task) {
    if (task.state === "queued") return true;
    return GROUPS.includes(task.state) && task.assigneeId === this.agentId;
  }

  #remove(id, what, updatedAt) {
    const task = this.tasks.get(id);
    this.#gone.delete(id);
    this.#gone.set(id, updatedAt || task?.updatedAt || "");
    if (this.#gone.size > MOST_GONE) this.#gone.delete(this.#gone.keys().next().value);
    if (!task) return null;
    this.tasks.delete(id);
    return { kind: "gone", task, what };
  }

  #tell(notification) {
    if (this.notifications.some((one) => one.id === notification.id)) return null;
    this.notifications = [notification, ...this.notifications].slice(0, MOST_NOTIFICATIONS);
    return { kind: "notification", notification };
  }
}

function lastOf(task) {
  return task.history.at(-1)?.what ?? "";
}

function change(before, task, what) {
  if (!before) return { kind: "new", task, what };
  if (before.updatedAt === task.updatedAt && before.state === task.state) return null;
  return { kind: "changed", before, task, what };
}
