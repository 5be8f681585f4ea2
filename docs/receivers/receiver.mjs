// A receiver of webhooks, of Node's own modules alone: copy it and put your own work into `take`.
//
//     SECRET=whsec_... PUBLIC_KEY=whpk_... node receiver.mjs 9000
//
// Either of the two verifies messages: the secret `v1` (HMAC-SHA256), the public key `v1a` (Ed25519). During a
// rotation name several, separated by spaces. What it takes is written to standard output, a line for each event.

import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { createServer } from "node:http";

const TOLERANCE_SECONDS = 300;
const LONGEST_BODY = 20_000;

const listed = (name, prefix) =>
  (process.env[name] ?? "").split(" ").filter(Boolean).map((item) => Buffer.from(item.slice(prefix.length), "base64"));
const secrets = listed("SECRET", "whsec_");
const publicKeys = listed("PUBLIC_KEY", "whpk_").map((key) =>
  createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") } }),
);

// Message ids. Keep them in your database, beside what `take` writes, in the same transaction.
const seen = new Set();

/** Note the event, and do the work later: the sender waits 15 seconds for the answer. */
function take(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

/** Whether the registry signed this, and within the last five minutes. */
function isGenuine(id, timestamp, signatures, body) {
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  return signatures.split(" ").some((item) => {
    const [kind, text = ""] = item.split(",");
    const signature = Buffer.from(text, "base64");
    if (kind === "v1") {
      return secrets.some((secret) => {
        const own = createHmac("sha256", secret).update(content).digest();
        return own.length === signature.length && timingSafeEqual(own, signature);
      });
    }
    return kind === "v1a" && publicKeys.some((key) => verify(null, content, key, signature));
  });
}

/** Answer one whole request: its status, and a document where there is one. */
function receive(headers, body) {
  const id = headers["webhook-id"] ?? "";
  if (!isGenuine(id, headers["webhook-timestamp"] ?? "", headers["webhook-signature"] ?? "", body)) return [401];
  const message = JSON.parse(body.toString());
  // This proves that whoever answers here wants the deliveries.
  if (message.type === "endpoint.ping") return [200, { challenge: message.data.challenge }];
  if (!seen.has(id)) {
    take(message);
    seen.add(id);
  }
  return [204];
}

createServer((request, response) => {
  const chunks = [];
  let length = 0;
  request.on("data", (chunk) => {
    length += chunk.length;
    if (length > LONGEST_BODY) request.destroy();
    else chunks.push(chunk);
  });
  request.on("end", () => {
    const [status, document] =
      request.method === "POST" ? receive(request.headers, Buffer.concat(chunks)) : [405, undefined];
    response.writeHead(status, document === undefined ? {} : { "Content-Type": "application/json" });
    response.end(document === undefined ? undefined : JSON.stringify(document));
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
