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

test("replicates and staleness are sent and read, compared, changed and taken back", async () => {
  const stored = () => ({ name: STUDY, replicates: 2, maxStaleness: 0 });
  const { server, client, warnings } = await start({
    createStudy: () => {
      throw new Failure(status.ALREADY_EXISTS, "STUDY_EXISTS");
    },
    getStudy: stored,
    updateStudy: (n) => ({ name: STUDY, replicates: 2, ...(n === 1 ? { maxStaleness: 7 } : {}) }),
  });
  const spec = { space: {}, objectives: [] };
  const create = (more: object) => client.createStudy("s", { ...spec, ...more }, { existOk: true });
  const study = await create({ replicates: 2, maxStaleness: 0 });
  const wanted = server.seen("createStudy")[0]?.request["study"] as { replicates: number; maxStaleness?: number };
  assert.deepEqual([wanted.replicates, wanted.maxStaleness], [2, 0]);
  assert.deepEqual([study.info.spec.replicates, study.info.spec.maxStaleness], [2, 0]);
  await create({}); // left to the server
  assert.deepEqual(warnings, []);
  await create({ maxStaleness: 3 });
  assert.match(warnings.join(), /maxStaleness/);
  await assert.rejects(create({ replicates: 3 }), /another replicates/);

  await study.update({ maxStaleness: 7 });
  assert.equal(study.info.spec.maxStaleness, 7);
  await study.update({ maxStaleness: null });
  assert.equal(study.info.spec.maxStaleness, undefined);
  const sent = server.seen("updateStudy").map(({ request }) => {
    const { study: change, updateMask } = request as {
      study: { maxStaleness?: number };
      updateMask: { paths: string[] };
    };
    return [change.maxStaleness, updateMask.paths];
  });
  assert.deepEqual(sent, [
    [7, ["max_staleness"]],
    [undefined, ["max_staleness"]],
  ]);
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
  const space = { x: float(0, 1) };
  const objectives = [minimize("loss")];
  await assert.rejects(client.createStudy("s", { space, objectives, maxTrials: 1.5 }), InvalidArgumentError);
  await assert.rejects(client.createStudy("s", { space, objectives, leaseMs: 0 }), InvalidArgumentError);
});
