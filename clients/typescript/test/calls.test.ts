import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";

import {
  Client,
  ClientClosedError,
  float,
  InvalidArgumentError,
  LeaseLostError,
  minimize,
  NoTrialAvailableError,
  ResultConflictError,
  space,
  StudyCompleteError,
  UnavailableError,
} from "../src/index.js";
import { Failure, STUDY, TestServer, type Handlers } from "./server.js";

const running = (leaseMs: number) => () => ({
  trials: [
    {
      name: `${STUDY}/trials/1`,
      number: 1n,
      leaseId: "L",
      startTime: timestampFromMs(1_000),
      ...(leaseMs === Infinity ? {} : { leaseExpireTime: timestampFromMs(1_000 + leaseMs) }),
    },
  ],
});

async function start(handlers: Handlers, options: { timeoutMs?: number; token?: string } = {}) {
  const server = await TestServer.start(handlers);
  const warnings: string[] = [];
  const client = new Client({ address: server.address, onWarning: (text) => warnings.push(text), ...options });
  return { server, client, warnings, study: await client.study("s") };
}

test("UNAVAILABLE is tried again with the same request id, and the token goes along", async () => {
  const { server, client, study } = await start(
    {
      ask: (n) => {
        if (n < 3) {
          throw new Failure(status.UNAVAILABLE, "STORE_UNAVAILABLE", { retryMs: 1 });
        }
        return running(60_000)();
      },
    },
    { token: "secret" },
  );
  await study.ask();
  const asks = server.seen("ask");
  assert.equal(asks.length, 3);
  assert.equal(new Set(asks.map(({ request }) => request["requestId"])).size, 1);
  assert.ok(asks.every(({ token }) => token === "Bearer secret"));
  await client.close();
  assert.equal(server.seen("releaseTrial").length, 1);
  await server[Symbol.asyncDispose]();
});

test("other errors are not tried again and have their type", async () => {
  const cases = [
    [new Failure(status.FAILED_PRECONDITION, "LEASE_LOST"), LeaseLostError],
    [new Failure(status.INVALID_ARGUMENT, "NEWER_THAN_THIS_CLIENT"), InvalidArgumentError],
    [
      new Failure(status.ALREADY_EXISTS, "RESULT_CONFLICT", { metadata: { metrics: '{"loss": 0.5}' } }),
      ResultConflictError,
    ],
  ] as const;
  for (const [failure, Kind] of cases) {
    const { server, client, study } = await start({
      enqueueTrials: () => {
        throw failure;
      },
    });
    await assert.rejects(study.enqueue([]), (error) => error instanceof Kind && error.reason !== "");
    assert.equal(server.seen("enqueueTrials").length, 1);
    await client.close();
    await server[Symbol.asyncDispose]();
  }
});

