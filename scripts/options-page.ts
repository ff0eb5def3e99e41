/** Writes docs/options.md from the tables that the command line itself reads: `npm run docs`. */
import { writeFileSync } from "node:fs";
import { optionsPage } from "../src/cli/options-page.js";

writeFileSync("docs/options.md", optionsPage());
