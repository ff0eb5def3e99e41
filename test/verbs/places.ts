/** Servers over file trees that a test fills and looks into, and a Client that may write to them. */
import { makeTlsMaterial } from "../../fixtures/servers/certificate.js";
import { heldContent, textContent } from "../../fixtures/servers/content.js";
import { FileTree, octetsOf, type TreeNode } from "../../fixtures/servers/files.js";
import { type FtpOptions, startFtp } from "../../fixtures/servers/ftp.js";
import { startHttp } from "../../fixtures/servers/http.js";
import type { SandboxServer } from "../../fixtures/servers/server.js";
import { Client, type ClientSettings } from "../../src/client.js";

export const DATE = new Date("2024-03-01T08:30:15Z");

export interface Place extends AsyncDisposable {
  readonly tree: FileTree;
  /** Of its top, with user and password, and a slash at its end. */
  readonly url: string;
}

/** `charts/bay.txt` and what it holds. */
export type Files = Readonly<Record<string, string | Buffer>>;

export function treeOf(files: Files, modified = DATE): FileTree {
  const tree = new FileTree();
  for (const [path, content] of Object.entries(files)) {
    const names = octetsOf(path).split("/");
    for (let at = 1; at < names.length; at++) {
      const folder = `/${names.slice(0, at).join("/")}`;
      if (tree.find(folder) === undefined) tree.makeFolder(folder);
    }
    const held = typeof content === "string" ? textContent(content) : heldContent(content);
    tree.write(`/${octetsOf(path)}`, held, { modified });
  }
  return tree;
}

/** What a tree holds, as `treeOf` takes it; folders without files with a slash at their end. */
export function filesOf(tree: FileTree, from = "/"): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (node: TreeNode, path: string) => {
    if (node.kind === "file") {
      found[path] = node.content.slice(0, node.content.size).toString("latin1");
      return;
    }
    if (node.children.size === 0 && path !== "") found[`${path}/`] = "";
    for (const [name, child] of node.children) visit(child, path === "" ? name : `${path}/${name}`);
  };
  visit(tree.get(from), "");
  return found;
}

const TLS = makeTlsMaterial();

export async function ftpOf(tree: FileTree, options: Partial<FtpOptions> = {}): Promise<Place> {
  const server = await startFtp({ files: tree, tls: await TLS, onArrival: () => undefined, ...options });
  return placeOf(server, "ftp", tree, "");
}

/** The tree stands under /files/. */
export async function httpOf(tree: FileTree): Promise<Place> {
  const server = await startHttp({ files: tree, tls: await TLS, onArrival: () => undefined });
  return placeOf(server, "http", tree, "files/");
}

function placeOf(server: SandboxServer, scheme: string, tree: FileTree, path: string): Place {
  const row = server.urls.find(({ name }) => name === scheme);
  if (row === undefined) throw new Error(`nothing listens for ${scheme}`);
  const user = row.user === undefined ? "" : `${row.user}:${row.password ?? ""}@`;
  const url = `${row.url.replace("://", `://${user}`)}${path}`;
  return { tree, url, [Symbol.asyncDispose]: () => server.close() };
}

export function clientOf(settings: ClientSettings = {}): Client {
  return new Client(settings);
}

export async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const told: T[] = [];
  for await (const event of events) told.push(event);
  return told;
}
