// The package is of type module; its CommonJS half says that it is none.
import { existsSync, writeFileSync } from "node:fs";

const file = new URL("../dist/cjs/package.json", import.meta.url);
if (!existsSync(file)) {
  writeFileSync(file, '{"type": "commonjs"}\n'); // once: programs that are running may be reading it
}
