/**
 * The suite that every protocol passes, written once: for each manifest of the registry, against a place to run
 * it in (test/contract/places.ts). What a protocol does beyond the contract is tested in its own folder.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../fixtures/servers/sandbox.js";
import { type Manifest, VERB_METHODS } from "../src/plugin.js";
import { MANIFESTS } from "../src/registry.js";
import { describeAborts } from "./contract/aborts.js";
import { describeArguments } from "./contract/arguments.js";
import { describeDeclarations, describeOffers } from "./contract/declarations.js";
import { describeFaults } from "./contract/faults.js";
import { makeLocalPlaces, removeLocalPlaces } from "./contract/local-places.js";
import type { Asking, Room } from "./contract/place.js";
import { PLACES } from "./contract/places.js";
import {
  describeListing,
  describeMissing,
  describeReading,
  describeReadingMany,
} from "./contract/reading.js";
import { describeSending } from "./contract/sending.js";
import { startStreamServer, stopStreamServer } from "./contract/stream-places.js";
import { describeTurns } from "./contract/turns.js";
import { describeUnbuilt } from "./contract/unbuilt.js";
import { describeWriting } from "./contract/writing.js";

const ALL: readonly Manifest[] = MANIFESTS;

describeDeclarations();

for (const manifest of ALL.filter(({ load }) => load === undefined)) {
  describe(`${manifest.title}, not yet built`, () => describeUnbuilt(manifest));
}

describe("protocols with code", () => {
  let running: Sandbox | undefined;
  const built = ALL.filter(({ load }) => load !== undefined);

  beforeAll(async () => {
    makeLocalPlaces();
    running = await startSandbox();
    await startStreamServer();
  });

  afterAll(async () => {
    await running?.close();
    await stopStreamServer();
    removeLocalPlaces();
  });

  it("each have a place to be tried in", () => {
    const places = PLACES.map(({ protocol }) => protocol);
    expect(built.map(({ name }) => name).filter((name) => !places.includes(name))).toEqual([]);
  });

  for (const place of PLACES) {
    const manifest = built.find(({ name }) => name === place.protocol);
    if (manifest === undefined) continue;
    const methods = manifest.verbs.map((verb) => VERB_METHODS[verb]);
    describeContract({
      manifest,
      place,
      methods,
      asking: methods.filter((method): method is Asking => !["watch", "check", "interact"].includes(method)),
      sandbox() {
        if (running === undefined) throw new Error("the sandbox is not up");
        return running;
      },
    });
  }
});

function describeContract(room: Room): void {
  const { methods, manifest, place } = room;
  const title = place.url === undefined ? manifest.title : `${manifest.title}, ${place.scheme}`;
  describe(title, () => {
    describeOffers(room);
    if (methods.includes("list")) describe("a listing", () => describeListing(room));
    if (methods.includes("read")) describe("a document", () => describeReading(room));
    if (place.readsMany === true) describe("many documents", () => describeReadingMany(room));
    // What a mailbox is given has no name of its own: each is tried in its own tests.
    if (methods.includes("write") && place.keepsMessages !== true && place.keepsNothing !== true)
      describe("what is written", () => describeWriting(room));
    if (methods.includes("send")) describe("what is sent", () => describeSending(room));
    if (room.place.missing !== undefined) describe("what is missing", () => describeMissing(room));
    describe("a session", () => describeTurns(room));
    describe("an argument", () => describeArguments(room));
    const { overture } = place;
    if (overture !== undefined) describe("a client", () => describeFaults(room, overture));
    describe("the caller's signal", () => describeAborts(room));
  });
}
