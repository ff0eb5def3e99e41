import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Suites keep no global state, so they may share threads; a process per file would cost seconds each.
    pool: "threads",
    isolate: false,
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    globalSetup: ["test/build-first.ts"],
    reporters: ["default", "./test/closing-line-reporter.ts"],
  },
});
