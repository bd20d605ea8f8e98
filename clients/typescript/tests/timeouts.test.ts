/** A service that does not answer, or stops in the middle of it, is given up after the time-out, whatever else happens. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { NoAnswer, Topup } from "../src/index.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

let server: Server;

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function serve(listener: RequestListener): Promise<Topup> {
  server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new Topup(url, { apiKey: "key-of-the-service", timeoutSeconds: 1, retries: { attempts: 1 } });
}

const silences: Record<string, RequestListener> = {
  "no answer": () => undefined,
  "half an answer": (_, response) => void response.writeHead(200, { "content-type": "application/json" }).write("{"),
};
for (const [name, listener] of Object.entries(silences)) {
  test(`the time-out survives the garbage collector: ${name}`, async () => {
    const closed: Promise<unknown>[] = [];
    const client = await serve((request, response) => {
      closed.push(once(response, "close"));
      listener(request, response);
      setImmediate(collectGarbage);
    });

    await assert.rejects(client.spend("user-1", 25, "Translation", { key: "job-7" }), NoAnswer);

    assert.equal(closed.length, 1);
    await closed[0]; // nor does the connection stay
  });
}

test("a caller who ends a request under way gets no error of ours, and no connection stays", async () => {
  const ended = new AbortController();
  const closed: Promise<unknown>[] = [];
  const client = await serve((_, response) => {
    closed.push(once(response, "close"));
    collectGarbage();
    ended.abort(new Error("ended"));
  });

  await assert.rejects(client.rest.GET("/api/payments", { signal: ended.signal }), /^Error: ended$/);
  await closed[0];
});
