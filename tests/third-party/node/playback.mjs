// Creates, reads, lists, steers and deletes playback sessions, and meets every refusal that the contract states: a program that knows
// sections 1 to 3 of the v2 contract and nothing else. Prints what it saw as one JSON object; problems go to stderr.
import { setMaxListeners } from "node:events";
import axios from "axios";
import { v4 as uuid } from "uuid";

const OVERALL_TIMEOUT_MS = 30_000;
const SESSIONS = "/api/v2/media/sessions";
const EVENTS = "/api/v2/analytics/events/custom";
const STATES = ["buffering", "playing", "paused", "interrupted", "completed", "stopped", "failed"];
/** More than the five a second that a client may create. */
const BURST = 12;

function setting(name, preset) {
  const value = process.env[name] || preset;
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

function check(holds, message) {
  if (!holds) throw new Error(message);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends a request; every status is an answer. */
function platform(base, token, signal) {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const client = axios.create({ baseURL: base, headers, signal, validateStatus: () => true });
  return (method, url, data, more = {}) => client.request({ method, url, data, headers: more });
}

async function fetchToken(base, scope, signal) {
  const body = new URLSearchParams({ grant_type: "client_credentials", scope });
  const auth = { username: setting("CXONE_CLIENT_ID"), password: setting("CXONE_CLIENT_SECRET") };
  const answer = await axios.post(`${base}/oauth/token`, body, { auth, signal });
  return answer.data.access_token;
}

function expect(answer, status) {
  const { method, url } = answer.config;
  const told = `${method} ${url} answered ${answer.status}, not ${status}: ${JSON.stringify(answer.data)}`;
  check(answer.status === status, told);
  return answer.data;
}

/** A refusal has the one shape of all of them. */
function refused(answer, status) {
  const body = expect(answer, status);
  check(body.status === status, `the body says ${body.status}, not ${status}`);
  check(typeof body.code === "string" && typeof body.message === "string", `a refusal is ${JSON.stringify(body)}`);
  check(Array.isArray(body.errors) && typeof body.correlationId === "string", `a refusal is ${JSON.stringify(body)}`);
  return body;
}

function directive(change = {}, metadata = {}) {
  return {
    sessionId: uuid(),
    promptId: setting("PROMPT_ID", "prompt-main-menu-en"),
    playbackConfig: {
      volumeMatrix: { baseGain: 0.8, peakLimit: 0.95, compressionRatio: 0.7 },
      interruptibility: { allowDTMF: true, allowVoice: false, cutoffBehavior: "immediate" },
      codecPreference: "G711U",
      bufferPreload: true,
      formatVerification: true,
      silenceTrimMs: 300,
      ...change,
    },
    sessionMetadata: { createdVia: "playback.mjs", timestamp: new Date().toISOString(), ...metadata },
  };
}

/** Creates a session as a well-behaved client does: it comes again when it is told to. */
async function create(api, body, more) {
  for (;;) {
    const answer = await api("post", SESSIONS, body, more);
    if (answer.status !== 429) return answer;
    await sleep(1000 * Number(answer.headers["retry-after"]));
  }
}

async function whoMayDoWhat(base, api, signal) {
  refused(await platform(base, undefined, signal)("get", SESSIONS), 401);
  refused(await platform(base, "no-such-token", signal)("post", SESSIONS, directive()), 401);
  const reader = platform(base, await fetchToken(base, "media:read", signal), signal);
  const lacking = refused(await reader("post", SESSIONS, directive()), 403);
  check(lacking.message.includes("media:manage"), `403 does not name the scope: ${lacking.message}`);
  const event = { eventType: "x", sessionId: uuid(), timestamp: new Date().toISOString(), metrics: {} };
  const writer = refused(await reader("post", EVENTS, event), 403);
  check(writer.message.includes("analytics:write"), `403 does not name the scope: ${writer.message}`);
  expect(await api("post", EVENTS, event), 202);
  const less = refused(await api("post", EVENTS, { eventType: "x" }), 400);
  for (const field of ["sessionId", "timestamp", "metrics"]) {
    check(less.errors.some((error) => error.includes(field)), `no fault names ${field}: ${less.errors}`);
  }
}

/** Every rule of section 3 broken at once: all of them are told, and nothing takes effect. */
async function allFaultsAtOnce(api) {
  const body = directive(
    {
      volumeMatrix: { baseGain: 0.96, peakLimit: 0.95, compressionRatio: 0.05 },
      interruptibility: { allowDTMF: "yes", cutoffBehavior: "soon" },
      codecPreference: "MP3",
      bufferPreload: false,
      silenceTrimMs: 299,
    },
    { maxConcurrentStreams: 51 },
  );
  const { errors } = refused(await create(api, body), 400);
  const wanted = ["baseGain", "compressionRatio", "allowDTMF", "allowVoice", "cutoffBehavior", "codecPreference"];
  for (const field of [...wanted, "bufferPreload", "silenceTrimMs", "maxConcurrentStreams"]) {
    check(errors.some((error) => error.includes(field)), `no fault names ${field}: ${JSON.stringify(errors)}`);
  }
  refused(await api("get", `${SESSIONS}/${body.sessionId}`), 404);
  refused(await create(api, { ...directive(), promptId: "no-such-prompt" }), 404);
  refused(await api("post", `${SESSIONS}/${uuid()}/control`, { action: "pause" }), 404);
  return errors;
}

function looksRight(session, id) {
  check(session.id === id, `the session is ${session.id}, not ${id}`);
  check(STATES.includes(session.playbackState), `the state is ${session.playbackState}`);
  check(session.formatVerified === true && session.bufferPreloaded === true, `it is ${JSON.stringify(session)}`);
  check(Number.isFinite(session.latencyMs) && session.latencyMs >= 0, `latencyMs is ${session.latencyMs}`);
  return session;
}

async function conflicts(api, body) {
  const taken = refused(await create(api, directiveWith(body.sessionId)), 409);
  check(/exist|id/i.test(taken.message), `409 does not say that the id is taken: ${taken.message}`);
  const full = refused(await create(api, directive({}, { maxConcurrentStreams: 1 })), 409);
  check(/limit|concurrent/i.test(full.message), `409 does not say that the limit is reached: ${full.message}`);
}

const directiveWith = (sessionId) => ({ ...directive(), sessionId });

async function steering(api, id) {
  const control = (body) => api("post", `${SESSIONS}/${id}/control`, body);
  const read = async () => looksRight(expect(await api("get", `${SESSIONS}/${id}`), 200), id);
  expect(await control({ action: "pause" }), 200);
  const paused = await read();
  check(paused.playbackState === "paused", `after pause it is ${paused.playbackState}`);
  await sleep(250);
  const still = await read();
  check(still.positionMs === paused.positionMs, `paused, it went from ${paused.positionMs} to ${still.positionMs} ms`);
  expect(await control({ action: "seek", positionMs: 1000 }), 200);
  check((await read()).positionMs === 1000, "seek did not lead to 1000 ms");
  const louder = { baseGain: 0.5, peakLimit: 0.5, compressionRatio: 1 };
  expect(await control({ action: "volume", volumeMatrix: louder }), 200);
  expect(await control({ action: "resume" }), 200);
  await sleep(250);
  const on = await read();
  check(on.playbackState === "playing" && on.positionMs > 1000, `after resume it is ${JSON.stringify(on)}`);
  expect(await control({ action: "restart" }), 200);
  check((await read()).positionMs < 1000, "restart did not lead to the beginning");
  refused(await control({ action: "rewind" }), 400);
  refused(await control({ action: "seek" }), 400);
  refused(await control({ action: "volume", volumeMatrix: { ...louder, baseGain: 0.6 } }), 400);
  return on;
}

async function listing(api, ids) {
  const seen = [];
  let uri = `${SESSIONS}?status=active&pageSize=1&pageNumber=1`;
  while (uri) {
    const page = expect(await api("get", uri), 200);
    check(page.pageSize === 1 && page.totalCount === ids.length, `a page is ${JSON.stringify(page)}`);
    seen.push(...page.entities.map((session) => session.id));
    uri = page.nextUri;
  }
  check(seen.sort().join() === [...ids].sort().join(), `active are ${seen}, not ${ids}`);
}

/** Deleting stops, also twice; what is over takes no directives. */
async function deleting(api, id) {
  for (let time = 1; time <= 2; time += 1) {
    const { status } = await api("delete", `${SESSIONS}/${id}`);
    check(status === 200 || status === 204, `delete answered ${status}`);
  }
  const over = expect(await api("get", `${SESSIONS}/${id}`), 200);
  check(over.playbackState === "stopped", `deleted, it is ${over.playbackState}`);
  const late = refused(await api("post", `${SESSIONS}/${id}/control`, { action: "resume" }), 409);
  check(late.message.includes("stopped"), `409 does not name the state: ${late.message}`);
}

async function toTheEnd(api, id) {
  const { durationMs } = expect(await api("get", `${SESSIONS}/${id}`), 200);
  const positionMs = Math.max(0, durationMs - 200);
  expect(await api("post", `${SESSIONS}/${id}/control`, { action: "seek", positionMs }), 200);
  for (;;) {
    const session = expect(await api("get", `${SESSIONS}/${id}`), 200);
    if (!["buffering", "playing"].includes(session.playbackState)) {
      check(session.playbackState === "completed", `at its end it is ${JSON.stringify(session)}`);
      return session;
    }
    await sleep(50);
  }
}

async function tooManyAtOnce(api) {
  const bodies = Array.from({ length: BURST }, () => directive());
  const answers = await Promise.all(bodies.map((body) => api("post", SESSIONS, body)));
  const limited = answers.filter((answer) => answer.status === 429);
  check(limited.length > 0, `${BURST} at once answered ${answers.map((answer) => answer.status)}`);
  for (const answer of limited) {
    refused(answer, 429);
    check(/^[1-9]\d*$/.test(answer.headers["retry-after"]), `Retry-After is ${answer.headers["retry-after"]}`);
  }
  const created = answers.filter((answer) => answer.status === 201);
  for (const answer of created) await api("delete", `${SESSIONS}/${answer.data.id}`);
  return { created: created.length, limited: limited.length };
}

async function main() {
  const signal = AbortSignal.timeout(OVERALL_TIMEOUT_MS);
  // Each request listens to it.
  setMaxListeners(0, signal);
  const base = setting("CXONE_ORG_URL");
  const api = platform(base, await fetchToken(base, "media:manage media:read analytics:write", signal), signal);
  await whoMayDoWhat(base, api, signal);
  const faults = await allFaultsAtOnce(api);

  const body = directive();
  const key = { "Idempotency-Key": uuid() };
  const session = looksRight(expect(await create(api, body, key), 201), body.sessionId);
  const again = expect(await create(api, body, key), 201);
  check(again.id === session.id, "the same key and body gave another session");
  await conflicts(api, body);
  const other = directive({ codecPreference: "OPUS" });
  looksRight(expect(await create(api, other), 201), other.sessionId);
  await listing(api, [body.sessionId, other.sessionId]);
  const steered = await steering(api, body.sessionId);
  const completed = await toTheEnd(api, other.sessionId);
  await deleting(api, body.sessionId);
  await listing(api, []);
  const burst = await tooManyAtOnce(api);
  console.log(JSON.stringify({ session, steered, completed, faults, burst }));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