test("create-or-open is the server's to decide, and its warnings are logged", async () => {
  const { server, client, warnings } = await start({
    createStudy: () => ({
      name: STUDY,
      replicates: 2,
      maxStaleness: 0,
      warnings: [{ field: "max_staleness", message: "stays as it is" }],
    }),
  });
  const study = await client.createStudy("s", { replicates: 2, maxStaleness: 0 }, { existOk: true });
  const [sent] = server.seen("createStudy");
  const wanted = sent?.request["study"] as { replicates: number; maxStaleness?: number };
  assert.deepEqual([wanted.replicates, wanted.maxStaleness], [2, 0]);
  assert.equal(sent?.request["existOk"], true);
  assert.deepEqual([study.info.replicates, study.info.maxStaleness], [2, 0]);
  assert.deepEqual(warnings, [`asktell: ${STUDY}: max_staleness: stays as it is`]);
  await client.createStudy("s", {}); // left to the server
  assert.equal((server.seen("createStudy")[1]?.request["study"] as typeof wanted).maxStaleness, undefined);
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("an update changes what is given and takes away what is undefined", async () => {
  const { server, client, study } = await start({
    updateStudy: (n) => ({ name: STUDY, ...(n === 1 ? { maxStaleness: 7 } : {}) }),
    updateTrial: () => ({ name: `${STUDY}/trials/1`, labels: { host: "a" } }),
    getTrial: () => ({ name: `${STUDY}/trials/1` }),
  });
  await study.update({ maxStaleness: 7, stoppingRules: { maxTrials: 9, targetValue: undefined } });
  assert.equal(study.info.maxStaleness, 7);
  await study.update({ maxStaleness: undefined, etag: "e" });
  assert.equal(study.info.maxStaleness, undefined);
  await study.update({ stoppingRules: {}, labels: {}, earlyStopping: { rule: { case: "median", value: {} } } });
  await study.update({ displayName: "x" }, { updateMask: { paths: ["labels"] } });
  await study.pause();
  const trial = await study.trial(1);
  await trial.update({ labels: { host: "a" } });
  assert.equal(trial.info.labels["host"], "a");
  await trial.update({ annotations: { run: "7" } }, { updateMask: { paths: ["annotations"] } });
  const sent = [...server.seen("updateStudy"), ...server.seen("updateTrial")].map(({ request }) => request);
  assert.deepEqual(
    sent.map(({ updateMask }) => (updateMask as { paths: string[] }).paths),
    [
      ["max_staleness", "stopping_rules.max_trials", "stopping_rules.target_value"],
      ["max_staleness"],
      ["stopping_rules", "labels", "early_stopping"],
      ["labels"],
      ["state"],
      ["labels.host"],
      ["annotations"],
    ],
  );
  assert.deepEqual(
    [sent[0], sent[1]].map((request) => (request?.["study"] as { maxStaleness?: number }).maxStaleness),
    [7, undefined],
  );
  assert.equal((sent[1]?.["study"] as { etag: string }).etag, "e");
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("an ask takes the fields of its request, and its requests have ids of their own", async () => {
  const { server, client, study } = await start({ ask: running(60_000), getTrial: () => ({}) });
  await study.ask({ workerId: "w", waitMs: 0 });
  await study.askMany(2);
  await study.ask({ requestId: "mine" });
  const asks = server.seen("ask").map(({ request }) => request);
  assert.deepEqual(
    asks.map(({ count }) => count),
    [1, 2, 1],
  );
  assert.equal(asks[0]?.["workerId"], "w");
  assert.match(String(asks[1]?.["workerId"]), /:\d+$/);
  assert.equal(asks[2]?.["requestId"], "mine");
  assert.equal(new Set(asks.map(({ requestId }) => requestId)).size, 3);
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("the best by the model is there where results are noisy", async () => {
  const { server, client, study } = await start({
    listBestTrials: (n) => ({
      trials: [{ number: 7n }],
      ...(n === 1 ? { bestByModel: { trial: { number: 4n }, mean: 0.5, standardDeviation: 0.25, noise: 0.125 } } : {}),
    }),
  });
  const best = await study.bestByModel();
  assert.equal(best?.trial.number, 4);
  assert.deepEqual([best.mean, best.standardDeviation, best.noise], [0.5, 0.25, 0.125]);
  assert.equal(await study.bestByModel(), undefined);
  assert.ok(server.seen("listBestTrials").every(({ request }) => request["byModel"] === true));
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("a complete study says so, and why", async () => {
  const { server, client, study } = await start({
    ask: () => {
      throw new Failure(status.FAILED_PRECONDITION, "STUDY_COMPLETE", { metadata: { finish_reason: "MAX_TRIALS" } });
    },
  });
  await assert.rejects(study.ask(), (error) => {
    assert.ok(error instanceof StudyCompleteError);
    assert.equal(error.message, "study is complete: its budget of trials is used up");
    assert.equal(error.finishReason, "MAX_TRIALS");
    return true;
  });
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("an ask waits as long as it is let, and obeys the server's hint and the signal", async () => {
  const { server, client, study } = await start({
    ask: () => {
      throw new Failure(status.RESOURCE_EXHAUSTED, "NO_TRIAL_AVAILABLE", { retryMs: 60_000 });
    },
  });
  await assert.rejects(study.ask({ waitMs: 0 }), (error) => {
    return error instanceof NoTrialAvailableError && error.retryAfterMs === 60_000;
  });
  const reason = new Error("enough");
  const aborter = new AbortController();
  const asked = study.ask({ signal: aborter.signal });
  aborter.abort(reason);
  await assert.rejects(asked, reason);
  assert.ok(server.seen("ask").length <= 2);
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("a heartbeat tells an open trial to stop, and that its lease is lost", async () => {
  const { server, client, study } = await start({
    ask: running(600),
    report: () => ({ shouldStop: true, stopReason: "enough", leaseValid: false }),
  });
  const trial = await study.ask();
  assert.ok(trial.stopSignal && !trial.shouldStop);
  await once(trial.stopSignal, "abort");
  assert.deepEqual([trial.shouldStop, trial.stopReason, trial.leaseLost], [true, "enough", true]);
  assert.deepEqual(server.seen("report")[0]?.request["metrics"], {});
  await client.close();
  assert.equal(server.seen("releaseTrial").length, 0, "a lost lease is not given back");
  await server[Symbol.asyncDispose]();
});

test("await using gives an open trial back, and not one that has been told", async () => {
  const { server, client, study } = await start({ ask: running(60_000), tell: () => ({}) });
  {
    await using trial = await study.ask();
    assert.ok(trial.isOpen);
  }
  assert.equal(server.seen("releaseTrial").length, 1);
  {
    await using trial = await study.ask();
    await trial.tell({ loss: 1 });
    assert.ok(!trial.isOpen);
  }
  assert.equal(server.seen("releaseTrial").length, 1);
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("a trial with an endless lease is not given back when the client is closed", async () => {
  const { server, client, study } = await start({ ask: running(Infinity) });
  await study.ask();
  await client.close();
  assert.equal(server.seen("releaseTrial").length, 0);
  await assert.rejects(study.refresh(), ClientClosedError);
  await server[Symbol.asyncDispose]();
});

test("lists are fetched page by page, as far as the loop goes", async () => {
  const { server, client, study } = await start({
    listTrials: (n) => ({ trials: [{ number: BigInt(n) }], nextPageToken: n < 5 ? String(n) : "" }),
  });
  const numbers: number[] = [];
  for await (const trial of study.trials()) {
    numbers.push(trial.number);
    if (numbers.length === 2) {
      break;
    }
  }
  assert.deepEqual(numbers, [1, 2]);
  assert.deepEqual(
    server.seen("listTrials").map(({ request }) => request["pageToken"]),
    ["", "1"],
  );
  await client.close();
  await server[Symbol.asyncDispose]();
});

test("with no server the error is Unavailable, after the deadline", async () => {
  const { server, client } = await start({});
  const { address } = server;
  await client.close();
  await server[Symbol.asyncDispose]();
  await using lonely = new Client({ address, timeoutMs: 300 });
  await assert.rejects(
    lonely.study("s"),
    (error) => error instanceof UnavailableError && error.message.includes(address),
  );
});

test("what cannot be sent is refused before any call", async () => {
  await using client = new Client({ address: "127.0.0.1:1" });
  const study = { searchSpace: space({ x: float(0, 1) }), objectives: [minimize("loss")] };
  await assert.rejects(client.createStudy("s", { ...study, stoppingRules: { maxTrials: 1.5 } }), InvalidArgumentError);
  await assert.rejects(client.createStudy("s", { ...study, seed: 2n ** 63n }), InvalidArgumentError);
});
