/**
 * Pictures of the browser and the shell for the README: real screens, captured from tmux with their colours, drawn as
 * SVG. `npx tsx scripts/screens.ts` after a build; needs tmux. Writes docs/pictures/*.svg.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox } from "../fixtures/servers/sandbox.js";
import { displayWidth } from "../src/text/width.js";

const COLUMNS = 80;
const ROWS = 20;
const CELL = { width: 8.4, height: 17 };
const MARGIN = 10;

/** The colours of a usual terminal, by SGR's numbers. */
const PALETTE = ["#1e1e2e", "#e06c75", "#7fbf7f", "#d7a657", "#5f9fef", "#c586c0", "#56b6c2", "#d0d0d0"];
const BRIGHT = ["#808080", "#ff7b85", "#98e098", "#f0c674", "#79b8ff", "#d7a0d7", "#70d0e0", "#ffffff"];
const FOREGROUND = "#d8d8d8";
const BACKGROUND = "#16161e";

interface Style {
  color: string;
  background: string;
  bold: boolean;
  underlined: boolean;
  reversed: boolean;
}

const plain = (): Style => ({
  color: FOREGROUND,
  background: BACKGROUND,
  bold: false,
  underlined: false,
  reversed: false,
});

function styledBy(style: Style, codes: string): Style {
  let next = { ...style };
  for (const code of codes === "" ? [0] : codes.split(";").map(Number)) {
    if (code === 0) next = plain();
    else if (code === 1) next.bold = true;
    else if (code === 4) next.underlined = true;
    else if (code === 7) next.reversed = true;
    else if (code >= 30 && code <= 37) next.color = PALETTE[code - 30] ?? FOREGROUND;
    else if (code >= 90 && code <= 97) next.color = BRIGHT[code - 90] ?? FOREGROUND;
    else if (code >= 40 && code <= 47) next.background = PALETTE[code - 40] ?? BACKGROUND;
    else if (code >= 100 && code <= 107) next.background = BRIGHT[code - 100] ?? BACKGROUND;
    else if (code === 39) next.color = FOREGROUND;
    else if (code === 49) next.background = BACKGROUND;
  }
  return next;
}

function escaped(text: string): string {
  // Blanks that viewers would draw as one.
  return text.replace(/[&<>]/g, (mark) => `&#${mark.charCodeAt(0)};`).replaceAll(" ", "\u00a0");
}

/** A screen with its sequences as SVG. */
export function svgOf(screen: string, title: string): string {
  const out: string[] = [];
  let style = plain();
  for (const [row, line] of screen.split("\n").slice(0, ROWS).entries()) {
    let column = 0;
    for (const [, codes, text] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
      if (text === undefined) {
        style = styledBy(style, codes ?? "");
        continue;
      }
      const [color, background] = style.reversed
        ? [style.background, style.color]
        : [style.color, style.background];
      const width = displayWidth(text);
      const x = (MARGIN + column * CELL.width).toFixed(1);
      const y = MARGIN + row * CELL.height;
      if (background !== BACKGROUND) {
        out.push(
          `<rect x="${x}" y="${y}" width="${(width * CELL.width).toFixed(1)}" height="${CELL.height}" fill="${background}"/>`,
        );
      }
      if (text.trim() !== "") {
        const weight = style.bold ? ' font-weight="bold"' : "";
        const line = style.underlined ? ' text-decoration="underline"' : "";
        out.push(
          `<text x="${x}" y="${y + 13}" fill="${color}" textLength="${(width * CELL.width).toFixed(1)}" lengthAdjust="spacingAndGlyphs"${weight}${line}>${escaped(text)}</text>`,
        );
      }
      column += width;
    }
  }
  const width = 2 * MARGIN + COLUMNS * CELL.width;
  const height = 2 * MARGIN + ROWS * CELL.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" xml:space="preserve">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>`,
    ...out,
    "</svg>",
    "",
  ].join("\n");
}

const folder = mkdtempSync(join(tmpdir(), "porthole-screens-"));
let pictures = 0;
const tmux = (...words: string[]) =>
  execFileSync("tmux", ["-S", join(folder, `socket-${pictures}`), ...words], { encoding: "utf8" });
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a command on a screen, types keys, waits for what the last of them shows, and keeps the picture. */
async function picture(
  name: string,
  title: string,
  command: string,
  keys: string[],
  wanted: RegExp,
): Promise<void> {
  pictures += 1;
  const environment = {
    HOME: folder,
    TERM: "xterm-256color",
    XDG_CONFIG_HOME: folder,
    XDG_STATE_HOME: folder,
  };
  const variables = Object.entries(environment).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
  const size = ["-x", String(COLUMNS), "-y", String(ROWS)];
  tmux("-f", "/dev/null", "new-session", "-d", ...size, ...variables, `${command}; sleep 60`);
  try {
    for (const key of keys) {
      await wait(700);
      tmux("send-keys", key);
    }
    for (let attempt = 0; !wanted.test(tmux("capture-pane", "-p")); attempt++) {
      if (attempt > 100)
        throw new Error(`${name}: ${wanted} is not on the screen:\n${tmux("capture-pane", "-p")}`);
      await wait(100);
    }
    await wait(200);
    writeFileSync(`docs/pictures/${name}.svg`, svgOf(tmux("capture-pane", "-p", "-e", "-N"), title));
  } finally {
    tmux("kill-server");
  }
}

const PORTS = { gopher: 7070, nntp: 1119, http: 8080, ftp: 2121, pop3: 1110 };
const program = `${process.execPath} dist/program/porthole.js`;
mkdirSync("docs/pictures", { recursive: true });
const sandbox = await startSandbox({ only: Object.keys(PORTS), ports: PORTS });
try {
  const browse = (scheme: keyof typeof PORTS) => `${program} browse ${sandbox.url(scheme)}`;
  await picture("menu", "A Gopher menu in porthole browse", browse("gopher"), ["Down"], /files next door/);
  await picture("threads", "A news group as threads", browse("nntp"), ["1", "Down", "Down"], /Two flashes/);
  await picture("web", "A web page as text", browse("http"), ["Tab"], /HARBOUR OFFICE/);
  await picture("picture", "A picture in half blocks", browse("gopher"), ["3", "1", "I"], /▀▀▀/);
  await picture(
    "crossing",
    "A link to another protocol is named before it opens",
    browse("gopher"),
    ["8"],
    /\[y\/n\]/,
  );
  await picture(
    "shell",
    "porthole shell at an FTP server",
    `${program} shell ${sandbox.url("ftp")}`,
    ["cd pub", "Enter", "ls -l", "Enter", "find *.txt", "Enter"],
    /wreck\.txt/,
  );
} finally {
  await sandbox.close();
  rmSync(folder, { recursive: true, force: true });
}
