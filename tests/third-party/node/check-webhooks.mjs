// Checks the published vectors of webhook signatures with the standardwebhooks package, and signs messages of its own.
//
// Prints one JSON object per message that it signed, for somebody else to verify. Ends with 0 when all vectors are judged as
// they say, and with 1 otherwise; the differences go to standard error.

import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const file = new URL("../../vectors/webhooks/signatures.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8"));

let judged = 0;
let different = 0;
for (const vector of vectors.filter((vector) => !vector.strict)) {
  judged += 1;
  const wanted = vector.verdict === "valid";
  const { valid, why } = verify(vector);
  if (valid !== wanted) {
    different += 1;
    console.error(`${vector.name}: should be ${vector.verdict}, is ${valid ? "valid" : why}`);
  }
}
if (judged === 0) {
  console.error("there are no vectors");
}
bodies().forEach(sign);
process.exitCode = different > 0 || judged === 0 ? 1 : 0;

// Any of the secrets will do; the package looks at the clock by itself.
function verify({ secrets, now, headers, body }) {
  const clock = Date.now;
  Date.now = () => now * 1000;
  try {
    let why = "";
    for (const secret of secrets) {
      try {
        new Webhook(secret).verify(body, headers, { jsonParse: false });
        return { valid: true };
      } catch (error) {
        why = error.message;
      }
    }
    return { valid: false, why };
  } finally {
    Date.now = clock;
  }
}

function bodies() {
  const random = randomBytes(2000).toString("base64");
  return ["", "{}", '{"name":"Zoë","text":"日本語 🎧"}', ' {"a" : 1.0}\r\n', JSON.stringify({ random })];
}

function sign(body, index) {
  const secret = `whsec_${randomBytes([24, 32, 64][index % 3]).toString("base64")}`;
  const id = `msg_${randomUUID()}`;
  const now = new Date();
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": `${Math.floor(now.getTime() / 1000)}`,
    "webhook-signature": new Webhook(secret).sign(id, now, body),
  };
  console.log(JSON.stringify({ secret, headers, body }));
}
