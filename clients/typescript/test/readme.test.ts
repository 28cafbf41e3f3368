// The README's loop, kept so that the compiler sees it; the test says that it is the same text.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Client, discrete, float, minimize, StudyCompleteError } from "../src/index.js";

export async function loop(train: (lr: number, rank: 4 | 8 | 16 | 32) => Promise<number>): Promise<void> {
  await using client = new Client(); // ASKTELL_ADDRESS, or localhost:50051
  const study = await client.createStudy(
    "lora",
    {
      space: { lr: float(1e-5, 1e-3, { scale: "log" }), rank: discrete([4, 8, 16, 32]) },
      objectives: [minimize("val_loss")],
      maxTrials: 50,
    },
    { existOk: true }, // every worker runs this same program
  );
  try {
    for (;;) {
      await using trial = await study.ask(); // heartbeats itself while it is open; given back unless it has been told
      const loss = await train(trial.params.lr, trial.params.rank);
      await trial.tell({ val_loss: loss });
    }
  } catch (error) {
    if (!(error instanceof StudyCompleteError)) throw error;
  }
}

test("the README's loop is the one that is compiled here", async () => {
  const lines = (text: string) => text.split("\n").map((line) => line.trim());
  const readme = await readFile("clients/typescript/README.md", "utf8");
  const [, block = ""] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const source = new Set(lines(await readFile("clients/typescript/test/readme.test.ts", "utf8")));
  const wanted = lines(block).filter((line) => !line.startsWith("import "));
  assert.ok(wanted.length > 10);
  assert.deepEqual(
    wanted.filter((line) => !source.has(line)),
    [],
  );
});
