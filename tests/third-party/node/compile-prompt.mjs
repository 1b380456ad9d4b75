// Uploads a recording, has it compiled, waits for the signed callback, and looks into the compiled file: a program that knows
// sections 1, 6 and 8 of the v2 contract and nothing else. Prints what it saw as one JSON object; problems go to stderr.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { basename } from "node:path";
import { Webhook } from "standardwebhooks";

const OVERALL_TIMEOUT_MS = 20_000;
const NODE_ID = "third-party-node";
const SCOPES = "media:write media:read media:compile flow:read";
const FORMAT_TAGS = { ulaw: 7, alaw: 6 };

function setting(name, preset) {
  const value = process.env[name] || preset;
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

async function answerOf(response, wanted) {
  const text = await response.text();
  const path = new URL(response.url).pathname;
  if (response.status !== wanted) throw new Error(`${path} answered ${response.status}, not ${wanted}: ${text}`);
  return JSON.parse(text);
}

async function fetchToken(base, id, secret, signal) {
  const body = new URLSearchParams({ grant_type: "client_credentials", scope: SCOPES, client_id: id, client_secret: secret });
  const response = await fetch(`${base}/oauth/token`, { method: "POST", body, signal });
  return (await answerOf(response, 200)).access_token;
}

function check(holds, message) {
  if (!holds) throw new Error(message);
}

/** Uploads a file as a browser would; the answer must tell the same of it as we know. */
async function upload(platform, name, bytes, wanted) {
  const form = new FormData();
  form.append("file", new Blob([bytes]), name);
  const asset = await answerOf(await platform("/api/v2/media/assets", { method: "POST", body: form }), wanted);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  check(asset.sha256 === sha256, `sha256 is ${asset.sha256}, not ${sha256}`);
  check(asset.size === bytes.length, `size is ${asset.size}, not ${bytes.length}`);
  check(/^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(asset.id), `${asset.id} is no random UUID`);
  return asset;
}

async function compile(platform, assetId, settings, webhookUrl) {
  const body = JSON.stringify({
    flowId: settings.flow,
    jobId: settings.job,
    media: [{ assetId, nodeId: NODE_ID, format: "wav", sampleRate: 8000, priority: 1, fallbackEncoding: "alaw" }],
    encoding: settings.encoding,
    webhookUrl,
    options: { enableOptimization: true, stripMetadata: true, normalizeVolume: true, maxChannels: 1 },
  });
  const headers = { "Content-Type": "application/json" };
  const accepted = await answerOf(await platform("/api/v2/media/compile", { method: "POST", headers, body }), 202);
  check(accepted.id.startsWith("comp_"), `${accepted.id} does not begin with comp_`);
  check(accepted.status === "QUEUED", `a new job is ${accepted.status}`);
  return accepted;
}

/** Takes callbacks; one that is not signed as it should be is refused, and the end of everything. */
async function listen(secret) {
  const waiting = new Map();
  const known = new Map();
  let refuse;
  const refused = new Promise((_, reject) => (refuse = reject));
  refused.catch(() => {});
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    try {
      const job = new Webhook(secret).verify(body, request.headers);
      known.set(job.id, { job, webhookId: request.headers["webhook-id"] });
      waiting.get(job.id)?.(known.get(job.id));
      response.writeHead(204).end();
    } catch (error) {
      response.writeHead(401).end();
      refuse(new Error(`a callback is refused: ${error.message}`));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const of = (id) => known.get(id) ?? new Promise((resolve) => waiting.set(id, resolve));
  return { url: `http://127.0.0.1:${server.address().port}/compiled`, of, refused, close: () => server.close() };
}

/** What a WAV file's header says, and how much of it is sound. */
function readWav(file) {
  check(file.toString("latin1", 0, 4) === "RIFF" && file.toString("latin1", 8, 12) === "WAVE", "it is no WAV file");
  check(file.readUInt32LE(4) === file.length - 8, "RIFF has another length than the file");
  const wav = {};
  for (let at = 12; at + 8 <= file.length; ) {
    const [name, length] = [file.toString("latin1", at, at + 4), file.readUInt32LE(at + 4)];
    const body = file.subarray(at + 8, at + 8 + length);
    check(body.length === length, `the chunk ${name} breaks off`);
    if (name === "fmt ") {
      const [formatTag, channels] = [body.readUInt16LE(0), body.readUInt16LE(2)];
      Object.assign(wav, { formatTag, channels, sampleRate: body.readUInt32LE(4), bits: body.readUInt16LE(14) });
    } else if (name === "data") {
      wav.dataBytes = length;
    } else {
      check(name === "fact", `there is a chunk ${name}, which is no sound`);
    }
    at += 8 + length + (length % 2);
  }
  return wav;
}

async function main() {
  const signal = AbortSignal.timeout(OVERALL_TIMEOUT_MS);
  const base = setting("GENESYS_BASE_URL");
  const token = await fetchToken(base, setting("GENESYS_CLIENT_ID"), setting("GENESYS_CLIENT_SECRET"), signal);
  const platform = (path, init = {}) =>
    fetch(new URL(path, base), { ...init, signal, headers: { ...init.headers, Authorization: `Bearer ${token}` } });
  const settings = { flow: setting("FLOW_ID", "your-flow-id"), encoding: setting("ENCODING", "ulaw"), job: `job-${process.pid}` };
  const callbacks = await listen(setting("TRUNKLINE_WEBHOOK_SECRET"));
  try {
    const path = setting("RECORDING");
    const asset = await upload(platform, basename(path), readFileSync(path), 201);
    const again = await upload(platform, "another name.wav", readFileSync(path), 200);
    check(again.id === asset.id, "the same bytes have another id");

    const accepted = await compile(platform, asset.id, settings, callbacks.url);
    const late = once(signal, "abort").then(() => Promise.reject(new Error(`no callback within ${OVERALL_TIMEOUT_MS} ms`)));
    const { job, webhookId } = await Promise.race([callbacks.of(accepted.id), callbacks.refused, late]);
    check(job.jobId === settings.job, `the callback is of the job ${job.jobId}`);
    check(job.status === "COMPLETED", `the job is ${job.status}: ${JSON.stringify(job)}`);
    const asked = await answerOf(await platform(`/api/v2/media/compile/${accepted.id}`), 200);
    check(JSON.stringify(asked) === JSON.stringify(job), "the callback has another body than the GET");

    const [result] = job.results;
    check(result.status === "READY" && result.nodeId === NODE_ID, `the result is ${JSON.stringify(result)}`);
    const response = await platform(result.downloadUri);
    check(response.ok, `the download answers ${response.status}`);
    const wav = readWav(Buffer.from(await response.arrayBuffer()));
    check(wav.formatTag === FORMAT_TAGS[settings.encoding], `the format tag is ${wav.formatTag}`);
    check(wav.sampleRate === 8000 && wav.channels === 1 && wav.bits === 8, `it is ${JSON.stringify(wav)}`);
    check(Math.abs(wav.dataBytes / 8 - result.durationMs) <= 1, `${wav.dataBytes} bytes are not ${result.durationMs} ms`);

    const map = await answerOf(await platform(`/api/v2/flows/${settings.flow}/prompts`), 200);
    const serves = map.prompts.find((prompt) => prompt.nodeId === NODE_ID);
    check(serves?.assetId === asset.id, `the node is served by ${JSON.stringify(serves)}`);
    console.log(JSON.stringify({ asset, webhookId, result, wav }));
  } finally {
    callbacks.close();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
