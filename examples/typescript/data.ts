import { readFile } from "node:fs/promises";

export const PIXELS = 64;
export const CLASSES = 10;
const BRIGHTEST = 16;

export interface Row {
  /** 0 to 1. */
  readonly pixels: Float64Array;
  readonly label: number;
}

/** Split by row, as examples/data/README.md says. The last 20 % are a test set that tuning never looks at. */
export interface Digits {
  readonly train: readonly Row[];
  readonly validation: readonly Row[];
}

export async function readDigits(path: string): Promise<Digits> {
  const [, ...lines] = (await readFile(path, "utf8")).trimEnd().split(/\r?\n/);
  const rows = lines.map((line, index) => parseRow(line, `${path}:${index + 2}`));
  const [trained, validated] = [Math.floor(rows.length * 0.6), Math.floor(rows.length * 0.8)];
  return { train: rows.slice(0, trained), validation: rows.slice(trained, validated) };
}

function parseRow(line: string, where: string): Row {
  const numbers = line.split(",").map(Number);
  const label = numbers[PIXELS] ?? -1;
  if (numbers.length !== PIXELS + 1 || numbers.some(Number.isNaN) || label < 0 || label >= CLASSES) {
    throw new Error(`${where}: not ${PIXELS} pixels and a digit`);
  }
  return { pixels: Float64Array.from(numbers.slice(0, PIXELS), (value) => value / BRIGHTEST), label };
}
