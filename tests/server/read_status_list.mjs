// Reads a status list with an implementation that is not ours: signature by Node, list by @sd-jwt/jwt-status-list.
// Standard input: {"text", "jwk", "indices"}; standard output: {"header", "size", "statuses"}.
import { createRequire } from "node:module";
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { getListFromStatusListJWT } = createRequire(join(process.argv[2], "x"))("@sd-jwt/jwt-status-list");
const { text, jwk, indices } = JSON.parse(readFileSync(0, "utf8"));
const [header, payload, signature] = text.split(".");
const key = createPublicKey({ key: jwk, format: "jwk" });
if (!verify(null, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url"))) {
  throw new Error("the signature does not verify");
}
const list = getListFromStatusListJWT(text);
process.stdout.write(
  JSON.stringify({
    header: JSON.parse(Buffer.from(header, "base64url")),
    size: list.statusList.length,
    statuses: indices.map((index) => list.getStatus(index)),
  }),
);
