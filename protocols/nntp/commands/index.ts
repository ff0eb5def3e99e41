/** What only NNTP can do, by name; the manifest has their usage. */
import type { Command } from "../../../src/plugin.js";
import * as articles from "./articles.js";
import { nzb } from "./binaries.js";
import * as posting from "./posting.js";
import * as server from "./server.js";

export const COMMANDS: Readonly<Record<string, Command>> = { ...articles, ...posting, ...server, nzb };
