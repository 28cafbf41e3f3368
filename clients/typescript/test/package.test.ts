// The package as its users get it: by import and by require, from what the build left in dist.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

test("import and require give the same names", async () => {
  const known = { asktell: "Client", "asktell/v1": "TrialSchema" };
  for (const [name, one] of Object.entries(known)) {
    const imported = (await import(name)) as Record<string, unknown>; // by its own exports map
    const required = createRequire(import.meta.url)(name) as Record<string, unknown>;
    assert.ok(one in imported);
    assert.deepEqual(
      Object.keys(required)
        .filter((key) => key !== "__esModule")
        .sort(),
      Object.keys(imported).sort(),
    );
  }
});
