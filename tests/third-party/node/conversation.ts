// Holds conversations with the demo tenant's bot: a program that knows sections 1, 2 and 5 of the v2 contract and nothing else.
// Prints what it saw as one JSON object; problems go to stderr.
import axios, { type AxiosInstance, type AxiosResponse } from "axios";
import { v4 as uuid } from "uuid";

const OVERALL_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 15_000;
const BOT = "your-bot-instance-id";
const CONTEXT_LIMIT = 65_536;
const STATES = ["queued", "pending", "active", "closed", "ended"] as const;
type State = (typeof STATES)[number];

/** The changes of state that the contract allows; staying is none. */
const ALLOWED: Record<State, State[]> = {
  queued: ["pending", "active", "ended"],
  pending: ["active", "closed", "ended"],
  active: ["pending", "closed", "ended"],
  closed: ["active", "ended"],
  ended: [],
};

interface Interaction {
  id: string;
  sequence: number;
  direction: "inbound" | "outbound";
  type: string;
  text: string;
  read: boolean;
  createdDate: string;
  inReplyTo: string | null;
  participantId: string;
}

interface Conversation {
  id: string;
  state: State;
  botId: string;
  resolved: boolean;
  updatedDate: string;
  context: { botSession: Record<string, unknown>; metadata: Record<string, unknown> };
}

interface Refusal {
  status: number;
  code: string;
  message: string;
  errors: string[];
  correlationId: string;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

async function tokenFor(base: string, scope: string): Promise<string> {
  const form = new URLSearchParams({ grant_type: "client_credentials", scope });
  const auth = { username: setting("CXONE_CLIENT_ID"), password: setting("CXONE_CLIENT_SECRET") };
  const answer = await axios.post<{ access_token: string }>(`${base}/oauth/token`, form, { auth });
  return answer.data.access_token;
}

function platform(base: string, token?: string): AxiosInstance {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return axios.create({ baseURL: `${base}/api/v2`, headers, validateStatus: () => true });
}

function expect<T>(answer: AxiosResponse, status: number): T {
  const { method, url } = answer.config;
  check(answer.status === status, `${method} ${url} answered ${answer.status}, not ${status}: ${JSON.stringify(answer.data)}`);
  return answer.data as T;
}

/** A refusal has the one shape of all of them. */
function refused(answer: AxiosResponse, status: number): Refusal {
  const body = expect<Refusal>(answer, status);
  const isWhole =
    body.status === status &&
    typeof body.code === "string" &&
    typeof body.message === "string" &&
    Array.isArray(body.errors) &&
    typeof body.correlationId === "string";
  check(isWhole, `a refusal is ${JSON.stringify(body)}`);
  return body;
}

function newConversation(id: string, state: State = "active", botSession: Record<string, unknown> = {}) {
  return {
    id,
    type: "webchat",
    state,
    // The bot comes first: the customer is found by the direction, not by the place.
    participants: [
      { id: `bot-${BOT}`, channel: "webchat", direction: "outbound", profile: { name: "Bot", botInstanceId: BOT } },
      {
        id: `user-${id}`,
        channel: "webchat",
        direction: "inbound",
        profile: { firstName: "Dana", lastName: "Premium", email: "dana@example.com", customFields: {} },
      },
    ],
    context: { botSession, metadata: { source: "third-party", createdAt: new Date().toISOString() } },
  };
}

/** One conversation, whose answers are paired with their questions by `inReplyTo`. */
class Talk {
  private seen = 0;

  private constructor(
    private readonly api: AxiosInstance,
    readonly id: string,
  ) {}

  static async begin(api: AxiosInstance): Promise<Talk> {
    const id = uuid();
    const created = expect<Conversation>(await api.post("/conversations", newConversation(id)), 201);
    check(created.id === id && created.state === "active", `created: ${JSON.stringify(created)}`);
    return new Talk(api, id);
  }

  get path(): string {
    return `/conversations/${this.id}`;
  }

  /** Sends a message, and gives the answers to it as soon as as many are there as are expected. */
  async say(text: string, answers = 1, participantId = `user-${this.id}`): Promise<Interaction[]> {
    const message = { participantId, type: "message", text };
    const posted = expect<{ id: string; sequence: number }>(await this.api.post(`${this.path}/interactions`, message), 201);
    check(posted.sequence > this.seen, `sequence ${posted.sequence} after ${this.seen}`);
    const mine: Interaction[] = [];
    const end = Date.now() + ANSWER_TIMEOUT_MS;
    while (mine.length < answers) {
      check(Date.now() < end, `${JSON.stringify(text)} got ${mine.length} of ${answers} answers`);
      const params = { limit: 100, order: "asc", after: this.seen, wait: 5 };
      const came = expect<Interaction[]>(await this.api.get(`${this.path}/interactions`, { params }), 200);
      for (const interaction of came) {
        check(interaction.sequence > this.seen, `${interaction.sequence} came after ${this.seen}`);
        this.seen = interaction.sequence;
        if (interaction.direction === "outbound" && interaction.inReplyTo === posted.id) mine.push(interaction);
      }
    }
    return mine;
  }

