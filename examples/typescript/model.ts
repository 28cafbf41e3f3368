import { CLASSES, PIXELS, type Row } from "./data.js";

/** As a type and not an interface: it is a configuration of the study, whose values have names of their own. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type Hyperparameters = {
  readonly lr: number;
  readonly l2: number;
  readonly batch_size: number;
  readonly epochs: number;
  readonly momentum: number;
};

const WIDTH = PIXELS + 1; // the last one is the bias

/** A softmax regression, trained by stochastic gradient descent with momentum. */
export class Model {
  readonly #settings: Hyperparameters;
  // Zero, where the loss is log(10); it is convex, so any beginning will do.
  readonly #weights = new Float64Array(CLASSES * WIDTH);
  readonly #velocity = new Float64Array(CLASSES * WIDTH);
  readonly #gradient = new Float64Array(CLASSES * WIDTH);
  readonly #scores = new Float64Array(CLASSES);
  // The order of rows has a fixed seed: what differs between two trials is their configuration.
  #seed = 1;

  constructor(settings: Hyperparameters) {
    this.#settings = settings;
  }

  /** Goes once through the rows, in a new order. */
  train(rows: readonly Row[]): void {
    const order = this.#shuffled(rows);
    for (let start = 0; start < order.length; start += this.#settings.batch_size) {
      this.#step(order.slice(start, start + this.#settings.batch_size));
    }
  }

  #step(batch: readonly Row[]): void {
    const { lr, l2, momentum } = this.#settings;
    const [weights, velocity, gradient] = [this.#weights, this.#velocity, this.#gradient];
    gradient.fill(0);
    for (const row of batch) {
      const probabilities = this.#predict(row).probabilities;
      for (let label = 0; label < CLASSES; label++) {
        const difference = (probabilities[label] ?? 0) - (label === row.label ? 1 : 0);
        const offset = label * WIDTH;
        row.pixels.forEach((value, pixel) => {
          gradient[offset + pixel]! += difference * value;
        });
        gradient[offset + PIXELS]! += difference;
      }
    }
    for (let i = 0; i < weights.length; i++) {
      const decay = i % WIDTH === PIXELS ? 0 : l2 * weights[i]!; // the bias is not decayed
      velocity[i] = momentum * velocity[i]! - lr * (gradient[i]! / batch.length + decay);
      weights[i]! += velocity[i]!;
    }
  }

  /** The probability of each class, and the log-probability of the right one. The array is used again. */
  #predict({ pixels, label }: Row): { probabilities: Float64Array; logLikelihood: number } {
    const [weights, scores] = [this.#weights, this.#scores];
    for (let each = 0; each < CLASSES; each++) {
      const offset = each * WIDTH;
      scores[each] = pixels.reduce(
        (sum, value, pixel) => sum + value * weights[offset + pixel]!,
        weights[offset + PIXELS]!,
      );
    }
    const highest = Math.max(...scores);
    const own = scores[label]!;
    let sum = 0;
    for (let each = 0; each < CLASSES; each++) {
      sum += scores[each] = Math.exp(scores[each]! - highest); // at most 1, however large the scores
    }
    for (let each = 0; each < CLASSES; each++) {
      scores[each]! /= sum;
    }
    return { probabilities: scores, logLikelihood: own - highest - Math.log(sum) };
  }

  /** The mean cross-entropy, and the share of rows that are classified right. */
  evaluate(rows: readonly Row[]): { loss: number; accuracy: number } {
    let [loss, right] = [0, 0];
    for (const row of rows) {
      const { probabilities, logLikelihood } = this.#predict(row);
      loss -= logLikelihood;
      right += probabilities.indexOf(Math.max(...probabilities)) === row.label ? 1 : 0;
    }
    return { loss: loss / rows.length, accuracy: right / rows.length };
  }

  #shuffled(rows: readonly Row[]): Row[] {
    const order = [...rows];
    for (let last = order.length - 1; last > 0; last--) {
      const other = Math.floor(this.#random() * (last + 1));
      [order[last], order[other]] = [order[other]!, order[last]!];
    }
    return order;
  }

  /** mulberry32: the standard library's generator takes no seed. */
  #random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
