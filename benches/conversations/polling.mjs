// A plain client of contract section 5, as scripts from tutorials are: send, wait 2 s, ask, wait 2 s, ask ...
// node polling.mjs URL TOKEN CONVERSATIONS SECONDS; prints {"tookS", "timesMs"}: how long each answer took.
import axios from 'axios';
import http from 'node:http';

const [url, token, conversations, seconds] = process.argv.slice(2);
const POLL_MS = 2000;
const BOT = 'your-bot-instance-id';
const api = axios.create({
  baseURL: `${url}/api/v2`,
  headers: { Authorization: `Bearer ${token}` },
  httpAgent: new http.Agent({ keepAlive: true, maxSockets: 256 }),
});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function create(id) {
  await api.post('/conversations', {
    id,
    type: 'webchat',
    state: 'active',
    participants: [
      { id: `customer-${id}`, channel: 'webchat', direction: 'inbound', profile: { firstName: 'Bench' } },
      { id: `bot-${BOT}`, channel: 'webchat', direction: 'outbound', profile: { name: 'Bot', botInstanceId: BOT } },
    ],
    context: { botSession: {}, metadata: { source: 'bench', createdAt: new Date().toISOString() } },
  });
}

async function talk(id, end, times) {
  while (performance.now() < end) {
    const sent = performance.now();
    const posted = await api.post(`/conversations/${id}/interactions`, {
      participantId: `customer-${id}`,
      type: 'message',
      text: 'hello',
    });
    for (;;) {
      await sleep(POLL_MS);
      const { data } = await api.get(`/conversations/${id}/interactions`, { params: { limit: 10, order: 'desc' } });
      if (data.some((interaction) => interaction.inReplyTo === posted.data.id)) break;
    }
    times.push(performance.now() - sent);
  }
}

const ids = Array.from({ length: Number(conversations) }, (_, number) => `peer-${number}`);
for (let at = 0; at < ids.length; at += 50) await Promise.all(ids.slice(at, at + 50).map(create));
const times = [];
const begun = performance.now();
await Promise.all(ids.map((id) => talk(id, begun + Number(seconds) * 1000, times)));
console.log(JSON.stringify({ tookS: (performance.now() - begun) / 1000, timesMs: times }));