  async read(): Promise<Conversation> {
    return expect<Conversation>(await this.api.get(this.path), 200);
  }

  async put(change: object): Promise<AxiosResponse> {
    return this.api.put(this.path, change);
  }
}

/** An order is tracked, and the customer confirms that this was it. */
async function resolved(api: AxiosInstance) {
  const talk = await Talk.begin(api);
  const asked = await talk.say("where is my order?");
  check(/order number/i.test(asked[0]!.text), asked[0]!.text);
  const confirm = await talk.say("AB-12345");
  check(confirm[0]!.text.includes("AB-12345"), confirm[0]!.text);
  const status = await talk.say("yes", 3);
  check(status.some((answer) => answer.text.includes("shipped")), JSON.stringify(status));
  check((await talk.read()).resolved === false, "resolved before the customer confirmed");
  const done = await talk.say("yes");
  check(/\bresolved\b/.test(done[0]!.text), done[0]!.text);
  const after = await talk.read();
  check(after.resolved && after.botId === BOT, JSON.stringify(after));
  expect(await talk.put({ state: "closed" }), 200);
  return { talk, status: status.map((answer) => answer.text) };
}

/** "Not resolved" is not resolved, and a human takes over. */
async function unresolved(api: AxiosInstance) {
  const talk = await Talk.begin(api);
  // Whoever sends is the customer, known or not.
  await talk.say("my problem is not resolved", 1, "somebody-unknown");
  check((await talk.read()).resolved === false, "\"not resolved\" counts as resolved");
  await talk.say("I want to talk to a human");
  expect(await talk.put({ state: "ended" }), 200);
}

/** Reading marks nothing read; saying so does. */
async function reading(api: AxiosInstance, talk: Talk) {
  const list = async (params: object) => expect<Interaction[]>(await api.get(`${talk.path}/interactions`, { params }), 200);
  const newest = await list({ limit: 3, order: "desc" });
  check(newest.length === 3 && newest[0]!.sequence > newest[2]!.sequence, JSON.stringify(newest));
  check(newest.every((interaction) => !interaction.read), "reading marks read");
  const marked = await api.post(`${talk.path}/interactions/${newest[0]!.id}/read`);
  check(marked.status >= 200 && marked.status < 300, `marking read answered ${marked.status}`);
  const again = await list({ limit: 3, order: "desc" });
  check(again[0]!.read && !again[1]!.read, JSON.stringify(again));
  const begun = Date.now();
  const none = await list({ after: newest[0]!.sequence, wait: 1 });
  check(none.length === 0 && Date.now() - begun >= 900, "a long poll without news is not held");
}

/** All pairs of states, each in a conversation of its own. */
async function transitions(api: AxiosInstance) {
  for (const from of STATES) {
    for (const to of STATES.filter((state) => state !== from)) {
      const id = uuid();
      // A conversation is begun in a state that it may be begun in, and led to the others.
      const first: State = from === "closed" || from === "ended" ? "active" : from;
      expect(await api.post("/conversations", newConversation(id, first)), 201);
      if (first !== from) expect(await api.put(`/conversations/${id}`, { state: from }), 200);
      const answer = await api.put(`/conversations/${id}`, { state: to });
      if (ALLOWED[from].includes(to)) {
        check(expect<Conversation>(answer, 200).state === to, `${from} to ${to}`);
      } else {
        const { message } = refused(answer, 400);
        check(message.includes(from) && message.includes(to) && /invalid state transition/i.test(message), message);
      }
    }
  }
}

/** Messages are taken in `pending` and `active` only. */
async function messagesByState(api: AxiosInstance) {
  for (const state of STATES) {
    const id = uuid();
    const first: State = state === "closed" || state === "ended" ? "active" : state;
    expect(await api.post("/conversations", newConversation(id, first)), 201);
    if (first !== state) expect(await api.put(`/conversations/${id}`, { state }), 200);
    const answer = await api.post(`/conversations/${id}/interactions`, { participantId: `user-${id}`, type: "message", text: "hello" });
    if (state === "pending" || state === "active") expect(answer, 201);
    else check(/invalid state transition/i.test(refused(answer, 400).message), JSON.stringify(answer.data));
  }
}

/** 64 KiB exactly is taken, one byte more is refused with both sizes: bytes of UTF-8, not characters. */
async function contextLimit(api: AxiosInstance) {
  const of = (bytes: number) => {
    const body = newConversation(uuid());
    const context = { ...body.context, botSession: { note: "" } };
    const room = bytes - Buffer.byteLength(JSON.stringify(context));
    // Two bytes each, and one of one byte where that is needed.
    context.botSession.note = "é".repeat(Math.floor(room / 2)) + "x".repeat(room % 2);
    check(Buffer.byteLength(JSON.stringify(context)) === bytes, "the test is wrong");
    return { ...body, context };
  };
  expect(await api.post("/conversations", of(CONTEXT_LIMIT)), 201);
  const refusal = refused(await api.post("/conversations", of(CONTEXT_LIMIT + 1)), 400);
  const told = `${refusal.message} ${refusal.errors.join(" ")}`;
  check(/65[, ]?536/.test(told) && /65[, ]?537/.test(told), told);
}

/** Every conversation that changed is on some page, in order, and `nextUri` leads through them. */
async function pages(api: AxiosInstance, base: string, token: string, since: string) {
  const wanted = new Set<string>();
  for (let count = 0; count < 7; count += 1) {
    const id = uuid();
    expect(await api.post("/conversations", newConversation(id, "queued")), 201);
    wanted.add(id);
  }
  let uri: string | undefined = `/api/v2/conversations?updatedDateGte=${encodeURIComponent(since)}&pageSize=3`;
  let before = "";
  let count = 0;
  while (uri) {
    const url: string = new URL(uri, base).toString();
    const answer: AxiosResponse = await axios.get(url, { headers: { Authorization: `Bearer ${token}` }, validateStatus: () => true });
    const page = expect<{ entities: Conversation[]; nextUri?: string | null }>(answer, 200);
    check(page.entities.length <= 3, "a page is too long");
    for (const entity of page.entities) {
      check(entity.updatedDate >= before, `${entity.updatedDate} after ${before}`);
      before = entity.updatedDate;
      wanted.delete(entity.id);
      count += 1;
    }
    uri = page.nextUri ?? undefined;
    check(count < 1000, "the pages have no end");
  }
  check(wanted.size === 0, `${wanted.size} conversations are on no page`);
  return count;
}

async function analytics(api: AxiosInstance) {
  const query = {
    dimension: "conversation",
    metric: "resolution",
    timeGrouping: "none",
    dateFrom: new Date(Date.now() - 3_600_000).toISOString(),
    dateTo: new Date(Date.now() + 3_600_000).toISOString(),
    filters: [{ type: "attribute", operator: "eq", attribute: "botId", value: BOT }],
  };
  const told = expect<{ totalHits: number; groups: { conversations: number; resolved: number; resolutionRate: number; turns: number; medianResponseMs: number }[] }>(
    await api.post("/analytics/conversations/details/query", query),
    200,
  );
  const group = told.groups[0];
  check(told.totalHits > 0 && group !== undefined, JSON.stringify(told));
  check(group.resolved >= 1 && group.resolved < group.conversations && group.turns >= 5, JSON.stringify(group));
  check(Math.abs(group.resolutionRate - group.resolved / group.conversations) < 0.001, JSON.stringify(group));
  refused(await api.post("/analytics/conversations/details/query", { ...query, timeGrouping: "week" }), 400);
  return { conversations: group.conversations, resolved: group.resolved };
}

async function refusals(base: string, api: AxiosInstance) {
  const id = uuid();
  refused(await platform(base).get(`/conversations/${id}`), 401);
  refused(await platform(base, "not-a-token").get(`/conversations/${id}`), 401);
  const reader = platform(base, await tokenFor(base, "conversations:read"));
  check(refused(await reader.post("/conversations", newConversation(id)), 403).message.includes("conversations:write"), "403 names no scope");
  refused(await api.get(`/conversations/${id}`), 404);
  refused(await api.post(`/conversations/${id}/interactions`, { participantId: "x", type: "message", text: "hello" }), 404);
  expect(await api.post("/conversations", newConversation(id)), 201);
  refused(await api.post("/conversations", newConversation(id)), 409);
  const bad = refused(await api.post("/conversations", { type: "carrier-pigeon", state: "asleep" }), 400);
  check(bad.errors.length >= 3, `not all faults at once: ${JSON.stringify(bad.errors)}`);
  refused(await api.put(`/conversations/${id}`, { state: "asleep" }), 400);
}

async function main() {
  const base = setting("TRUNKLINE_URL");
  const since = new Date(Date.now() - 1000).toISOString();
  const scopes = "conversations:read conversations:write bot:read bot:write analytics:read";
  const token = await tokenFor(base, scopes);
  const api = platform(base, token);
  await refusals(base, api);
  const { talk, status } = await resolved(api);
  await unresolved(api);
  await reading(api, talk);
  await transitions(api);
  await messagesByState(api);
  await contextLimit(api);
  const listed = await pages(api, base, token, since);
  console.log(JSON.stringify({ status, listed, analytics: await analytics(api) }));
}

const overall = setTimeout(() => {
  console.error(`not done after ${OVERALL_TIMEOUT_MS} ms`);
  process.exit(1);
}, OVERALL_TIMEOUT_MS);
main()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  })
  .finally(() => clearTimeout(overall));
