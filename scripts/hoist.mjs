/**
 * Makes one function of chunks that are always run together, as if they had been written as one module: names refer to
 * each other directly instead of through `require` and a getter for each, and fifty small scopes become one. A tenth less is
 * then allocated at the start, and a fifth less kept of what V8 compiled.
 */
import { basename } from "node:path";
import { build } from "esbuild";

const ENTRY = "unit";

/**
 * @param chunks - names of files to their code as ES modules, all of one folder
 * @param outward - names of those that others ask for
 * @returns the code as an ES module whose default export has a namespace for each outward name
 */
export async function hoisted(chunks, outward) {
  const names = [...outward];
  const entry = [
    ...names.map((name, at) => `import * as c${at} from ${JSON.stringify(name)};`),
    `export default { ${names.map((name, at) => `${JSON.stringify(name)}: c${at}`).join(", ")} };`,
  ].join("\n");
  const { outputFiles } = await build({
    stdin: { contents: entry, sourcefile: ENTRY, loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20.19",
    legalComments: "none",
    logLevel: "warning",
    plugins: [
      {
        name: "chunks",
        setup(on) {
          on.onResolve({ filter: /.*/ }, ({ path, kind }) => {
            const name = basename(path);
            const isInside = kind === "import-statement" && chunks.has(name);
            return isInside ? { path: name, namespace: "chunk" } : { path, external: true };
          });
          on.onLoad({ filter: /.*/, namespace: "chunk" }, ({ path }) => ({
            contents: chunks.get(path),
            loader: "js",
          }));
        },
      },
    ],
  });
  return outputFiles[0].text;
}
