import type { Command } from "../../src/plugin.js";
export const COMMANDS: Readonly<Record<string, Command>> = {};
