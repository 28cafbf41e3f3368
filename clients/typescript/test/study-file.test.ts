import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import { Client, InvalidStudyFileError } from "../src/index.js";
import { Failure, STUDY, TestServer, type Handlers } from "./server.js";

const PLACE = { field: "study_file", line: "4", column: "17" };

async function start(createStudy: Handlers[string]) {
  const folder = await mkdtemp(join(tmpdir(), "asktell-"));
  const file = join(folder, "study.yaml");
  await writeFile(file, "name: s\n");
  const server = await TestServer.start({ createStudy });
  const warnings: string[] = [];
  const client = new Client({ address: server.address, onWarning: (text) => warnings.push(text) });
  const stop = async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  };
  return { client, file, stop, warnings, sent: () => server.seen("createStudy").map(({ request }) => request) };
}

test("a study file goes to the server as it is", async () => {
  const { client, file, stop, warnings, sent } = await start(() => ({
    name: STUDY,
    warnings: [{ field: "search_space.parameters[0]", message: "is wide", place: "4:6: parameters.x" }],
  }));
  await client.createStudyFromFile(file, { existOk: true, studyId: "other" });
  await client.createStudyFromText("name: t\n");
  const checked = await client.checkStudyFile(file);
  await client.checkStudy({ studyId: "s", study: { seed: 3n } });
  assert.deepEqual(
    sent().map(({ studyFile, studyId, existOk, validateOnly }) => [studyFile, studyId, existOk, validateOnly]),
    [
      ["name: s\n", "other", true, false],
      ["name: t\n", "", false, false],
      ["name: s\n", "", false, true],
      ["", "s", false, true],
    ],
  );
  assert.equal(checked.warnings[0]?.message, "is wide");
  assert.deepEqual(warnings, [
    `asktell: ${file}:4:6: parameters.x: is wide`,
    `asktell: ${STUDY}: 4:6: parameters.x: is wide`,
  ]);
  await stop();
});

test("what the server finds in a file is said with the file's name", async () => {
  const { client, file, stop } = await start(() => {
    throw new Failure(status.INVALID_ARGUMENT, "INVALID_STUDY_FILE", { metadata: PLACE });
  });
  for (const call of [() => client.createStudyFromFile(file), () => client.checkStudyFile(file)]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof InvalidStudyFileError);
      assert.equal(error.message, `${file}:INVALID_STUDY_FILE it is`);
      assert.deepEqual([error.field, error.metadata["line"], error.code], ["study_file", "4", status.INVALID_ARGUMENT]);
      return true;
    });
  }
  await assert.rejects(client.createStudyFromText("x"), { message: "INVALID_STUDY_FILE it is" });
  await stop();
});

test("errors that are about no line of the file stay as they are, and so do those of the file system", async () => {
  const { client, file, stop, sent } = await start(() => {
    throw new Failure(status.ALREADY_EXISTS, "STUDY_EXISTS");
  });
  await assert.rejects(client.createStudyFromFile(file), { message: "STUDY_EXISTS it is" });
  await assert.rejects(client.createStudyFromFile(`${file}.not`), { code: "ENOENT" });
  assert.equal(sent().length, 1);
  await stop();
});
