// The peer of benches/follow_up.rs: completions in, form, task, notification, written from the contract (section 7) the way such
// services usually are. It answers first and works in memory: what is under way when it stops is gone.
//
//   PLATFORM_URL=http://127.0.0.1:1234 PORT=0 node server.mjs      prints its port
import express from "express";

const platform = process.env.PLATFORM_URL;
let token;

async function bearer() {
  token ??= fetch(`${platform}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id: "peer", client_secret: "peer-secret-1" }),
  }).then(async (answer) => (await answer.json()).access_token);
  return token;
}

async function call(method, path, body) {
  const answer = await fetch(platform + path, {
    method,
    headers: { authorization: `Bearer ${await bearer()}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`${path} answers ${answer.status}`);
  return answer.json();
}

async function followUp({ interactionId, agentId }) {
  const form = await call("GET", `/api/v2/interactions/${interactionId}/postinteractionforms`);
  const answer = form?.responses.find((response) => response.fieldName === "overall_satisfaction");
  const score = Number.parseFloat(answer?.value);
  if (!(score < 4)) return;
  const [priority, days] = score < 3 ? ["High", 1] : ["Medium", 3];
  await call("POST", "/api/v2/workflows/tasks", {
    subject: `Follow up ${interactionId}`,
    description: `The score is ${score}.`,
    dueDate: new Date(Date.now() + days * 86_400_000).toISOString(),
    priority,
    assigneeId: agentId,
    customFields: [{ id: "interaction_id_link", value: interactionId }],
  });
  await call("POST", "/api/v2/notifications/agents", {
    agentId,
    message: `Follow up ${interactionId}`,
    type: "desktop",
    priority: "high",
  });
}

const app = express();
app.use(express.json());
app.post("/webhooks/interaction-completed", (request, response) => {
  const { interactionId, agentId } = request.body ?? {};
  if (!interactionId || !agentId) return response.status(400).json({ error: "interactionId and agentId are needed" });
  response.json({ received: true });
  followUp(request.body).catch((error) => console.error(error.message));
});
const server = app.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(server.address().port));
