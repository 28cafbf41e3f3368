import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from "yaml";

/** A mistake in a study file. The message begins with file:line:column. */
export class StudyFileError extends Error {
  override readonly name = "StudyFileError";
  readonly file: string;
  /** From 1; undefined = not known. */
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(file: string, message: string, place?: { readonly line: number; readonly col: number }) {
    super(`${[file, place?.line, place?.col].filter((part) => part !== undefined).join(":")}: ${message}`);
    this.file = file;
    this.line = place?.line;
    this.column = place?.col;
  }
}

const WHOLE = /^[-+]?[0-9][0-9_]*$/;
const REAL = /^([-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*\.([eE][-+]?[0-9]+)?)$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[-+]\d\d:\d\d)$/;

interface Source {
  readonly file: string;
  readonly lines: LineCounter;
  readonly document: Document;
}

/** A place in a study file, read as what it should be; what it is not is refused with a {@link StudyFileError}. */
export class YamlNode {
  readonly #source: Source;
  readonly #node: Node | null;
  readonly #path: string;

  private constructor(source: Source, node: unknown, path: string) {
    const found = (node ?? null) as Node | null;
    this.#source = source;
    this.#node = isAlias(found) ? (found.resolve(source.document) ?? null) : found;
    this.#path = path;
  }

  /** The root of a text. */
  static parse(file: string, text: string): YamlNode {
    const lines = new LineCounter();
    // Scalars stay text: what they are is decided by what they should be, the same in every client.
    const document = parseDocument(text, { lineCounter: lines, schema: "failsafe", prettyErrors: false });
    const [mistake] = document.errors;
    if (mistake) {
      throw new StudyFileError(file, mistake.message, lines.linePos(mistake.pos[0]));
    }
    if (document.contents === null) {
      throw new StudyFileError(file, "is empty");
    }
    return new YamlNode({ file, lines, document }, document.contents, "");
  }

  refuse(message: string): never {
    const offset = this.#node?.range?.[0];
    const place = offset === undefined ? undefined : this.#source.lines.linePos(offset);
    throw new StudyFileError(this.#source.file, this.#path === "" ? message : `${this.#path}: ${message}`, place);
  }

  get isMapping(): boolean {
    return isMap(this.#node);
  }

  /** Its values by key; keys that are not known or are missing are refused. */
  mapping(known?: readonly string[], required: readonly string[] = []): Map<string, YamlNode> {
    if (!isMap(this.#node)) {
      return this.refuse(`must be a mapping (key: value), got ${this.#shown}`);
    }
    const values = new Map<string, YamlNode>();
    for (const { key, value } of this.#node.items) {
      const keyNode = new YamlNode(this.#source, key, this.#path);
      const name = keyNode.text();
      if (known && !known.includes(name)) {
        keyNode.refuse(`unknown key "${name}"; known are ${known.join(", ")}`);
      }
      values.set(name, new YamlNode(this.#source, value, this.#path === "" ? name : `${this.#path}.${name}`));
    }
    for (const key of required) {
      if (!values.has(key)) {
        this.refuse(`${key} is missing`);
      }
    }
    return values;
  }

  items(): YamlNode[] {
    if (!isSeq(this.#node)) {
      return this.refuse(`must be a list, got ${this.#shown}`);
    }
    return this.#node.items.map((item, index) => new YamlNode(this.#source, item, `${this.#path}[${index}]`));
  }

  /** A plain word is text even where YAML takes it for a bool, as in [on, off]. */
  text(): string {
    const value = this.#scalar("a string");
    if (this.#isPlain && (WHOLE.test(value) || REAL.test(value))) {
      this.refuse(`must be a string, got the number ${value}; write "${value}" if you mean the text`);
    }
    return value;
  }

  texts(): Record<string, string> {
    return Object.fromEntries([...this.mapping()].map(([key, value]) => [key, value.text()]));
  }

  get isInteger(): boolean {
    return this.#isPlain && WHOLE.test(this.#value ?? "");
  }

  integer(): number {
    const value = this.#scalar("a whole number");
    if (!this.isInteger) {
      this.refuse(`must be a whole number, got ${this.#shown}`);
    }
    const number = Number(value.replaceAll("_", ""));
    if (Math.abs(number) > 2 ** 53 || BigInt(number) !== BigInt(value.replace(/^\+/, "").replaceAll("_", ""))) {
      this.refuse(`must lie within ±2^53, got ${value}`);
    }
    return number;
  }

  number(): number {
    const value = this.#scalar("a number");
    if (!this.#isPlain || !(WHOLE.test(value) || REAL.test(value))) {
      this.refuse(`must be a number, got ${this.#shown}`);
    }
    return Number(value.replaceAll("_", ""));
  }

  boolean(): boolean {
    const value = this.#scalar("true or false").toLowerCase();
    if (["true", "yes", "on"].includes(value)) {
      return true;
    }
    return ["false", "no", "off"].includes(value) ? false : this.refuse(`must be true or false, got ${this.#shown}`);
  }

  choice<T extends string>(allowed: readonly T[]): T {
    const value = this.#scalar(`one of ${allowed.join(", ")}`);
    const found = allowed.find((each) => each === value);
    return found ?? this.refuse(`must be one of ${allowed.join(", ")}, got "${value}"`);
  }

  time(): Date {
    const value = this.#scalar("a time");
    const time = new Date(TIME.test(value) ? value.replace(" ", "T") : NaN);
    if (Number.isNaN(time.getTime())) {
      this.refuse(`must be a time with its zone, as in 2026-12-01T12:00:00Z, got "${value}"`);
    }
    return time;
  }

  /** The text of a scalar; the failsafe schema has no other scalars than strings. */
  get #value(): string | undefined {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    return typeof value === "string" ? value : undefined;
  }

  get #isPlain(): boolean {
    return isScalar(this.#node) && this.#node.type === "PLAIN";
  }

  #scalar(wanted: string): string {
    const value = this.#value;
    const empty = value === undefined || (this.#isPlain && ["", "~", "null"].includes(value));
    return empty ? this.refuse(`must be ${wanted}, got ${this.#shown}`) : value;
  }

  get #shown(): string {
    if (isMap(this.#node)) {
      return "a mapping";
    }
    if (isSeq(this.#node)) {
      return "a list";
    }
    const value = this.#value ?? "";
    return value === "" ? "nothing" : JSON.stringify(value);
  }
}
