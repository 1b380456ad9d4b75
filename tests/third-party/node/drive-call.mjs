// Drives one call over the v2 contract, as a program would that knows nothing but the contract.
// Every event of the call is printed as one JSON line; problems go to stderr.
import WebSocket from "ws";

const OVERALL_TIMEOUT_MS = 20_000;
const KEYS = ["1", "2"];
const PREMIUM = "ext:transfer_premium";
const SUPPORT = "ext:transfer_support";

function setting(name, preset) {
  const value = process.env[name] || preset;
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

async function answerOf(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(response.url).pathname} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

async function fetchToken(base, clientId, clientSecret, signal) {
  const response = await fetch(`${base}/oauth/token`, {
    method: "POST",
    headers: { Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}` },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      scope: "profile:read callcontrol:inbound callcontrol:media",
    }),
    signal,
  });
  return (await answerOf(response)).access_token;
}

/** The caller's profile; null when there is none, which is no fault. */
async function fetchProfile(base, token, externalId, signal) {
  const response = await fetch(`${base}/api/v2/profiles/external/${encodeURIComponent(externalId)}`, {
    headers: { Authorization: `Bearer ${token}` },
    signal,
  });
  return response.status === 404 ? null : answerOf(response);
}

/** Leads the call to its transfer; fails when it ends in any other way. */
function driveCall({ base, token, callId, audioBase, target, signal }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${base.replace(/^http/, "ws")}/api/v2/callcontrol/websocket`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    const fail = (message) => {
      reject(new Error(message));
      socket.terminate();
    };
    const send = (command) => socket.send(JSON.stringify({ callControlId: callId, ...command }));
    const play = (name, dtmf) =>
      send({ action: "play", commandId: name, audio: `${audioBase}/${name}.mp3`, ...(dtmf && { dtmf }) });
    let confirmed = false;

    const on = {
      connected() {
        for (const name of ["general_welcome", "general_support"]) play(name, { enabled: true, keys: KEYS });
      },
      dtmf({ digit }) {
        if (confirmed || !KEYS.includes(digit)) return;
        confirmed = true;
        play("confirmed");
      },
      playback_finished({ commandId, reason }) {
        if (reason === "failed") return fail(`${commandId} could not be played`);
        if (commandId === "confirmed") send({ action: "transfer", target, type: "number" });
      },
      transferred() {
        resolve();
        socket.close(1000);
      },
      hangup({ cause }) {
        fail(`the call ended before its transfer: ${cause}`);
      },
      error({ message }) {
        fail(`the server said: ${message}`);
      },
    };

    signal.addEventListener("abort", () => fail(signal.reason.message));
    socket.on("open", () => {
      socket.send(
        JSON.stringify({
          callControlId: callId,
          media: "audio",
          capabilities: ["play", "dtmf", "transfer", "hangup"],
        }),
      );
    });
    socket.on("message", (data) => {
      let event;
      try {
        event = JSON.parse(data);
      } catch {
        return fail("the server sent a frame that is no JSON");
      }
      console.log(JSON.stringify(event));
      on[event.event]?.(event);
    });
    socket.on("unexpected-response", (_request, response) => fail(`the handshake answered ${response.statusCode}`));
    socket.on("error", (error) => fail(`the connection failed: ${error.message}`));
    socket.on("close", (code, reason) => fail(`the connection closed before the transfer: ${code} ${reason}`));
  });
}

async function main() {
  const base = setting("GENESYS_BASE_URL").replace(/\/+$/, "");
  const audioBase = setting("AUDIO_BASE_URL").replace(/\/+$/, "");
  const callId = setting("CALL_ID", "call-12345-abcde");
  const overall = new AbortController();
  const { signal } = overall;
  setTimeout(() => overall.abort(new Error(`no transfer within ${OVERALL_TIMEOUT_MS} ms`)), OVERALL_TIMEOUT_MS);

  const token = await fetchToken(base, setting("GENESYS_CLIENT_ID"), setting("GENESYS_CLIENT_SECRET"), signal);
  const profile = await fetchProfile(base, token, "CRM-USER-98765", signal);
  const isPremium = profile?.attributes?.membership_level === "premium";
  await driveCall({ base, token, callId, audioBase, target: isPremium ? PREMIUM : SUPPORT, signal });
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error.cause ? `${error.message}: ${error.cause.message}` : error.message);
    process.exit(1);
  },
);
