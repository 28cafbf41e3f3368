// Tunes a softmax regression on handwritten digits. Any number of these, and of its siblings in other languages, may
// work on one study at once.
//
//   node examples/typescript/build/main.js [STUDY] [--trials N]
import { hostname } from "node:os";
import { parseArgs } from "node:util";

import { Client, NoResultsError, StudyCompleteError, type Study } from "asktell";

import { readDigits, type Digits } from "./data.js";
import { Model, type Hyperparameters } from "./model.js";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    trials: { type: "string", default: "30" },
    "study-file": { type: "string", default: "examples/digits.yaml" },
    data: { type: "string", default: "examples/data/digits.csv" },
  },
});

const digits = await readDigits(flags.data);
// What is still open when the program is interrupted, or fails, is given back.
await using client = new Client({ workerId: `typescript:${hostname()}:${process.pid}` });
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    interrupted.abort(new Error(`${signal}: stopped`));
  });
}
const study = await client.createStudyFromFile<Hyperparameters>(flags["study-file"], {
  studyId: positionals[0] ?? "", // empty: the name in the file
  existOk: true,
});
try {
  for (let done = 0; done < Number(flags.trials); done++) {
    await oneTrial(study, digits, interrupted.signal);
  }
} catch (error) {
  if (!(error instanceof StudyCompleteError)) {
    throw error;
  }
  console.log(error.message);
}
await printBest(study);

/** Asks, trains and tells. */
async function oneTrial(on: Study<Hyperparameters>, { train, validation }: Digits, signal: AbortSignal): Promise<void> {
  await using trial = await on.ask({ signal });
  const [params, began] = [trial.params, performance.now()];
  const model = new Model(params);
  let result = { val_loss: NaN, val_accuracy: 0 };
  for (let epoch = 0; epoch < params.epochs; epoch++) {
    model.train(train);
    const { loss, accuracy } = model.evaluate(validation);
    if (!Number.isFinite(loss)) {
      await trial.fail(`diverged in epoch ${epoch}`);
      return;
    }
    result = { val_loss: loss, val_accuracy: accuracy };
    const { shouldStop, leaseValid } = await trial.report(epoch, result, { signal });
    if (!leaseValid) {
      return; // called off, or with another worker: there is nothing to tell
    }
    if (shouldStop) {
      await trial.stop(result);
      return;
    }
  }
  await trial.tell(result);
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  const { lr, l2, batch_size: batch, momentum } = params;
  console.log(
    `typescript  trial ${String(trial.number).padStart(3)}  val_loss ${result.val_loss.toFixed(4)}  ` +
      `val_accuracy ${result.val_accuracy.toFixed(4)}  ${seconds} s  lr ${lr.toExponential(2)}  ` +
      `l2 ${l2.toExponential(2)}  batch ${batch}  momentum ${momentum.toFixed(2)}`,
  );
}

async function printBest(on: Study<Hyperparameters>): Promise<void> {
  try {
    const best = await on.bestTrial();
    console.log(`best: trial ${best.number}  val_loss ${best.info.metrics["val_loss"]?.value.toFixed(4)}`);
  } catch (error) {
    if (!(error instanceof NoResultsError)) {
      throw error;
    }
    console.log(error.message);
  }
}
