/** What follows a verb: URLs, checked all of them before the first is opened, done one after the other. */
import { PortholeError } from "../errors.js";
import type { Target, Verb } from "../plugin.js";
import type { Desk } from "./command.js";
import { OutputClosed } from "./terminal.js";

/** @throws PortholeError `usage` when there is none */
export function someUrls(desk: Desk): readonly string[] {
  if (desk.words.length === 0) {
    throw new PortholeError("usage", `${desk.word.name} wants a URL`, {
      hint: `porthole ${desk.word.name} ${desk.word.usage}`,
    });
  }
  return desk.words;
}

/** @throws PortholeError `usage` unless there is exactly one */
export function oneUrl(desk: Desk): string {
  const [url, ...more] = someUrls(desk);
  if (url === undefined || more.length > 0) {
    throw new PortholeError("usage", `${desk.word.name} wants one URL`, {
      hint: `porthole ${desk.word.name} ${desk.word.usage}`,
    });
  }
  return url;
}

/**
 * Works through the URLs. With one, its failure is the command's; with several, each failure is reported as it
 * happens and the rest is done all the same (exit 13, or the failure's own status when all failed alike).
 */
export async function oneByOne(
  desk: Desk,
  urls: readonly string[],
  needs: readonly Verb[],
  act: (target: Target) => Promise<void>,
): Promise<number | undefined> {
  const targets = urls.map((url) => {
    const target = desk.client.target(url);
    desk.client.require(target, desk.word.name, needs);
    return target;
  });
  const failures: number[] = [];
  for (const target of targets) {
    try {
      await act(target);
    } catch (thrown) {
      if (thrown instanceof PortholeError) thrown.url ??= target.href(target.path);
      if (targets.length === 1 || desk.signal.aborted || thrown instanceof OutputClosed) throw thrown;
      const { reportError } = await import("./errors.js");
      failures.push(
        reportError(thrown, desk.terminal, {
          json: desk.options["json"] === true,
          verbosity: Number(desk.options["verbose"] ?? 0),
        }),
      );
    }
  }
  if (failures.length === 0) return undefined;
  const [first] = failures;
  return failures.length === targets.length && failures.every((status) => status === first) ? first : 13;
}
